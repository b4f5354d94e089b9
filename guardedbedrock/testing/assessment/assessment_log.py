"""Records the assessments that are made while a request is handled."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class LoggedAssessment:
    """
    One assessment.

    Args:
        guardrail: ARN.
        version: Version of the guardrail.
        source: ``INPUT`` or ``OUTPUT``.
        action: ``BLOCKED``, ``ANONYMIZED`` or ``NONE``, the strongest of all findings.
        assessment: Bedrock's ``GuardrailAssessment``.
    """

    guardrail: str
    version: str
    source: str
    action: str
    assessment: Mapping[str, Any] = field(repr=False)  # contains the matches of the prompt

    @property
    def intervened(self) -> bool:
        """Whether the guardrail blocked or masked anything."""
        return self.action != "NONE"


_log: Final[ContextVar[list[LoggedAssessment] | None]] = ContextVar("guardedbedrock_assessment_log", default=None)


@contextmanager
def collect_assessments() -> Iterator[list[LoggedAssessment]]:
    """Collect the assessments that this thread makes within the block."""
    collected: list[LoggedAssessment] = []
    token = _log.set(collected)
    try:
        yield collected
    finally:
        _log.reset(token)


def log_assessment(assessment: LoggedAssessment) -> None:
    """Add an assessment to the log of the current `collect_assessments` block, if there is one."""
    collected = _log.get()
    if collected is not None:
        collected.append(assessment)
