"""
The undecided part of an evaluation, as a formula.

The formula has the structure of `guardedbedrock.iam.engine.authorizer`: what is decided there is True or False here and is left
out of every join, so that only elements remain on which the outcome may depend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from guardedbedrock.iam.engine.applicability import is_exempt, mandatory_policy, rcp_is_certain, rcp_reason
from guardedbedrock.iam.engine.authorizer import needs_no_allow
from guardedbedrock.iam.engine.gaps import ALTERNATIVES
from guardedbedrock.iam.engine.plan import CALLER_TYPES, OUTER_LIMITS, Plan
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.arns import PARTS, split_tokens
from guardedbedrock.iam.matching.conditions import Condition, Line
from guardedbedrock.iam.matching.context import Truth, is_unresolved, lookup
from guardedbedrock.iam.matching.patterns import ANY, tokenize
from guardedbedrock.iam.matching.principals import Grant, identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.variables import variables_in


@dataclass(slots=True, eq=False)
class Leaf:
    """
    One undecided element of a statement.

    Args:
        keys: The unknown keys that it reads, as the policy spells them. Without keys it is undecided because AWS documents no
            rule.
        element_test: The test of an element that is no condition line.
        reason: Why it is undecided, for an element without keys.
        condition: The condition line, if it is one.
        line: The same, compiled.
        pattern: The pattern of Resource or NotResource, if it is one.
        has_variables: Whether ``${...}`` in the element is a policy variable.
    """

    keys: tuple[str, ...]
    element_test: Callable[[Request], Truth] | None = None
    reason: str = ""
    condition: Condition | None = None
    line: Line | None = None
    pattern: str | None = None
    has_variables: bool = False

    def test(self, request: Request) -> Truth:
        """Return whether the element matches a request; always None if AWS documents no rule."""
        if self.line is not None:
            return self.line.test(request.facts)
        return None if self.element_test is None else self.element_test(request)


@dataclass(slots=True, eq=False)
class Join:
    """Several undecided formulas, joined by ``all`` or ``any``; or one, negated by ``not``."""

    operator: Literal["all", "any", "not"]
    parts: tuple[Leaf | Join, ...]


PartialFormula: TypeAlias = bool | Leaf | Join

_SESSION_AND_EVERYONE: Final = Leaf(
    keys=(),
    reason="AWS does not document whether a session policy limits a resource-based policy that names everyone",
)


def all_of(formulas: Iterable[PartialFormula]) -> PartialFormula:
    """Join formulas with AND; one False decides."""
    return _join("all", formulas, decides=False)


def any_of(formulas: Iterable[PartialFormula]) -> PartialFormula:
    """Join formulas with OR; one True decides."""
    return _join("any", formulas, decides=True)


def negated(formula: PartialFormula) -> PartialFormula:
    """Negate a formula."""
    return not formula if isinstance(formula, bool) else Join("not", (formula,))


def leaves_of(*formulas: PartialFormula) -> Iterator[Leaf]:
    """Yield every leaf of some formulas, repeated ones too."""
    waiting = list(reversed(formulas))
    while waiting:
        formula = waiting.pop()
        if isinstance(formula, Leaf):
            yield formula
        elif isinstance(formula, Join):
            waiting += reversed(formula.parts)


def _join(operator: Literal["all", "any"], formulas: Iterable[PartialFormula], *, decides: bool) -> PartialFormula:
    parts: list[Leaf | Join] = []
    for formula in formulas:
        if formula is decides:
            return decides
        if not isinstance(formula, bool):
            parts.append(formula)
    if not parts:
        return not decides
    return parts[0] if len(parts) == 1 else Join(operator, tuple(parts))


class FormulaBuilder:
    """
    Builds the formulas of one request.

    Args:
        plan: The plan of the action.
        request: The request.
    """

    def __init__(self, plan: Plan, request: Request) -> None:
        self._plan = plan
        self._request = request
        # Large policies repeat patterns and conditions, and each leaf is tested with many values. Keyed by what makes two leaves
        # equal; those of conditions by whether ``${...}`` is a variable, then by the condition.
        self._leaves: dict[tuple[object, ...], PartialFormula] = {}
        self._condition_leaves: dict[bool, dict[Condition, Leaf]] = {False: {}, True: {}}
        self._gaps = [(gap.policy_type, Leaf((), reason=gap.reason)) for gap in plan.gaps if gap.concerns(request)]
        # Keyed by the tested key of a condition line without variables. Large policies have many lines for few keys.
        self._tested_keys: dict[str, tuple[str, ...]] = {}

    def forbids(self) -> PartialFormula:
        """Build the formula of `guardedbedrock.iam.engine.authorizer.forbids`."""
        request = self._request
        account = self._plan.management_account
        denies = ((kind, deny) for kind, deny in self._plan.statements("Deny") if not is_exempt(kind, request, account))
        unread = (leaf for kind, leaf in self._gaps if not is_exempt(kind, request, account))
        return any_of((*(self._certain(kind, self._statement(deny)) for kind, deny in denies), *unread))

    def _certain(self, policy_type: PolicyType, formula: PartialFormula) -> PartialFormula:
        """Leave the Deny of an RCP undecided for a service to which AWS is not known to apply RCPs."""
        if policy_type != "rcp" or rcp_is_certain(self._request):
            return formula
        return all_of((formula, Leaf((), reason=rcp_reason(self._request))))

    def permits(self) -> PartialFormula:
        """Build the formula of `guardedbedrock.iam.engine.authorizer.permits`."""
        request = self._request
        outer_limits = all_of(self._required(OUTER_LIMITS))
        own = all_of(self._required(CALLER_TYPES))
        unread = [leaf for kind, leaf in self._gaps if kind == "resource"]
        has_resource = self._plan.resource_allows is not None or bool(unread)
        if not has_resource and request.cross_account is False and mandatory_policy(request) is None:
            return all_of((outer_limits, own))
        return all_of((outer_limits, any_of((self._caller(own), *unread))))

    def _caller(self, own: PartialFormula) -> PartialFormula:
        request, allows = self._request, self._plan.resource_allows or ()
        mandatory = mandatory_policy(request)
        if mandatory is not None and self._plan.resource_allows is None:
            missing = Leaf((), reason=f"{mandatory} decides, and it is not among the policies that were given")
            return all_of((own, missing)) if request.cross_account else missing
        if request.cross_account is not False:
            across = all_of((own, any_of(map(self._statement, allows))))
        if request.cross_account is not True:
            direct = (all_of((self._statement(allow), self._limits(allow.grant(request)))) for allow in allows)
            if mandatory is not None:
                named = (self._statement(allow) for allow in allows if allow.grant(request) is Grant.ACCOUNT)
                own = all_of((own, any_of(named)))
            same = any_of((own, any_of(direct)))
        if request.cross_account is None:
            crosses = Leaf(("resource:account",), lambda known: known.cross_account)
            # The last part keeps what both answers have in common, whatever the account is.
            return any_of((all_of((crosses, across)), all_of((negated(crosses), same)), all_of((across, same))))
        return across if request.cross_account else same

    def _required(self, types: Iterable[PolicyType]) -> Iterator[PartialFormula]:
        request = self._request
        principal = identify(request.principal)
        for policy_type, formula in self._groups(types):
            if not is_exempt(policy_type, request, self._plan.management_account) and not needs_no_allow(policy_type, principal):
                yield formula

    def _groups(self, types: Iterable[PolicyType]) -> Iterator[tuple[PolicyType, PartialFormula]]:
        unread = [(kind, leaf) for kind, leaf in self._gaps if kind in types]
        alternatives = [leaf for kind, leaf in unread if kind in ALTERNATIVES]
        for policy_type, group in self._plan.groups:
            if policy_type in types:
                allows = (self._statement(allow) for allow in group if allow.statement.effect == "Allow")
                yield policy_type, any_of((*allows, *(alternatives if policy_type in ALTERNATIVES else ())))
        has_identity = any(policy_type == "identity" for policy_type, _ in self._plan.groups)
        yield from ((kind, leaf) for kind, leaf in unread if kind not in ALTERNATIVES or not has_identity)
        if self._plan.has_empty_session and "session" in types:
            yield "session", identify(self._request.principal).kind != "federated-user"

    def _limits(self, grant: Grant) -> PartialFormula:
        if grant in (Grant.EXACT, Grant.UNDOCUMENTED):
            return True
        limits = dict(self._groups(CALLER_TYPES))
        session = limits.get("session", True)
        if grant is Grant.OPEN:
            return any_of((session, _SESSION_AND_EVERYONE))
        return all_of((limits.get("boundary", True), session)) if grant in (Grant.ROLE, Grant.PERHAPS) else False

    def _statement(self, compiled: CompiledStatement) -> PartialFormula:
        answer = compiled.applies(self._request)
        return self._elements(compiled) if answer is None else answer

    def _elements(self, compiled: CompiledStatement) -> PartialFormula:
        resource = compiled.covers_resource(self._request)
        parts: list[PartialFormula] = [self._resource(compiled) if resource is None else resource]
        if compiled.grant(self._request) is Grant.UNDOCUMENTED:
            parts.append(Leaf((), reason=_not_principal_reason(compiled)))
        elif compiled.grant(self._request) is Grant.PERHAPS:
            element = "NotPrincipal" if compiled.statement.not_principal else "Principal"
            reason = f"{compiled.reference.name}: the ARN of the caller does not show whether {element} names it"
            parts.append(Leaf((), reason=reason))
        for condition, line in zip(compiled.statement.conditions, compiled.lines, strict=True):
            answer = line.test(self._request.facts)
            parts.append(self._condition(compiled, condition, line) if answer is None else answer)
        return all_of(parts)

    def _condition(self, compiled: CompiledStatement, condition: Condition, line: Line) -> PartialFormula:
        leaves = self._condition_leaves[compiled.has_variables]
        leaf = leaves.get(condition)
        if leaf is None:
            keys = self._keys_of(condition, line)
            leaf = leaves[condition] = Leaf(
                keys=keys,
                reason="" if keys else self._undocumented(compiled, condition),
                condition=condition,
                line=line,
                has_variables=compiled.has_variables,
            )
        return leaf

    def _keys_of(self, condition: Condition, line: Line) -> tuple[str, ...]:
        if len(line.reads) > 1:
            return self._unknown_keys((condition.key,), condition.values)
        if condition.key not in self._tested_keys:
            self._tested_keys[condition.key] = self._unknown_keys((condition.key,), ())
        return self._tested_keys[condition.key]

    def _undocumented(self, compiled: CompiledStatement, condition: Condition) -> str:
        value = lookup(self._request.facts, condition.key.lower())
        in_request = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        return (
            f"{compiled.reference.name}: AWS documents no result of {condition.operator} on `{condition.key}`"
            f" for {_quoted(in_request)} and the policy value {_quoted(condition.values)}"
        )

    def _resource(self, compiled: CompiledStatement) -> PartialFormula:
        covered = any_of(self._pattern(compiled, pattern) for pattern in compiled.statement.resources)
        return negated(covered) if compiled.statement.not_resource else covered

    def _pattern(self, compiled: CompiledStatement, pattern: str) -> PartialFormula:
        name = pattern, compiled.has_variables, compiled.statement.not_resource
        if name not in self._leaves:
            test = compiled.pattern_test(pattern)
            answer = test(self._request)
            self._leaves[name] = self._pattern_leaf(compiled, pattern, test) if answer is None else answer
        return self._leaves[name]

    def _pattern_leaf(self, compiled: CompiledStatement, pattern: str, test: Callable[[Request], Truth]) -> Leaf:
        segments = split_tokens(tokenize(pattern))
        parts = [
            f"resource:{PARTS[index]}"
            for index in sorted(self._request.unknown_parts)
            # A part for which the pattern has just `*` cannot change the answer, unless an earlier `*` expands into it.
            if segments[index : index + 1] != ((ANY,),) or any(ANY in segment for segment in segments[:index])
        ]
        keys = (*self._unknown_keys((), (pattern,) if compiled.has_variables else ()), *parts)
        reason = f"{compiled.reference.name}: AWS does not document whether `{pattern}` covers the resource"
        return Leaf(keys, test, "" if keys else reason, pattern=pattern, has_variables=compiled.has_variables)

    def _unknown_keys(self, keys: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
        """Return the unknown keys among some keys and the variables of some strings, each once, as the policy spells them."""
        variables = [variable.spelling for variable in variables_in(texts)] if texts else []
        unknown = {key.lower(): key for key in (*keys, *variables) if is_unresolved(lookup(self._request.facts, key.lower()))}
        return tuple(unknown.values())


def _not_principal_reason(compiled: CompiledStatement) -> str:
    if compiled.statement.effect == "Allow":
        return f"{compiled.reference.name}: AWS does not document NotPrincipal with Allow"
    return (
        f"{compiled.reference.name}: NotPrincipal lists only a part of account, role and session of the caller; AWS documents "
        "that the statement might then deny"
    )


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "no value"
