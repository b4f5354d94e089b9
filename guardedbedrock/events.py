"""
The events that an `Observation` receives.

`Routine` events belong to every call, `Rare` events to few; `Event` is the union of all. See "Write a listener" in
`docs/observability.md`.
"""

from __future__ import annotations

from guardedbedrock.core.events import (
    CallRefused,
    ContentReceived,
    DeniedByAws,
    Event,
    GuardrailDetected,
    GuardrailInjected,
    GuardrailIntervened,
    GuardrailWithdrawn,
    IndirectInference,
    PartlyGuarded,
    PreflightDecided,
    PreflightDiverged,
    Rare,
    ReplyUnguarded,
    RequestSending,
    RequestVerified,
    ResponseReceived,
    Retried,
    RetriesExhausted,
    Routine,
    SentWithoutGuardrail,
    SourceEvent,
    SourceFailed,
    SourceGap,
    SourceRead,
    SourceUnavailable,
    StreamInterrupted,
    StreamStarted,
    UnlistedOperation,
)

__all__ = [
    "CallRefused",
    "ContentReceived",
    "DeniedByAws",
    "Event",
    "GuardrailDetected",
    "GuardrailInjected",
    "GuardrailIntervened",
    "GuardrailWithdrawn",
    "IndirectInference",
    "PartlyGuarded",
    "PreflightDecided",
    "PreflightDiverged",
    "Rare",
    "ReplyUnguarded",
    "RequestSending",
    "RequestVerified",
    "ResponseReceived",
    "Retried",
    "RetriesExhausted",
    "Routine",
    "SentWithoutGuardrail",
    "SourceEvent",
    "SourceFailed",
    "SourceGap",
    "SourceRead",
    "SourceUnavailable",
    "StreamInterrupted",
    "StreamStarted",
    "UnlistedOperation",
]
