"""
Libraries that record, patch or trace the requests of an application's tests: a guarded client behaves as a plain one.

The only difference is the guardrail that is injected into the request.
"""

from __future__ import annotations

import json
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.client
import pytest
import responses
from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import patcher, xray_recorder
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from harness.clients import HR, INVOCATIONS, ON_THE_SERVER, ask, read

from guardedbedrock import AccessDeniedError, Guard, GuardrailNotApprovedError, UnguardedClientWarning
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

xray_recorder.emitter._socket.close()  # importing the SDK opens it, in every process that collects this file
METHODS: Final = ("converse", "converse_stream", *INVOCATIONS)


def guard() -> Guard:
    """Create a guard without listeners, whose retries do not wait."""
    return Guard(guardrails=[HR], listeners=(), retry=RetryPolicy(attempts=3, sleep=lambda _: None))


def plain(fake: FakeBedrock) -> Any:
    """Create a plain client."""
    return boto3.client("bedrock-runtime", **fake.client_kwargs())


def named(method: str) -> dict[str, Any]:
    """Return the parameters with which a plain client names the guardrail."""
    ref = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
    return ref if method in INVOCATIONS else {"guardrailConfig": ref}


def installed(fake: FakeBedrock) -> Any:
    """Create a client while a guard is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnguardedClientWarning)  # of the plain clients of the test
        with guard().install():
            return plain(fake)


WAYS: Final[dict[str, Callable[[FakeBedrock], Any]]] = {
    "created": lambda fake: guard().client("bedrock-runtime", **fake.client_kwargs()),
    "wrapped": lambda fake: guard().wrap(plain(fake)),
    "installed": installed,
}
EVERY_WAY: Final = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
EVERY_METHOD: Final = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(name="fake")
def make_fake() -> Iterator[FakeBedrock]:
    """Start a fake."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as server:
        yield server


def guardrails(fake: FakeBedrock) -> list[Any]:
    """Return the guardrail of each request that the server received."""
    return [request.guardrail for request in fake.requests]


# -- VCR --------------------------------------------------------------------------------------------------------------


@pytest.fixture(name="use_cassette")
def make_use_cassette() -> Any:
    """Return the context manager of VCR. It is imported here, so that an environment without VCR can collect the tests."""
    vcr = import_module("vcr")
    return vcr.use_cassette


@EVERY_WAY
@EVERY_METHOD
def test_cassette_of_a_plain_client_is_played_to_a_guarded_one(
    use_cassette: Any, fake: FakeBedrock, tmp_path: Path, method: str, way: Callable[[FakeBedrock], Any]
) -> None:
    """An application that adopts the guard keeps its cassettes."""
    cassette = str(tmp_path / "cassette.yaml")
    with use_cassette(cassette):
        recorded = read(getattr(plain(fake), method)(**ask(method)))
    with use_cassette(cassette, record_mode="none") as tape:
        played = read(getattr(way(fake), method)(**ask(method)))

    assert played == recorded
    assert tape.play_count == 1
    assert guardrails(fake) == [None]


@EVERY_WAY
@EVERY_METHOD
def test_guarded_client_records_a_cassette_with_the_guardrail(
    use_cassette: Any, fake: FakeBedrock, tmp_path: Path, method: str, way: Callable[[FakeBedrock], Any]
) -> None:
    """It is played to a guarded client, also if the body must match."""
    cassette, exact = str(tmp_path / "cassette.yaml"), ["method", "uri", "body"]
    with use_cassette(cassette, match_on=exact):
        recorded = read(getattr(way(fake), method)(**ask(method)))
    with use_cassette(cassette, match_on=exact, record_mode="none") as tape:
        played = read(getattr(way(fake), method)(**ask(method)))
        with pytest.raises(GuardrailNotApprovedError):
            way(fake).converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": "weak0001", "guardrailVersion": "1"})

    assert played == recorded
    assert tape.play_count == 1
    assert guardrails(fake) == [(HR.arn, HR.version)]


