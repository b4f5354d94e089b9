"""
How often and how patiently a call is tried again.

Denials and bad requests never are; `failures` says what is, and why. The attempts of a call are counted together, whoever makes
them: where botocore makes them, on clients that were made elsewhere, this loop stands aside.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

from botocore.exceptions import ClientError
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from guardedbedrock.core.events import Retried, RetriesExhausted
from guardedbedrock.core.observers import Observers
from guardedbedrock.stages.retry.failure_classes import MAY_PASS, code_of, kind_of
from guardedbedrock.stages.retry.quota import CAPACITY, COST, Bucket
from guardedbedrock.stages.retry.retry_after import asked_pause

ResultT = TypeVar("ResultT")

_FIRST_BOUND: Final = 0.5  # s
COUNT: Final = "RetryAttempts"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and how patiently.

    Args:
        attempts: All attempts, the first included; 1 never retries.
        longest_wait: Upper bound of a wait, in seconds; waits are random up to a bound that doubles (full jitter). A service
            that asks for a longer pause gets it.
        deadline: Seconds since the call began after which no further attempt begins; None for no such bound. An attempt under
            way ends by the client's own timeouts.
        capacity: Tokens that a client has for further attempts of all its calls; 0 never retries.
        sleep: Waits that many seconds; a test gives its own. What it returns to a task is awaited if it can be.
        clock: Seconds of a clock that never goes back.
    """

    attempts: int = 3
    longest_wait: float = 20.0
    deadline: float | None = 120.0
    capacity: int = CAPACITY
    sleep: Callable[[float], Awaitable[None] | None] | None = None
    clock: Callable[[], float] = time.monotonic
    bucket: Bucket = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bucket", Bucket(self.capacity))

    def for_a_client(self) -> Self:
        """Give the same policy with tokens of its own, which the calls of a client share; one that never retries needs none."""
        return self if self.attempts == 1 else replace(self)

    def after(self, attempts: int) -> Self:
        """Give what is left of the policy after some attempts that were not the first: the same tokens, fewer attempts."""
        if attempts == 0:
            return self
        left = replace(self, attempts=max(1, self.attempts - attempts))
        object.__setattr__(left, "bucket", self.bucket)
        return left

    def begin(self) -> float:
        """Give the time at which a call begins, for its deadline."""
        return self.clock() if self.deadline is not None else 0.0

    def run(self, attempt: Callable[[], ResultT], observers: Observers) -> ResultT:
        """
        Run until it succeeds, fails for good, or the attempts, the time or the tokens are used up.

        The last original exception surfaces, with ``retry_attempts``; so does the number in an answer's ``ResponseMetadata``.

        Cost: the first attempt runs bare; tenacity takes over once it has failed.
        """
        began = self.begin()
        try:
            result = attempt()
        except MAY_PASS as error:
            return self.go_on(error, attempt, observers, began)
        self.bucket.give()
        return result

    async def run_async(self, attempt: Callable[[], Awaitable[ResultT]], observers: Observers) -> ResultT:
        """Run as `run` does, for whoever awaits it."""
        began = self.begin()
        try:
            result = await attempt()
        except MAY_PASS as error:
            return await self.go_on_async(error, attempt, observers, began)
        self.bucket.give()
        return result

    def go_on(self, error: Exception, attempt: Callable[[], ResultT], observers: Observers, began: float) -> ResultT:
        """Go on after a first attempt that failed, as `run` does."""
        failed = self._worth_another(error)
        loop = _Loop(self, observers, began)
        with loop:
            result: ResultT = Retrying(**loop.plan(self.sleep))(_once_more, failed, attempt)
            return loop.counted(result)

    async def go_on_async(
        self, error: Exception, attempt: Callable[[], Awaitable[ResultT]], observers: Observers, began: float
    ) -> ResultT:
        """Go on as `go_on` does, for whoever awaits it."""
        failed = self._worth_another(error)

        async def once_more() -> ResultT:
            return await _once_more(failed, attempt)

        loop = _Loop(self, observers, began)
        with loop:
            return loop.counted(await AsyncRetrying(**loop.plan(self.sleep and self._pause))(once_more))

    async def _pause(self, seconds: float) -> None:
        paused = self.sleep(seconds) if self.sleep else None
        if paused is not None:
            await paused

    def _worth_another(self, error: Exception) -> list[Exception]:
        """Give the error for tenacity to begin with, or raise it: one that surfaces at once says that it was tried once."""
        if self.attempts == 1:
            metadata = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
            _count(error, metadata.get(COUNT, 0))  # what botocore counted
            raise error
        if not is_retryable(error):
            _count(error, 0)
            raise error
        return [error]


