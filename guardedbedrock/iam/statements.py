"""
Statements, compiled: one test of a request, three-valued.

What several statements share is compiled once, so that equal resources and conditions are one object and are tested once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from guardedbedrock.iam.conditions import Condition, ConditionTest, compile_conditions
from guardedbedrock.iam.context import Truth
from guardedbedrock.iam.decisions import StatementRef
from guardedbedrock.iam.documents import VARIABLES_SINCE, PolicyDocument, PolicyType, Statement
from guardedbedrock.iam.patterns import Matcher, compile_pattern
from guardedbedrock.iam.principals import Grant, excepted, grant, identify
from guardedbedrock.iam.requests import Request
from guardedbedrock.iam.resources import Test, anything, compile_resources
from guardedbedrock.iam.variables import keys, plain, template


@dataclass(frozen=True, slots=True)
class Compiled:
    """
    One statement, ready to be asked.

    Args:
        statement: As written.
        document: The policy it stands in.
        policy_type: What that policy is attached as.
        policy: Name of the policy.
        index: Its place among the statements of the policy, from 0.
        test: Resource and condition; the principal is asked apart, because its answer has degrees.
        actions: Matchers of lower-case actions.
    """

    statement: Statement
    document: PolicyDocument
    policy_type: PolicyType
    policy: str
    index: int
    test: Test
    actions: tuple[Matcher, ...]

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
        for text in texts:
            if "${" in text:
                yield from keys(template(text, plain))

    def covers(self, action: str) -> bool:
        """Say whether Action or NotAction covers an action in lower case."""
        return any(matches(action) for matches in self.actions) is not self.statement.not_action

    def grant(self, request: Request) -> Grant:
        """Say how closely the statement names the caller; a policy type without Principal names everyone."""
        element = self.statement.principal
        if element is None:
            return Grant.OPEN
        principal = identify(request.principal)
        if self.statement.not_principal:
            return Grant.NONE if excepted(element, principal) else Grant.OPEN
        return grant(element, principal)

    def applies(self, request: Request) -> Truth:
        """Say whether the whole statement applies."""
        grant = self.grant(request)
        answer = self.test(request) if grant else False
        return None if answer and grant is Grant.PERHAPS else answer


@dataclass(slots=True)
class Compiler:
    """Compiles the statements of one policy set, each distinct part once."""

    _resources: dict[object, Test] = field(default_factory=dict)
    _conditions: dict[tuple[tuple[Condition, ...], bool], ConditionTest | None] = field(default_factory=dict)
    _tests: dict[object, Test] = field(default_factory=dict)
    _actions: dict[str, Matcher] = field(default_factory=dict)

    def document(self, document: PolicyDocument, policy_type: PolicyType, name: str) -> list[Compiled]:
        """Compile every statement of a document."""
        variables = document.version == VARIABLES_SINCE
        return [
            Compiled(s, document, policy_type, name, i, self.test(s, variables=variables), tuple(map(self.action, s.actions)))
            for i, s in enumerate(document.statements)
        ]

    def action(self, pattern: str) -> Matcher:
        """Compile an action pattern; case does not matter in actions."""
        if pattern not in self._actions:
            self._actions[pattern] = compile_pattern(pattern.lower())
        return self._actions[pattern]

    def test(self, statement: Statement, *, variables: bool) -> Test:
        """Join resource and condition."""
        key = (statement.resources, statement.not_resource, statement.conditions, variables)
        if key not in self._tests:
            self._tests[key] = _both(
                self.resource(statement, variables=variables), self.condition(statement, variables=variables)
            )
        return self._tests[key]

    def resource(self, statement: Statement, *, variables: bool) -> Test:
        """Compile Resource or NotResource."""
        key = (statement.resources, statement.not_resource, variables)
        if key not in self._resources:
            test = compile_resources(statement.resources, variables=variables)
            self._resources[key] = _negated(test) if statement.not_resource else test
        return self._resources[key]

    def condition(self, statement: Statement, *, variables: bool) -> ConditionTest | None:
        """Compile the condition blocks."""
        key = (statement.conditions, variables)
        if key not in self._conditions:
            self._conditions[key] = compile_conditions(statement.conditions, variables=variables)
        return self._conditions[key]


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


def _negated(test: Test) -> Test:
    def negated(request: Request) -> Truth:
        answer = test(request)
        return None if answer is None else not answer

    return negated
