"""
One structlog event for each decision, one for each thing out of the ordinary.

An application that configured structlog gets the events as it wants them. One that did not gets them through the standard
library's logger ``guardedbedrock``, which stays silent until somebody listens: a library prints nothing of its own accord.
Keys have underscores, so that CloudWatch's filter patterns can name them.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from guardedbedrock.calls import Call, Verdict
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.events import Decided, Denied, Diverged, Event, Injected, Intervened, Refused, Retried, Unlisted

LOGGER: Final = "guardedbedrock"
_QUIET: Final = logging.getLogger(LOGGER)
_QUIET.addHandler(logging.NullHandler())
_RESERVED: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message"}


class DecisionLog:
    """Logs decisions and what is out of the ordinary."""

    def open(self, call: Call) -> CallLog:
        """Begin the log of one call."""
        return CallLog(call)


class CallLog:
    """The log of one call."""

    __slots__ = ("_call", "_guardrail", "hears_routine")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._guardrail: str | None = None
        self.hears_routine = _is_heard(logging.INFO)

    def enter(self) -> None:
        """Bind nothing: the application's context is its own."""

    def leave(self) -> None:
        """Unbind nothing."""

    def hear(self, event: Event) -> None:
        """Log an event."""
        if isinstance(event, Injected):
            self._guardrail = event.guardrail.key
        elif isinstance(event, Decided):
            level = _level(event.verdict)
            if _is_heard(level):
                self._log(level, "guardedbedrock.decision", **_decision(event))
        elif isinstance(event, Unlisted):
            self._log(logging.WARNING, "guardedbedrock.unlisted_operation", service=event.service)
        elif isinstance(event, Refused):
            name = "guardedbedrock.refused" if event.enforced else "guardedbedrock.would_refuse"
            self._log(logging.WARNING, name, error_type=type(event.error).__name__)
        elif isinstance(event, Retried):
            self._log(logging.INFO, "guardedbedrock.retry", attempt=event.attempt, code=event.code, wait_seconds=event.wait)
        elif isinstance(event, Denied):
            self._log(logging.WARNING, "guardedbedrock.denied", **_denial(event.error))
        elif isinstance(event, Diverged):
            self._log(logging.WARNING, "preflight.diverged", decision=event.verdict.decision, **_denial(event.error))
        elif isinstance(event, Intervened):
            self._log(logging.INFO, "guardedbedrock.intervention", reason=event.intervention.reason)

    def close(self, error: BaseException | None) -> None:
        """Log nothing more: what failed the call was heard before, or is the application's to log."""

    def _log(self, level: int, event: str, **keys: Any) -> None:
        if not _is_heard(level):
            return
        logger = structlog.get_logger(LOGGER) if structlog.is_configured() else _unconfigured()
        call = self._call
        logger.log(level, event, operation=call.name, region=call.region, model=call.model, guardrail=self._guardrail, **keys)


def _is_heard(level: int) -> bool:
    return structlog.is_configured() or _QUIET.isEnabledFor(level)


def _unconfigured() -> Any:
    processors = [structlog.contextvars.merge_contextvars, _beside_the_record, structlog.stdlib.render_to_log_kwargs]
    return structlog.wrap_logger(_QUIET, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)


def _beside_the_record(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Rename what the application bound under a name that a log record has a meaning of its own for."""
    return {f"context_{key}" if key in _RESERVED else key: value for key, value in event.items()}


def _level(verdict: Verdict) -> int:
    return logging.WARNING if verdict.denied else logging.INFO


def _decision(event: Decided) -> dict[str, Any]:
    verdict = event.verdict
    keys: dict[str, Any] = {"decision": verdict.decision, "seconds": round(event.seconds, 6)}
    if verdict.denied:
        request, decision = verdict.denied.request, verdict.denied.decision
        keys |= {"principal": request.principal, "action": request.action, "resource": request.resource}
        keys |= {"policy_type": decision.policy_type, "statements": [str(statement) for statement in decision.statements]}
    if verdict.hangs_on:
        keys["hangs_on"] = list(verdict.hangs_on)
    if verdict.remarks and verdict.decision != "allowed":
        keys["remarks"] = list(verdict.remarks)
    return keys


def _denial(error: Exception) -> dict[str, Any]:
    if not isinstance(error, AccessDeniedError):
        return {"error_type": type(error).__name__}
    return {
        "error_type": type(error).__name__,
        "action": error.action,
        "resource": error.resource,
        "policy_type": error.policy_type,
        "request_id": error.request_id,
    }
