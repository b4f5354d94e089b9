"""What listeners hear of a call; `observing` says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from guardedbedrock.bedrock import Guardrail, Intervention
from guardedbedrock.bedrock.guardrail.coverage import Gap
from guardedbedrock.bedrock.guardrail.reply_metadata import Answer
from guardedbedrock.core.records import Verdict


class GuardrailInjected(NamedTuple):
    """The guard put a guardrail into the call, or found an approved one there."""

    guardrail: Guardrail
    was_there: bool


class PreflightDecided(NamedTuple):
    """The policies were asked, in `seconds`, in the words of `vocabulary`."""

    verdict: Verdict
    seconds: float
    vocabulary: str = "aws"


class RequestSending(NamedTuple):
    """The call may go out; `instrumented` says whether an OpenTelemetry instrumentor stands around botocore's part of it."""

    instrumented: bool


class RequestVerified(NamedTuple):
    """A request of the call leaves for `url`; whatever span botocore's instrumentor made for it is the current one."""

    url: str = ""


class ResponseReceived(NamedTuple):
    """
    The service has answered; of a stream this is told at its end.

    Args:
        status: HTTP status.
        request_id: AWS's id of the request.
        retry_attempts: How many attempts came after the first.
        answer: What the reply says of itself.
    """

    status: int
    request_id: str
    retry_attempts: int
    answer: Answer


class StreamStarted(NamedTuple):
    """The first event of a stream is there."""


class ContentReceived(NamedTuple):
    """
    The model says something; told only to those who ask for it by `wants_content`.

    Args:
        words: As they came: the reply of Converse, the body of InvokeModel, or one event of a stream.
    """

    words: Mapping[str, Any] | bytes


@dataclass(frozen=True, slots=True)
class UnlistedOperation:
    """botocore has an operation that the table of operations has not; it is asked under its own name, on nobody knows what."""

    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class PartlyGuarded:
    """The call goes out, and its guardrail will not look at all of it."""

    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The guard refuses the call; in mode ``report`` it would have, and the call goes on."""

    error: Exception
    enforced: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """
    An attempt failed and another follows after `wait` seconds.

    Args:
        attempt: 1 for the first.
        code: Of the service, or the class of what went wrong with the connection.
        wait: Seconds.
        by: Who tries again. botocore is heard when it does, and has waited then.
    """

    attempt: int
    code: str
    wait: float
    by: Literal["guard", "botocore"] = "guard"


@dataclass(frozen=True, slots=True)
class RetriesExhausted:
    """An attempt failed that may pass a moment later, and none follows: the attempts, the time or the tokens are used up."""

    attempt: int
    code: str
    used_up: Literal["attempts", "deadline", "tokens"]


@dataclass(frozen=True, slots=True)
class DeniedByAws:
    """AWS denied the call."""

    error: Exception


@dataclass(frozen=True, slots=True)
class PreflightDiverged:
    """AWS denied what the preflight had allowed."""

    verdict: Verdict
    error: Exception


@dataclass(frozen=True, slots=True)
class GuardrailIntervened:
    """The guardrail stepped in; AWS's id of the request tells which reply it was."""

    intervention: Intervention
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ReplyUnguarded:
    """The reply shows that no guardrail ran, although `guardrail` was sent."""

    guardrail: str
    version: str
    request_id: str = ""


Routine: TypeAlias = GuardrailInjected | PreflightDecided | RequestSending | RequestVerified | ResponseReceived | StreamStarted
"""Events of every call; told where somebody `wants_routine`."""

Rare: TypeAlias = (
    UnlistedOperation
    | PartlyGuarded
    | CallRefused
    | Retried
    | RetriesExhausted
    | DeniedByAws
    | PreflightDiverged
    | GuardrailIntervened
    | ReplyUnguarded
)
"""Events out of the ordinary; always told."""

Event: TypeAlias = Routine | Rare | ContentReceived
