"""Faults that are error responses of AWS."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from guardedbedrock._nearest import closest
from guardedbedrock.bedrock import reference
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.denials.catalogue import denial
from guardedbedrock.testing.faults.fault import TOO_MANY, Fault, FaultContext, check_field, check_types
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from random import Random

    from guardedbedrock import iam


_KEY_ACTION: Final = "bedrock:CallWithBearerToken"
_FIRST_FAILURE: Final = 300
_LAST_FAILURE: Final = 599


@dataclass(frozen=True, slots=True)
class Fail(Fault):
    """
    An error response.

    Args:
        status: HTTP status, such as 503.
        code: Error code, such as ``ServiceUnavailableException``.
        message: Error message.
        retry_after: Seconds that the caller should wait before a retry.
        by_iam: Whether the body has IAM's format instead of the format of a service.

    Raises:
        ConfigurationError: The status is not that of an error, or the code or the pause cannot be written into a header.
    """

    status: int
    code: str
    message: str = ""
    retry_after: float | None = None
    by_iam: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        is_failure = _FIRST_FAILURE <= self.status <= _LAST_FAILURE
        check_field(self, "status", fits=is_failure, expected=f"a status from {_FIRST_FAILURE} to {_LAST_FAILURE}")
        is_code = bool(self.code) and self.code.isascii() and self.code.isprintable()
        check_field(self, "code", fits=is_code, expected="an error code such as ThrottlingException")
        is_pause = self.retry_after is None or 0 <= self.retry_after < math.inf
        check_field(self, "retry_after", fits=is_pause, expected="0 or more seconds")

    def fail(self, context: FaultContext) -> None:  # noqa: ARG002
        """Raise the error."""
        raise ServiceError(self.status, self.code, self.message, by_iam=self.by_iam, headers=retry_headers(self.retry_after))


@dataclass(frozen=True, slots=True)
class Deny(Fault):
    """
    A denial with AWS's message for the call, whatever the policies say.

    Args:
        by: A name in `DENIALS`, such as ``scp-explicit`` or ``model-access``. A policy type alone is its explicit deny.
        action: The denied authorization, such as ``bedrock:ApplyGuardrail``; None is the first of the operation. A call that
            does not need this authorization is not denied.

    Raises:
        ConfigurationError: The denial or the action is unknown.
    """

    by: str
    action: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        denial(self.by)
        if self.action is not None and self.action not in (known := _known_actions()):
            near = closest(self.action, known) or "bedrock:InvokeModel or bedrock:ApplyGuardrail"
            raise ConfigurationError(f"action: {self.action!r} is not an action of Bedrock; did you mean {near}?")

    def fail(self, context: FaultContext) -> None:
        """Raise the denial if the call needs the authorization."""
        if request := next(filter(self._matches, context.requests()), None):
            raise denial(self.by).error(request.principal, request.action, request.resource)

    def _matches(self, request: iam.Request) -> bool:
        return request.action == self.action if self.action else request.action != _KEY_ACTION


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """
    A request quota: a token bucket. Each request takes one token; a request without a token is throttled.

    Args:
        rate: Tokens added per second; 0 adds none.
        burst: Capacity of the bucket, which is full at the start.
        retry_after: Seconds that the caller should wait before a retry.
        message: Error message.
        clock: Returns the time in seconds.

    Raises:
        ConfigurationError: The rate or the burst is negative or not finite.
    """

    rate: float
    burst: int = 1
    retry_after: float | None = None
    message: str = TOO_MANY
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        check_types(self)
        check_field(self, "rate", fits=0 <= self.rate < math.inf, expected="0 or more tokens per second")
        check_field(self, "burst", fits=self.burst >= 0, expected="0 or more tokens")

    def begin(self, random: Random) -> Fault:  # noqa: ARG002
        """Return a full bucket."""
        return _Bucket(self)


class _Bucket(Fault):
    __slots__ = ("_filled", "_lock", "_throttle", "_tokens")

    def __init__(self, throttle: Throttle) -> None:
        self._throttle, self._lock = throttle, ForkSafeLock()
        self._tokens, self._filled = float(throttle.burst), throttle.clock()

    def fail(self, context: FaultContext) -> None:
        if not self._take():
            Fail(429, "ThrottlingException", self._throttle.message, self._throttle.retry_after).fail(context)

    def _take(self) -> bool:
        with self._lock:
            now = self._throttle.clock()
            added = (now - self._filled) * self._throttle.rate
            self._tokens, self._filled = min(float(self._throttle.burst), self._tokens + added), now
            enough = self._tokens >= 1
            self._tokens -= enough
            return enough


def _known_actions() -> frozenset[str]:
    """Return the actions of AWS and those that calls need, in all vocabularies."""
    return frozenset({*(one.name for one in reference.actions().values()), "bedrock:InvokeModelWithGuardrail"})


def retry_headers(seconds: float | None) -> dict[str, str]:
    """Return the headers that ask for a pause: HTTP's in seconds, and botocore's in milliseconds."""
    return {} if seconds is None else {"Retry-After": f"{seconds:g}", "x-amz-retry-after": str(round(seconds * 1000))}
