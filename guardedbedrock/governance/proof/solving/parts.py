"""
The parts of a question, and how each is decided.

A part is about the requests of one action on one type of resource in one account. It is refuted if some request certainly
shows the opposite, and the engine confirms the request. It is proved if no request could show the opposite, not even where AWS
documents no rule. Otherwise it is unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys, canonical_key, collect_keys
from guardedbedrock.governance.proof.logic.conditions import Conditions
from guardedbedrock.governance.proof.logic.encoding import Encoder
from guardedbedrock.governance.proof.logic.formulas import Formula, Tri, conjoin
from guardedbedrock.governance.proof.logic.request_strings import RequestStrings
from guardedbedrock.governance.proof.policies import PlacedStatement, ProofPolicies
from guardedbedrock.governance.proof.solving.propositional import is_unsatisfiable
from guardedbedrock.governance.proof.solving.requests import (
    RequestClass,
    accounts,
    known_shapes,
    rebuild,
    shape_of_resource,
    types_in,
    usual_shapes,
    well_formed,
)
from guardedbedrock.governance.proof.solving.solver import Solution, Solver, Status, is_available
from guardedbedrock.iam import Decision, Request

NO_SOLVER: Final = "the policies need a solver to compare; install guardedbedrock[proof]"
_INEXPRESSIBLE: Final = "the answer depends on a condition or a pattern that the proof cannot express"
_UNCERTAIN: Final = "no certain decision"
_RESOURCE_ACCOUNT: Final = "aws:ResourceAccount"


@dataclass(frozen=True, slots=True)
class Part:
    """
    One part of a question.

    Args:
        request_class: The requests.
        shown: The formulas that a witness certainly, or possibly, satisfies.
        policies: The policies that the witness is evaluated with.
        confirms: Returns whether the engine agrees with a witness.
        older: The policies that `policies` are compared with, if the question has two versions.
    """

    request_class: RequestClass
    shown: Tri
    policies: ProofPolicies
    confirms: Callable[[Request], bool]
    older: ProofPolicies | None = None

    def open_decision(self, request: Request) -> Decision | None:
        """Return a decision that depends on a rule that AWS does not document; None if every decision is certain."""
        sets = [one.policy_set() for one in (self.policies, self.older) if one is not None]
        decisions = [one.evaluate(request) for one in sets]
        return next((one for one in decisions if one.outcome == "indeterminate"), None)


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """
    The answer to one part of a question.

    Args:
        answer: ``proved``, ``refuted`` or ``unknown``.
        witness: A request that shows the opposite.
        reason: Why the answer is unknown.
    """

    answer: str
    witness: Request | None = None
    reason: str = ""


class Prover:
    """
    Decides the parts of one question. The parts share the encoded statements and what the solver learns.

    Args:
        placed: The statements that the question compares.
        fixed: Keys with their value in every request; None for a key that no request has.
        policies: The policies, which determine the accounts that must be told apart.
        timeout: Limit of the solver for each part, in seconds.
        also: Further keys that the question reads.
        every_account: Whether resources of other accounts count even without a resource-based policy.
        partly_known: Keys with patterns; in every request, the value matches one of the patterns.
        lists: Keys with several values in every request.
    """

    def __init__(  # noqa: PLR0913  # a question reads all of these
        self,
        placed: Iterable[PlacedStatement],
        fixed: Mapping[str, str | None],
        policies: Iterable[ProofPolicies],
        timeout: float,
        *,
        also: Iterable[str] = (),
        every_account: bool = False,
        partly_known: Mapping[str, tuple[str, ...]] | None = None,
        lists: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._accounts = tuple(accounts(policies, every=every_account))
        self._fixed = fixed
        self._timeout = timeout
        owners = ((_RESOURCE_ACCOUNT, account) for account, _ in self._accounts if account)
        self.keys: ComparedKeys = collect_keys(placed, (*((key, None) for key in also), *fixed.items(), *owners))
        values = {canonical_key(key): value for key, value in fixed.items() if value is not None}
        several = {canonical_key(key): strings for key, strings in (lists or {}).items()}
        strings = RequestStrings(self.keys, fixed=values, lists=several, shapes=known_shapes(self.keys))
        self._encoder = Encoder(strings, Conditions(strings))
        self._partly_known = {key: patterns for key, patterns in (partly_known or {}).items() if canonical_key(key) not in values}
        self._solver: Solver | None = None

    def request_classes(
        self, action: str, types: frozenset[str] | None = None, patterns: tuple[str, ...] = ()
    ) -> Iterator[RequestClass]:
        """
        Yield the classes of requests of an action, by the account and the type of the resource, foundation models first.

        Args:
            action: The action.
            types: Resource types; None for every type of the action.
            patterns: Patterns, one of which the resource matches; empty for no limit.
        """
        for account, foreign in self._accounts:
            owner = {_RESOURCE_ACCOUNT: account} if account else {}
            fixed = {**owner, **self._fixed}
            every_type = RequestClass(action, types, None, fixed, patterns, account, foreign, partly_known=self._partly_known)
            found = types_in(every_type)
            if found is None:
                yield every_type
            for one in found or ():
                yield replace(every_type, types=frozenset({one}))

    def encoder(self, request_class: RequestClass) -> Encoder:
        """Return the encoder for the requests of a class."""
        shaped = shape_of_resource(request_class)
        return self._encoder.at(request_class.action, request_class.resource, shaped, foreign=request_class.foreign)

    def decide(self, part: Part) -> PartAnswer:
        """Decide one part."""
        if part.shown.may is False:
            return PartAnswer("proved")
        formed = well_formed(part.request_class, self.keys)
        possible = conjoin((formed, part.shown.may))
        if is_unsatisfiable(possible, has_solver=is_available()):
            return PartAnswer("proved")
        if not is_available():
            return PartAnswer("unknown", reason=NO_SOLVER)
        status, model, reason = self.solve(conjoin((formed, part.shown.must)), part.request_class)
        if model is not None:
            request = rebuild(model, part.request_class, self.keys, part.policies)
            if part.confirms(request):
                return PartAnswer("refuted", request)
            problem = f"the engine does not confirm {request.action} on {request.resource}; please report it"
            return PartAnswer("unknown", reason=f"defect: {problem}")
        if status == "unsatisfiable" and part.shown.may != part.shown.must:
            status, model, reason = self.solve(possible, part.request_class)
        if status == "unsatisfiable":
            return PartAnswer("proved")
        if model is None:
            return PartAnswer("unknown", reason=reason)
        return _judge(rebuild(model, part.request_class, self.keys, part.policies), part)

    def has_request(self, request_class: RequestClass) -> bool:
        """Return whether AWS could receive a request of a class; True if that is not known."""
        formed = well_formed(request_class, self.keys)
        if is_unsatisfiable(formed, has_solver=is_available()):
            return False
        return not is_available() or self.solve(formed, request_class)[0] != "unsatisfiable"

    def solve(self, formula: Formula, request_class: RequestClass) -> tuple[Status, Solution | None, str]:
        """Find a request of a class for which a formula is true."""
        if self._solver is None:
            self._solver = Solver(self.keys, self._timeout)
        return self._solver.solve(formula, usual_shapes(request_class))


def _judge(request: Request, part: Part) -> PartAnswer:
    """Let the engine decide about a request that may show the opposite."""
    if part.confirms(request):
        return PartAnswer("refuted", request)
    decision = part.open_decision(request)
    if decision is None:
        return PartAnswer("unknown", reason=_INEXPRESSIBLE)
    rules = "; ".join(decision.reasons)
    return PartAnswer("unknown", reason=f"{_UNCERTAIN} for {request.action} on {request.resource}: {rules}")
