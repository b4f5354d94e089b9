"""The statements of a policy set that cover one action, arranged for the evaluator."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.gaps import Gap, add_to_groups
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import Test

StatementGroup: TypeAlias = tuple[PolicyType, Sequence[CompiledStatement]]
"""Statements that are evaluated together: all of a policy type, or all of one level of the organization."""
TestGroups: TypeAlias = tuple[tuple[PolicyType, tuple[Test, ...]], ...]
"""The Allow tests of several groups, equal tests of a group once."""

NAMING_ORDER: Final[tuple[PolicyType, ...]] = ("rcp", "scp", "endpoint", "resource", "identity", "boundary", "session")
"""The order in which AWS names the policy type that denies."""
OUTER_LIMITS: Final[tuple[PolicyType, ...]] = ("scp", "endpoint")
"""Every group of these types must allow each caller. RCPs are not listed: an allow-all RCP is always attached."""
CALLER_TYPES: Final[tuple[PolicyType, ...]] = ("identity", "boundary", "session")
"""Every group of these types must allow, unless a resource-based policy names the caller directly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The statements that cover one action. Equal tests of a group occur once.

    Args:
        groups: Every group of the policy set, in `NAMING_ORDER`, with the statements that cover the action.
        denies: Deny tests, each with the policy type that a denial names.
        outer_limits: Allow tests of each group whose type is in `OUTER_LIMITS`.
        caller_checks: Allow tests of each group whose type is in `CALLER_TYPES`.
        resource_allows: Allow statements of resource-based policies; None if the policy set has no such policy.
        has_empty_session: Whether session policies are given as an empty list.
        all_statements: For each group, all its statements, including those of other actions.
        gaps: Policies that could not be read; their tests are among `denies`, `outer_limits` and `caller_checks`.
        management_account: Management account of the organization, if it is known.
        needs_no_permission: Whether AWS allows the action without any Allow.
        required: `outer_limits` and `caller_checks`: what must allow where no resource-based policy takes part.
        resource_gaps: Resource-based policies that could not be read.
        has_shared_tests: Whether two groups have an equal test, so that its answer is worth keeping during an evaluation.
    """

    groups: tuple[StatementGroup, ...]
    denies: tuple[tuple[PolicyType, Test], ...]
    outer_limits: TestGroups
    caller_checks: TestGroups
    resource_allows: tuple[CompiledStatement, ...] | None
    has_empty_session: bool
    management_account: str | None
    needs_no_permission: bool
    all_statements: tuple[Sequence[CompiledStatement], ...] = field(repr=False, compare=False)
    gaps: tuple[Gap, ...] = ()
    resource_gaps: tuple[Gap, ...] = field(init=False, repr=False)
    required: TestGroups = field(init=False, repr=False)
    has_shared_tests: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", self.outer_limits + self.caller_checks)
        object.__setattr__(self, "resource_gaps", tuple(gap for gap in self.gaps if gap.policy_type == "resource"))
        tests = [test for _, group in self.required for test in group]
        object.__setattr__(self, "has_shared_tests", len(set(tests)) < len(tests))

    def statements(self, effect: str) -> Iterator[tuple[PolicyType, CompiledStatement]]:
        """Yield the statements with an effect, each with its policy type."""
        for policy_type, group in self.groups:
            yield from ((policy_type, compiled) for compiled in group if compiled.statement.effect == effect)


def build_plan(  # noqa: PLR0913  # all but two are keywords
    all_groups: Sequence[StatementGroup],
    covering: Container[int],
    *,
    has_empty_session: bool,
    management_account: str | None,
    needs_no_permission: bool,
    gaps: Sequence[Gap],
) -> Plan:
    """
    Build the plan of one action.

    Args:
        all_groups: Every group of the policy set, with all its statements.
        covering: The ``id()`` of every statement that covers the action.
        has_empty_session: Whether session policies are given as an empty list.
        management_account: Management account of the organization, if it is known.
        needs_no_permission: Whether AWS allows the action without any Allow. Policies of the caller then do not count.
        gaps: Policies that could not be read.
    """
    if needs_no_permission:
        all_groups = [(kind, group) for kind, group in all_groups if kind not in (*CALLER_TYPES, "resource")]
        gaps = [gap for gap in gaps if gap.policy_type not in (*CALLER_TYPES, "resource")]
    groups: tuple[StatementGroup, ...] = tuple((kind, tuple(c for c in group if id(c) in covering)) for kind, group in all_groups)
    resource_groups = [group for kind, group in groups if kind == "resource"]
    caller_checks = _allow_tests(groups, CALLER_TYPES)
    if has_empty_session and not needs_no_permission:
        caller_checks += (("session", (_needs_no_session_policy,)),)
    return Plan(
        groups=groups,
        denies=(*_deny_tests(groups), *((gap.policy_type, gap.may_deny) for gap in gaps)),
        outer_limits=add_to_groups(_allow_tests(groups, OUTER_LIMITS), gaps, OUTER_LIMITS),
        caller_checks=add_to_groups(caller_checks, gaps, CALLER_TYPES),
        resource_allows=tuple(c for group in resource_groups for c in group if c.statement.effect == "Allow")
        if resource_groups
        else None,
        has_empty_session=has_empty_session and not needs_no_permission,
        management_account=management_account,
        needs_no_permission=needs_no_permission,
        all_statements=tuple(group for _, group in all_groups),
        gaps=tuple(gaps),
    )


def _needs_no_session_policy(request: Request) -> bool:
    """Without session policies, a role session has the permissions of the role; a federated user has none."""
    return identify(request.principal).kind != "federated-user"


def _test_of(compiled: CompiledStatement) -> Test:
    """Return the test that equal statements share. A principal element makes it specific to the statement."""
    return compiled.test if compiled.statement.principal is None else compiled.applies


def _deny_tests(groups: Iterable[StatementGroup]) -> Iterator[tuple[PolicyType, Test]]:
    seen: set[tuple[PolicyType | None, Test]] = set()
    for policy_type, group in groups:
        for compiled in group:
            if compiled.statement.effect != "Deny":
                continue
            # Equal tests count once, but SCPs and RCPs have exceptions that the other types do not have.
            key = (policy_type if policy_type in ("scp", "rcp") else None, _test_of(compiled))
            if key not in seen:
                seen.add(key)
                yield policy_type, key[1]


def _allow_tests(groups: Iterable[StatementGroup], types: Sequence[PolicyType]) -> TestGroups:
    return tuple(
        (policy_type, tuple(dict.fromkeys(_test_of(c) for c in group if c.statement.effect == "Allow")))
        for policy_type, group in groups
        if policy_type in types
    )
