"""
Every known denial of AWS, by name.

A name is a policy type with the kind of deny, such as ``scp-explicit``, ``identity-implicit`` or ``boundary-explicit-arn``, or a
reason outside IAM, such as ``model-access``. `FakeBedrock.deny` makes the server respond with a denial; `Denial.policies` makes
the guard deny in the same way. A test that uses only one of the two makes guard and server disagree.

Source: IAM User Guide, "Troubleshoot access denied error messages"; AWS Security Blog, "Enhanced access denied error messages
with policy ARNs"; Amazon Bedrock User Guide, "Troubleshooting Amazon Bedrock API Error Codes"; messages in public reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.decision import sentences
from guardedbedrock.testing.denials.denial import PLACEHOLDERS, Denial

if TYPE_CHECKING:
    from guardedbedrock.iam.language.documents import PolicyType

_SUBJECT: Final = "User: {principal} is not authorized to perform: {action}"

_ARNS: Final[Mapping[PolicyType, str]] = {
    "scp": "arn:aws:organizations::210987654321:policy/o-example1234/service_control_policy/p-example1",
    "rcp": "arn:aws:organizations::210987654321:policy/o-example1234/resource_control_policy/p-example2",
    "identity": "arn:aws:iam::123456789012:policy/DenyBedrock",
    "boundary": "arn:aws:iam::123456789012:policy/Boundary",
    "session": "arn:aws:iam::123456789012:policy/Session",
}
"""Policy type to an example of the ARN that AWS adds to the message of an explicit deny. AWS adds none for other types."""

_NAMES: Final[Mapping[PolicyType, str]] = {
    "identity": "an identity-based policy",
    "boundary": "the permissions boundary",
    "session": "a session policy",
    "scp": "a service control policy",
    "rcp": "a resource control policy",
    "endpoint": "the VPC endpoint policy",
    "resource": "a resource-based policy",
}


def _regular() -> Iterator[Denial]:
    """Yield the denials with AWS's regular message: implicit, explicit, and explicit with a policy ARN."""
    for kind, called in _NAMES.items():
        implicit, _ = sentences.REASONS[kind]
        if implicit:
            yield _clause(f"{kind}-implicit", f"No Allow in {called} matches.", kind, explicit=False)
        yield _clause(f"{kind}-explicit", f"A Deny in {called} matches.", kind, explicit=True)
        if kind in _ARNS:
            why = f"A Deny in {called} matches, and the message contains the ARN of the policy, as since 2026."
            yield _clause(f"{kind}-explicit-arn", why, kind, explicit=True, arn=_ARNS[kind])


def _clause(name: str, why: str, kind: PolicyType, *, explicit: bool, arn: str | None = None) -> Denial:
    message = sentences.write(**PLACEHOLDERS, policy_type=kind, explicit=explicit, policy_arn=arn)
    return Denial(name, why, message, by_iam=True, policy_type=kind, explicit=explicit, policy_arn=arn)


_WHERE: Final = f"{_SUBJECT} on resource: {{resource}}"

_IRREGULAR: Final = (
    Denial(
        "session-explicit-sessions",
        'A Deny in a session policy matches. The spelling "sessions policy" is from AWS\'s documentation.',
        f"{_WHERE} with an explicit deny in a sessions policy",
        by_iam=True,
        policy_type="session",
        explicit=True,
    ),
    Denial(
        "session-implicit-no-resource",
        "No Allow in a session policy matches, and the message names no resource. Reported for Cognito identity pools.",
        f"{_SUBJECT} because no session policy allows the {{action}} action",
        by_iam=True,
        policy_type="session",
        explicit=False,
    ),
    Denial(
        "endpoint-explicit-through-scp",
        "A Deny in a VPC endpoint policy matches, transitively through a service control policy.",
        f"{_WHERE} with an explicit deny in a VPC endpoint policy transitively through a service control policy",
        by_iam=True,
        policy_type="endpoint",
        explicit=True,
    ),
    Denial(
        "no-reason",
        "A message without a reason, for example for a guardrail of another account.",
        _WHERE,
        by_iam=True,
    ),
)

