"""What guardrails made of texts while a request was performed, for whoever looks at the request later."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Witnessed(NamedTuple):
    """
    One assessment.

    Args:
        guardrail: ARN.
        version: Of the guardrail.
        source: ``INPUT`` or ``OUTPUT``.
        action: ``BLOCKED``, ``ANONYMIZED`` or ``NONE``, the strongest of all findings.
        assessment: Bedrock's ``GuardrailAssessment``.
    """

    guardrail: str
    version: str
    source: str
    action: str
    assessment: Mapping[str, Any]

    @property
    def intervened(self) -> bool:
        """Whether the guardrail blocked or masked anything."""
        return self.action != "NONE"


_witness: Final[ContextVar[list[Witnessed] | None]] = ContextVar("guardedbedrock_witness", default=None)


@contextmanager
def witnessing() -> Iterator[list[Witnessed]]:
    """Collect what is assessed within, in this thread."""
    seen: list[Witnessed] = []
    token = _witness.set(seen)
    try:
        yield seen
    finally:
        _witness.reset(token)


def witness(seen: Witnessed) -> None:
    """Tell of an assessment, if anybody collects them."""
    collected = _witness.get()
    if collected is not None:
        collected.append(seen)
