"""
The patterns that a statement of a policy on a guardrail or a guardrail profile may follow.

There are three: each allows the account of the guardrail, its organization, or units of its organization. What they leave open is
left open here too: Sid, which of the actions are named, a text or a list of texts, the units. A condition on units alone will do
for everyone, since the page says "organization or organizational unit", though its pattern has both.

Source: Amazon Bedrock User Guide, "Using resource-based policies for guardrails".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.language.documents import Statement
from guardedbedrock.iam.matching.arns import split

_ACTIONS: Final = {
    "guardrail": ("bedrock:ApplyGuardrail", "bedrock:GetGuardrail"),
    "guardrail-profile": ("bedrock:ApplyGuardrail",),
}
_ORGANIZATION: Final = ("StringEquals", "aws:principalorgid")
_UNITS: Final = ("ForAnyValue:StringLike", "aws:principalorgpaths")
_CONDITION: Final = "StringEquals on `aws:PrincipalOrgID`, and ForAnyValue:StringLike on `aws:PrincipalOrgPaths` for some units"
_WILD: Final = re.compile(r"[*?$]")


class Target(NamedTuple):
    """
    What a policy is attached to.

    Args:
        arn: Its ARN.
        kind: ``guardrail`` or ``guardrail-profile``.
        owner: Its account as a principal, in the two ways to write it: ARN of the root, twelve digits.
    """

    arn: str
    kind: str
    owner: tuple[str, str]


Misfit: TypeAlias = tuple[str, str] | None
"""What is wrong with a statement, and the mend."""

Check: TypeAlias = Callable[[Statement, Target], Misfit]


def target(arn: str) -> Target | None:
    """Read the ARN of a guardrail or a guardrail profile; None for any other."""
    parts = split(arn)
    if parts is None or parts[2] != "bedrock":
        return None
    kind = parts[5].partition("/")[0]
    return Target(arn, kind, (f"arn:{parts[1]}:iam::{parts[4]}:root", parts[4])) if kind in _ACTIONS else None


def is_wild(arn: str) -> bool:
    """Say whether a text holds a wildcard or a policy variable, and so is no ARN but a pattern."""
    return _WILD.search(arn) is not None


def first_misfit(statement: Statement, attached: Target) -> tuple[str, str, str] | None:
    """Find what no pattern has: the element, what is wrong with it, the mend; None when a pattern fits."""
    found = ((element, check(statement, attached)) for element, check in _CHECKS.items())
    return next(((element, *misfit) for element, misfit in found if misfit), None)


def _action(statement: Statement, attached: Target) -> Misfit:
    known = _ACTIONS[attached.kind]
    odd = next((text for text in statement.actions if text.lower() not in map(str.lower, known)), None)
    return (f"names the action `{odd}`", f"write {' or '.join(f'`{action}`' for action in known)}") if odd else None


def _resource(statement: Statement, attached: Target) -> Misfit:
    odd = next((text for text in statement.resources if text != attached.arn or is_wild(text)), None)
    return (f"names the resource `{odd}`", f"write only the ARN of the {attached.kind} that it is attached to") if odd else None


def _condition(statement: Statement, _: Target) -> Misfit:
    lines = [((line.operator, line.key.lower()), line) for line in statement.conditions]
    odd = next((line for shape, line in lines if shape not in (_ORGANIZATION, _UNITS)), None)
    if odd:
        return f"has the condition {odd.operator} on `{odd.key}`", f"write {_CONDITION}"
    ids = {value for shape, line in lines if shape == _ORGANIZATION for value in line.values}
    heads = {path.partition("/")[0] for shape, line in lines if shape == _UNITS for path in line.values}
    organizations = sorted(ids or heads)
    if not lines or (len(organizations) == 1 and {"*", "?"}.isdisjoint(organizations[0])):
        return None
    named = " and ".join(f"`{each}`" for each in organizations) or "nobody"
    return f"shares with {named}", "name one organization, that of the account"


def _principal(statement: Statement, attached: Target) -> Misfit:
    names = statement.principal or ()
    odd = next((name for kind, name in names if kind != "AWS" or name not in ("*", *attached.owner)), None)
    if odd is not None:
        return f"names the principal `{odd}`", f"write `{attached.owner[0]}`, or `*` with {_CONDITION}"
    everyone = ("AWS", "*") in names and not statement.conditions
    return ("allows everyone, of whatever organization", f"add the condition {_CONDITION}") if everyone else None


def _never(field: str, what: str, mend: str) -> Check:
    """Make the check of something that no pattern has."""
    return lambda statement, _: (what, mend) if getattr(statement, field) in (True, "Deny") else None


_CHECKS: Final[Mapping[str, Check]] = {
    "Effect": _never("effect", "has the Effect `Deny`", "write `Allow`, and deny in an SCP or in an identity-based policy"),
    "NotAction": _never("not_action", "has NotAction", "write Action"),
    "NotResource": _never("not_resource", "has NotResource", "write Resource"),
    "NotPrincipal": _never("not_principal", "has NotPrincipal", "write Principal"),
    "Action": _action,
    "Resource": _resource,
    "Condition": _condition,
    "Principal": _principal,
}
"""What is asked of each element, in this order: everyone may be the Principal where the Condition was found sound."""
