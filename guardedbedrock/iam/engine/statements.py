"""
Statements of a policy set, compiled when an action first needs them: one test of a request, three-valued.

What several statements share is compiled once, so that equal resources and conditions are one object and can be tested once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.engine.decisions import StatementRef
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.language.documents import VARIABLES_SINCE, PolicyDocument, PolicyType, Statement
from guardedbedrock.iam.matching.conditions import Condition, ConditionTest, compile_conditions
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern
from guardedbedrock.iam.matching.principals import Grant, Principal, excepted, grant, identify
from guardedbedrock.iam.matching.resources import Test, anything, compile_resources
from guardedbedrock.iam.matching.variables import variables_in

_BOUNDED: Final = ("user", "role", "assumed-role")
"""Who can have a permissions boundary of its own."""


class Compiler:
    """
    Compiles the statements of one policy set, each distinct part once.

    Args:
        bounded: Whether a permissions boundary is in play.
    """

    __slots__ = ("_actions", "_conditions", "_resources", "_tests", "bounded")

    def __init__(self, *, bounded: bool) -> None:
        self.bounded = bounded
        self._actions: dict[str, Matcher] = {}
        self._resources: dict[tuple[tuple[str, ...], bool, bool], Test] = {}
        self._conditions: dict[tuple[tuple[Condition, ...], bool], ConditionTest | None] = {}
        self._tests: dict[tuple[Test, ConditionTest | None], Test] = {}

    def action(self, pattern: str) -> Matcher:
        """Compile an action pattern; case does not matter in actions."""
        if pattern not in self._actions:
            self._actions[pattern] = compile_pattern(pattern.lower())
        return self._actions[pattern]

    def test(self, statement: Statement, *, variables: bool) -> Test:
        """Join resource and condition."""
        parts = self._resource(statement, variables=variables), self._condition(statement, variables=variables)
        found = self._tests.get(parts)
        if found is None:
            found = self._tests[parts] = _both(*parts)
        return found

    def _resource(self, statement: Statement, *, variables: bool) -> Test:
        key = (statement.resources, statement.not_resource, variables)
        found = self._resources.get(key)
        if found is None:
            test = compile_resources(statement.resources, variables=variables)
            found = self._resources[key] = _negated(test) if statement.not_resource else test
        return found

    def _condition(self, statement: Statement, *, variables: bool) -> ConditionTest | None:
        if not statement.conditions:
            return None
        key = (statement.conditions, variables)
        found = self._conditions.get(key)
        if found is None:
            found = self._conditions[key] = compile_conditions(statement.conditions, variables=variables)
        return found


class Compiled:
    """
    One statement in its place, ready to be asked.

    Args:
        statement: As written.
        document: The policy it stands in.
        policy_type: What that policy is attached as.
        policy: Name of the policy.
        index: Its place among the statements of the policy, from 0.
        compiler: Compiles its parts when they are first needed.
    """

    __slots__ = ("_compiler", "_test", "document", "index", "policy", "policy_type", "statement")

    def __init__(  # noqa: PLR0913, PLR0917  # made once for each statement of a large policy: no time for names
        self, statement: Statement, document: PolicyDocument, policy_type: PolicyType, policy: str, index: int, compiler: Compiler
    ) -> None:
        self.statement = statement
        self.document = document
        self.policy_type = policy_type
        self.policy = policy
        self.index = index
        self._compiler = compiler
        self._test: Test | None = None

    @property
    def test(self) -> Test:
        """Resource and condition; the principal is asked apart, because its answer has degrees."""
        if self._test is None:
            self._test = self._compiler.test(self.statement, variables=self.document.version == VARIABLES_SINCE)
        return self._test

    @property
    def reference(self) -> StatementRef:
        """Name the statement as decisions do."""
        where = (self.policy_type, self.policy, self.index, self.statement.sid, self.statement.effect)
        return StatementRef(*where, policy_arn=self.document.arn)

    def reads(self) -> Iterator[str]:
        """Name the context keys, in lower case, that the statement reads."""
        texts = list(self.statement.resources)
        for condition in self.statement.conditions:
            yield condition.key.lower()
            texts += condition.values
        yield from (variable.key for variable in variables_in(texts))

    def names(self, action: str) -> bool:
        """Say whether Action names an action in lower case, or NotAction does."""
        compiled = self._compiler.action
        return any(compiled(pattern)(action) for pattern in self.statement.actions)

    def grant(self, request: Request) -> Grant:
        """Say how closely the statement names the caller; a policy type without Principal names everyone."""
        element = self.statement.principal
        if element is None:
            return Grant.OPEN
        principal = identify(request.principal)
        if self.statement.not_principal:
            if self.spares_no_one(principal):
                return Grant.OPEN
            left_out = excepted(element, principal)
            return Grant.PERHAPS if left_out is None else Grant.NONE if left_out else Grant.OPEN
        return grant(element, principal)

    def spares_no_one(self, principal: Principal) -> bool:
        """
        Say whether this is a Deny with NotPrincipal and the caller has a permissions boundary: it is denied, whoever is named.

        Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal".
        """
        denies_all_but = self.statement.not_principal and self.statement.effect == "Deny"
        return denies_all_but and self._compiler.bounded and principal.kind in _BOUNDED

    def applies(self, request: Request) -> Truth:
        """Say whether the whole statement applies."""
        granted = self.grant(request)
        answer = self.test(request) if granted else False
        return None if answer and granted is Grant.PERHAPS else answer


def _both(resource: Test, condition: ConditionTest | None) -> Test:
    if condition is None:
        return resource
    if resource is anything:
        return lambda request: condition(request.facts)

    def test(request: Request) -> Truth:
        covered = resource(request)
        if covered is False:
            return False
        holds = condition(request.facts)
        return None if covered is None and holds else holds

    return test


def _negated(test: Callable[[Request], Truth]) -> Test:
    def negated(request: Request) -> Truth:
        answer = test(request)
        return None if answer is None else not answer

    return negated
