"""
From a decision to its explanation.

Whether a statement applies is asked of the statement itself, and each element of the very tests that it is made of; nothing stops
at the first that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from guardedbedrock.iam.engine.context import UNKNOWN, Truth, lookup
from guardedbedrock.iam.engine.decisions import Decision
from guardedbedrock.iam.engine.plan import OWN, Group, is_exempt, is_free
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.engine.statements import Compiled
from guardedbedrock.iam.explain.model import (
    NAMES,
    ExplainedElement,
    ExplainedGroup,
    ExplainedStatement,
    ExplainedValue,
    Explanation,
    name,
)
from guardedbedrock.iam.language.documents import VARIABLES_SINCE, PolicyType
from guardedbedrock.iam.matching.arns import PARTS, split
from guardedbedrock.iam.matching.conditions import Condition, compile_line, parse_operator
from guardedbedrock.iam.matching.logic import either
from guardedbedrock.iam.matching.principals import Grant, identify
from guardedbedrock.iam.matching.resources import compile_resources
from guardedbedrock.iam.matching.variables import variables_in

_BY_LEVEL: Final = ("scp", "rcp")
_UNDOCUMENTED: Final = "for which AWS documents no rule"
_NOTES: Final = {
    Grant.ACCOUNT: "it names the account, the caller's own policies must allow too",
    Grant.PERHAPS: "whose session it is, its ARN does not tell",
    Grant.ROLE: "it names the role, a permissions boundary and a session policy still limit",
    Grant.OPEN: "it names everyone, whether a session policy still limits is not documented",
}


_SPARES_NO_ONE: Final = "with a Deny it denies whoever has a permissions boundary"


def explain(
    decision: Decision, groups: Sequence[Group], whole: Iterable[Iterable[Compiled]], determining: Collection[Compiled]
) -> Explanation:
    """
    Explain a decision.

    Args:
        decision: What was decided.
        groups: The statements that cover the action, by policy type and level.
        whole: For each group, all its statements.
        determining: The statements that make the outcome what it is.
    """
    request, types = decision.request, [policy_type for policy_type, _ in groups]
    explained: list[ExplainedGroup] = []
    for place, (group, every) in enumerate(zip(groups, whole, strict=True)):
        policy_type = group[0]
        level = place - types.index(policy_type) + 1 if policy_type in _BY_LEVEL else None
        explained.append(_group(group, every, request, determining, (level, level and types.count(policy_type))))
    reason, details = _reason(decision, explained)
    asked = request.principal, request.action, request.resource
    return Explanation(decision.outcome, decision.policy_type, *asked, reason, details, decision.hangs_on, tuple(explained))


def _group(
    group: Group,
    every: Iterable[Compiled],
    request: Request,
    determining: Collection[Compiled],
    place: tuple[int | None, int | None],
) -> ExplainedGroup:
    policy_type, near = group
    allows = [compiled for compiled in near if compiled.statement.effect == "Allow"]
    waived = _waived(policy_type, request)
    return ExplainedGroup(
        policy_type,
        True if waived else either(compiled.applies(request) for compiled in allows),
        *place,
        waived=waived,
        closest=None if allows else _closest(every, request.action),
        statements=tuple(_statement(compiled, request, determining=compiled in determining) for compiled in near),
    )


def _waived(policy_type: PolicyType, request: Request) -> str | None:
    if is_exempt(policy_type, request):
        return "does not apply to a service-linked role"
    if is_free(policy_type, identify(request.principal)):
        return "needs no Allow for the root user"
    return "needs no Allow, an allow-all is always attached" if policy_type == "rcp" else None


def _closest(statements: Iterable[Compiled], action: str) -> str | None:
    """Find the action, named by an Allow, that someone may have meant to be this one."""
    allows = (s.statement for s in statements if s.statement.effect == "Allow" and not s.statement.not_action)
    spelt = {pattern.lower(): pattern for statement in allows for pattern in statement.actions}
    return next((spelt[found] for found in get_close_matches(action.lower(), spelt, n=1)), None)


def _statement(compiled: Compiled, request: Request, *, determining: bool) -> ExplainedStatement:
    elements = [*_principal(compiled, request), _resource(compiled, request)]
    elements += [_condition(line, compiled, request) for line in compiled.statement.conditions]
    return ExplainedStatement(compiled.reference, compiled.applies(request), determining, tuple(elements))


def _principal(compiled: Compiled, request: Request) -> Iterator[ExplainedElement]:
    statement, granted = compiled.statement, compiled.grant(request)
    if statement.principal is None:
        return
    holds: Truth = None if granted is Grant.PERHAPS else granted is not Grant.NONE
    noted = holds is None or (statement.effect == "Allow" and compiled.policy_type == "resource")
    spares_no_one = compiled.spares_no_one(identify(request.principal))
    note = _SPARES_NO_ONE if spares_no_one else _NOTES.get(granted) if noted else None
    yield ExplainedElement(
        "principal",
        "NotPrincipal" if statement.not_principal else "Principal",
        tuple(f"{kind} {value}" for kind, value in statement.principal),
        ExplainedValue("principal", "present", (request.principal,)),
        holds,
        note,
    )


def _resource(compiled: Compiled, request: Request) -> ExplainedElement:
    statement, variables = compiled.statement, compiled.document.version == VARIABLES_SINCE
    covered = compile_resources(statement.resources, variables=variables)(request)
    holds = covered if covered is None else covered is not statement.not_resource
    read = _variables(statement.resources, request) if variables else ()
    blind = " and ".join(PARTS[index] for index in sorted(request.blind))
    note = f"with unknown {blind}" if blind else None if _is_open(read) else _UNDOCUMENTED
    return ExplainedElement(
        "resource",
        "NotResource" if statement.not_resource else "Resource",
        statement.resources,
        ExplainedValue("resource", "present", (request.resource,)),
        holds,
        note if holds is None else None,
        read,
    )


def _condition(condition: Condition, compiled: Compiled, request: Request) -> ExplainedElement:
    line = compile_line(condition, variables=compiled.document.version == VARIABLES_SINCE)
    holds = line.test(request.facts)
    value = _value(condition.key, request)
    read = _variables(condition.values, request) if len(line.reads) > 1 else ()
    if holds is None:
        note = None if value.state == "unknown" or _is_open(read) else _UNDOCUMENTED
    else:
        note = _surprise(condition, value) if holds is (value.state == "absent") or value.state == "unknown" else None
    return ExplainedElement("condition", condition.operator, condition.values, value, holds, note, read)


def _surprise(condition: Condition, value: ExplainedValue) -> str | None:
    """Say why an absent key matches, why one with several values does not, or why an unknown one is not open."""
    parsed = parse_operator(condition.operator)
    if parsed is None or parsed[1].name == "Null":
        return None
    quantifier, row, _ = parsed
    if value.state == "unknown":
        return "but no value of it could match"
    if value.state == "present":
        return "several values, which only a set operator matches" if len(value.values) > 1 and not quantifier else None
    if quantifier == "ForAllValues":
        return "which ForAllValues matches"
    return "which a negated operator matches" if row.negated and not quantifier else "which IfExists matches"


def _value(key: str, request: Request) -> ExplainedValue:
    value = lookup(request.facts, key.lower())
    if value is None or value is UNKNOWN:
        return ExplainedValue(key, "absent" if value is None else "unknown")
    return ExplainedValue(key, "present", (value,) if isinstance(value, str) else value)


def _variables(texts: Iterable[str], request: Request) -> tuple[ExplainedValue, ...]:
    spellings = dict.fromkeys(variable.spelling for variable in variables_in(texts))
    return tuple(_value(spelling, request) for spelling in spellings)


def _is_open(variables: Iterable[ExplainedValue]) -> bool:
    return any(variable.state == "unknown" for variable in variables)


def _reason(decision: Decision, groups: Sequence[ExplainedGroup]) -> tuple[str, tuple[str, ...]]:
    request, outcome = decision.request, decision.outcome
    parts = split(request.resource)
    asked = f"`{request.action}` on {(parts and parts[-1]) or request.resource}"
    if outcome == "implicitDeny":
        what, details = _missing(decision, groups)
        return f"{asked} is allowed by no {what}", details
    if outcome == "indeterminate":
        return f"{asked} hangs on {', '.join(decision.hangs_on) or 'what no context key tells'}", ()
    names = [name(statement.statement) for group in groups for statement in group.statements if statement.determining]
    by = f"{'denied' if outcome == 'explicitDeny' else 'allowed'} by"
    if not names:
        return f"{asked} is {by} every policy type in play", ()
    return f"{asked} is {by} {names[0]}", tuple(f"and by {other}" for other in names[1:])


def _missing(decision: Decision, groups: Sequence[ExplainedGroup]) -> tuple[str, tuple[str, ...]]:
    """Find the first that should allow and does not; it may be a policy that nobody has written."""
    first = next((g for g in groups if g.policy_type == decision.policy_type and g.allows is False), None)
    if first is None:
        session = decision.policy_type == "session"
        detail = "a federated user has no permissions without one" if session else "the resource is of another account"
        return NAMES[decision.policy_type or "identity"], (f"none is in play: {detail}",)
    details = [_looked_at(first)]
    if first.closest:
        details.append(f"the closest action it names is `{first.closest}`")
    if not decision.request.cross_account and any(g.policy_type == "resource" for g in groups) and first.policy_type in OWN:
        details.append("nor does a resource-based policy grant it to the caller directly")
    return first.name, tuple(details)


def _looked_at(group: ExplainedGroup) -> str:
    where = "of that level" if group.level else "of that policy type"
    allows = sum(s.statement.effect == "Allow" for s in group.statements)
    if not allows:
        return f"no {'Allow ' if group.statements else ''}statement {where} names the action"
    if allows == 1:
        return f"the Allow statement {where} that names the action does not apply"
    return f"none of the {allows} Allow statements {where} that name the action applies"