@EVERY_WAY
def test_error_on_a_cassette_is_raised_as_recorded(
    use_cassette: Any, fake: FakeBedrock, tmp_path: Path, way: Callable[[FakeBedrock], Any]
) -> None:
    """A denial has its type."""
    cassette = str(tmp_path / "cassette.yaml")
    fake.fail_next(400, "ValidationException", "no")
    fake.deny("Converse", by="scp-explicit")
    errors = []
    with use_cassette(cassette):
        client = plain(fake)
        for _ in range(2):
            with pytest.raises(ClientError) as recorded:
                client.converse(**ask("converse"))
            errors.append(recorded.value.response["Error"])
    with use_cassette(cassette, record_mode="none"):
        client = way(fake)
        with pytest.raises(client.exceptions.ValidationException) as invalid:
            client.converse(**ask("converse"))
        with pytest.raises(AccessDeniedError) as denied:
            client.converse(**ask("converse"))

    assert [invalid.value.response["Error"], denied.value.response["Error"]] == errors


# -- responses --------------------------------------------------------------------------------------------------------


@EVERY_WAY
@EVERY_METHOD
def test_responses_leaves_guarded_clients_alone_as_it_leaves_plain_ones(
    fake: FakeBedrock, method: str, way: Callable[[FakeBedrock], Any]
) -> None:
    """The library `responses` patches requests, which botocore does not use."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add(responses.POST, fake.endpoint_url, json={})
        expected = read(getattr(plain(fake), method)(**ask(method), **named(method)))
        actual = read(getattr(way(fake), method)(**ask(method)))

    assert actual == expected
    assert guardrails(fake) == [(HR.arn, HR.version)] * 2


# -- X-Ray ------------------------------------------------------------------------------------------------------------


class Emitter:
    """Keeps the segments that X-Ray would send."""

    def __init__(self) -> None:
        self.segments: list[dict[str, Any]] = []

    def send_entity(self, entity: Any) -> None:
        """Keep a segment."""
        self.segments.append(json.loads(entity.serialize()))

    @property
    def subsegments(self) -> list[dict[str, Any]]:
        """The calls to Bedrock in the last segment."""
        return [each for each in self.segments[-1].get("subsegments", ()) if each["namespace"] == "aws"]


@pytest.fixture(name="xray")
def make_xray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emitter]:
    """Patch botocore as the SDK of X-Ray does, and collect its segments."""
    original, emitter = BaseClient.__dict__["_make_api_call"], Emitter()
    # The SDK records twice that it patched botocore, and never undoes it.
    monkeypatch.delattr(botocore.client, "_xray_enabled", raising=False)
    monkeypatch.setattr(patcher, "_PATCHED_MODULES", set())
    xray_recorder.configure(service="tests", sampling=False, emitter=emitter, context_missing="RUNTIME_ERROR", plugins=())
    global_sdk_config.set_sdk_enabled(True)
    patcher.patch(("botocore",))
    yield emitter
    BaseClient._make_api_call = original
    del botocore.client._xray_enabled


@EVERY_WAY
@EVERY_METHOD
def test_xray_traces_guarded_calls_as_plain_ones(
    fake: FakeBedrock, xray: Emitter, method: str, way: Callable[[FakeBedrock], Any]
) -> None:
    """One subsegment for each call, with the same operation, status and Region."""
    seen, replies = [], []
    for make, more in ((plain, named(method)), (way, {})):
        with xray_recorder.in_segment("test"):
            replies.append(read(getattr(make(fake), method)(**ask(method), **more)))
        (subsegment,) = xray.subsegments
        seen.append((subsegment["name"], subsegment["aws"]["operation"], subsegment["http"]["response"]["status"]))

    assert replies[0] == replies[1]
    assert seen[0] == seen[1]
    assert guardrails(fake) == [(HR.arn, HR.version)] * 2


@EVERY_WAY
def test_xray_traces_failures_and_not_refusals(fake: FakeBedrock, xray: Emitter, way: Callable[[FakeBedrock], Any]) -> None:
    """A call that the guard refuses is not a request."""
    fake.fail_next(400, "ValidationException", "no")
    with xray_recorder.in_segment("test"):
        client = way(fake)
        with pytest.raises(ClientError, match="ValidationException"):
            client.converse(**ask("converse"))
        with pytest.raises(GuardrailNotApprovedError):
            client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": "weak0001", "guardrailVersion": "1"})

    assert [each["http"]["response"]["status"] for each in xray.subsegments] == [400]
    assert len(fake.requests) == 1
