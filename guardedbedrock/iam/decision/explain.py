"""
Explain a decision.

The explanation reuses the tests that made the decision, so the two cannot disagree. Unlike the evaluator, the explanation does
not stop at the first element that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from guardedbedrock._nearest import closest
from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.explanation import (
    NAMES,
    ExplainedElement,
    ExplainedGroup,
    ExplainedStatement,
    ExplainedValue,
    Explanation,
)
from guardedbedrock.iam.engine.applicability import is_exempt, is_service_linked
from guardedbedrock.iam.engine.authorizer import determining, needs_no_allow
from guardedbedrock.iam.engine.plan import CALLER_TYPES, Plan, StatementGroup
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.arns import PARTS, split
from guardedbedrock.iam.matching.conditions import Condition, Line, parse_operator
from guardedbedrock.iam.matching.context import PartlyKnown, Truth, Unknown, lookup
from guardedbedrock.iam.matching.logic import either
from guardedbedrock.iam.matching.principals import Grant, identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.variables import variables_in

_WITH_LEVELS: Final = ("scp", "rcp")
_UNDOCUMENTED: Final = "AWS documents no rule for this"
_GRANT_NOTES: Final = {
    Grant.ACCOUNT: "it names the account: the caller's own policies must allow too",
    Grant.UNDOCUMENTED: "AWS documents no rule for this use of NotPrincipal",
    Grant.PERHAPS: "the ARN of the session does not contain the user",
    Grant.ROLE: "it names the role: a permissions boundary and a session policy limit the grant",
    Grant.OPEN: "it names everyone: AWS does not document whether a session policy limits the grant",
}
_DESPITE_NOT_PRINCIPAL: Final = "a Deny with NotPrincipal denies every principal that has a permissions boundary"


def explain(decision: Decision, plan: Plan) -> Explanation:
    """
    Explain a decision.

    Args:
        decision: The decision.
        plan: The plan that made it.
    """
    request, types = decision.request, [policy_type for policy_type, _ in plan.groups]
    deciding = frozenset(determining(plan, decision.outcome, request))
    groups: list[ExplainedGroup] = []
    for position, (group, all_statements) in enumerate(zip(plan.groups, plan.all_statements, strict=True)):
        policy_type = group[0]
        level = position - types.index(policy_type) + 1 if policy_type in _WITH_LEVELS else None
        waived = _waived(policy_type, request, plan.management_account)
        groups.append(_group(group, all_statements, request, deciding, (level, level and types.count(policy_type)), waived))
    reason, details = _reason(decision, plan, groups)
    return Explanation(
        outcome=decision.outcome,
        policy_type=decision.policy_type,
        nearest=_nearest(decision, groups),
        principal=request.principal,
        action=request.action,
        resource=request.resource,
        reason=reason,
        details=details,
        hangs_on=decision.hangs_on,
        hangs_on_is_exact=decision.hangs_on_is_exact,
        reasons=decision.reasons,
        groups=tuple(groups),
    )


def _group(  # noqa: PLR0913, PLR0917  # the parts of one group
    group: StatementGroup,
    all_statements: Iterable[CompiledStatement],
    request: Request,
    deciding: Collection[CompiledStatement],
    level: tuple[int | None, int | None],
    waived: str | None,
) -> ExplainedGroup:
    policy_type, covering = group
    allows = [compiled for compiled in covering if compiled.statement.effect == "Allow"]
    return ExplainedGroup(
        policy_type=policy_type,
        allows=True if waived else either(compiled.applies(request) for compiled in allows),
        level=level[0],
        levels=level[1],
        waived=waived,
        closest=None if allows else _closest(all_statements, request.action),
        statements=tuple(_statement(compiled, request, determining=compiled in deciding) for compiled in covering),
    )


def _waived(policy_type: PolicyType, request: Request, management_account: str | None) -> str | None:
    if is_exempt(policy_type, request, management_account):
        if is_service_linked(request):
            return "does not apply to a service-linked role"
        return (
            "does not apply to the management account"
            if identify(request.principal).account
            else "applies to users and roles only"
        )
    if needs_no_allow(policy_type, identify(request.principal)):
        return "needs no Allow for the root user"
    return "needs no Allow, an allow-all is always attached" if policy_type == "rcp" else None


def _closest(statements: Iterable[CompiledStatement], action: str) -> str | None:
    """Return the action, named by an Allow, that may be a misspelling of the requested one."""
    allows = (s.statement for s in statements if s.statement.effect == "Allow" and not s.statement.not_action)
    # Low, since an action with a longer name, such as that of the streams, is a good suggestion.
    return closest(action, [pattern for statement in allows for pattern in statement.actions], cutoff=0.5)


def _statement(compiled: CompiledStatement, request: Request, *, determining: bool) -> ExplainedStatement:
    elements = [*_principal(compiled, request), _resource(compiled, request)]
    elements += [
        _condition(condition, line, request)
        for condition, line in zip(compiled.statement.conditions, compiled.lines, strict=True)
    ]
    return ExplainedStatement(compiled.reference, compiled.applies(request), determining, tuple(elements))


def _principal(compiled: CompiledStatement, request: Request) -> Iterator[ExplainedElement]:
    statement, granted = compiled.statement, compiled.grant(request)
    if statement.principal is None:
        return
    holds: Truth = None if granted in (Grant.PERHAPS, Grant.UNDOCUMENTED) else granted is not Grant.NONE
    degree_matters = holds is None or (statement.effect == "Allow" and compiled.policy_type == "resource")
    note = _GRANT_NOTES.get(granted) if degree_matters else None
    if compiled.denies_despite_not_principal(identify(request.principal)):
        note = _DESPITE_NOT_PRINCIPAL
    yield ExplainedElement(
        element="principal",
        operator="NotPrincipal" if statement.not_principal else "Principal",
        policy=tuple(f"{kind} {value}" for kind, value in statement.principal),
        request=ExplainedValue("principal", "present", (request.principal,)),
        holds=holds,
        note=note,
    )


def _resource(compiled: CompiledStatement, request: Request) -> ExplainedElement:
    statement = compiled.statement
    holds = compiled.covers_resource(request)
    variables = _variables(statement.resources, request) if compiled.has_variables else ()
    note = None
    if holds is None and request.unknown_parts:
        note = f"unknown parts of the ARN: {', '.join(PARTS[index] for index in sorted(request.unknown_parts))}"
    elif holds is None and not _any_unknown(variables):
        note = _UNDOCUMENTED
    return ExplainedElement(
        element="resource",
        operator="NotResource" if statement.not_resource else "Resource",
        policy=statement.resources,
        request=ExplainedValue("resource", "present", (request.resource,)),
        holds=holds,
        note=note,
        variables=variables,
    )


def _condition(condition: Condition, line: Line, request: Request) -> ExplainedElement:
    holds = line.test(request.facts)
    value = _value(condition.key, request)
    variables = _variables(condition.values, request) if len(line.reads) > 1 else ()
    note = None
    if holds is None:
        note = None if value.state == "unknown" or _any_unknown(variables) else _UNDOCUMENTED
    elif value.state == "unknown" or holds is (value.state == "absent"):
        note = _surprise(condition, value)
    return ExplainedElement(
        element="condition",
        operator=condition.operator,
        policy=condition.values,
        request=value,
        holds=holds,
        note=note,
        variables=variables,
    )


def _surprise(condition: Condition, value: ExplainedValue) -> str | None:
    """Explain why an absent key matches, why a key with several values does not, or why an unknown key is decided."""
    parsed = parse_operator(condition.operator)
    if parsed is None or parsed[1].name == "Null":
        return None
    quantifier, operator, _ = parsed
    if value.state == "unknown":
        return "no value of the key can match"
    if value.state == "present":
        return "several values match only with a set operator" if len(value.values) > 1 and not quantifier else None
    if quantifier == "ForAllValues":
        return "ForAllValues matches an absent key"
    return "a negated operator matches an absent key" if operator.negated and not quantifier else "IfExists matches an absent key"


def _value(key: str, request: Request) -> ExplainedValue:
    value = lookup(request.facts, key.lower())
    if value is None or isinstance(value, Unknown | PartlyKnown):
        return ExplainedValue(key, "absent" if value is None else "unknown")
    return ExplainedValue(key, "present", (value,) if isinstance(value, str) else value)


def _variables(texts: Iterable[str], request: Request) -> tuple[ExplainedValue, ...]:
    spellings = dict.fromkeys(variable.spelling for variable in variables_in(texts))
    return tuple(_value(spelling, request) for spelling in spellings)


def _any_unknown(variables: Iterable[ExplainedValue]) -> bool:
    return any(variable.state == "unknown" for variable in variables)


def _reason(decision: Decision, plan: Plan, groups: Sequence[ExplainedGroup]) -> tuple[str, tuple[str, ...]]:
    request, outcome = decision.request, decision.outcome
    parts = split(request.resource)
    requested = f"`{request.action}` on {(parts and parts[-1]) or request.resource}"
    if outcome == "implicitDeny":
        missing, details = _missing(decision, groups)
        return f"no {missing} allows {requested}", details
    if outcome == "indeterminate":
        what = ", ".join(decision.hangs_on) or _kind_of_reasons(decision, plan)
        return f"{requested} {'depends' if decision.hangs_on_is_exact else 'may depend'} on {what}", decision.reasons
    verb = "denies" if outcome == "explicitDeny" else "allows"
    names = [statement.statement.name for group in groups for statement in group.statements if statement.determining]
    if not names:
        return f"every policy type {verb} {requested}", ()
    return f"{names[0]} {verb} {requested}", tuple(f"{other} {verb} it too" for other in names[1:])


def _kind_of_reasons(decision: Decision, plan: Plan) -> str:
    gaps = {gap.reason for gap in plan.gaps}
    if gaps.isdisjoint(decision.reasons):
        return "a rule that AWS does not document"
    unread = "a policy that could not be read"
    return unread if gaps.issuperset(decision.reasons) else f"{unread}, and on a rule that AWS does not document"


def _nearest(decision: Decision, groups: Sequence[ExplainedGroup]) -> ExplainedStatement | None:
    """Return the statement that decides, or that came nearest to deciding."""
    if decision.outcome == "implicitDeny":
        missing = _first_missing(decision, groups)
        allows = [one for one in (missing.statements if missing else ()) if one.statement.effect == "Allow"]
        return min(allows, key=_distance, default=None)
    statements = [statement for group in groups for statement in group.statements]
    if decision.outcome == "indeterminate":
        return next((statement for statement in statements if statement.applies is None), None)
    determining = (statement for statement in statements if statement.determining)
    return next((one for one in determining if one.statement.policy_type == decision.policy_type), None)


def _distance(statement: ExplainedStatement) -> tuple[bool, int]:
    """Order Allow statements: those first that fail on conditions only, then by the number of failing elements."""
    failing = statement.failing
    return any(element.element != "condition" for element in failing), len(failing)


def _first_missing(decision: Decision, groups: Iterable[ExplainedGroup]) -> ExplainedGroup | None:
    """Return the first group that must allow and does not; None if the policy set has no policy of that type."""
    return next((group for group in groups if group.policy_type == decision.policy_type and group.allows is False), None)


def _missing(decision: Decision, groups: Sequence[ExplainedGroup]) -> tuple[str, tuple[str, ...]]:
    """Name the first policy that must allow and does not, with details."""
    first = _first_missing(decision, groups)
    if first is None:
        is_session = decision.policy_type == "session"
        detail = "a federated user has no permissions without one" if is_session else "the resource belongs to another account"
        return NAMES[decision.policy_type or "identity"], (f"no such policy is given: {detail}",)
    details = [_summary_of(first)]
    if first.closest:
        details.append(f"the closest action that it names is `{first.closest}`")
    has_resource_policy = any(group.policy_type == "resource" for group in groups)
    if has_resource_policy and not decision.request.cross_account and first.policy_type in CALLER_TYPES:
        details.append("no resource-based policy grants it to the caller directly")
    return first.name, tuple(details)


def _summary_of(group: ExplainedGroup) -> str:
    where = "of that level" if group.level else "of that policy type"
    allows = sum(statement.statement.effect == "Allow" for statement in group.statements)
    if not allows:
        return f"no {'Allow ' if group.statements else ''}statement {where} names the action"
    if allows == 1:
        return f"the Allow statement {where} that names the action does not apply"
    return f"none of the {allows} Allow statements {where} that name the action applies"