_PENDING: Final = "Your AWS Marketplace subscription for this model cannot be completed at this time."
_AGAIN: Final = "If you recently fixed this issue, try again after 5 minutes."

_OUTSIDE_IAM: Final = (
    Denial(
        "model-access",
        "The account has no access to the model.",
        "You don't have access to the model with the specified model ID.",
    ),
    Denial(
        "account",
        "The account is not allowed to use the operation.",
        "Your account is not authorized to invoke this API operation.",
    ),
    Denial(
        "account-prompt",
        "The account is not allowed to use the operation with a prompt resource.",
        "Your account is not authorized to invoke this API operation with a prompt resource.",
    ),
    Denial(
        "marketplace",
        "The account has no subscription to the model, and the caller is not allowed to subscribe.",
        "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions"
        " (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe) to enable access to this model. Refer to the Amazon"
        f" Bedrock documentation for further details. {_PENDING} {_AGAIN}",
    ),
    Denial(
        "marketplace-iam",
        "As `marketplace`, with IAM's message about the Marketplace action.",
        "Model access is denied due to User: {principal} is not authorized to perform: aws-marketplace:ViewSubscriptions on"
        " resource: * because no identity-based policy allows the aws-marketplace:ViewSubscriptions action."
        f" {_PENDING} If you recently fixed this issue, try again after 15 minutes.",
    ),
    Denial(
        "marketplace-pending",
        "The subscription is being created.",
        "The marketplace agreement for the model is being created. Try again after 15 minutes.",
        "MPAgreementBeingCreated",
    ),
    Denial(
        "payment",
        "The paying account has no valid payment instrument.",
        "Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided.",
    ),
    Denial(
        "use-case-form",
        "The account has not submitted the use case form of the model's provider.",
        "Model use case details have not been submitted for this account.",
        "FTUFormNotFilled",
        404,
    ),
    Denial(
        "legacy-model",
        "The provider marked the model as legacy, and the account has not used it lately.",
        "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model in the last 30"
        " days. Please upgrade to an active model on Amazon Bedrock",
        "ResourceNotFoundException",
        404,
    ),
    Denial(
        "unverified-account",
        "AWS has not verified the account yet.",
        "Operation not allowed",
        "ValidationException",
        400,
    ),
)

_AUTHENTICATION: Final = (
    Denial(
        "api-key",
        "The Bedrock API key is invalid, so that the caller is unknown.",
        "Authentication failed: Please make sure your API Key is valid.",
        by_iam=True,
    ),
    Denial(
        "expired-token",
        "The temporary credentials have expired. This is not a denial, but often mistaken for one.",
        "The security token included in the request is expired",
        "ExpiredTokenException",
    ),
    Denial(
        "unknown-token",
        "The access key is unknown to AWS. This is not a denial, but often mistaken for one.",
        "The security token included in the request is invalid.",
        "UnrecognizedClientException",
    ),
)

DENIALS: Final[Mapping[str, Denial]] = {one.name: one for one in (*_regular(), *_IRREGULAR, *_OUTSIDE_IAM, *_AUTHENTICATION)}
"""Name to denial."""


def denial(name: str) -> Denial:
    """
    Return a denial by name. A policy type alone, such as ``scp``, is its explicit deny.

    Raises:
        ConfigurationError: The name is unknown. The message suggests similar names.
    """
    found = DENIALS.get(name) or DENIALS.get(f"{name}-explicit")
    if found is None:
        raise ConfigurationError(f"by: unknown denial {name!r}; {_suggestion(name)}")
    return found


def _suggestion(name: str) -> str:
    names = (*_NAMES, *DENIALS)
    matches = [one for one in names if one.startswith(name.lower())] if name else []
    matches = matches or get_close_matches(name.lower(), names, cutoff=0.5)
    if matches:
        return f"did you mean {' or '.join(f'`{one}`' for one in matches)}?"
    return f"use a policy type ({', '.join(_NAMES)}) or one of {', '.join(DENIALS)}"
