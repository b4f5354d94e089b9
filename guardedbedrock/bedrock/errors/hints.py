"""
Hints for denials for which only AWS's message is known: what to allow, or which Deny applies, and in which policy.

A hint names the policy that decides, never a statement to paste. `denial_hints` has the hints for decisions of the preflight,
which knows the statements.
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.actions import INFERENCE

_ORGANIZATION: Final = "ask the organization's administrator"

_IMPLICIT: Final[dict[str | None, str]] = {
    "identity": "grant {what} in an identity-based policy of {who}",
    "boundary": "allow {what} in the permissions boundary of {who}; an identity-based policy must grant it as well",
    "session": "allow {what} in the session policy that was passed when the session of {who} was created",
    "scp": f"{_ORGANIZATION}: every level above this account needs a service control policy that allows {{what}}",
    "rcp": f"{_ORGANIZATION}: the resource control policies of the resource's account must allow {{what}}",
    "endpoint": "allow {what} for {who} in the policy of the VPC endpoint that the call goes through",
    "resource": "allow {what} for {who} in the resource-based policy of the resource",
    None: "AWS did not name the policy: grant {what} in an identity-based policy of {who},"
    " and also in the resource-based policy if the resource belongs to another account",
}

_EXPLICIT: Final[dict[str | None, str]] = {
    "identity": "an identity-based policy of {who}",
    "boundary": "the permissions boundary of {who}",
    "session": "the session policy that was passed when the session of {who} was created",
    "scp": f"a service control policy above this account ({_ORGANIZATION})",
    "rcp": f"a resource control policy of the resource's account ({_ORGANIZATION})",
    "endpoint": "the policy of the VPC endpoint that the call goes through",
    "resource": "the resource-based policy of the resource",
    None: "the policy that denies it",
}

_OVERRIDE: Final = (
    "no Allow can override an explicit deny: send a call to which the Deny for {what} does not apply; the Deny is in {where}"
)

_KEEP_CONDITION: Final = (
    "; if a statement allows it already, this call does not meet the condition of that statement: fix the call, and do not allow"
    " the action without `bedrock:GuardrailIdentifier`"
)


def hint_for(  # noqa: PLR0913 - the four parts of a denial and, by keyword, what to name
    action: str,
    resource: str | None,
    policy_type: str | None,
    explicit: bool | None,  # noqa: FBT001 - a part of the denial, not a switch
    *,
    principal: str | None = None,
    policy_arn: str | None = None,
    through: str | None = None,
) -> str:
    """
    Return the hint for a denial in one sentence.

    Args:
        action: The denied action, such as ``bedrock:ApplyGuardrail``.
        resource: ARN, or None if the denial names no resource.
        policy_type: The type of the policy that decided, or None if unknown.
        explicit: Whether a Deny matched.
        principal: ARN of the caller; the hint names its role or user.
        policy_arn: ARN of the denying policy, if AWS named it.
        through: The type of the policy that has the Deny, if it takes effect through a policy of another type.

    Raises:
        KeyError: The policy type is unknown.
    """
    what, who = _what(action, resource), _who(principal)
    if not explicit:
        return _IMPLICIT[policy_type].format(what=what, who=who) + (_KEEP_CONDITION if action in INFERENCE else "")
    where = _EXPLICIT[through or policy_type].format(who=who)
    where = f"{where}, `{policy_arn}`" if policy_arn else where
    if through:
        where = f"{where}, and takes effect through {_EXPLICIT[policy_type]}"
    return _OVERRIDE.format(what=what, where=where)


def owner_of(policy_type: str | None) -> str:
    """Return the advice to ask the organization's administrator; ``""`` if the account itself can change the policy."""
    return _ORGANIZATION if policy_type in ("scp", "rcp") else ""


def _what(action: str, resource: str | None) -> str:
    if not resource:
        return f"`{action}` on the resource of the call"
    note = " (the guardrail ARN without version)" if ":guardrail/" in resource else ""
    return f"`{action}` on `{resource}`{note}"


def _who(principal: str | None) -> str:
    """
    Name the role or user of a principal.

    >>> _who("arn:aws:sts::123456789012:assumed-role/HRBot/session")
    'role `HRBot`'
    """
    kind, _, name = (principal or "").rpartition(":")[2].partition("/")
    match kind:
        case "assumed-role":
            return f"role `{name.partition('/')[0]}`"
        case "role" | "user":
            return f"{kind} `{name.rpartition('/')[2]}`"
        case _:
            return "the caller"
