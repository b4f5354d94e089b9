"""The events of calls and of sources, which listeners receive; see `observers`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from guardedbedrock.bedrock import Guardrail, Intervention
from guardedbedrock.bedrock.guardrail.coverage import CoverageGap
from guardedbedrock.bedrock.guardrail.reply_metadata import ReplyMetadata
from guardedbedrock.core.records import Verdict


@dataclass(frozen=True, slots=True)
class GuardrailInjected:
    """
    The call has an approved guardrail.

    Args:
        guardrail: The guardrail that is sent.
        was_there: Whether the caller had named it; False if the guard added it.
    """

    guardrail: Guardrail
    was_there: bool


@dataclass(frozen=True, slots=True)
class PreflightDecided:
    """
    The policies were evaluated.

    Args:
        verdict: The result.
        seconds: How long it took.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
    """

    verdict: Verdict
    seconds: float
    vocabulary: str = "aws"


@dataclass(frozen=True, slots=True)
class RequestSending:
    """
    The call is about to be sent.

    Args:
        instrumented: Whether an OpenTelemetry instrumentor wraps botocore's part of the call.
    """

    instrumented: bool


@dataclass(frozen=True, slots=True)
class RequestVerified:
    """
    The gate has verified a request, at signing or at sending. A span that botocore's instrumentor made for it is current.

    Args:
        url: Where the request goes.
    """

    url: str = ""


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """
    AWS has answered; for a stream, the stream has ended.

    Args:
        status: HTTP status.
        request_id: AWS's ID of the request.
        retry_attempts: Number of attempts after the first.
        answer: Model, tokens and finish reason, as far as the reply shows them.
    """

    status: int
    request_id: str
    retry_attempts: int
    answer: ReplyMetadata


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The first event of a stream has arrived."""


@dataclass(frozen=True, slots=True)
class ContentReceived:
    """
    The model's words, sent only to observations with `wants_content`.

    Args:
        words: As received: the reply of Converse, the body of InvokeModel, or one event of a stream.
    """

    words: Mapping[str, Any] | bytes


@dataclass(frozen=True, slots=True)
class UnlistedOperation:
    """
    botocore has an operation that this version of guardedbedrock does not know.

    Args:
        service: The boto3 service name.
        operation: The name of the operation.
    """

    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class SentWithoutGuardrail:
    """
    The call is sent without a guardrail: its model or endpoint takes none, or `allow_unguarded` names the operation.

    Args:
        model: The identifier of the model; ``""`` if the call names none, and the host for ``mantle``.
        kind: ``embedding``, ``rerank`` or ``configured``; ``allowed`` if `allow_unguarded` names the operation; ``mantle`` for a
            request to ``bedrock-mantle``.
    """

    model: str
    kind: str


@dataclass(frozen=True, slots=True)
class IndirectInference:
    """
    The call is sent, and makes AWS call models where the call has no guardrail location.

    Args:
        targets: What calls the models, such as ``agent A1B2C3D4E5 with alias TSTALIASID``.
        rule: The value of `on_indirect`; under ``verify`` every guardrail that is attached there is approved.
    """

    targets: tuple[str, ...]
    rule: Literal["verify", "warn", "allow"]


@dataclass(frozen=True, slots=True)
class PartlyGuarded:
    """
    The call is sent although its guardrail does not evaluate all of it, or too late.

    Args:
        gaps: What it does not evaluate.
    """

    gaps: tuple[CoverageGap, ...]


@dataclass(frozen=True, slots=True)
class CallRefused:
    """
    The guard refuses the call.

    Args:
        error: The error that is raised, or that mode ``enforce`` would raise.
        enforced: False in mode ``report``: the call is sent all the same.
    """

    error: Exception
    enforced: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """
    An attempt failed and another follows.

    Args:
        attempt: Number of the failed attempt; 1 for the first.
        code: The service's error code, or the class of a connection error.
        wait: Seconds until the next attempt.
        by: Who retries. botocore's retries are reported after its wait.
    """

    attempt: int
    code: str
    wait: float
    by: Literal["guard", "botocore"] = "guard"


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """
    An attempt failed with a retryable error, and no other attempt follows.

    Args:
        attempt: Number of the failed attempt.
        code: As in `Retried`.
        used_up: Which limit of the `RetryPolicy` was reached.
    """

    attempt: int
    code: str
    used_up: Literal["attempts", "deadline", "tokens"]


