"""The AWS SDK for Python that is generated from Smithy models, with the plugin of the guard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aws_sdk_bedrock_runtime import models
from aws_sdk_bedrock_runtime.client import AsyncBedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import AsyncBedrockRuntimeConfig
from frameworks.helpers import DENIED_MODEL, HR, MODEL, POLICY, ROLE, denial, guarded
from harness.clients import Recorder, ask
from smithy_core import URI
from smithy_core.aio.types import AsyncBytesReader
from smithy_core.exceptions import SmithyError
from smithy_http import Fields
from smithy_http.aio import HTTPRequest, HTTPResponse
from smithy_http.aio.crt import AWSCRTHTTPClient

from guardedbedrock import (
    ExplicitDenyError,
    Guard,
    GuardrailInterventionError,
    GuardrailNotApprovedError,
    UnguardableOperationError,
    iam,
)
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.events import DeniedByAws, GuardrailIntervened, SentWithoutGuardrail
from guardedbedrock.testing import FakeBedrock

SONIC: Final = "amazon.nova-sonic-v1:0"
JSON: Final = "application/json"
"""The SDK sends ``application/octet-stream`` by default, with which AWS takes no guardrail."""
STREAM: Final = "InvokeModelWithBidirectionalStream"
BODY: Final = ask("invoke_model")["body"]


class DuplexTransport:
    """Answers bidirectional streams itself: the fake has no HTTP/2."""

    SUPPORTS_DUPLEX_STREAMING: Final = True
    TIMEOUT_EXCEPTIONS: Final = ()

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.received = 0

    async def send(self, request: Any) -> Any:
        """Wait for the first event, and answer."""
        self.paths.append(request.destination.path)
        self.received += len(await anext(aiter(request.body)))
        return HTTPResponse(status=200, fields=Fields(), body=b"")

    def __deepcopy__(self, memo: Any) -> DuplexTransport:
        return self


@asynccontextmanager
async def client_of(*guards: Guard, **overrides: Any) -> AsyncIterator[AsyncBedrockRuntimeClient]:
    config = await AsyncBedrockRuntimeConfig.resolve(
        region="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing", **overrides
    )
    client = AsyncBedrockRuntimeClient(config, plugins=[guard.smithy_plugin() for guard in guards])
    try:
        yield client
    finally:
        await client.close()


def call(guard: Guard, ask: Callable[[AsyncBedrockRuntimeClient], Awaitable[Any]], **overrides: Any) -> Any:
    async def run() -> Any:
        async with client_of(guard, **overrides) as client:
            return await asyncio.wait_for(ask(client), 20)

    return asyncio.run(run())


def question(text: str = "hello there", **more: Any) -> dict[str, Any]:
    message = models.Message(role="user", content=[models.ContentBlockText(text)])
    return {"model_id": MODEL, "messages": [message], **more}


async def converse(client: AsyncBedrockRuntimeClient, text: str = "hello there", **more: Any) -> Any:
    return await client.converse(models.ConverseInput(**question(text, **more)))


async def converse_stream(client: AsyncBedrockRuntimeClient, text: str = "hello there") -> str:
    stream = await client.converse_stream(models.ConverseStreamInput(**question(text)))
    events = [event async for event in stream.output_stream]
    deltas = [event.value.delta for event in events if isinstance(event, models.ConverseStreamOutputContentBlockDelta)]
    return "".join(delta.value for delta in deltas)


async def invoke(client: AsyncBedrockRuntimeClient, **more: Any) -> Any:
    return await client.invoke_model(models.InvokeModelInput(model_id=MODEL, body=BODY, content_type=JSON, **more))


async def speak(client: AsyncBedrockRuntimeClient, model: str = SONIC, events: int = 1) -> Any:
    ask = models.InvokeModelWithBidirectionalStreamOperationInput(model_id=model)
    stream = await client.invoke_model_with_bidirectional_stream(ask)
    for _ in range(events):
        part = models.BidirectionalInputPayloadPart(bytes_=b'{"event":{}}')
        await stream.input_stream.send(models.InvokeModelWithBidirectionalStreamInputChunk(part))
    return await stream.await_output()


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    reply = call(guard, converse)

    assert reply.output.value.content[0].value == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    assert call(guard, converse_stream) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_invoke_model(fake: FakeBedrock, guard: Guard) -> None:
    reply = call(guard, invoke)

    assert b"You said: hello there" in reply.body
    assert guarded(fake) == ["InvokeModel"]


def test_invoke_model_with_response_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask(client: AsyncBedrockRuntimeClient) -> bytes:
        given = models.InvokeModelWithResponseStreamInput(model_id=MODEL, body=BODY, content_type=JSON)
        stream = await client.invoke_model_with_response_stream(given)
        return b"".join([event.value.bytes_ async for event in stream.output_stream])

    assert b"hello" in call(guard, ask)
    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_the_crt_transport_is_guarded_too(fake: FakeBedrock, guard: Guard) -> None:
    reply = call(guard, converse, transport=AWSCRTHTTPClient())

    assert reply.output.value.content[0].value == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_the_approved_guardrail_of_the_caller_stays(fake: FakeBedrock, guard: Guard) -> None:
    named = models.GuardrailConfiguration(guardrail_identifier=HR.arn, guardrail_version=HR.version, trace="enabled")

    call(guard, lambda client: converse(client, guardrail_config=named))

    assert fake.requests[0].params["guardrailConfig"]["trace"] == "enabled"
    assert guarded(fake) == ["Converse"]


@pytest.mark.parametrize("ask", [converse, invoke], ids=["body", "headers"])
def test_another_guardrail_is_refused(fake: FakeBedrock, guard: Guard, ask: Any) -> None:
    named = {"guardrail_identifier": HR.arn, "guardrail_version": "1"}
    more = {"guardrail_config": models.GuardrailConfiguration(**named)} if ask is converse else named

    with pytest.raises(SmithyError) as refused:
        call(guard, lambda client: ask(client, **more))

    assert type(refused.value.__cause__) is GuardrailNotApprovedError
    assert fake.requests == []


def test_a_denial_by_the_policies_is_not_sent(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(SmithyError) as refused:
        call(guard, lambda client: converse(client, model_id=DENIED_MODEL))

    assert type(denial(refused.value)) is ExplicitDenyError
    assert fake.requests == []


def test_a_denial_by_aws_is_the_error_of_the_sdk(fake: FakeBedrock) -> None:
    recorder = Recorder()
    fake.deny(by="scp")

    with pytest.raises(models.AccessDeniedException):
        call(Guard(guardrails=[HR], listeners=[recorder]), converse)

    assert DeniedByAws in {type(event) for event in recorder.last.events}


def test_an_intervention_is_reported(fake: FakeBedrock) -> None:
    recorder = Recorder()

    call(Guard(guardrails=[HR], listeners=[recorder]), lambda client: converse(client, "my salary"))
    call(Guard(guardrails=[HR], listeners=[recorder]), lambda client: converse_stream(client, "my salary"))

    assert [len(call.of(GuardrailIntervened)) for call in recorder.calls] == [1, 1]
    assert guarded(fake) == ["Converse", "ConverseStream"]


@pytest.mark.parametrize("ask", [converse, converse_stream])
def test_an_intervention_can_be_raised(fake: FakeBedrock, ask: Any) -> None:
    with pytest.raises((SmithyError, OSError)) as raised:
        call(Guard(guardrails=[HR], listeners=(), on_intervention="raise"), lambda client: ask(client, "my salary"))

    assert type(raised.value.__cause__) is GuardrailInterventionError
    assert len(fake.requests) == 1


def test_a_retry_of_the_sdk_has_the_guardrail_too(fake: FakeBedrock, guard: Guard) -> None:
    fake.fail_next(429, "ModelNotReadyException", "not ready")  # the SDK retries no other error

    call(guard, converse)

    assert [request.status for request in fake.requests] == [429, 200]
    assert {request.guardrail for request in fake.requests} == {(HR.arn, HR.version)}


def test_a_guardrail_is_chosen_by_using(fake: FakeBedrock, guard: Guard) -> None:
    async def ask(client: AsyncBedrockRuntimeClient) -> Any:
        with guard.using("hr"):
            return await converse(client)

    call(guard, ask)

    assert guarded(fake) == ["Converse"]


def test_a_plugin_of_one_call_guards_that_call(fake: FakeBedrock, guard: Guard) -> None:
    async def run() -> None:
        async with client_of() as client:
            await client.converse(models.ConverseInput(**question()), plugins=[guard.smithy_plugin()])

    asyncio.run(run())

    assert guarded(fake) == ["Converse"]


def test_the_guard_that_is_applied_last_applies_alone(fake: FakeBedrock, guard: Guard) -> None:
    first = Recorder()

    async def run() -> None:
        async with client_of(Guard(guardrails=[HR], listeners=[first]), guard) as client:
            await converse(client)

    asyncio.run(run())

    assert first.calls == []
    assert guarded(fake) == ["Converse"]


def test_a_configuration_without_a_transport_is_an_error(guard: Guard) -> None:
    async def run() -> None:
        config = await AsyncBedrockRuntimeConfig.resolve(region="us-east-1")
        config.transport = None
        guard.smithy_plugin()(config)

    with pytest.raises(ConfigurationError, match="transport"):
        asyncio.run(run())


def test_a_bidirectional_stream_is_refused(guard: Guard) -> None:
    duplex = DuplexTransport()

    with pytest.raises(UnguardableOperationError, match="allow_unguarded"):
        call(guard, speak, transport=duplex)

    assert duplex.paths == []


def test_the_output_of_a_refused_stream_is_the_error_of_the_sdk(guard: Guard) -> None:
    duplex = DuplexTransport()

    with pytest.raises(SmithyError) as refused:
        call(guard, lambda client: speak(client, events=0), transport=duplex)

    assert type(refused.value.__cause__) is UnguardableOperationError
    assert duplex.paths == []


def test_a_sender_of_a_refused_stream_does_not_wait_forever(guard: Guard) -> None:
    """The SDK buffers 16 events, and nothing reads them."""
    duplex = DuplexTransport()

    with pytest.raises(UnguardableOperationError):
        call(guard, lambda client: speak(client, events=40), transport=duplex)

    assert (duplex.paths, duplex.received) == ([], 0)


def test_an_allowed_bidirectional_stream_is_sent_and_leaves_an_event() -> None:
    duplex, recorder = DuplexTransport(), Recorder()
    guard = Guard(guardrails=[HR], allow_unguarded=[STREAM], listeners=[recorder])

    call(guard, speak, transport=duplex)

    assert duplex.paths == ["/model/amazon.nova-sonic-v1%3A0/invoke-with-bidirectional-stream"]
    assert duplex.received > 0
    assert SentWithoutGuardrail in {type(event) for event in recorder.last.events}


def test_an_allowed_bidirectional_stream_must_be_allowed_by_the_policies() -> None:
    duplex = DuplexTransport()
    policies = iam.PolicySet(identity=[POLICY])
    guard = Guard(guardrails=[HR], policies=policies, principal=ROLE, allow_unguarded=[STREAM], listeners=())

    with pytest.raises(ExplicitDenyError):
        call(guard, lambda client: speak(client, DENIED_MODEL), transport=duplex)
    call(guard, speak, transport=duplex)

    assert len(duplex.paths) == 1


def test_the_mode_off_changes_nothing(fake: FakeBedrock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "guardedbedrock"):
        call(Guard(guardrails=[HR], mode="off", listeners=()), converse)

    assert [request.guardrail for request in fake.requests] == [None]
    assert "mode" in caplog.text


def test_the_mode_report_sends_a_stream(caplog: pytest.LogCaptureFixture) -> None:
    duplex = DuplexTransport()

    with caplog.at_level(logging.WARNING, "guardedbedrock"):
        call(Guard(guardrails=[HR], mode="report"), speak, transport=duplex)

    assert len(duplex.paths) == 1


def test_a_response_that_is_not_checked_is_not_read_first() -> None:
    class Unread:
        """A body that may have no end, such as the events of a stream."""

        def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("the guard reads the body")

    class MantleTransport(DuplexTransport):
        async def send(self, request: Any) -> Any:
            self.paths.append(request.destination.path)
            return HTTPResponse(status=200, fields=Fields(), body=Unread())

    async def run() -> Any:
        config = await AsyncBedrockRuntimeConfig.resolve(region="us-east-1", transport=MantleTransport())
        Guard(guardrails=[HR], on_mantle="allow", listeners=()).smithy_plugin()(config)
        address = URI(scheme="https", host="bedrock-mantle.us-east-1.api.aws", path="/v1/responses")
        request = HTTPRequest(destination=address, method="POST", fields=Fields(), body=AsyncBytesReader(b"{}"))
        return await config.transport.send(request)

    assert type(asyncio.run(run()).body) is Unread
