"""Retries that botocore makes: each failed attempt is reported, and errors contain their number."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from harness.clients import Recorder, ask, read

from guardedbedrock import GuardrailInterventionError
from guardedbedrock.aws.gate.call_context import open_call
from guardedbedrock.core.events import Retried
from guardedbedrock.testing.faults import HangUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

WAIT: Final = 0.03  # s
RETRIES: Final = Config(retries={"total_max_attempts": 3, "mode": "standard"})
METHODS: Final = ("converse", "converse_stream", "invoke_model")
WAYS: Final[dict[str, Callable[[Harness], Any]]] = {
    "config": lambda env: env.guard.client("bedrock-runtime", **env.fake.client_kwargs(), config=RETRIES),
    "session": lambda env: env.guard.session(boto3.Session()).client(
        "bedrock-runtime", **env.fake.client_kwargs(), config=RETRIES
    ),
    "wrapped": lambda env: env.guard.wrap(boto3.client("bedrock-runtime", **env.fake.client_kwargs(), config=RETRIES)),
}
"""Ways to create a client that keeps botocore's retries."""


@pytest.fixture(name="heard")
def _heard() -> Recorder:
    return Recorder()


@pytest.fixture(name="env", params=WAYS)
def _made(request: pytest.FixtureRequest, harness: Make, heard: Recorder, monkeypatch: pytest.MonkeyPatch) -> Any:
    sleep = time.sleep
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: sleep(WAIT))
    env = harness(listeners=[heard])
    client = WAYS[request.param](env)
    yield env._replace(client=client)
    client.close()


def told(heard: Recorder) -> list[tuple[int, str, str]]:
    """Return the reported attempts, without the exact waits."""
    events = heard.last.of(Retried)
    assert all(WAIT <= event.wait < 5 for event in events)
    return [(event.attempt, event.code, event.by) for event in events]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_an_intervention_is_raised_and_ends_the_call(harness: Make, way: str, method: str) -> None:
    """The error reads the number of retries from its response, so no attribute can be set."""
    heard = Recorder()
    client = WAYS[way](harness(listeners=[heard], on_intervention="raise"))

    with pytest.raises(GuardrailInterventionError) as raised:
        read(getattr(client, method)(**ask(method, "my salary")))

    assert raised.value.retry_attempts == 0
    assert open_call() is None
    assert heard.last.closed == [raised.value]
    client.close()


@pytest.mark.parametrize("method", METHODS)
def test_each_failed_attempt_of_botocore_is_reported_with_its_error(env: Harness, heard: Recorder, method: str) -> None:
    env.fake.fail_next(503, "ServiceUnavailableException", "later")
    env.fake.fail_next(429, "ThrottlingException", "slow")

    response = getattr(env.client, method)(**ask(method))
    read(response)

    assert told(heard) == [(1, "ServiceUnavailableException", "botocore"), (2, "ThrottlingException", "botocore")]
    assert response["ResponseMetadata"]["RetryAttempts"] == 2


def test_client_error_has_the_number_of_retries(env: Harness, heard: Recorder) -> None:
    env.fake.fail_next(503, "ServiceUnavailableException", "later", times=99)

    with pytest.raises(ClientError) as failed:
        env.client.converse(**ask("converse"))

    assert told(heard) == [(1, "ServiceUnavailableException", "botocore"), (2, "ServiceUnavailableException", "botocore")]
    assert failed.value.retry_attempts == 2


@pytest.mark.parametrize("error", [ConnectionClosedError, EndpointConnectionError])
def test_connection_error_has_the_number_of_retries(env: Harness, heard: Recorder, error: type[Exception]) -> None:
    env.fake.fault(HangUp(), times=99) if error is ConnectionClosedError else env.fake.close()

    with pytest.raises(error) as failed:
        env.client.converse(**ask("converse"))

    assert told(heard) == [(1, error.__name__, "botocore"), (2, error.__name__, "botocore")]
    assert vars(failed.value)["retry_attempts"] == 2


def test_retries_of_one_call_are_not_reported_to_another(env: Harness, heard: Recorder) -> None:
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    env.client.converse(**ask("converse"))
    env.client.converse(**ask("converse"))

    assert told(heard) == []


def test_client_wrapped_twice_reports_each_retry_once(env: Harness, heard: Recorder) -> None:
    env.guard.wrap(env.client)
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    env.client.converse(**ask("converse"))

    assert told(heard) == [(1, "ServiceUnavailableException", "botocore")]