class _Loop:
    """The attempts of one call that come after the first."""

    def __init__(self, policy: RetryPolicy, observers: Observers, began: float) -> None:
        self._policy, self._observers = policy, observers
        self._wait = wait_random_exponential(multiplier=_FIRST_BOUND, max=policy.longest_wait)
        self._end = None if policy.deadline is None else began + policy.deadline
        self._taken = 0
        self._retried = 0

    def plan(self, sleep: Callable[[float], Any] | None) -> dict[str, Any]:
        return {
            "stop": self._stops,
            "wait": self._pause,
            "retry": retry_if_exception(is_retryable),
            "before_sleep": self._tell,
            "reraise": True,
            **({"sleep": sleep} if sleep else {}),
        }

    def counted(self, result: ResultT) -> ResultT:
        self._policy.bucket.give(self._taken)
        if isinstance(result, dict):
            result.setdefault("ResponseMetadata", {})[COUNT] = self._retried
        return result

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            _count(error, self._retried)

    def _pause(self, state: RetryCallState) -> float:
        """Wait at random below the bound, and no less than the service asks for."""
        return max(self._wait(state), asked_pause(_error(state)))

    def _stops(self, state: RetryCallState) -> bool:
        why = self._used_up(state)
        if why != "":
            self._observers.emit(RetriesExhausted(state.attempt_number, code_of(_error(state)), why))
        return why != ""

    def _used_up(self, state: RetryCallState) -> Literal["", "attempts", "deadline", "tokens"]:
        policy = self._policy
        if state.attempt_number >= policy.attempts:
            return "attempts"
        if self._end is not None and policy.clock() + state.upcoming_sleep > self._end:
            return "deadline"
        self._taken = COST[kind_of(_error(state))]
        return "" if policy.bucket.take(self._taken) else "tokens"

    def _tell(self, state: RetryCallState) -> None:
        self._retried += 1
        self._observers.emit(Retried(state.attempt_number, code_of(_error(state)), state.upcoming_sleep))


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    return error or LookupError("an attempt that did not fail")


def _once_more(failed: list[Exception], attempt: Callable[[], ResultT]) -> ResultT:
    """Let tenacity count the attempt that failed before it was asked, then attempt."""
    if failed:
        raise failed.pop()
    return attempt()


def _count(error: BaseException, retried: int) -> None:
    """Write into an error how many attempts came after the first."""
    if not hasattr(type(error), "retry_attempts"):
        error.retry_attempts = retried  # type: ignore[attr-defined]  # ours read it from their response
    if isinstance(error, ClientError):
        error.response.setdefault("ResponseMetadata", {})[COUNT] = retried


class Again(NamedTuple):
    """
    How a stream is asked for again.

    Args:
        attempt: Makes the call; what it returns is awaited where the first attempt was.
        retry: What is left of the policy.
    """

    attempt: Callable[[], Any]
    retry: RetryPolicy


ONE_ATTEMPT: Final = RetryPolicy(attempts=1)
"""For clients whose retries are botocore's."""


def is_retryable(error: BaseException) -> bool:
    """Say whether another attempt may pass."""
    return kind_of(error) != "final"