@dataclass(frozen=True, slots=True)
class DeniedByAws:
    """
    AWS denied the call.

    Args:
        error: The typed denial.
    """

    error: Exception


@dataclass(frozen=True, slots=True)
class PreflightDiverged:
    """
    AWS denied a call that the preflight had allowed, or allowed one that it had denied (in mode ``report``).

    Args:
        verdict: The result of the preflight.
        error: The typed denial; None if AWS allowed the call.
    """

    verdict: Verdict
    error: Exception | None


@dataclass(frozen=True, slots=True)
class GuardrailIntervened:
    """
    The guardrail blocked or masked content.

    Args:
        intervention: What it did.
        request_id: AWS's ID of the request.
    """

    intervention: Intervention
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class GuardrailDetected:
    """
    The guardrail detected something and did not act on it: a filter in detect mode, or automated reasoning.

    Args:
        intervention: Its `detected` has the findings; its `action` is ``detected`` unless other findings blocked or masked.
        request_id: AWS's ID of the request.
    """

    intervention: Intervention
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class StreamInterrupted:
    """
    A stream ended with an error before its last event.

    Args:
        code: The error code of the service, or ``StreamInterrupted`` if the connection broke.
        request_id: AWS's ID of the request.
    """

    code: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ReplyUnguarded:
    """
    The reply shows that no guardrail ran, although one was sent.

    Args:
        guardrail: Identifier of the guardrail that was sent.
        version: Its version.
        request_id: AWS's ID of the request.
    """

    guardrail: str
    version: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SourceUnavailable:
    """
    The source of policies or guardrails is unavailable for the call.

    Args:
        reason: Which source, and why.
        action: ``deny`` or ``allow``: what happens with the call.
    """

    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class SourceRead:
    """
    A source was read.

    Args:
        source: The source, such as ``policies = "account"``.
        has_policies: Whether the policies come from it; otherwise only the approved guardrails do.
    """

    source: str
    has_policies: bool


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """
    A source could not be read. Data that was read before applies until it is too old.

    Args:
        source: The source, such as ``policies = "account"``.
        reason: Why.
        seconds_left: Seconds until `on_unavailable` decides; None if nothing was read before.
    """

    source: str
    reason: str
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class SourceGap:
    """
    The caller has no permission to read a part of a source; sent once for each part.

    Args:
        section: What is unknown, such as ``scp``.
        api: The action that the caller needs.
        error: Error code of AWS.
        statement: The IAM statement that would allow it.
    """

    section: str
    api: str
    error: str
    statement: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GuardrailWithdrawn:
    """
    A guardrail of the account is no longer approved: it was deleted, is not READY, or lost a tag.

    Args:
        guardrail: The guardrail.
    """

    guardrail: Guardrail


SourceEvent: TypeAlias = SourceRead | SourceFailed | SourceGap | GuardrailWithdrawn
"""Events of a source. They belong to no call: a listener receives them in its method ``on_source_event``, if it has one."""

Routine: TypeAlias = GuardrailInjected | PreflightDecided | RequestSending | RequestVerified | ResponseReceived | StreamStarted
"""Events of every call, sent only to observations with `wants_routine`."""

Rare: TypeAlias = (
    UnlistedOperation
    | SentWithoutGuardrail
    | IndirectInference
    | PartlyGuarded
    | CallRefused
    | Retried
    | RetriesExhausted
    | DeniedByAws
    | PreflightDiverged
    | GuardrailIntervened
    | GuardrailDetected
    | ReplyUnguarded
    | SourceUnavailable
    | StreamInterrupted
)
"""Events that few calls have, sent to every observation."""

Event: TypeAlias = Routine | Rare | ContentReceived
"""Any event of a call."""
