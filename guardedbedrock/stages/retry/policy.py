"""
How often and how long a call is retried.

`failure_classes` lists the failures that are retried. Only one loop retries a call: this one or botocore's; `with_retries` in
`aws/creation/session.py` decides which.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from types import UnionType
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeVar

from botocore.exceptions import ClientError
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, retry_never, wait_random_exponential

from guardedbedrock.core.events import Retried, RetriesExhausted
from guardedbedrock.core.observers import Observers
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.retry.failure_classes import REQUEST_ERRORS, code_of, is_retryable, kind_of
from guardedbedrock.stages.retry.quota import CAPACITY, COST, REFILL, RetryQuota
from guardedbedrock.stages.retry.retry_after import requested_pause

ResultT = TypeVar("ResultT")

_FIRST_BOUND: Final = 0.5  # s
_MOST: Final = 1e9  # s, about 30 years; a larger whole number may not fit into a float
_COUNT: Final = "RetryAttempts"
"""Where botocore counts retries, in ``ResponseMetadata``."""


_NUMBERS: Final[tuple[tuple[str, type | UnionType, Callable[[Any], bool], str], ...]] = (
    ("attempts", int, lambda value: value >= 1, "a whole number of at least 1"),
    ("longest_wait", int | float, lambda value: 0 <= value < _MOST, "seconds, 0 or more"),
    ("deadline", int | float, lambda value: 0 < value < _MOST, "seconds above 0, or None for no deadline"),
    ("capacity", int, lambda value: value >= 0, "a whole number of at least 0"),
)
"""Numbers of a policy: the name, the type, the check, and what the check accepts."""


class Sending(Protocol):
    """
    The state of a call that is being sent.

    Attributes:
        has_request: Whether botocore made a request. If not, a test double of the application answered the call, such as a
            `Stubber` or a patched method. botocore never retries such an answer, so the guard does not either.
    """

    has_request: bool


class _Sent:
    has_request = True


SENT: Final[Sending] = _Sent()
"""The state of a call for which botocore surely made a request, such as a stream that is requested again."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and how long the calls of a guard are retried.

        guard = Guard(..., retry=RetryPolicy(attempts=5, deadline=60.0))

    Args:
        attempts: The number of attempts, including the first; 1 never retries.
        longest_wait: Upper bound of a wait, in seconds. Waits are random below a bound that doubles (full jitter). A longer pause
            that the service asks for is respected, as long as there is a deadline.
        deadline: Seconds after the start of the call at which no further attempt begins; None for no deadline. It does not
            interrupt an attempt: the client's own timeouts do.
        capacity: Tokens of the retry quota, which all calls of a client share; 0 never retries.
        sleep: Waits for a number of seconds; a test passes its own. For async clients it may return an awaitable.
        clock: A monotonic clock, in seconds.

    Raises:
        ConfigurationError: A number is of another type, too small or not finite; or `sleep` or `clock` is not a function.
    """

    attempts: int = 3
    longest_wait: float = 20.0
    deadline: float | None = 120.0
    capacity: int = CAPACITY
    sleep: Callable[[float], Awaitable[None] | None] | None = None
    clock: Callable[[], float] = time.monotonic
    quota: RetryQuota = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, kind, fits, expected in _NUMBERS:
            value = getattr(self, name)
            if name == "deadline" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind) or not fits(value):
                raise ConfigurationError(f"RetryPolicy.{name}: must be {expected}")
        if not callable(self.clock) or not (self.sleep is None or callable(self.sleep)):
            raise ConfigurationError("RetryPolicy: sleep and clock must be functions; leave them out to use those of `time`")
        object.__setattr__(self, "quota", RetryQuota(self.capacity))

    def for_a_client(self) -> Self:
        """Return the same policy with a new quota; a policy that never retries needs none and stays the same object."""
        return self if self.attempts == 1 else replace(self)

    def after(self, retries: int) -> Self:
        """Return the rest of the policy after some retries: the same quota, fewer attempts."""
        if retries == 0:
            return self
        rest = replace(self, attempts=max(1, self.attempts - retries))
        object.__setattr__(rest, "quota", self.quota)
        return rest

    def run(self, attempt: Callable[[], ResultT], observers: Observers, sending: Sending = SENT) -> ResultT:
        """
        Attempt until an attempt succeeds, fails for good, or the attempts, the time or the tokens are used up.

        Args:
            attempt: Makes an attempt.
            observers: The observations of the call.
            sending: Whether botocore made a request. The error of a test double is raised immediately, as botocore does.

        Raises:
            Exception: The error of the last attempt, unchanged, with ``retry_attempts``.
        """
        begun = self.clock()
        try:
            result = attempt()
        except REQUEST_ERRORS as error:
            if not sending.has_request:
                raise
            return _Retries(self, observers, begun).resume(error, attempt)
        self.quota.release(REFILL)
        return result

    async def run_async(
        self, attempt: Callable[[], Awaitable[ResultT]], observers: Observers, sending: Sending = SENT
    ) -> ResultT:
        """Attempt as `run` does, for async clients."""
        begun = self.clock()
        try:
            result = await attempt()
        except REQUEST_ERRORS as error:
            if not sending.has_request:
                raise
            return await _Retries(self, observers, begun).resume_async(error, attempt, self.sleep and self._sleep_async)
        self.quota.release(REFILL)
        return result

    async def _sleep_async(self, seconds: float) -> None:
        pause = self.sleep(seconds) if self.sleep else None
        if isawaitable(pause):  # a function that blocks may return anything, such as that of `threading.Event.wait`
            await pause


class _Retries:
    """The retries of one call: tenacity's callbacks, which share the number of retries and the tokens."""

    def __init__(self, policy: RetryPolicy, observers: Observers, begun: float) -> None:
        self._policy, self._observers = policy, observers
        self._deadline = None if policy.deadline is None else begun + policy.deadline
        self._tokens = 0
        self._count = 0

    def resume(self, error: Exception, attempt: Callable[[], ResultT]) -> ResultT:
        """
        Go on after a first attempt that failed: tenacity gets its error as the outcome of attempt 1, and makes the others.

        The first attempt is made without tenacity, which would cost more than everything else that the guard does.
        """
        outcomes = iter([error])

        def next_outcome() -> ResultT:
            for failed in outcomes:
                raise failed
            return attempt()

        with self._counting():
            return self.succeed(Retrying(**self._options(self._policy.sleep))(next_outcome))

    async def resume_async(
        self, error: Exception, attempt: Callable[[], Awaitable[ResultT]], sleep: Callable[[float], Any] | None
    ) -> ResultT:
        """Go on as `resume` does, for async clients."""
        outcomes = iter([error])

        async def next_outcome() -> ResultT:
            for failed in outcomes:
                raise failed
            return await attempt()

        with self._counting():
            return self.succeed(await AsyncRetrying(**self._options(sleep))(next_outcome))

    def _options(self, sleep: Callable[[float], Any] | None) -> dict[str, Any]:
        """Return the options of `tenacity.Retrying`."""
        return {
            "stop": self._stop,
            "wait": self._pause,
            "retry": retry_if_exception(is_retryable) if self._policy.attempts > 1 else retry_never,
            "before_sleep": self._report,
            "reraise": True,
            **({"sleep": sleep} if sleep else {}),
        }

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Write the number of retries into the error that ends the call."""
        try:
            yield
        except REQUEST_ERRORS as error:
            set_retry_attempts(error, self._count if self._policy.attempts > 1 else _count_of_botocore(error))
            raise

    def succeed(self, result: ResultT) -> ResultT:
        """Release tokens, and count the retries in a response as botocore does."""
        self._policy.quota.release(self._tokens or REFILL)
        metadata = result.setdefault("ResponseMetadata", {}) if self._count and isinstance(result, dict) else None
        if isinstance(metadata, dict):  # an event handler may have replaced it
            metadata[_COUNT] = self._count
        return result

    def _pause(self, state: RetryCallState) -> float:
        requested = requested_pause(_error_of(state))
        if self._deadline is None:
            # Nothing else bounds it: a service could make a thread sleep for days.
            requested = min(requested, self._policy.longest_wait)
        jitter = wait_random_exponential(multiplier=_FIRST_BOUND, max=self._policy.longest_wait)
        return max(jitter(state), requested)

    def _stop(self, state: RetryCallState) -> bool:
        limit = self._acquire_retry(state)
        if limit is None:
            return False
        self._observers.emit(RetriesExhausted(state.attempt_number, code_of(_error_of(state)), limit))
        return True

    def _acquire_retry(self, state: RetryCallState) -> Literal["attempts", "deadline", "tokens"] | None:
        """Acquire the tokens of one more attempt; return the limit that forbids it, or None."""
        policy = self._policy
        if state.attempt_number >= policy.attempts:
            return "attempts"
        if self._deadline is not None and policy.clock() + state.upcoming_sleep > self._deadline:
            return "deadline"
        self._tokens = COST[kind_of(_error_of(state))]
        return None if policy.quota.acquire(self._tokens) else "tokens"

    def _report(self, state: RetryCallState) -> None:
        self._count += 1
        self._observers.emit(Retried(state.attempt_number, code_of(_error_of(state)), state.upcoming_sleep))


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    return error or LookupError("the attempt did not fail")


def _count_of_botocore(error: BaseException) -> int:
    metadata = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return int(metadata.get(_COUNT, 0))


def set_retry_attempts(error: BaseException, count: int) -> None:
    """Record in an error how many attempts followed the first one."""
    if not hasattr(type(error), "retry_attempts"):
        error.retry_attempts = count  # type: ignore[attr-defined]  # our own errors read it from their response
    if isinstance(error, ClientError):
        error.response.setdefault("ResponseMetadata", {})[_COUNT] = count


class Again(NamedTuple):
    """
    How to request a stream once more.

    Args:
        attempt: Makes the call again; for async clients its result is awaited.
        retry: The rest of the policy.
    """

    attempt: Callable[[], Any]
    retry: RetryPolicy


ONE_ATTEMPT: Final = RetryPolicy(attempts=1)
"""For clients on which botocore retries."""
