"""
Check resource-based policies of guardrails and guardrail profiles as AWS does when they are attached.

AWS accepts three statement patterns: they allow the account of the guardrail, its organization, or organizational units of its
organization. Like AWS's page, these checks leave open: Sid, which of the actions are listed, a string or a list, the units, the
number of statements, Id and Version. A condition on units alone is enough to allow every principal, because the page says
"organization or organizational unit", although its pattern shows both.

Source: Amazon Bedrock User Guide, "Using resource-based policies for guardrails"; Amazon Bedrock API Reference,
"PutResourcePolicy".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock import iam
from guardedbedrock.iam.language.documents import Source, Statement, load_json
from guardedbedrock.iam.matching.arns import split


def check_resource_policy(policy: Source, resource: str, *, name: str | None = None) -> None:
    """
    Raise if AWS would not attach a resource-based policy to a guardrail or a guardrail profile.

    Args:
        policy: JSON text, whose size is checked; a JSON object; or a parsed document, whose size is not checked.
        resource: ARN that it is attached to; a policy on a resource of another type is only parsed.
        name: Name of the policy in errors, such as its file name.

    Raises:
        ConfigurationError: The message names the policy, the JSON pointer, the statement, the problem and the fix.
    """
    _check(iam.parse(policy, "resource", name=name), policy, resource, name)


def _check(document: iam.PolicyDocument, policy: Source, resource: str, name: str | None) -> None:
    attached = target(resource)
    if attached is None:
        return
    if not isinstance(policy, iam.PolicyDocument):
        _check_size(policy, name)
    for index, statement in enumerate(document.statements):
        problem = first_problem(statement, attached)
        if problem:
            element, what, fix = problem
            subject = f"statement `{statement.sid}`" if statement.sid else f"statement {index}"
            message = f"{subject} {what}, which AWS rejects in a policy on a {attached.kind}: {fix}"
            raise iam.PolicySyntaxError(message, pointer=_pointer(policy, index, element), file=document.name)


def check_attached(policy: Source, *, name: str | None = None) -> iam.PolicyDocument:
    """
    Parse a resource-based policy and check it against the guardrail or guardrail profile that its statements name.

    A policy that names no such resource is only parsed: the resource that it is attached to is unknown.

    Args:
        policy: As for `check_resource_policy`.
        name: Name of the policy in errors.

    Raises:
        ConfigurationError: See `check_resource_policy`.
    """
    document = iam.parse(policy, "resource", name=name)
    named = [text for statement in document.statements for text in statement.resources if target(text)]
    _check(document, policy, min(named, key=is_wild, default=""), name)
    return document


def _check_size(policy: str | Mapping[str, object], name: str | None) -> None:
    for finding in iam.findings(policy, "resource"):
        if finding.code == "policy-size":
            raise iam.PolicySyntaxError(f"{finding.message}: shorten it", file=name)


def _pointer(policy: Source, index: int, element: str) -> str:
    """Return the JSON pointer of an element; a statement that is not in an array has no index."""
    data = load_json(policy) if isinstance(policy, str) else policy
    alone = isinstance(data, Mapping) and isinstance(data.get("Statement"), Mapping)
    return f"/Statement/{element}" if alone else f"/Statement/{index}/{element}"


_ACTIONS: Final = {
    "guardrail": ("bedrock:ApplyGuardrail", "bedrock:GetGuardrail"),
    "guardrail-profile": ("bedrock:ApplyGuardrail",),
}
_ORGANIZATION: Final = ("StringEquals", "aws:principalorgid")
_UNITS: Final = ("ForAnyValue:StringLike", "aws:principalorgpaths")
_CONDITION: Final = "StringEquals on `aws:PrincipalOrgID`, and ForAnyValue:StringLike on `aws:PrincipalOrgPaths` for some units"
_WILD: Final = re.compile(r"[*?$]")


class AttachedResource(NamedTuple):
    """
    The resource that a policy is attached to.

    Args:
        arn: Its ARN.
        kind: ``guardrail`` or ``guardrail-profile``.
        owner: Its account as a principal, in both spellings: the ARN of the root user and twelve digits.
    """

    arn: str
    kind: str
    owner: tuple[str, str]


PolicyProblem: TypeAlias = tuple[str, str] | None
"""The problem of a statement, and the fix."""

StatementCheck: TypeAlias = Callable[[Statement, AttachedResource], PolicyProblem]


def target(arn: str) -> AttachedResource | None:
    """Read the ARN of a guardrail or a guardrail profile; None for any other ARN."""
    parts = split(arn)
    if parts is None or parts[2] != "bedrock":
        return None
    kind = parts[5].partition("/")[0]
    return AttachedResource(arn, kind, (f"arn:{parts[1]}:iam::{parts[4]}:root", parts[4])) if kind in _ACTIONS else None


def is_wild(arn: str) -> bool:
    """Return whether a string has a wildcard or a policy variable, so that it is a pattern and not an ARN."""
    return _WILD.search(arn) is not None


def first_problem(statement: Statement, attached: AttachedResource) -> tuple[str, str, str] | None:
    """Find the first element that fits no pattern: the element, the problem, the fix; None if the statement fits."""
    found = ((element, check(statement, attached)) for element, check in _CHECKS.items())
    return next(((element, *problem) for element, problem in found if problem), None)


def _action(statement: Statement, attached: AttachedResource) -> PolicyProblem:
    known = _ACTIONS[attached.kind]
    odd = next((text for text in statement.actions if text.lower() not in map(str.lower, known)), None)
    return (f"names the action `{odd}`", f"write {' or '.join(f'`{action}`' for action in known)}") if odd else None


def _resource(statement: Statement, attached: AttachedResource) -> PolicyProblem:
    odd = next((text for text in statement.resources if text != attached.arn or is_wild(text)), None)
    return (
        (f"names the resource `{odd}`", f"write only the ARN of the {attached.kind} that the policy is attached to")
        if odd
        else None
    )


def _condition(statement: Statement, _: AttachedResource) -> PolicyProblem:
    lines = [((line.operator, line.key.lower()), line) for line in statement.conditions]
    odd = next((line for shape, line in lines if shape not in (_ORGANIZATION, _UNITS)), None)
    if odd:
        return f"has the condition {odd.operator} on `{odd.key}`", f"write {_CONDITION}"
    ids = {value for shape, line in lines if shape == _ORGANIZATION for value in line.values}
    heads = {path.partition("/")[0] for shape, line in lines if shape == _UNITS for path in line.values}
    organizations = sorted(ids or heads)
    if not lines or (len(organizations) == 1 and {"*", "?"}.isdisjoint(organizations[0])):
        return None
    named = " and ".join(f"`{each}`" for each in organizations) or "no organization"
    return f"shares with {named}", "name one organization, that of the account"


def _principal(statement: Statement, attached: AttachedResource) -> PolicyProblem:
    names = statement.principal or ()
    odd = next((name for kind, name in names if kind != "AWS" or name not in ("*", *attached.owner)), None)
    if odd is not None:
        return f"names the principal `{odd}`", f"write `{attached.owner[0]}`, or `*` with {_CONDITION}"
    everyone = ("AWS", "*") in names and not statement.conditions
    return ("allows every principal of every organization", f"add the condition {_CONDITION}") if everyone else None


def _never(field: str, what: str, fix: str) -> StatementCheck:
    """Make a check that rejects an element that no pattern has."""
    return lambda statement, _: (what, fix) if getattr(statement, field) in (True, "Deny") else None


_CHECKS: Final[Mapping[str, StatementCheck]] = {
    "Effect": _never("effect", "has the Effect `Deny`", "write `Allow`, and deny in an SCP or in an identity-based policy"),
    "NotAction": _never("not_action", "has NotAction", "write Action"),
    "NotResource": _never("not_resource", "has NotResource", "write Resource"),
    "NotPrincipal": _never("not_principal", "has NotPrincipal", "write Principal"),
    "Action": _action,
    "Resource": _resource,
    "Condition": _condition,
    "Principal": _principal,
}
"""The check of each element. Condition precedes Principal: every principal is acceptable only with a valid condition."""
