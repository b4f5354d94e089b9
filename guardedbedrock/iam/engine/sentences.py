"""
The sentence with which AWS denies, in both directions: written as AWS writes it, and read from whatever arrives.

    User: P is not authorized to perform: A[ on resource: R][ because no T allows the A action]
    User: P is not authorized to perform: A[ on resource: R][ with an explicit deny in a T[: ARN]]

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
"""Policy type to AWS's two clauses: nothing allows it, something denies it. AWS has no implicit clause for an RCP."""

ROLE_TRUST: Final = (
    "because no role trust policy allows the {action} action",
    "with an explicit deny in the role trust policy",
)
"""The two clauses for the resource-based policy of a role, which decides who may assume it."""

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
"""What AWS calls a policy type, its slip of the pen included; a role's trust policy is the resource-based policy of the role."""

_ANY_NAME: Final = "|".join(_NAMES)
_SUBJECT: Final = r'User: ([^\s"]+) is not authorized to perform: ([^\s"]+)'
_RESOURCE: Final = r' on resource: (?:"([^"]+)"|([^\s"]+))'
_REASON: Final = (
    rf"because no (?P<missing>{_ANY_NAME}) allows the \S+ action"
    rf"|with an explicit deny in (?:an? |the )?(?P<denying>{_ANY_NAME})"
    r'(?: transitively through a service control policy)?(?:: (?P<arn>arn:[^\s"]+))?'
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """
    What an access-denied sentence says.

    Args:
        principal: Usually an ARN; AWS also sends bare names such as ``anonymous``.
        action: As AWS spells it, which may be ``SNS:Publish``.
        resource: ``None`` where the sentence names none.
        policy_type: A key of `REASONS`, or ``None`` where the sentence names no reason.
        explicit: Whether a Deny matched; ``None`` where the sentence names no reason.
        policy_arn: Only ever named for an explicit deny.
    """

    principal: str
    action: str
    resource: str | None = None
    policy_type: str | None = None
    explicit: bool | None = None
    policy_arn: str | None = None


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
    Write the sentence that AWS would send.

    Args:
        principal: ARN of the caller.
        action: Such as ``bedrock:InvokeModel``.
        resource: ARN, or ``None`` to leave the clause away.
        policy_type: A key of `REASONS`, or ``None`` to name no reason.
        explicit: Whether a Deny matched.
        policy_arn: ARN of the denying policy; AWS names it for an explicit deny only, and so does this.

    Raises:
        KeyError: The policy type is none of `REASONS`.
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
    Read the first access-denied sentence in a text, or ``None`` if there is none.

    Takes what AWS is known to send: prefixes and suffixes around the sentence, line breaks, quotes around the resource, a final
    stop, no resource, no reason, a clause that names another action than the sentence.

    Cost: Linear in the length of the text; no pattern can match one stretch of it in two ways.
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
    )


def _resource_in(text: str, *, ends_sentence: bool) -> str | None:
    match = re.match(_RESOURCE, text)
    if match is None:
        return None
    if match[1]:
        return match[1]
    return match[2].removesuffix(".") if ends_sentence else match[2]
