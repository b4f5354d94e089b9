"""What bounds the attempts: the table, the service's own wish, the deadline, the tokens; and what is said of them."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.session import get_session
from harness.clients import HR, MODEL, POLICIES, ROLE, Recorder, ask

from guardedbedrock import AccessDeniedError, Guard
from guardedbedrock.core.events import Retried, RetriesExhausted
from guardedbedrock.stages.retry.failure_classes import CODES, EXCEPTIONS, STATUSES, kind_of
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.retry.quota import COST, RetryQuota
from guardedbedrock.stages.retry.retry_after import requested_pause

if TYPE_CHECKING:
    from harness.clients import Harness, Make


class Clock:
    """A clock that moves only when somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.waits.append(seconds)
        self.now += seconds


def policy(clock: Clock, **options: Any) -> RetryPolicy:
    """Make a policy that goes by a clock."""
    return RetryPolicy(sleep=clock.sleep, clock=clock, **options)


def throttled(env: Harness, code: str = "ThrottlingException", **fault: Any) -> ClientError:
    """Make a call that is throttled for good."""
    env.fake.fail_next(429, code, "slow", times=99, **fault)
    with pytest.raises(ClientError) as answered:
        env.client.converse(**ask("converse"))
    return answered.value


def test_the_table_has_a_row_for_every_error_of_the_service() -> None:
    """An error shape that botocore has and the table has not would be retried, or not, by chance."""
    model = get_session().get_service_model("bedrock-runtime")
    operations = [model.operation_model(name) for name in ("Converse", "ConverseStream", "InvokeModel", "ApplyGuardrail")]
    shapes = {shape.name for operation in operations for shape in operation.error_shapes}

    assert shapes - {row.name for row in CODES} == set()


def test_every_row_has_a_reason_and_stands_once() -> None:
    """The names of the exceptions are botocore's."""
    rows = (*CODES, *STATUSES, *EXCEPTIONS)

    assert len({row.name for row in rows}) == len(rows)
    assert [row.name for row in rows if not row.why] == []
    assert [row.name for row in EXCEPTIONS if not hasattr(exceptions, row.name)] == []
    assert {row.kind for row in rows} - {"final"} == set(COST)


def test_every_failure_of_a_connection_in_botocore_is_known() -> None:
    """Whatever the HTTP session makes of a failure, the table has it."""
    names = (
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "EndpointConnectionError",
        "ConnectionClosedError",
        "ProxyConnectionError",
    )
    for name in (*names, "ResponseStreamingError"):
        assert kind_of(getattr(exceptions, name)(endpoint_url="x", proxy_url="x", error="x")) == "connection", name


def test_a_service_that_asks_for_a_pause_gets_it(harness: Make) -> None:
    """Longer than any wait of our own would be."""
    clock = Clock()
    env = harness(retry=policy(clock, longest_wait=1.0))

    throttled(env, retry_after=30)

    assert clock.waits == [30.0, 30.0]


def test_a_pause_beyond_the_deadline_is_not_waited_for(harness: Make) -> None:
    """Who can not come back in time gives up at once, with the service's own answer."""
    clock, recorder = Clock(), Recorder()
    env = harness(retry=policy(clock, deadline=10.0), listeners=[recorder])

    error = throttled(env, retry_after=30)

    assert (clock.waits, len(env.fake.requests)) == ([], 1)
    assert recorder.last.of(RetriesExhausted) == [RetriesExhausted(1, "ThrottlingException", "deadline")]
    assert error.response["Error"]["Message"] == "slow"


def test_no_attempt_begins_after_the_deadline(harness: Make) -> None:
    """However many there could be."""
    clock = Clock()
    env = harness(retry=policy(clock, attempts=99, deadline=10.0))

    throttled(env, retry_after=3)

    assert (sum(clock.waits), len(env.fake.requests)) == (9.0, 4)


def test_without_a_deadline_a_requested_pause_is_bounded_by_the_longest_wait(harness: Make) -> None:
    """Otherwise a service, or whoever answers in its place, could make a thread sleep for days."""
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
    "nonsense": ({"retry-after": "soon"}, 0.0),
    "below-nothing": ({"retry-after": "-5"}, 0.0),
    "endless": ({"x-amz-retry-after": "inf", "retry-after": "nan"}, 0.0),
}


