"""
What to grant and where, one sentence for each way of being denied.

A hint names the place that decides, never a policy to paste: which statement is right is the reader's to judge.
"""

from __future__ import annotations

from typing import Final

_ORGANIZATION: Final = "ask the organization's administrator"

_IMPLICIT: Final[dict[str | None, str]] = {
    "identity": "grant {what} in an identity-based policy of {who}",
    "boundary": "allow {what} in the permissions boundary of {who}; an identity-based policy must grant it as well",
    "session": "allow {what} in the session policy with which the session of {who} was made",
    "scp": f"{_ORGANIZATION}: every level above this account needs a service control policy that allows {{what}}",
    "rcp": f"{_ORGANIZATION}: the resource control policies of the resource's account must allow {{what}}",
    "endpoint": "allow {what} for {who} in the policy of the VPC endpoint that the call goes through",
    "resource": "allow {what} for {who} in the resource-based policy of the resource",
    None: "AWS did not say which policy: grant {what} in an identity-based policy of {who},"
    " and in the resource-based policy too where the resource is another account's",
}

_EXPLICIT: Final[dict[str | None, str]] = {
    "identity": "an identity-based policy of {who}",
    "boundary": "the permissions boundary of {who}",
    "session": "the session policy with which the session of {who} was made",
    "scp": f"a service control policy above this account ({_ORGANIZATION})",
    "rcp": f"a resource control policy of the resource's account ({_ORGANIZATION})",
    "endpoint": "the policy of the VPC endpoint that the call goes through",
    "resource": "the resource-based policy of the resource",
    None: "whichever policy denies it",
}

_LIFT: Final = "no Allow can lift an explicit deny: change or meet the condition of the Deny for {what} in {where}"


def hint_for(  # noqa: PLR0913 - the four parts of a denial and, by keyword, whom and what to name
    action: str,
    resource: str | None,
    policy_type: str | None,
    explicit: bool | None,  # noqa: FBT001 - a part of the denial, not a switch
    *,
    principal: str | None = None,
    policy_arn: str | None = None,
) -> str:
    """
    Say in one sentence what would lift a denial.

    Args:
        action: Such as ``bedrock:ApplyGuardrail``.
        resource: ARN, or ``None`` where the denial names none.
        policy_type: The type of policy that decided, or ``None`` when nobody says.
        explicit: Whether a Deny matched.
        principal: ARN of the caller, to name the role or user.
        policy_arn: ARN of the denying policy, when AWS named it.

    Raises:
        KeyError: The policy type is not a known one.
    """
    what, who = _what(action, resource), _who(principal)
    if not explicit:
        return _IMPLICIT[policy_type].format(what=what, who=who)
    where = _EXPLICIT[policy_type].format(who=who)
    return _LIFT.format(what=what, where=f"{where}, `{policy_arn}`" if policy_arn else where)


def _what(action: str, resource: str | None) -> str:
    if not resource:
        return f"`{action}` on the resource of the call"
    note = " (the guardrail ARN without version)" if ":guardrail/" in resource else ""
    return f"`{action}` on `{resource}`{note}"


def _who(principal: str | None) -> str:
    """
    Name a principal as a reader would look it up.

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
