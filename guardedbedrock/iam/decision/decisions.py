"""A decision: the outcome of one request, with what it is based on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from guardedbedrock.iam.engine.outcomes import Outcome, StatementRef, Unresolved
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.requests import Request

if TYPE_CHECKING:
    from guardedbedrock.iam.decision.explanation import Explanation


class Grounds(Protocol):
    """The basis of a decision: the policies that were evaluated, or a record of their answers."""

    def statements(self, outcome: Outcome, request: Request) -> tuple[StatementRef, ...]:
        """Return the statements that determine the outcome."""

    def unresolved(self, request: Request) -> Unresolved:
        """Return what an indeterminate decision depends on."""

    def explain(self, decision: Decision) -> Explanation:
        """Explain the decision."""


class RecordedGrounds(NamedTuple):
    """The answers of other grounds, so that a decision can be pickled without its policies."""

    recorded_statements: tuple[StatementRef, ...]
    recorded_unresolved: Unresolved
    explanation: Explanation

    def statements(self, _outcome: Outcome, _request: Request) -> tuple[StatementRef, ...]:
        """Return the recorded statements."""
        return self.recorded_statements

    def unresolved(self, _request: Request) -> Unresolved:
        """Return the recorded answer."""
        return self.recorded_unresolved

    def explain(self, _decision: Decision) -> Explanation:
        """Return the recorded explanation."""
        return self.explanation


@dataclass(frozen=True, slots=True, init=False)
class Decision:
    """
    The decision of one request.

    Args:
        outcome: ``allowed``, ``implicitDeny``, ``explicitDeny``, or ``indeterminate``: the answer depends on an unknown value, on
            a policy that could not be read, or on a rule that AWS does not document.
        policy_type: The type of policy that decides; None when the outcome is ``indeterminate``.
        request: The request.
    """

    outcome: Outcome
    policy_type: PolicyType | None
    request: Request
    grounds: Grounds = field(repr=False, compare=False)

    def __init__(self, outcome: Outcome, policy_type: PolicyType | None, request: Request, grounds: Grounds) -> None:
        # Measured: the slots' own setters take half the time of the constructor that a frozen dataclass generates.
        _set_outcome(self, outcome)
        _set_policy_type(self, policy_type)
        _set_request(self, request)
        _set_grounds(self, grounds)

    @property
    def is_denied(self) -> bool:
        """Whether the request is certainly denied."""
        return self.outcome in ("implicitDeny", "explicitDeny")

    @property
    def statements(self) -> tuple[StatementRef, ...]:
        """
        The statements that determine the outcome; computed on access.

        1. ``explicitDeny``: every Deny that certainly applies.
        2. ``allowed``: every Allow that grants the request.
        3. Other outcomes: none.
        """
        return self.grounds.statements(self.outcome, self.request)

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """
        The unknown keys that the decision depends on, sorted; ``()`` unless the outcome is ``indeterminate``.

        If `hangs_on_is_exact`, each of them can change the outcome. A key that is not listed cannot. An indeterminate decision
        without keys has `reasons`.
        """
        return self._unresolved.keys

    @property
    def hangs_on_is_exact(self) -> bool:
        """Whether each key of `hangs_on` can change the outcome. If False, there were too many values to try."""
        return self._unresolved.is_exact

    @property
    def reasons(self) -> tuple[str, ...]:
        """
        Why the decision is open apart from unknown keys, in words; ``()`` for a sure outcome.

        These are policies that could not be read, and rules that AWS does not document.
        """
        return self._unresolved.reasons

    @property
    def _unresolved(self) -> Unresolved:
        return self.grounds.unresolved(self.request) if self.outcome == "indeterminate" else Unresolved()

    @property
    def policy_arn(self) -> str | None:
        """ARN of a policy that denies explicitly, if it has one."""
        if self.outcome != "explicitDeny":
            return None
        arns = (statement.policy_arn for statement in self.statements if statement.policy_type == self.policy_type)
        return next((arn for arn in arns if arn), None)

    def message(self) -> str:
        """Return the message that AWS would send for a denial. For other outcomes it has no reason."""
        from guardedbedrock.iam.decision.sentences import write  # noqa: PLC0415  # loads `re`, which only a denial needs

        return write(
            principal=self.request.principal,
            action=self.request.action,
            resource=self.request.resource,
            policy_type=self.policy_type if self.is_denied else None,
            explicit=self.outcome == "explicitDeny",
            policy_arn=self.policy_arn,
        )

    def explain(self) -> Explanation:
        """
        Explain the decision: for each statement that covers the action, whether it applies and which elements fail.

        ``str()`` of the explanation is text for a terminal, ``as_data()`` is data for JSON.

        Cost: about ten microseconds for each statement that covers the action.
        """
        return self.grounds.explain(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the computed answers instead of the compiled policies."""
        grounds = RecordedGrounds(self.statements, self._unresolved, self.explain())
        return Decision, (self.outcome, self.policy_type, self.request, grounds)


_set_outcome, _set_policy_type, _set_request, _set_grounds = (
    Decision.__dict__[name].__set__ for name in ("outcome", "policy_type", "request", "grounds")
)
