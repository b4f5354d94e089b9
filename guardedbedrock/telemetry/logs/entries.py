"""The log entry of each event: level, name and keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from guardedbedrock.core.events import (
    CallRefused,
    DeniedByAws,
    Event,
    GuardrailDetected,
    GuardrailIntervened,
    IndirectInference,
    PartlyGuarded,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    Retried,
    RetriesExhausted,
    SentWithoutGuardrail,
    SourceUnavailable,
    StreamInterrupted,
    UnlistedOperation,
)
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names

Keys = dict[str, Any]


class Entry(NamedTuple):
    """
    A log entry.

    Args:
        level: As in `logging`.
        name: The name of the event, one of `names.LOG_EVENTS`.
        keys: Its keys, in addition to those of every entry.
    """

    level: int
    name: str
    keys: Keys


def entry_for(event: Event) -> Entry | None:
    """Return the entry of an event; None if it is not logged."""
    make = _ENTRIES.get(type(event))
    return make(event) if make else None


def _decided(event: PreflightDecided) -> Entry:
    verdict = event.verdict
    keys: Keys = {"decision": verdict.decision, "seconds": round(event.seconds, 6)}
    if verdict.denied:
        request, decision = verdict.denied.request, verdict.denied.decision
        keys |= {"action": request.action, "resource": request.resource, "policy_type": decision.policy_type}
        keys["statements"] = [str(statement) for statement in decision.statements]
    keys |= _given(explanation=verdict.explanation)
    if verdict.hangs_on:
        keys["hangs_on"] = list(verdict.hangs_on)
    if verdict.remarks and verdict.decision != "allowed":
        keys["remarks"] = list(verdict.remarks)
    return Entry(logging.WARNING if verdict.denied else logging.INFO, names.EVENT_DECISION, keys)


def _refused(event: CallRefused) -> Entry:
    name = names.EVENT_REFUSED if event.enforced else names.EVENT_WOULD_REFUSE
    return Entry(logging.WARNING, name, _denial(event.error))


def _denial(error: Exception) -> Keys:
    # Never the message: in a refusal it may repeat what the caller passed.
    keys: Keys = {"error_type": type(error).__name__}
    if isinstance(error, AccessDeniedError):
        keys |= {"action": error.action, "resource": error.resource, "policy_type": error.policy_type}
        keys |= _given(policy_arn=error.policy_arn, request_id=error.request_id)
    return keys


def _given(**keys: Any) -> Keys:
    return {name: value for name, value in keys.items() if value}


def _retried(event: Retried) -> Entry:
    keys = {"attempt": event.attempt, "code": event.code, "wait_seconds": event.wait, "by": event.by}
    return Entry(logging.INFO, names.EVENT_RETRY, keys)


def _exhausted(event: RetriesExhausted) -> Entry:
    keys = {"attempt": event.attempt, "code": event.code, "used_up": event.used_up}
    return Entry(logging.WARNING, names.EVENT_GAVE_UP, keys)


def _diverged(event: PreflightDiverged) -> Entry:
    denial = {} if event.error is None else _denial(event.error)
    return Entry(logging.WARNING, names.EVENT_DIVERGED, {"decision": event.verdict.decision, **denial})


def _intervened(event: GuardrailIntervened) -> Entry:
    found = event.intervention
    keys: Keys = {"reason": found.reason, "action": found.action, "policies": list(found.policies)}
    keys |= {"sources": list(found.sources), "guardrail_id": found.guardrail, "text_units": dict(found.text_units)}
    if found.coverage:
        keys |= {"coverage_guarded": found.coverage.guarded, "coverage_total": found.coverage.total}
    return Entry(logging.INFO, names.EVENT_INTERVENTION, keys | _given(request_id=event.request_id))


def _detected(event: GuardrailDetected) -> Entry:
    detected = event.intervention.detected
    keys: Keys = {
        "findings": list(dict.fromkeys(str(finding) for finding in detected)),
        "sources": list(dict.fromkeys(finding.source for finding in detected if finding.source)),
        "guardrail_id": event.intervention.guardrail,
    }
    return Entry(logging.INFO, names.EVENT_DETECTED, keys | _given(request_id=event.request_id))


def _unguarded(event: ReplyUnguarded) -> Entry:
    return Entry(logging.ERROR, names.EVENT_UNGUARDED, {"guardrail_id": event.guardrail, "request_id": event.request_id})


def _stream_broke(event: StreamInterrupted) -> Entry:
    return Entry(logging.WARNING, names.EVENT_STREAM_BROKE, {"code": event.code, **_given(request_id=event.request_id)})


def _indirect(event: IndirectInference) -> Entry:
    level = logging.WARNING if event.rule == "warn" else logging.INFO
    return Entry(level, names.EVENT_INDIRECT, {"targets": list(event.targets), "rule": event.rule})


def _unavailable(event: SourceUnavailable) -> Entry:
    # A call that is refused is logged as such too.
    level = logging.WARNING if event.action == "allow" else logging.INFO
    return Entry(level, names.EVENT_UNAVAILABLE, {"reason": event.reason, "rule": event.action})


_ENTRIES: Final[Mapping[type, Callable[[Any], Entry]]] = {
    PreflightDecided: _decided,
    CallRefused: _refused,
    DeniedByAws: lambda event: Entry(logging.WARNING, names.EVENT_DENIED, _denial(event.error)),
    PreflightDiverged: _diverged,
    Retried: _retried,
    RetriesExhausted: _exhausted,
    GuardrailIntervened: _intervened,
    GuardrailDetected: _detected,
    ReplyUnguarded: _unguarded,
    StreamInterrupted: _stream_broke,
    PartlyGuarded: lambda event: Entry(logging.WARNING, names.EVENT_PARTIAL, {"gaps": [gap.kind for gap in event.gaps]}),
    SentWithoutGuardrail: lambda event: Entry(logging.INFO, names.EVENT_WITHOUT_GUARDRAIL, {"kind": event.kind}),
    IndirectInference: _indirect,
    SourceUnavailable: _unavailable,
    UnlistedOperation: lambda event: Entry(logging.WARNING, names.EVENT_UNLISTED, {"service": event.service}),
}
