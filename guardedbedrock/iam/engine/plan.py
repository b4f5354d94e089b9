"""
From the statements that concern an action to a decision.

Every answer is True, False or None (Kleene's logic); a verdict is given only when no None could turn it.
Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "Permissions boundaries for IAM
entities"; AWS Organizations User Guide, "SCP evaluation" and "RCP evaluation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.engine.decisions import Decision, Outcome, StatementRef
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.engine.statements import Compiled
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.logic import both, either
from guardedbedrock.iam.matching.principals import Grant, Principal, identify
from guardedbedrock.iam.matching.resources import Test

if TYPE_CHECKING:
    from guardedbedrock.iam.explain.model import Explanation

Group: TypeAlias = tuple[PolicyType, tuple[Compiled, ...]]
"""Statements that count as one: all of a policy type, or all of one level of the organization."""
Tests: TypeAlias = tuple[tuple[PolicyType, tuple[Test, ...]], ...]
Known: TypeAlias = dict[Test, Truth] | None
"""Answers to one request so far: a test that several groups ask is asked once. None where no two groups ask the same."""

_REMEMBERED: Final = 256

GATES: Final[tuple[PolicyType, ...]] = ("scp", "endpoint")
"""Each group must allow, whoever asks. An RCP is no gate: the allow-all that is always attached opens it."""
OWN: Final[tuple[PolicyType, ...]] = ("identity", "boundary", "session")
"""Each must allow, unless a resource-based policy grants to the caller directly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    All that is to be asked when one action is requested: only statements that cover it, equal tests once.

    Args:
        groups: Every group in play, in the order in which AWS names them.
        denies: Deny tests, each with the policy type that is named for it.
        gates: Allow tests of each group of `GATES`.
        own: Allow tests of each group of `OWN`.
        grants: Allow statements of the resource-based policies; None where no such policy is in play.
        repeats: Whether two groups ask the same test.
        whole: For each group, all its statements, those of other actions too.
        hung: Requests by identity, with the keys that their answers hang on.
        required: Gates and own policies, all of which must allow where nothing grants directly.
    """

    groups: tuple[Group, ...]
    denies: tuple[tuple[PolicyType, Test], ...]
    gates: Tests
    own: Tests
    grants: tuple[Compiled, ...] | None
    whole: tuple[Sequence[Compiled], ...] = field(repr=False, compare=False)
    required: Tests = field(init=False, repr=False)
    repeats: bool = field(init=False, repr=False)
    hung: dict[int, tuple[Request, tuple[str, ...]]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", self.gates + self.own)
        asked = [test for _, tests in self.required for test in tests]
        object.__setattr__(self, "repeats", len(set(asked)) < len(asked))

    def decide(self, request: Request) -> Decision:
        """Answer the request."""
        is_open = False
        for denying, applies in self.denies:
            answer = applies(request)
            if answer is False or is_exempt(denying, request):
                continue
            if answer:
                return Decision("explicitDeny", denying, request, self)
            is_open = True
        allowed, policy_type = self._permission(request)
        if allowed is False:
            return Decision("implicitDeny", policy_type, request, self)
        if is_open or allowed is None:
            return Decision("indeterminate", None, request, self)
        return Decision("allowed", policy_type, request, self)

    def determining(self, outcome: Outcome, request: Request) -> tuple[StatementRef, ...]:
        """Find the statements that make an outcome what it is."""
        return tuple(compiled.reference for compiled in self._determining(outcome, request))

    def explain(self, decision: Decision) -> Explanation:
        """Tell of every statement that covers the action why it applies or does not."""
        from guardedbedrock.iam.explain.build import explain  # noqa: PLC0415  # seldom needed, and slow to load

        return explain(decision, self.groups, self.whole, frozenset(self._determining(decision.outcome, decision.request)))

    def open_keys(self, request: Request) -> tuple[str, ...]:
        """Name the unknown context keys that an answer hangs on; a request that is asked again is remembered."""
        remembered = self.hung.get(id(request))
        if remembered is None or remembered[0] is not request:
            if len(self.hung) >= _REMEMBERED:
                self.hung.clear()
            from guardedbedrock.iam.engine.unresolved_keys import open_keys  # noqa: PLC0415  # seldom needed, and slow to load

            statements = [compiled for _, group in self.groups for compiled in group]
            found = open_keys(statements, request, lambda known: self.decide(known).is_denied)
            remembered = self.hung[id(request)] = request, found
        return remembered[1]

    def _statements(self, effect: str) -> Iterator[tuple[PolicyType, Compiled]]:
        for policy_type, group in self.groups:
            yield from ((policy_type, compiled) for compiled in group if compiled.statement.effect == effect)

    def _determining(self, outcome: Outcome, request: Request) -> Iterable[Compiled]:
        if outcome not in ("explicitDeny", "allowed"):
            return ()
        return self._denying(request) if outcome == "explicitDeny" else self._granting(request)

    def _denying(self, request: Request) -> Iterator[Compiled]:
        for policy_type, compiled in self._statements("Deny"):
            if not is_exempt(policy_type, request) and compiled.applies(request):
                yield compiled

    def _granting(self, request: Request) -> Iterator[Compiled]:
        own, _ = _every(self.own, request, None)
        for policy_type, compiled in self._statements("Allow"):
            grants = policy_type == "resource" and (request.cross_account or self._through(compiled.grant(request), request))
            if ((policy_type == "identity" and own) or grants) and compiled.applies(request):
                yield compiled

    def _permission(self, request: Request) -> tuple[Truth, PolicyType | None]:
        known: Known = {} if self.repeats else None
        if self.grants is None and request.cross_account is False:
            return _every(self.required, request, known)
        opened, policy_type = _every(self.gates, request, known)
        if opened is False:
            return False, policy_type
        allowed, policy_type = self._caller(request, known)
        return (False if allowed is False else both(opened, allowed)), policy_type

    def _caller(self, request: Request, known: Known) -> tuple[Truth, PolicyType | None]:
        """Join what the caller's own policies say with what the resource's say."""
        own, policy_type = _every(self.own, request, known)
        if request.cross_account is False:
            return self._in_account(own, policy_type, request)
        granted = either(compiled.applies(request) for compiled in self.grants or ())
        abroad = both(own, granted)
        abroad_type: PolicyType | None = policy_type if own is False or granted else "resource"
        if request.cross_account:
            return abroad, abroad_type
        home, home_type = self._in_account(own, policy_type, request)
        return (home, home_type) if home is abroad else (None, None)

    def _in_account(self, own: Truth, policy_type: PolicyType | None, request: Request) -> tuple[Truth, PolicyType | None]:
        if own or not self.grants:
            return own, policy_type
        granted = either(
            both(compiled.applies(request), self._through(compiled.grant(request), request)) for compiled in self.grants
        )
        return either((own, granted)), policy_type if granted is False else "resource"

    def _through(self, grant: Grant, request: Request) -> Truth:
        """Say whether a direct grant passes what limits the caller, in the same account."""
        if grant is Grant.EXACT:
            return True
        limits = {policy_type: _any(tests, request, None) for policy_type, tests in self.own}
        session = limits.get("session", True)
        if grant is Grant.OPEN:
            return True if session else None
        limited = grant in (Grant.ROLE, Grant.PERHAPS)
        return both(limits.get("boundary", True), session) if limited else False


def is_exempt(policy_type: PolicyType, request: Request) -> bool:
    """Neither SCPs nor RCPs apply to a service-linked role."""
    return policy_type in ("scp", "rcp") and identify(request.principal).is_service_linked


def _any(tests: Iterable[Test], request: Request, known: Known) -> Truth:
    """Ask until one allows."""
    answer: Truth = False
    for test in tests:
        if known is None:
            one = test(request)
        elif test in known:
            one = known[test]
        else:
            one = known[test] = test(request)
        if one:
            return True
        if one is None:
            answer = None
    return answer


def _every(groups: Tests, request: Request, known: Known) -> tuple[Truth, PolicyType | None]:
    """Ask every group; on a sure no, also name the first type that says it."""
    answer: Truth = True
    for policy_type, tests in groups:
        one = _any(tests, request, known)
        if one is True:
            continue
        if is_exempt(policy_type, request) or is_free(policy_type, identify(request.principal)):
            continue
        if one is False:
            return False, policy_type
        answer = None
    return answer, "identity"


def is_free(policy_type: PolicyType, principal: Principal) -> bool:
    """The root user needs no identity-based policy."""
    return policy_type in OWN and principal.kind == "root"
