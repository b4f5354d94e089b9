"""Faults that are an error of the service: what AWS itself would answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.denials import denial
from guardedbedrock.testing.faults.fault import TOO_MANY, Fault, Moment
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from random import Random

    from guardedbedrock import iam


_KEY_ACTION: Final = "bedrock:CallWithBearerToken"


@dataclass(frozen=True, slots=True)
class Fail(Fault):
    """
    An error in the place of an answer.

    Args:
        status: HTTP status, such as 503.
        code: Error code, such as ``ServiceUnavailableException``.
        message: The error's message.
        retry_after: Pause to ask the caller for, in s.
        by_iam: Whether IAM says it, which writes its body in another way than a service does.
    """

    status: int
    code: str
    message: str = ""
    retry_after: float | None = None
    by_iam: bool = False

    def refuse(self, moment: Moment) -> None:  # noqa: ARG002
        """Raise the error."""
        raise ServiceError(self.status, self.code, self.message, by_iam=self.by_iam, headers=retry_headers(self.retry_after))


@dataclass(frozen=True, slots=True)
class Deny(Fault):
    """
    A denial in AWS's own words, for this very call, whatever the policies say.

    Args:
        by: A name of `DENIALS`, such as ``scp-explicit`` or ``model-access``; a policy type alone is its explicit deny.
        action: The authorization that is denied, such as ``bedrock:ApplyGuardrail``; None is the operation's own first. A call
            that does not ask for it goes through.

    Raises:
        ConfigurationError: There is no such denial.
    """

    by: str
    action: str | None = None

    def __post_init__(self) -> None:
        denial(self.by)

    def refuse(self, moment: Moment) -> None:
        """Raise the denial of the authorization that is meant."""
        if request := next(filter(self._means, moment.asked()), None):
            raise denial(self.by).error(request.principal, request.action, request.resource)

    def _means(self, request: iam.Request) -> bool:
        return request.action == self.action if self.action else request.action != _KEY_ACTION


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """
    A quota: a bucket of tokens that fills steadily, of which each request takes one; an empty bucket throttles.

    Args:
        rate: Tokens that come in, per second; 0 for a bucket that never fills again.
        burst: Tokens that it holds, and begins with.
        retry_after: Pause to ask the caller for, in s.
        message: What the caller reads.
        clock: Gives seconds; tests turn it by hand.

    Raises:
        ConfigurationError: The rate or the burst is negative.
    """

    rate: float
    burst: int = 1
    retry_after: float | None = None
    message: str = TOO_MANY
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        if self.rate < 0 or self.burst < 0:
            raise ConfigurationError("Throttle: rate and burst are not negative")

    def begin(self, random: Random) -> Fault:  # noqa: ARG002
        """Fill a bucket."""
        return _Bucket(self)


class _Bucket(Fault):
    __slots__ = ("_filled", "_left", "_lock", "_throttle")

    def __init__(self, throttle: Throttle) -> None:
        self._throttle, self._lock = throttle, Lock()
        self._left, self._filled = float(throttle.burst), throttle.clock()

    def refuse(self, moment: Moment) -> None:
        if not self._take():
            Fail(429, "ThrottlingException", self._throttle.message, self._throttle.retry_after).refuse(moment)

    def _take(self) -> bool:
        with self._lock:
            now = self._throttle.clock()
            came = (now - self._filled) * self._throttle.rate
            self._left, self._filled = min(float(self._throttle.burst), self._left + came), now
            enough = self._left >= 1
            self._left -= enough
            return enough


def retry_headers(seconds: float | None) -> dict[str, str]:
    """Ask for a pause before the next attempt, in both the header of HTTP (s) and the one that botocore reads (ms)."""
    return {} if seconds is None else {"Retry-After": f"{seconds:g}", "x-amz-retry-after": str(round(seconds * 1000))}
