"""The answer to a question, with its witness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from guardedbedrock.iam import Request

ProofAnswer: TypeAlias = Literal["proved", "refuted", "unknown"]


@dataclass(frozen=True, slots=True)
class StatementLocation:
    """
    The location of a statement that an answer names.

    Args:
        policy: Name of the policy.
        index: Position of the statement, from 0.
        sid: Its Sid, if it has one.
        policy_type: The type of the policy.
        reason: Why the answer names it.
    """

    policy: str
    index: int
    sid: str | None
    policy_type: str
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the location as JSON data."""
        data = {"policy": self.policy, "index": self.index, "sid": self.sid, "policyType": self.policy_type}
        return {**data, "reason": self.reason} if self.reason else data


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to a question about every request.

    Args:
        question: The question, in words.
        answer: ``proved``, ``refuted`` or ``unknown``.
        witness: A request that shows the opposite, if the answer is ``refuted``.
        statements: The statements that decide about the witness, or that the question is about.
        reason: Why the answer is ``unknown``, or what the witness shows.
        assumptions: What the answer assumes.
        milliseconds: How long it took.
        principal: ARN of the principal that the answer is about.
    """

    question: str
    answer: ProofAnswer
    witness: Request | None = None
    statements: tuple[StatementLocation, ...] = ()
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    milliseconds: float = 0.0
    principal: str = ""

    @property
    def statement(self) -> str:
        """The question as a quoted statement. Without the quotes it would read as a result."""
        return f'statement "{self.question}"'

    def as_data(self) -> dict[str, Any]:
        """Return the answer as JSON data; the witness has the form of a case file's request."""
        return {
            "question": self.question,
            "answer": self.answer,
            "witness": None if self.witness is None else request_as_data(self.witness),
            "statements": [statement.as_data() for statement in self.statements],
            "reason": self.reason,
            "assumptions": list(self.assumptions),
            "milliseconds": round(self.milliseconds, 3),
            "principal": self.principal,
        }


def request_as_data(request: Request) -> Mapping[str, Any]:
    """Return a request as the case files write it."""
    return {
        "principal": request.principal,
        "action": request.action,
        "resource": request.resource,
        "context": dict(sorted(request.context.items())),
    }


@dataclass(frozen=True, slots=True)
class Summary:
    """
    Answers for several principals.

    Args:
        answers: One answer for each principal.
    """

    answers: tuple[Answer, ...] = field(default=())

    @property
    def answer(self) -> ProofAnswer:
        """``refuted`` if one is refuted, else ``unknown`` if one is unknown or there is none, else ``proved``."""
        found = {answer.answer for answer in self.answers}
        return "refuted" if "refuted" in found else "proved" if found == {"proved"} else "unknown"
