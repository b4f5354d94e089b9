"""A decision: the outcome, which kind of policy decided, which statements, and what it hangs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.language.documents import PolicyType

if TYPE_CHECKING:
    from guardedbedrock.iam.explain.model import Explanation

Outcome: TypeAlias = Literal["allowed", "implicitDeny", "explicitDeny", "indeterminate"]


@dataclass(frozen=True, slots=True)
class StatementRef:
    """
    A statement that took part in a decision.

    Args:
        policy_type: What its policy is attached as.
        policy: Name of the policy; ``identity[0]`` where it has none.
        index: Place among the policy's statements, from 0.
        sid: Its Sid, if it has one.
        effect: ``Allow`` or ``Deny``.
        policy_arn: ARN of the policy, if it has one.
    """

    policy_type: PolicyType
    policy: str
    index: int
    sid: str | None
    effect: Literal["Allow", "Deny"]
    policy_arn: str | None = None

    def __str__(self) -> str:
        return f"{self.policy_type} {self.policy} statement {self.sid or self.index}"


class Grounds(Protocol):
    """What a decision rests on; the plan that made it, or a record of what that said."""

    def determining(self, outcome: Outcome, request: Request) -> tuple[StatementRef, ...]:
        """Find the statements that make an outcome what it is."""

    def open_keys(self, request: Request) -> tuple[str, ...]:
        """Name the unknown context keys that an answer hangs on."""

    def explain(self, decision: Decision) -> Explanation:
        """Tell why a decision is what it is."""


class Recorded(NamedTuple):
    """Grounds that were worked out before, so that a decision can leave the process."""

    statements: tuple[StatementRef, ...]
    keys: tuple[str, ...]
    explanation: Explanation

    def determining(self, _outcome: Outcome, _request: Request) -> tuple[StatementRef, ...]:
        """Give what was recorded."""
        return self.statements

    def open_keys(self, _request: Request) -> tuple[str, ...]:
        """Give what was recorded."""
        return self.keys

    def explain(self, _decision: Decision) -> Explanation:
        """Give what was recorded."""
        return self.explanation


@dataclass(frozen=True, slots=True, init=False)
class Decision:
    """
    What IAM answers to one request.

    Args:
        outcome: ``allowed``, ``implicitDeny``, ``explicitDeny``; ``indeterminate`` when a value that nobody here knows could
            change it.
        policy_type: The kind of policy that decided; None when it is indeterminate.
        request: The question.
    """

    outcome: Outcome
    policy_type: PolicyType | None
    request: Request
    grounds: Grounds = field(repr=False, compare=False)

    def __init__(self, outcome: Outcome, policy_type: PolicyType | None, request: Request, grounds: Grounds) -> None:
        # The setters of the slots take half the time of a frozen dataclass's own constructor, on the deciding path.
        _set_outcome(self, outcome)
        _set_policy_type(self, policy_type)
        _set_request(self, request)
        _set_grounds(self, grounds)

    @property
    def is_denied(self) -> bool:
        """Say whether the answer is surely no."""
        return self.outcome in ("implicitDeny", "explicitDeny")

    @property
    def statements(self) -> tuple[StatementRef, ...]:
        """
        The determining statements, worked out when asked for.

        Of an explicit deny every Deny that surely applies, of an allowed request the Allows that grant, else none.
        """
        return self.grounds.determining(self.outcome, self.request)

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """
        Names of the context keys that an indeterminate answer hangs on, sorted; ``()`` for a sure answer.

        Empty for an indeterminate answer too where AWS documents no rule, such as a Resource pattern with fewer than six parts.
        """
        return self.grounds.open_keys(self.request) if self.outcome == "indeterminate" else ()

    @property
    def policy_arn(self) -> str | None:
        """ARN of the policy that denies explicitly, if it has one."""
        decided = (s.policy_arn for s in self.statements if s.policy_type == self.policy_type)
        return next((arn for arn in decided if arn), None) if self.outcome == "explicitDeny" else None

    def message(self) -> str:
        """Write the sentence that AWS itself would send for a denial; for another outcome, the same without a reason."""
        from guardedbedrock.iam.engine.sentences import write  # noqa: PLC0415  # only a denial needs it, and it is slow to load

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
        Tell of every statement that covers the action whether it applies and, if not, which element failed on what value.

        ``str()`` of it is for a terminal, ``as_data()`` for JSON.

        Cost: compiles what it looks at anew; some tens of microseconds for each statement.
        """
        return self.grounds.explain(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the worked-out answers along in place of compiled policies."""
        recorded = Recorded(self.statements, self.hangs_on, self.explain())
        return Decision, (self.outcome, self.policy_type, self.request, recorded)


_set_outcome, _set_policy_type, _set_request, _set_grounds = (
    Decision.__dict__[name].__set__ for name in ("outcome", "policy_type", "request", "grounds")
)
