"""The limits of attempts: the table, the service's own delay, the deadline, the tokens; and their reports."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.session import get_session
from harness.clients import HR, MODEL, POLICIES, ROLE, Recorder, ask

from guardedbedrock import AccessDeniedError, ConfigurationError, Guard
from guardedbedrock.core.events import Retried, RetriesExhausted
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.stages.retry.failure_classes import CODES, EXCEPTIONS, STATUSES, kind_of
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.retry.quota import COST, RetryQuota
from guardedbedrock.stages.retry.retry_after import requested_pause

if TYPE_CHECKING:
    from harness.clients import Harness, Make


class Clock:
    """A clock that moves only during its own `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.waits.append(seconds)
        self.now += seconds


def policy(clock: Clock, **options: Any) -> RetryPolicy:
    """Create a policy that uses a clock."""
    return RetryPolicy(sleep=clock.sleep, clock=clock, **options)


def throttled(env: Harness, code: str = "ThrottlingException", **fault: Any) -> ClientError:
    """Make a call that is always throttled."""
    env.fake.fail_next(429, code, "slow", times=99, **fault)
    with pytest.raises(ClientError) as answered:
        env.client.converse(**ask("converse"))
    return answered.value


def test_the_table_has_a_row_for_every_error_of_the_service() -> None:
    """Otherwise chance would decide whether an error is retried."""
    model = get_session().get_service_model("bedrock-runtime")
    operations = [model.operation_model(name) for name in ("Converse", "ConverseStream", "InvokeModel", "ApplyGuardrail")]
    shapes = {shape.name for operation in operations for shape in operation.error_shapes}

    assert shapes - {row.name for row in CODES} == set()


def test_every_row_of_the_failure_tables_is_unique_and_has_a_reason() -> None:
    rows = (*CODES, *STATUSES, *EXCEPTIONS)

    assert len({row.name for row in rows}) == len(rows)
    assert [row.name for row in rows if not row.why] == []
    assert [row.name for row in EXCEPTIONS if not hasattr(exceptions, row.name)] == []
    assert {row.kind for row in rows} - {"final"} == set(COST)


def test_every_connection_error_of_botocore_is_classified() -> None:
    names = (
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "EndpointConnectionError",
        "ConnectionClosedError",
        "ProxyConnectionError",
    )
    for name in (*names, "ResponseStreamingError"):
        assert kind_of(getattr(exceptions, name)(endpoint_url="x", proxy_url="x", error="x")) == "connection", name


def test_a_pause_that_the_service_requests_is_respected(harness: Make) -> None:
    clock = Clock()
    env = harness(retry=policy(clock, longest_wait=1.0))

    throttled(env, retry_after=30)

    assert clock.waits == [30.0, 30.0]


def test_a_requested_pause_beyond_the_deadline_ends_the_retries(harness: Make) -> None:
    clock, recorder = Clock(), Recorder()
    env = harness(retry=policy(clock, deadline=10.0), listeners=[recorder])

    error = throttled(env, retry_after=30)

    assert (clock.waits, len(env.fake.requests)) == ([], 1)
    assert recorder.last.of(RetriesExhausted) == [RetriesExhausted(1, "ThrottlingException", "deadline")]
    assert error.response["Error"]["Message"] == "slow"


def test_no_attempt_begins_after_the_deadline(harness: Make) -> None:
    """This holds whatever the number of attempts is."""
    clock = Clock()
    env = harness(retry=policy(clock, attempts=99, deadline=10.0))

    throttled(env, retry_after=3)

    assert (sum(clock.waits), len(env.fake.requests)) == (9.0, 4)


def test_without_a_deadline_a_requested_pause_is_bounded_by_the_longest_wait(harness: Make) -> None:
    """Otherwise a service, or a proxy, could make a thread sleep for days."""
    clock = Clock()
    env = harness(retry=policy(clock, attempts=4, deadline=None, longest_wait=20.0))

    throttled(env, retry_after=86_400)

    assert clock.waits == [20.0] * 3
    assert len(env.fake.requests) == 4


NOW: Final = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
PAUSES: Final[dict[str, tuple[dict[str, str], float]]] = {
    "none": ({}, 0.0),
    "seconds": ({"retry-after": "7"}, 7.0),
    "milliseconds-win": ({"retry-after": "7", "x-amz-retry-after": "1500"}, 1.5),
    "date": ({"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, 30.0),
    "date-without-zone": ({"retry-after": "Tue, 24 Nov 2026 12:00:30"}, 30.0),
    "date-gone-by": ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT"}, 0.0),
    "date-beyond-all-years": ({"retry-after": "Fri, 31 Dec 99999999999 23:59:59 GMT"}, 0.0),
    "nonsense": ({"retry-after": "soon"}, 0.0),
    "below-nothing": ({"retry-after": "-5"}, 0.0),
    "endless": ({"x-amz-retry-after": "inf", "retry-after": "nan"}, 0.0),
}


@pytest.mark.parametrize(("headers", "seconds"), PAUSES.values(), ids=PAUSES)
def test_requested_pause_reads_both_headers_and_all_their_formats(headers: dict[str, str], seconds: float) -> None:
    error = ClientError({"Error": {}, "ResponseMetadata": {"HTTPHeaders": headers}}, "Converse")

    assert requested_pause(error, NOW) == seconds
    assert requested_pause(ValueError()) == 0.0


def test_all_calls_of_a_client_share_one_quota(harness: Make) -> None:
    clock, recorder = Clock(), Recorder()
    env = harness(retry=policy(clock, capacity=2 * COST["throttling"]), listeners=[recorder])

    throttled(env)
    throttled(env)
    assert [event.used_up for call in recorder.calls for event in call.of(RetriesExhausted)] == ["attempts", "tokens"]
    assert len(env.fake.requests) == 3 + 1

    env.fake.reset()
    for _ in range(COST["throttling"]):
        env.client.converse(**ask("converse"))
    throttled(env)

    assert len(recorder.last.of(Retried)) == 1


def test_each_client_has_its_own_quota(harness: Make) -> None:
    clock = Clock()
    env = harness(retry=policy(clock, capacity=2 * COST["throttling"]))
    throttled(env)
    env.fake.reset()
    other = env._replace(client=env.guard.client("bedrock-runtime", **env.fake.client_kwargs()))

    throttled(other)

    assert len(env.fake.requests) == 3


def test_a_successful_retry_releases_its_tokens(harness: Make) -> None:
    clock = Clock()
    env = harness(retry=policy(clock, capacity=COST["throttling"]))

    for _ in range(3):
        env.fake.fail_next(429, "ThrottlingException", "slow")
        env.client.converse(**ask("converse"))

    assert len(clock.waits) == 3


def test_a_quota_stays_between_zero_and_its_capacity_in_many_threads() -> None:
    quota = RetryQuota(100)

    def use() -> None:
        for _ in range(500):
            if quota.acquire(3):
                quota.release(3)

    threads = [Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (quota.tokens, quota.acquire(101), quota.tokens) == (100, False, 100)
    quota.release(50)
    assert quota.tokens == 100


@pytest.mark.parametrize("fail", [0, 2])
def test_a_response_has_the_number_of_retries(harness: Make, fail: int) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow", times=fail) if fail else None

    metadata = env.client.converse(**ask("converse"))["ResponseMetadata"]

    assert metadata["RetryAttempts"] == fail
    assert "MaxAttemptsReached" not in metadata


def test_an_error_has_the_number_of_retries(harness: Make) -> None:
    env = harness(retry=RetryPolicy(attempts=3, sleep=lambda _: None))
    assert throttled(env).retry_attempts == 2
    env.fake.reset()
    assert throttled(env, code="ValidationException").retry_attempts == 0
    env.fake.reset()
    env.fake.fail_next(503, "ServiceUnavailableException", "later")
    env.fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel")
    with pytest.raises(AccessDeniedError) as denied:
        env.client.converse(**ask("converse"))
    env.fake.close()
    with pytest.raises(EndpointConnectionError) as gone:
        env.client.converse(**ask("converse"))

    assert denied.value.retry_attempts == 1
    assert gone.value.retry_attempts == 2


def test_the_message_of_an_error_does_not_mention_botocores_single_attempt(harness: Make) -> None:
    env = harness(retry=RetryPolicy(attempts=2, sleep=lambda _: None))

    assert "reached max retries" not in str(throttled(env))
    assert len(env.fake.requests) == 2


def test_the_header_amz_sdk_request_has_no_maximum(harness: Make) -> None:
    """Botocore would send ``max=1``, since it is configured to try once."""
    env = harness(retry=RetryPolicy(attempts=2, sleep=lambda _: None))

    throttled(env)

    assert [request.headers["amz-sdk-request"] for request in env.fake.requests] == ["attempt=1"] * 2


def test_mode_off_leaves_retries_to_botocore(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    env = harness(mode="off", retry=RetryPolicy())
    env.fake.fail_next(429, "ThrottlingException", "slow", times=2)

    env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 3


def test_a_client_that_is_wrapped_twice_keeps_the_retries_of_botocore(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    env = harness()
    client = boto3.client("bedrock-runtime", **env.fake.client_kwargs(), config=Config(retries={"mode": "standard"}))
    env.guard.wrap(client)
    env.guard.wrap(client)
    env.fake.fail_next(429, "ThrottlingException", "slow", times=99)

    with pytest.raises(ClientError):
        client.converse(**ask("converse"))

    assert len(env.fake.requests) == 3
    client.close()


LOOPS: Final[dict[str, tuple[str, dict[str, Any], int]]] = {
    "ours": ("client", {}, 3),
    "the-applications": ("client", {"config": Config(retries={"total_max_attempts": 2, "mode": "standard"})}, 2),
    "a-guarded-sessions": ("session", {"config": Config(retries={"total_max_attempts": 2, "mode": "standard"})}, 2),
}


@pytest.mark.parametrize(("way", "options", "attempts"), LOOPS.values(), ids=LOOPS)
def test_only_one_loop_retries_and_its_attempts_are_reported(
    harness: Make, monkeypatch: pytest.MonkeyPatch, way: str, options: dict[str, Any], attempts: int
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    recorder, fake = Recorder(), harness().fake
    patient = RetryPolicy(sleep=lambda _: None)
    guard = Guard(guardrails=[HR], policies=POLICIES, principal=ROLE, listeners=[recorder], retry=patient)
    maker = guard if way == "client" else guard.session(boto3.Session())
    client = maker.client("bedrock-runtime", **fake.client_kwargs(), **options)
    fake.fail_next(429, "ThrottlingException", "slow", times=99)

    with pytest.raises(ClientError) as answered:
        client.converse(modelId=MODEL, messages=[])

    assert len(fake.requests) == attempts
    assert answered.value.retry_attempts == attempts - 1
    assert [event.attempt for event in recorder.last.of(Retried)] == list(range(1, attempts))
    assert {event.by for event in recorder.last.of(Retried)} == {"guard" if not options else "botocore"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ({"attempts": 0}, "attempts: must be a whole number of at least 1"),
        ({"attempts": True}, "attempts: must be a whole number of at least 1"),
        ({"attempts": 1.5}, "attempts: must be a whole number of at least 1"),
        ({"longest_wait": -1}, "longest_wait: must be seconds, 0 or more"),
        ({"longest_wait": float("inf")}, "longest_wait: must be seconds, 0 or more"),
        ({"deadline": 0}, "deadline: must be seconds above 0, or None for no deadline"),
        ({"deadline": 10**400}, "deadline: must be seconds above 0, or None for no deadline"),
        ({"longest_wait": 10**400}, "longest_wait: must be seconds, 0 or more"),
        ({"deadline": float("nan")}, "deadline: must be seconds above 0, or None for no deadline"),
        ({"deadline": True}, "deadline: must be seconds above 0, or None for no deadline"),
        ({"capacity": None}, "capacity: must be a whole number of at least 0"),
        ({"capacity": -1}, "capacity: must be a whole number of at least 0"),
    ],
    ids=repr,
)
def test_a_number_that_no_policy_can_have_is_refused(number: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^RetryPolicy.{expected}$"):
        RetryPolicy(**number)


@pytest.mark.parametrize("function", ["sleep", "clock"])
def test_a_policy_takes_functions_only(function: str) -> None:
    options: dict[str, Any] = {function: 5}

    with pytest.raises(ConfigurationError, match="sleep and clock must be functions"):
        RetryPolicy(**options)


def test_the_result_of_a_sleep_that_blocks_is_not_awaited() -> None:
    """`threading.Event.wait` returns a bool."""
    failures = [ReadTimeoutError(endpoint_url="http://h")]

    async def attempt() -> str:
        for failure in list(failures):
            failures.remove(failure)
            raise failure
        return "answer"

    policy = RetryPolicy(sleep=lambda _: True)  # type: ignore[arg-type,return-value]

    assert asyncio.run(policy.run_async(attempt, Observers((), Call.of("Converse", {}, "us-east-1")))) == "answer"