@pytest.mark.parametrize(("headers", "seconds"), PAUSES.values(), ids=PAUSES)
def test_how_long_an_answer_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    """Both headers, both forms, and no nonsense."""
    error = ClientError({"Error": {}, "ResponseMetadata": {"HTTPHeaders": headers}}, "Converse")

    assert requested_pause(error, NOW) == seconds
    assert requested_pause(ValueError()) == 0.0


def test_the_calls_of_a_client_share_its_tokens(harness: Make) -> None:
    """When they are used up nobody retries any more, and whoever is answered gives one back."""
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


def test_clients_share_no_tokens(harness: Make) -> None:
    """What one client met is no reason for another to give up."""
    clock = Clock()
    env = harness(retry=policy(clock, capacity=2 * COST["throttling"]))
    throttled(env)
    env.fake.reset()
    other = env._replace(client=env.guard.client("bedrock-runtime", **env.fake.client_kwargs()))

    throttled(other)

    assert len(env.fake.requests) == 3


def test_a_retry_that_helped_gives_its_tokens_back(harness: Make) -> None:
    """So a service that is throttled now and then never uses the bucket up."""
    clock = Clock()
    env = harness(retry=policy(clock, capacity=COST["throttling"]))

    for _ in range(3):
        env.fake.fail_next(429, "ThrottlingException", "slow")
        env.client.converse(**ask("converse"))

    assert len(clock.waits) == 3


def test_a_bucket_never_holds_more_than_fits_nor_less_than_nothing() -> None:
    """From many threads."""
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
def test_an_answer_says_how_many_attempts_it_took(harness: Make, fail: int) -> None:
    """Where botocore says it."""
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow", times=fail) if fail else None

    metadata = env.client.converse(**ask("converse"))["ResponseMetadata"]

    assert metadata["RetryAttempts"] == fail
    assert "MaxAttemptsReached" not in metadata


def test_an_error_says_how_many_attempts_there_were(harness: Make) -> None:
    """The service's, a connection's, a denial's; whether it was tried again or not."""
    env = harness(retry=RetryPolicy(attempts=3, sleep=lambda _: None))
    assert throttled(env).retry_attempts == 2  # type: ignore[attr-defined]
    env.fake.reset()
    assert throttled(env, code="ValidationException").retry_attempts == 0  # type: ignore[attr-defined]
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


def test_an_error_says_nothing_of_botocores_single_attempt(harness: Make) -> None:
    """botocore, which was told to try once, does not look at answers for another attempt."""
    env = harness(retry=RetryPolicy(attempts=2, sleep=lambda _: None))

    assert "reached max retries" not in str(throttled(env))
    assert len(env.fake.requests) == 2


def test_no_attempt_says_that_it_is_the_only_one(harness: Make) -> None:
    """It would by botocore, which was told to try once."""
    env = harness(retry=RetryPolicy(attempts=2, sleep=lambda _: None))

    throttled(env)

    assert [request.headers["amz-sdk-request"] for request in env.fake.requests] == ["attempt=1"] * 2


def test_a_guard_that_is_off_leaves_the_attempts_to_botocore(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does nothing, so it takes nothing away either: as many attempts as a plain client makes."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    env = harness(mode="off", retry=RetryPolicy())
    env.fake.fail_next(429, "ThrottlingException", "slow", times=2)

    env.client.converse(**ask("converse"))

    assert len(env.fake.requests) == 3


def test_a_client_that_is_wrapped_again_keeps_botocores_loop(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wraps it next, its attempts are botocore's."""
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
def test_two_loops_never_multiply(
    harness: Make, monkeypatch: pytest.MonkeyPatch, way: str, options: dict[str, Any], attempts: int
) -> None:
    """Ours or botocore's, never both, whatever the environment says; and their attempts are told either way."""
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
    assert answered.value.retry_attempts == attempts - 1  # type: ignore[attr-defined]
    assert [event.attempt for event in recorder.last.of(Retried)] == list(range(1, attempts))
    assert {event.by for event in recorder.last.of(Retried)} == {"guard" if not options else "botocore"}
