"""The listener that writes records, and the interface of their sinks."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, Self

from guardedbedrock.core.clock import utc_now
from guardedbedrock.core.events import (
    CallRefused,
    Event,
    GuardrailDetected,
    GuardrailInjected,
    GuardrailIntervened,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    ResponseReceived,
)
from guardedbedrock.core.lost_records import LostRecords
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry.audit.cloudtrail_record import CallFacts, record


class Sink(Protocol):
    """
    A destination of records; called from many threads.

    Two more methods are called if a sink has them. ``check()`` is called when the guard is created, and raises
    `ConfigurationError` if the destination cannot be used. ``close()`` is called by `Audit.close`.
    """

    def write(self, record: Mapping[str, Any]) -> None:
        """Write one record, a dictionary that can be serialized to JSON."""


class Audit:
    """
    A listener that writes a record for each denial, or for each call.

    Args:
        sinks: Where records go. If a sink raises, its record is counted as lost, and the others still get the record.
        records: ``denials`` (by this process or by AWS), or ``all`` calls.
        clock: Returns the current time.
        principal: ARN of the caller, for calls that are refused before the policies are evaluated; the guard sets it.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        *,
        records: Literal["denials", "all"] = "denials",
        clock: Callable[[], datetime] = utc_now,
        principal: str = "",
    ) -> None:
        self._sinks = tuple(sinks)
        self._records = records
        self._clock = clock
        self._principal = principal
        self._lost = tuple(LostRecords(f"audit sink {type(sink).__name__}") for sink in self._sinks)

    def of(self, principal: str) -> Self:
        """Return the same audit with the same count of lost records; `principal` is used if this audit has none."""
        named = self._principal or principal
        audit = type(self)(self._sinks, records=self._records, clock=self._clock, principal=named)
        audit._lost = self._lost  # noqa: SLF001  # its own class
        return audit

    @property
    def lost(self) -> int:
        """The number of records that a sink lost in this process: it raised, or it reports them in its attribute ``lost``."""
        return sum(lost.count for lost in self._lost) + sum(getattr(sink, "lost", 0) for sink in self._sinks)

    def check(self) -> None:
        """
        Check the destinations; the guard does so when it is created.

        Raises:
            ConfigurationError: A destination cannot be used, such as a file that cannot be written.
        """
        for sink in self._sinks:
            checking = getattr(sink, "check", None)
            if checking is not None:
                checking()

    def open(self, call: Call) -> AuditedCall:
        """Follow a call."""
        return AuditedCall(CallFacts(call, self._principal), self)

    def finish(self, facts: CallFacts, error: BaseException | None) -> None:
        """Write the record of a call that has ended, if `records` includes it."""
        if self._records == "denials" and not isinstance(error, AccessDeniedError):
            return
        written = record(facts, error, str(uuid.uuid4()), self._clock())
        for sink, lost in zip(self._sinks, self._lost, strict=True):
            try:
                sink.write(written)
            except Exception as failure:  # noqa: BLE001  # a sink may raise anything, and the others still get the record
                lost.add(_reason(failure))

    def close(self) -> None:
        """Close the sinks that have a `close` method; they write their waiting records first."""
        for sink in self._sinks:
            closing = getattr(sink, "close", None)
            if closing is not None:
                closing()


def _reason(failure: Exception) -> str:
    """Describe the error of a sink. Its own message is not used: it could contain a part of the record."""
    if not isinstance(failure, OSError) or not failure.strerror:
        return type(failure).__name__
    where = f"{failure.filename}: " if failure.filename else ""
    return f"{where}{os.strerror(failure.errno) if failure.errno else type(failure).__name__}"


class AuditedCall(Observation):
    """Collects the facts of one call."""

    __slots__ = ("_audit", "_facts")

    def __init__(self, facts: CallFacts, audit: Audit) -> None:
        self._facts, self._audit = facts, audit

    def on_event(self, event: Event) -> None:
        """Note an event."""
        facts = self._facts
        if isinstance(event, GuardrailInjected):
            facts.guardrail = event.guardrail
        elif isinstance(event, PreflightDecided):
            facts.verdict = event.verdict
        elif isinstance(event, ResponseReceived):
            facts.request_id = event.request_id
        elif isinstance(event, GuardrailIntervened | GuardrailDetected):
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
    A sink that writes records to a logger of the standard library, at INFO, one line of JSON each.

    Args:
        name: The name of the logger.
    """

    def __init__(self, name: str = "guardedbedrock.audit") -> None:
        self._logger = logging.getLogger(name)

    def write(self, record: Mapping[str, Any]) -> None:
        """Log a record."""
        self._logger.info("%s", json.dumps(record, separators=(",", ":")))
