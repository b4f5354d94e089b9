"""The grounds of a decision: the plan that was evaluated, and what is computed from it on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.engine.authorizer import determining
from guardedbedrock.iam.engine.outcomes import Outcome, StatementRef, Unresolved
from guardedbedrock.iam.engine.plan import Plan
from guardedbedrock.iam.matching.requests import Request

if TYPE_CHECKING:
    from guardedbedrock.iam.decision.explanation import Explanation

_MEMO_SIZE: Final = 256


class PlanGrounds:
    """
    The grounds of every decision that one plan makes.

    Args:
        plan: The plan.
    """

    __slots__ = ("_memo", "plan")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # Cache, keyed by the identity of the request: errors, logs and spans all ask for the keys of one decision.
        self._memo: dict[int, tuple[Request, Unresolved]] = {}

    def statements(self, outcome: Outcome, request: Request) -> tuple[StatementRef, ...]:
        """Return the statements that determine the outcome."""
        return tuple(compiled.reference for compiled in determining(self.plan, outcome, request))

    def unresolved(self, request: Request) -> Unresolved:
        """Return what an indeterminate decision depends on."""
        remembered = self._memo.get(id(request))
        if remembered is not None and remembered[0] is request:
            return remembered[1]
        from guardedbedrock.iam.engine.unresolved_keys import unresolved  # noqa: PLC0415  # slow to load, and seldom needed

        if len(self._memo) >= _MEMO_SIZE:
            self._memo.clear()
        found = unresolved(self.plan, request)
        self._memo[id(request)] = request, found
        return found

    def explain(self, decision: Decision) -> Explanation:
        """Explain the decision."""
        from guardedbedrock.iam.decision.explain import explain  # noqa: PLC0415  # slow to load, and seldom needed

        return explain(decision, self.plan)
