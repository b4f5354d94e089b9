"""
One structlog event for each decision, one for each thing out of the ordinary; `names.LOG_EVENTS` lists them and their keys.

An application that configured structlog gets the events as it wants them. One that did not gets them through the standard
library's logger ``guardedbedrock``, which stays silent until somebody listens: a library prints nothing of its own accord.
Keys have underscores, so that CloudWatch's filter patterns can name them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import trace

from guardedbedrock.core.events import (
    CallRefused,
    DeniedByAws,
    Event,
    GuardrailInjected,
    GuardrailIntervened,
    PartlyGuarded,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    Retried,
    RetriesExhausted,
    UnlistedOperation,
)
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names

LOGGER: Final = "guardedbedrock"
QUIET: Final = logging.getLogger(LOGGER)
"""Hears where no structlog is configured."""
QUIET.addHandler(logging.NullHandler())
_RESERVED: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message"}


class DecisionLog:
    """Logs decisions and what is out of the ordinary."""

    def open(self, call: Call) -> CallLog:
        """Begin the log of one call."""
        return CallLog(call, wants_routine=_is_heard(logging.INFO))


class CallLog:
    """The log of one call."""

    __slots__ = ("_call", "_guardrail", "_principal", "_trace", "wants_routine")

    def __init__(self, call: Call, *, wants_routine: bool = True) -> None:
        self._call, self.wants_routine = call, wants_routine
        self._guardrail: str | None = None
        self._principal = ""
        self._trace: dict[str, str] = {}

    def enter(self) -> None:
        """Note in which span the call is made; the application's context is its own, and stays as it is."""
        self._note_trace()

    def leave(self) -> None:
        """Nothing was bound."""

    def on_event(self, event: Event) -> None:
        """Log an event."""
        if isinstance(event, GuardrailInjected):
            self._guardrail = event.guardrail.key
        elif isinstance(event, PreflightDecided):
            self._decided(event)
        else:
            found = _OUT_OF_THE_ORDINARY.get(type(event))
            if found is not None:
                level, name, keys = found
                self._log(level, name(event) if callable(name) else name, **keys(event))

    def close(self, error: BaseException | None) -> None:
        """Log nothing more: what failed the call was heard before, or is the application's to log."""

    def _decided(self, event: PreflightDecided) -> None:
        decisions = event.verdict.decisions
        self._principal = decisions[0].request.principal if decisions else ""
        self._guardrail = event.verdict.guardrail.key if event.verdict.guardrail else None
        level = logging.WARNING if event.verdict.denied else logging.INFO
        if _is_heard(level):
            self._log(level, names.EVENT_DECISION, **_decision(event.verdict, event.seconds))

    def _note_trace(self) -> None:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            self._trace = {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}

    def _log(self, level: int, event: str, **keys: Any) -> None:
        if not _is_heard(level):
            return
        if not self._trace:
            self._note_trace()
        call = self._call
        bound = {"operation": call.name, "region": call.region, "model": call.model, "guardrail": self._guardrail, **self._trace}
        if self._principal:
            bound["principal"] = self._principal
        _write(level, event, {**bound, **keys})


def _is_heard(level: int) -> bool:
    return ("structlog" in sys.modules and is_configured()) or QUIET.isEnabledFor(level)


def is_configured() -> bool:
    """Ask structlog only where the application loaded it: it takes as long to load as boto3, and else nobody configured it."""
    ask = getattr(sys.modules.get("structlog"), "is_configured", None)
    return ask is not None and ask()


def _write(level: int, event: str, keys: Mapping[str, Any]) -> None:
    structlog: Any = sys.modules.get("structlog")
    if is_configured():
        structlog.get_logger(LOGGER).log(level, event, **keys)
    else:
        bound = structlog.contextvars.get_contextvars() if structlog else {}
        QUIET.log(level, event, extra=_beside_the_record({**bound, **keys}))


def _beside_the_record(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Rename what the application bound under a name that a log record has a meaning of its own for."""
    return {f"context_{key}" if key in _RESERVED else key: value for key, value in keys.items()}


def _decision(verdict: Verdict, seconds: float) -> dict[str, Any]:
    keys: dict[str, Any] = {"decision": verdict.decision, "seconds": round(seconds, 6)}
    if verdict.denied:
        request, decision = verdict.denied.request, verdict.denied.decision
        keys |= {"action": request.action, "resource": request.resource, "policy_type": decision.policy_type}
        keys["statements"] = [str(statement) for statement in decision.statements]
    if verdict.hangs_on:
        keys["hangs_on"] = list(verdict.hangs_on)
    if verdict.remarks and verdict.decision != "allowed":
        keys["remarks"] = list(verdict.remarks)
    return keys


def _denial(error: Exception) -> dict[str, Any]:
    """Say who was denied what; never the message, which in a refusal may repeat what the caller gave."""
    keys: dict[str, Any] = {"error_type": type(error).__name__}
    if isinstance(error, AccessDeniedError):
        keys |= {"action": error.action, "resource": error.resource, "policy_type": error.policy_type}
        keys |= {"policy_arn": error.policy_arn} if error.policy_arn else {}
        keys |= {"request_id": error.request_id} if error.request_id else {}
    return keys


def _intervention(event: GuardrailIntervened) -> dict[str, Any]:
    found = event.intervention
    keys: dict[str, Any] = {"reason": found.reason, "action": found.action, "policies": list(found.policies)}
    keys |= {"sources": list(found.sources), "guardrail_id": found.guardrail, "text_units": dict(found.text_units)}
    if found.coverage:
        keys |= {"coverage_guarded": found.coverage.guarded, "coverage_total": found.coverage.total}
    return keys | ({"request_id": event.request_id} if event.request_id else {})


def _retry(event: Retried) -> dict[str, Any]:
    return {"attempt": event.attempt, "code": event.code, "wait_seconds": event.wait, "by": event.by}


_OUT_OF_THE_ORDINARY: Final[dict[type, tuple[int, Any, Any]]] = {
    UnlistedOperation: (logging.WARNING, names.EVENT_UNLISTED, lambda event: {"service": event.service}),
    PartlyGuarded: (logging.WARNING, names.EVENT_PARTIAL, lambda event: {"gaps": [gap.kind for gap in event.gaps]}),
    CallRefused: (
        logging.WARNING,
        lambda event: names.EVENT_REFUSED if event.enforced else names.EVENT_WOULD_REFUSE,
        lambda event: _denial(event.error),
    ),
    Retried: (logging.INFO, names.EVENT_RETRY, _retry),
    RetriesExhausted: (
        logging.WARNING,
        names.EVENT_GAVE_UP,
        lambda event: {"attempt": event.attempt, "code": event.code, "used_up": event.used_up},
    ),
    DeniedByAws: (logging.WARNING, names.EVENT_DENIED, lambda event: _denial(event.error)),
    PreflightDiverged: (
        logging.WARNING,
        names.EVENT_DIVERGED,
        lambda event: {"decision": event.verdict.decision, **_denial(event.error)},
    ),
    GuardrailIntervened: (logging.INFO, names.EVENT_INTERVENTION, _intervention),
    ReplyUnguarded: (
        logging.ERROR,
        names.EVENT_UNGUARDED,
        lambda event: {"guardrail_id": event.guardrail, "request_id": event.request_id},
    ),
}
"""By the event: its level, its name in the log, and its keys."""
