"""
Statements of a policy set, compiled to three-valued tests of a request.

A statement is compiled when a request first needs it. Equal resource and condition elements are compiled once and share one
test object, so that the evaluator can recognize equal tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardedbedrock.iam.engine.outcomes import StatementRef
from guardedbedrock.iam.language.documents import VARIABLES_SINCE, PolicyDocument, PolicyType, Statement
from guardedbedrock.iam.matching.conditions import Condition, ConditionTest, Line, compile_line, join_lines
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.logic import negate
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern
from guardedbedrock.iam.matching.principals import Grant, Principal, excepted, grant, identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import Test, anything, compile_resources
from guardedbedrock.iam.matching.variables import variables_in

_CAN_HAVE_BOUNDARY: Final = ("user", "role", "assumed-role")


class StatementCompiler:
    """
    Compiles the statements of one policy set, each distinct element once.

    Args:
        has_boundary: Whether the policy set has a permissions boundary.
    """

    __slots__ = ("_actions", "_lines", "_patterns", "_resources", "_tests", "has_boundary")

    def __init__(self, *, has_boundary: bool) -> None:
        self.has_boundary = has_boundary
        # Cache, keyed by the pattern, and four more by what they compile: policies repeat patterns and conditions.
        self._actions: dict[str, Matcher] = {}
        self._resources: dict[tuple[tuple[str, ...], bool, bool], Test] = {}
        self._patterns: dict[tuple[str, bool, bool], Test] = {}
        self._lines: dict[tuple[tuple[Condition, ...], bool], tuple[tuple[Line, ...], ConditionTest | None]] = {}
        self._tests: dict[tuple[Test, ConditionTest | None], Test] = {}

    def action(self, pattern: str) -> Matcher:
        """Compile a pattern of Action. Actions ignore case."""
        if pattern not in self._actions:
            self._actions[pattern] = compile_pattern(pattern.lower())
        return self._actions[pattern]

    def test(self, statement: Statement, *, variables: bool) -> Test:
        """Compile the resource and condition elements of a statement, joined with AND."""
        key = self.resource(statement, variables=variables), self.conditions(statement, variables=variables)[1]
        test = self._tests.get(key)
        if test is None:
            test = self._tests[key] = _join(*key)
        return test

    def resource(self, statement: Statement, *, variables: bool) -> Test:
        """Compile Resource or NotResource."""
        key = (statement.resources, statement.not_resource, variables)
        test = self._resources.get(key)
        if test is None:
            matches = compile_resources(statement.resources, variables=variables, negated=statement.not_resource)
            test = self._resources[key] = _negated(matches) if statement.not_resource else matches
        return test

    def pattern(self, pattern: str, *, variables: bool, negated: bool) -> Test:
        """Compile one pattern of Resource or, with `negated`, of NotResource. The answer itself is not negated."""
        key = pattern, variables, negated
        test = self._patterns.get(key)
        if test is None:
            test = self._patterns[key] = compile_resources((pattern,), variables=variables, negated=negated)
        return test

    def conditions(self, statement: Statement, *, variables: bool) -> tuple[tuple[Line, ...], ConditionTest | None]:
        """Compile the condition lines of a statement, one by one and joined with AND; the joined test is None without lines."""
        if not statement.conditions:
            return (), None
        key = (statement.conditions, variables)
        compiled = self._lines.get(key)
        if compiled is None:
            lines = tuple([compile_line(condition, variables=variables) for condition in statement.conditions])
            compiled = self._lines[key] = lines, join_lines(lines)
        return compiled


class CompiledStatement:
    """
    One statement with its position, ready to be evaluated.

    Args:
        statement: The statement as written.
        document: The policy document that contains it.
        policy_type: How that policy is attached.
        policy: Name of the policy.
        index: Position among the statements of the policy, from 0.
        compiler: Compiles the elements when they are first needed.
    """

    __slots__ = ("_compiler", "_test", "document", "index", "policy", "policy_type", "statement")

    def __init__(  # noqa: PLR0913, PLR0917  # measured: keywords slow the loading of large policies
        self,
        statement: Statement,
        document: PolicyDocument,
        policy_type: PolicyType,
        policy: str,
        index: int,
        compiler: StatementCompiler,
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
        """Resource and condition. The principal is separate, because its answer has degrees (`grant`)."""
        if self._test is None:
            self._test = self._compiler.test(self.statement, variables=self.has_variables)
        return self._test

    @property
    def has_variables(self) -> bool:
        """Whether ``${...}`` is a policy variable in this document."""
        return self.document.version == VARIABLES_SINCE

    @property
    def lines(self) -> tuple[Line, ...]:
        """The compiled condition lines, in the order of ``statement.conditions``."""
        return self._compiler.conditions(self.statement, variables=self.has_variables)[0]

    @property
    def reference(self) -> StatementRef:
        """How decisions name this statement."""
        statement = self.statement
        return StatementRef(
            policy_type=self.policy_type,
            policy=self.policy,
            index=self.index,
            sid=statement.sid,
            effect=statement.effect,
            policy_arn=self.document.arn,
        )

    def reads(self) -> Iterator[str]:
        """Yield the context keys, in lower case, that the statement reads."""
        yield from (condition.key.lower() for condition in self.statement.conditions)
        yield from (variable.key for variable in variables_in(self._texts()))

    def _texts(self) -> Iterator[str]:
        yield from self.statement.resources
        for condition in self.statement.conditions:
            yield from condition.values

    def covers(self, action: str) -> bool:
        """Return whether a pattern of Action or NotAction matches an action in lower case."""
        compiled = self._compiler.action
        return any(compiled(pattern)(action) for pattern in self.statement.actions)

    def covers_resource(self, request: Request) -> Truth:
        """Return whether Resource or NotResource covers the resource."""
        return self._compiler.resource(self.statement, variables=self.has_variables)(request)

    def pattern_test(self, pattern: str) -> Test:
        """Return the test of one pattern of Resource or NotResource, without negation."""
        return self._compiler.pattern(pattern, variables=self.has_variables, negated=self.statement.not_resource)

    def grant(self, request: Request) -> Grant:
        """Return how directly the statement names the caller. Without a principal element it names everyone."""
        element = self.statement.principal
        if element is None:
            return Grant.OPEN
        principal = identify(request.principal)
        if not self.statement.not_principal:
            return grant(element, principal)
        if self.denies_despite_not_principal(principal):
            return Grant.OPEN
        is_excepted = excepted(element, principal)
        if is_excepted:
            return Grant.NONE
        if is_excepted is None and principal.kind == "federated-user" and self.statement.effect == "Deny":
            return Grant.PERHAPS
        # AWS does not support NotPrincipal with Allow, and does not document what it does.
        return Grant.UNDOCUMENTED if is_excepted is None or self.statement.effect == "Allow" else Grant.OPEN

    def denies_despite_not_principal(self, principal: Principal) -> bool:
        """
        Return whether this is a Deny with NotPrincipal and the caller has a permissions boundary.

        Such a statement denies the caller even if NotPrincipal lists it.
        Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal".
        """
        denies_all_but = self.statement.not_principal and self.statement.effect == "Deny"
        return denies_all_but and self._compiler.has_boundary and principal.kind in _CAN_HAVE_BOUNDARY

    def applies(self, request: Request) -> Truth:
        """Return whether principal, resource and condition all match. The action was matched by the index."""
        granted = self.grant(request)
        answer = self.test(request) if granted else False
        return None if answer and granted in (Grant.PERHAPS, Grant.UNDOCUMENTED) else answer


def _join(resource: Test, condition: ConditionTest | None) -> Test:
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
    return lambda request: negate(test(request))
