"""
Which failures are worth another attempt, and when.

Denials and bad requests never are. Source: Bedrock API Reference, "Common errors"; AWS SDKs and Tools Reference Guide, "Retry
behavior".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's, which is not Python's
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

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


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and how patiently.

    Args:
        attempts: All attempts, the first included; 1 never retries.
        longest_wait: Upper bound of a wait, in seconds; waits are random up to a bound that doubles (full jitter).
        sleep: Waits that many seconds; a test gives its own.
    """

    attempts: int = 3
    longest_wait: float = 20.0
    sleep: Callable[[float], None] | None = None

    def run(self, attempt: Callable[[], ResultT], observers: Observers) -> ResultT:
        """
        Run until it succeeds, fails for good, or the attempts are used up; the last original exception surfaces.

        Cost: the first attempt runs bare; tenacity takes over once it has failed.
        """
        if self.attempts == 1:
            return attempt()
        try:
            return attempt()
        except (ClientError, ConnectionError, HTTPClientError) as error:
            if not is_retryable(error):
                raise
            return self._again(attempt, error, observers)

    def _again(self, attempt: Callable[[], ResultT], first: Exception, observers: Observers) -> ResultT:
        waits = wait_random_exponential(multiplier=0.5, max=self.longest_wait)
        pending: list[Exception] = [first]

        def once() -> ResultT:
            if pending:
                raise pending.pop()
            return attempt()

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            wait = state.next_action.sleep if state.next_action else 0.0
            observers.hear(Retried(state.attempt_number, code_of(error), wait))

        options: dict[str, Any] = {"sleep": self.sleep} if self.sleep else {}
        retrying = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=waits,
            retry=retry_if_exception(is_retryable),
            before_sleep=tell,
            reraise=True,
            **options,
        )
        return retrying(once)


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
