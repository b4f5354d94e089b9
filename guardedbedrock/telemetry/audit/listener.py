"""The listener that writes records, and where they go."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol, Self

from guardedbedrock.core.events import (
    CallRefused,
    Event,
    GuardrailInjected,
    GuardrailIntervened,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    ResponseReceived,
)
from guardedbedrock.core.records import Call
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry.audit.cloudtrail_record import Facts, record

_LOG: Final = logging.getLogger("guardedbedrock.core.events")


class Sink(Protocol):
    """Takes records; may be called from many threads."""

    def write(self, record: Mapping[str, Any]) -> None:
        """Take one record."""


def _now() -> datetime:
    return datetime.now(UTC)


class Audit:
    """
    Writes a record for each denial, or for each call.

    Args:
        sinks: Where records go; one that fails keeps none of the others from its record.
        records: ``denials`` (those of this process and those of AWS), or ``all`` calls.
        clock: The current time.
        principal: ARN of who calls, for calls that are refused before the policies are asked; the guard gives its own.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        *,
        records: Literal["denials", "all"] = "denials",
        clock: Callable[[], datetime] = _now,
        principal: str = "",
    ) -> None:
        self._sinks = tuple(sinks)
        self._records = records
        self._clock = clock
        self._principal = principal

    def of(self, principal: str) -> Self:
        """Give the same audit for a guard whose principal is known."""
        named = self._principal or principal
        return type(self)(self._sinks, records=self._records, clock=self._clock, principal=named)

    def open(self, call: Call) -> AuditedCall:
        """Begin the record of a call."""
        return AuditedCall(Facts(call, self._principal), self)

    def finish(self, facts: Facts, error: BaseException | None) -> None:
        """Write the record of a call that has ended, if it is one to be written."""
        if self._records == "denials" and not isinstance(error, AccessDeniedError):
            return
        written = record(facts, error, str(uuid.uuid4()), self._clock())
        for sink in self._sinks:
            try:
                sink.write(written)
            except Exception as failure:  # noqa: BLE001  # whatever it is, the others get theirs
                _LOG.warning("audit sink %s failed with %s", type(sink).__name__, type(failure).__name__)

    def close(self) -> None:
        """Close the sinks that can be closed; what waits in them is written first."""
        for sink in self._sinks:
            closing = getattr(sink, "close", None)
            if closing is not None:
                closing()


class AuditedCall:
    """The record of one call, as it grows."""

    __slots__ = ("_audit", "_facts")

    def __init__(self, facts: Facts, audit: Audit) -> None:
        self._facts, self._audit = facts, audit

    def enter(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Nothing to do."""

    def on_event(self, event: Event) -> None:
        """Take note of an event."""
        facts = self._facts
        if isinstance(event, GuardrailInjected):
            facts.guardrail = event.guardrail
        elif isinstance(event, PreflightDecided):
            facts.verdict = event.verdict
        elif isinstance(event, ResponseReceived):
            facts.request_id = event.request_id
        elif isinstance(event, GuardrailIntervened):
            facts.intervention = event.intervention
        elif isinstance(event, CallRefused) and not event.enforced:
            facts.would_refuse = type(event.error).__name__
        elif isinstance(event, PreflightDiverged):
            facts.diverged = True
        elif isinstance(event, ReplyUnguarded):
            facts.unguarded = True

    def close(self, error: BaseException | None) -> None:
        """Write the record."""
        self._audit.finish(self._facts, error)


class LoggerSink:
    """
    Gives records to a logger of the standard library, at INFO, one line of JSON each.

    Args:
        name: The logger; the application says where it goes.
    """

    def __init__(self, name: str = "guardedbedrock.audit") -> None:
        self._logger = logging.getLogger(name)

    def write(self, record: Mapping[str, Any]) -> None:
        """Log a record."""
        self._logger.info("%s", json.dumps(record, separators=(",", ":")))
