"""
One sentence for each event of a call, which can be read without its attributes.

A sentence has names, ARNs, outcomes and numbers, never a word of the conversation and never the message of an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guardedbedrock.bedrock import Intervention
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
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.errors import AccessDeniedError


def sentence_for(event: Event, call: Call) -> str:
    """
    Write the sentence of an event.

    >>> sentence_for(Retried(1, "ThrottlingException", 0.5), Call.of("Converse", {}, "us-east-1"))
    'retrying Converse in 0.50 s: attempt 1 failed with ThrottlingException'
    """
    write = _SENTENCES.get(type(event))
    return write(call, event) if write else type(event).__name__


def decision_sentence(call: Call, verdict: Verdict) -> str:
    """Write what the policies decided about a call."""
    if verdict.denied:
        request, decision = verdict.denied.request, verdict.denied.decision
        by = f" by {decision.policy_type} policy" if decision.policy_type else ""
        return f"denied {call.name}: {decision.outcome}{by} for {request.action} on {request.resource}; {verdict.explanation}"
    if verdict.decision == "allowed" and verdict.authorization_set is None:
        return f"allowed {call.name}: no policies are configured"
    if verdict.decision == "allowed":
        count = len(verdict.decisions)
        return f"allowed {call.name}: {count} authorization{'' if count == 1 else 's'} evaluated"
    return f"indeterminate {call.name}: {verdict.explanation or 'the policies give no sure answer'}"


def error_sentence(call: Call, error: BaseException) -> str:
    """Write how a call failed."""
    return f"{_verb_of(error)} {call.name}: {_denial(error)}"


def _verb_of(error: BaseException) -> str:
    if not isinstance(error, AccessDeniedError):
        return "failed"
    return "refused" if error.simulated else "AWS denied"


def _denial(error: BaseException) -> str:
    if not isinstance(error, AccessDeniedError):
        return type(error).__name__
    by = f" by {error.policy_type} policy" if error.policy_type else ""
    what = f" for {error.action}" if error.action else ""
    where = f" on {error.resource}" if error.resource else ""
    return f"{type(error).__name__}{by}{what}{where}"


def _refused(call: Call, event: CallRefused) -> str:
    return f"{'refused' if event.enforced else 'would refuse'} {call.name}: {_denial(event.error)}"


def _diverged(call: Call, event: PreflightDiverged) -> str:
    if event.error is None:
        return f"AWS allowed {call.name} although the preflight denied it: {event.verdict.message}"
    return f"AWS denied {call.name} although the preflight allowed it: {_denial(event.error)}"


def _retried(call: Call, event: Retried) -> str:
    how = f"retrying {call.name} in {event.wait:.2f} s" if event.by == "guard" else f"botocore retries {call.name}"
    return f"{how}: attempt {event.attempt} failed with {event.code or 'an unknown error'}"


_USED_UP: Final[Mapping[str, str]] = {
    "attempts": "no attempts left",
    "deadline": "the deadline is reached",
    "tokens": "no tokens left",
}


def _exhausted(call: Call, event: RetriesExhausted) -> str:
    return f"gave up {call.name}: attempt {event.attempt} failed with {event.code}, {_USED_UP[event.used_up]}"


def _guardrail_of(found: Intervention) -> str:
    version = f" version {found.version}" if found.version else ""
    return f"guardrail {found.guardrail}{version}" if found.guardrail else "a guardrail"


def _intervened(call: Call, event: GuardrailIntervened) -> str:
    found = event.intervention
    which = f": {', '.join(found.policies)}" if found.policies else ""
    where = f" on {' and '.join(found.sources)}" if found.sources else ""
    return f"{_guardrail_of(found)} {found.action or 'intervened in'} {call.name}{which}{where}"


def _detected(call: Call, event: GuardrailDetected) -> str:
    found = ", ".join(dict.fromkeys(str(finding) for finding in event.intervention.detected))
    return f"{_guardrail_of(event.intervention)} detected in {call.name} without acting: {found}"


def _unguarded(call: Call, event: ReplyUnguarded) -> str:
    return f"no guardrail ran on {call.name} although {event.guardrail} version {event.version} was sent"


def _partial(call: Call, event: PartlyGuarded) -> str:
    return f"the guardrail evaluates only a part of {call.name}: {', '.join(gap.kind for gap in event.gaps)}"


def _without_guardrail(call: Call, event: SentWithoutGuardrail) -> str:
    why = "allow_unguarded names it" if event.kind == "allowed" else f"{event.model} takes none ({event.kind})"
    return f"sent {call.name} without a guardrail: {why}"


def _indirect(call: Call, event: IndirectInference) -> str:
    guardrail = "an approved guardrail is attached" if event.rule == "verify" else "the guardrail there was not checked"
    return f"{call.name} makes AWS call models: {', '.join(event.targets)}; {guardrail}"


def _unavailable(call: Call, event: SourceUnavailable) -> str:
    result = "is sent without checking policies" if event.action == "allow" else "is refused"
    return f"{call.name} {result}: {event.reason}"


_SENTENCES: Final[Mapping[type, Callable[[Call, Any], str]]] = {
    PreflightDecided: lambda call, event: decision_sentence(call, event.verdict),
    CallRefused: _refused,
    DeniedByAws: lambda call, event: f"AWS denied {call.name}: {_denial(event.error)}",
    PreflightDiverged: _diverged,
    Retried: _retried,
    RetriesExhausted: _exhausted,
    GuardrailIntervened: _intervened,
    GuardrailDetected: _detected,
    ReplyUnguarded: _unguarded,
    StreamInterrupted: lambda call, event: f"the stream of {call.name} broke: {event.code}",
    PartlyGuarded: _partial,
    SentWithoutGuardrail: _without_guardrail,
    IndirectInference: _indirect,
    SourceUnavailable: _unavailable,
    UnlistedOperation: lambda call, event: f"{call.name} of {event.service} is not known to this version of guardedbedrock",
}
