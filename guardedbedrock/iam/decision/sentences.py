"""
The message of an access denied error: write it as AWS does, and parse it from any text that contains it.

    User: P is not authorized to perform: A[ on resource: R][ because no T allows the A action]
    User: P is not authorized to perform: A[ on resource: R][ with an explicit deny in a T[ transitively through a T][: ARN]]

Source: IAM User Guide, "Troubleshoot access denied error messages"; AWS Security Blog, "Enhanced access denied error messages
with policy ARNs".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REASONS: Final[dict[str, tuple[str | None, str]]] = {
    "identity": (
        "because no identity-based policy allows the {action} action",
        "with an explicit deny in an identity-based policy",
    ),
    "boundary": (
        "because no permissions boundary allows the {action} action",
        "with an explicit deny in a permissions boundary",
    ),
    "session": (
        "because no session policy allows the {action} action",
        "with an explicit deny in a session policy",
    ),
    "scp": (
        "because no service control policy allows the {action} action",
        "with an explicit deny in a service control policy",
    ),
    "rcp": (
        None,
        "with an explicit deny in a resource control policy",
    ),
    "endpoint": (
        "because no VPC endpoint policy allows the {action} action",
        "with an explicit deny in a VPC endpoint policy",
    ),
    "resource": (
        "because no resource-based policy allows the {action} action",
        "with an explicit deny in a resource-based policy",
    ),
}
"""Policy type to the clauses of an implicit and of an explicit deny. AWS has no implicit clause for an RCP."""

ROLE_TRUST: Final = (
    "because no role trust policy allows the {action} action",
    "with an explicit deny in the role trust policy",
)
"""The two clauses for the trust policy of a role, which is the resource-based policy of the role."""

_NAMES: Final = {
    "identity-based policy": "identity",
    "permissions boundary": "boundary",
    "session policy": "session",
    "sessions policy": "session",
    "service control policy": "scp",
    "resource control policy": "rcp",
    "VPC endpoint policy": "endpoint",
    "resource-based policy": "resource",
    "role trust policy": "resource",
}
"""The names that AWS uses, with its misspelling ``sessions policy``. A trust policy is the resource-based policy of a role."""

_ANY_NAME: Final = "|".join(_NAMES)
_SUBJECT: Final = r'User: ([^\s"]+) is not authorized to perform: ([^\s"]+)'
_RESOURCE: Final = r' on resource: (?:"([^"]+)"|([^\s"]+))'
_REASON: Final = (
    rf"because no (?P<missing>{_ANY_NAME}) allows the \S+ action"
    rf"|with an explicit deny in (?:an? |the )?(?P<denying>{_ANY_NAME})"
    rf'(?: transitively through an? (?P<through>{_ANY_NAME}))?(?:: (?P<arn>arn:[^\s"]+))?'
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """
    A parsed access denied message.

    Args:
        principal: Usually an ARN; AWS also sends names such as ``anonymous``.
        action: As AWS spells it, which may be ``SNS:Publish``.
        resource: None if the message names no resource.
        policy_type: A key of `REASONS`; None if the message has no reason.
        explicit: Whether a Deny matched; None if the message has no reason.
        policy_arn: ARN of the denying policy. AWS names it only for an explicit deny.
        through: Type of the policy that has the Deny, if AWS reports that it denies transitively. The ARN is that of this policy.
    """

    principal: str
    action: str
    resource: str | None = None
    policy_type: str | None = None
    explicit: bool | None = None
    policy_arn: str | None = None
    through: str | None = None


def write(  # noqa: PLR0913 - each is a field of `Sentence`, and all are keywords
    *,
    principal: str,
    action: str,
    resource: str | None = None,
    policy_type: str | None = None,
    explicit: bool | None = False,
    policy_arn: str | None = None,
) -> str:
    """
    Write the message that AWS would send.

    Args:
        principal: ARN of the caller.
        action: Such as ``bedrock:InvokeModel``.
        resource: ARN; None to omit the clause.
        policy_type: A key of `REASONS`; None to omit the reason.
        explicit: Whether a Deny matched.
        policy_arn: ARN of the denying policy; it is written for an explicit deny only, as AWS does.

    Raises:
        KeyError: The policy type is not in `REASONS`.
    """
    where = f" on resource: {resource}" if resource else ""
    return f"User: {principal} is not authorized to perform: {action}{where}{_reason(action, policy_type, explicit, policy_arn)}"


def _reason(action: str, policy_type: str | None, explicit: bool | None, policy_arn: str | None) -> str:  # noqa: FBT001 - private
    if policy_type is None:
        return ""
    is_trust = policy_type == "resource" and action.lower().startswith("sts:assumerole")
    implicit_clause, explicit_clause = ROLE_TRUST if is_trust else REASONS[policy_type]
    if explicit:
        return f" {explicit_clause}: {policy_arn}" if policy_arn else f" {explicit_clause}"
    return f" {implicit_clause.format(action=action)}" if implicit_clause else ""


def parse(text: str) -> Sentence | None:
    """
    Parse the first access denied message in a string; return None if it has no such message.

    It accepts the forms that AWS is known to send: text before and after the message, line breaks, a quoted resource, a final
    period, no resource, no reason, and a reason that names another action.

    Cost: linear in the length of the string; no pattern can match a part of it in two ways.
    """
    line = " ".join(text.split())
    subject = re.search(_SUBJECT, line)
    if subject is None:
        return None
    rest = line[subject.end() :]
    principal, action = subject[1], subject[2].rstrip(".")
    reason = re.search(_REASON, rest)
    if reason is None:
        return Sentence(principal, action, _resource_in(rest, ends_sentence=True))
    return Sentence(
        principal,
        action,
        _resource_in(rest[: reason.start()], ends_sentence=False),
        policy_type=_NAMES[reason["missing"] or reason["denying"]],
        explicit=reason["denying"] is not None,
        policy_arn=reason["arn"].rstrip(".") if reason["arn"] else None,
        through=_NAMES[reason["through"]] if reason["through"] else None,
    )


def _resource_in(text: str, *, ends_sentence: bool) -> str | None:
    match = re.match(_RESOURCE, text)
    if match is None:
        return None
    if match[1]:
        return match[1]
    return match[2].removesuffix(".") if ends_sentence else match[2]
