"""
Which failures are worth another attempt, and when.

Denials and bad requests never are. Source: Bedrock API Reference, "Common errors"; AWS SDKs and Tools Reference Guide, "Retry
behavior".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's, which is not Python's
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from guardedbedrock.events import Observers, Retried

ResultT = TypeVar("ResultT")

RETRYABLE: Final = frozenset(
    {
        "InternalServerException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes that say nothing was decided: the same call may pass a moment later."""

_MAY_PASS: Final = (ClientError, ConnectionError, HTTPClientError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and how patiently.

    Args:
        attempts: All attempts, the first included; 1 never retries.
        longest_wait: Upper bound of a wait, in seconds; waits are random up to a bound that doubles (full jitter).
        sleep: Waits that many seconds; a test gives its own. What it returns to a task is awaited if it can be.
    """

    attempts: int = 3
    longest_wait: float = 20.0
    sleep: Callable[[float], Awaitable[None] | None] | None = None

    def run(self, attempt: Callable[[], ResultT], observers: Observers) -> ResultT:
        """
        Run until it succeeds, fails for good, or the attempts are used up; the last original exception surfaces.

        Cost: the first attempt runs bare; tenacity takes over once it has failed.
        """
        try:
            return attempt()
        except _MAY_PASS as error:
            if self.attempts == 1 or not is_retryable(error):
                raise
            failed = [error]
        result: ResultT = Retrying(**self._plan(self.sleep, observers))(_once_more, failed, attempt)
        return result

    async def run_async(self, attempt: Callable[[], Awaitable[ResultT]], observers: Observers) -> ResultT:
        """Run as `run` does, for whoever awaits it."""
        try:
            return await attempt()
        except _MAY_PASS as error:
            if self.attempts == 1 or not is_retryable(error):
                raise
            failed = [error]

        async def once_more() -> ResultT:
            return await _once_more(failed, attempt)

        return await AsyncRetrying(**self._plan(self.sleep and self._pause, observers))(once_more)

    async def _pause(self, seconds: float) -> None:
        paused = self.sleep(seconds) if self.sleep else None
        if paused is not None:
            await paused

    def _plan(self, sleep: Callable[[float], Any] | None, observers: Observers) -> dict[str, Any]:
        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            wait = state.next_action.sleep if state.next_action else 0.0
            observers.hear(Retried(state.attempt_number, code_of(error), wait))

        return {
            "stop": stop_after_attempt(self.attempts),
            "wait": wait_random_exponential(multiplier=0.5, max=self.longest_wait),
            "retry": retry_if_exception(is_retryable),
            "before_sleep": tell,
            "reraise": True,
            **({"sleep": sleep} if sleep else {}),
        }


def _once_more(failed: list[Exception], attempt: Callable[[], ResultT]) -> ResultT:
    """Let tenacity count the attempt that failed before it was asked, then attempt."""
    if failed:
        raise failed.pop()
    return attempt()


ONE_ATTEMPT: Final = RetryPolicy(attempts=1)
"""For clients whose retries are botocore's."""


def is_retryable(error: BaseException) -> bool:
    """Say whether another attempt may pass."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in RETRYABLE or status in (500, 502, 503, 504)
    return isinstance(error, ConnectionError | HTTPClientError)


def code_of(error: BaseException | None) -> str:
    """Name an error: its service code, else its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__
