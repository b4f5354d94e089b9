"""Every way to an async client: sessions, existing clients, and clients created while a guard is installed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import aiobotocore.session
import pytest
from aiobotocore.client import AioBaseClient
from aiobotocore.session import get_session
from harness.clients import DENIED_MODEL, HR, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, ask
from opentelemetry.instrumentation.botocore import AiobotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock import ConfigurationError, Guard, Guardrail, GuardrailTamperedError, PolicyDeniedError
from guardedbedrock.aws.aio.client import AsyncGuardedClient
from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.aws.creation import session as sessions
from guardedbedrock.telemetry.spans import CallSpans
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")]
PLAIN: Final = aiobotocore.session.AioSession.create_client
SESSION: Final = get_session()


@pytest.fixture(name="fake")
def make_fake() -> Iterator[FakeBedrock]:
    """Serve the guardrails of the rig, and leave aiobotocore as it was."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        yield fake
    left = aiobotocore.session.AioSession.create_client
    aiobotocore.session.AioSession.create_client = PLAIN
    assert left is PLAIN


@pytest.fixture(name="make")
async def maker(fake: FakeBedrock) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Make clients that talk to the fake by whatever makes clients."""
    async with AsyncExitStack() as stack:

        async def make(session: Any, service: str = "bedrock-runtime", **options: Any) -> Any:
            return await stack.enter_async_context(session.create_client(service, **{**fake.client_kwargs(), **options}))

        yield make


def guard(**options: Any) -> Guard:
    """Create a guard without listeners."""
    return Guard(**{"guardrails": [HR], "policies": POLICIES, "principal": ROLE, "listeners": (), **options})


async def is_guarded(client: Any, fake: FakeBedrock) -> bool:
    """Try a client: the guardrail arrives, a denied call does not."""
    before = len(fake.requests)
    await client.converse(**ask("converse"))
    with pytest.raises(PolicyDeniedError):
        await client.converse(**ask("converse", model=DENIED_MODEL))
    return [request.guardrail for request in fake.requests[before:]] == [(HR.arn, HR.version)]


async def test_aiobotocore_session_creates_guarded_clients(make: Callable[..., Awaitable[Any]], fake: FakeBedrock) -> None:
    session = guard().session(get_session())

    assert await is_guarded(await make(session), fake)
    assert not isinstance(await make(session, "sts"), Guarded)
    with pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        await make(session, region_name="eu-west-1")


async def test_wrapped_async_client_is_guarded_for_every_reference(
    make: Callable[..., Awaitable[Any]], fake: FakeBedrock
) -> None:
    client = await make(SESSION)
    converse, send, kind = client.converse, client._make_api_call, type(client)

    assert guard().wrap(client) is client
    guarded_kind = type(client)
    assert guard().wrap(client) is client

    await converse(**ask("converse"))
    assert await is_guarded(client, fake)
    assert [request.guardrail for request in fake.requests] == [(HR.arn, HR.version)] * 2
    with pytest.raises(GuardrailTamperedError):
        await send("Converse", ask("converse"))
    assert type(client) is guarded_kind
    assert guarded_kind.__mro__.count(AsyncGuardedClient) == 1
    assert isinstance(client, kind)
    assert isinstance(client, AioBaseClient)
    assert guarded_kind.__name__ == kind.__name__


async def test_async_client_wrapped_twice_uses_the_last_guard(make: Callable[..., Awaitable[Any]], fake: FakeBedrock) -> None:
    client = guard().wrap(await make(SESSION))
    await client.converse(**ask("converse"))

    await guard(guardrails=[PUBLIC]).wrap(client).converse(**ask("converse"))
    await guard(mode="off").wrap(client).converse(**ask("converse", model=DENIED_MODEL))

    assert [request.guardrail for request in fake.requests] == [(HR.arn, HR.version), (PUBLIC.arn, PUBLIC.version), None]


async def test_async_client_that_cannot_be_guarded_is_unchanged(make: Callable[..., Awaitable[Any]]) -> None:
    client = await make(SESSION)
    kind, attributes = type(client), dict(vars(client))

    with pytest.raises(ConfigurationError, match="no guardrail is approved"):
        guard(guardrails=[Guardrail(HR.arn.replace("us-east-1", "eu-west-1"), "1")]).wrap(client)

    assert type(client) is kind
    assert vars(client) == attributes


async def test_install_guards_async_clients(make: Callable[..., Awaitable[Any]], fake: FakeBedrock) -> None:
    with guard().install():
        for session in (SESSION, get_session()):
            client = await make(session)
            assert await is_guarded(client, fake)
            assert type(client).__mro__.count(AsyncGuardedClient) == 1
        nearer = guard(guardrails=[PUBLIC])
        await nearer.wrap(client).converse(**ask("converse"))
        await (await make(nearer.session(get_session()))).converse(**ask("converse"))
    assert [request.guardrail for request in fake.requests[-2:]] == [(PUBLIC.arn, PUBLIC.version)] * 2
    assert not isinstance(await make(SESSION), Guarded)


async def test_install_guards_clients_of_an_aiobotocore_that_is_imported_later() -> None:
    program = f"""
import asyncio, sys
from guardedbedrock import Guard, Guardrail
from guardedbedrock.aws.client.mixin import Guarded
one = Guard(guardrails=[Guardrail("{HR.arn}", "{HR.version}")])
async def kind():
    from aiobotocore.session import get_session
    async with get_session().create_client("bedrock-runtime", region_name="us-east-1") as client:
        return isinstance(client, Guarded)
one.install()
assert "aiobotocore" not in sys.modules
assert asyncio.run(kind())
one.uninstall()
assert not asyncio.run(kind())
"""
    run = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603, ASYNC221

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("way", ["client", "session", "install"])
async def test_async_client_that_the_event_did_not_reach_is_not_created(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(sessions, "EVENTS", ())
    monkeypatch.setattr("guardedbedrock.aws.creation.install.EVENTS", ())
    monkeypatch.setattr("guardedbedrock.aws.creation.install._BUILTIN", ())
    one = guard()
    ways = {
        "client": lambda: one.async_client("bedrock-runtime", region_name="us-east-1"),
        "session": lambda: one.session(get_session()).create_client("bedrock-runtime", region_name="us-east-1"),
        "install": lambda: get_session().create_client("bedrock-runtime", region_name="us-east-1"),
    }
    if way == "install":
        one.install()
    try:
        with pytest.raises(ConfigurationError, match="creating-client-class did not reach guardedbedrock"):
            async with ways[way]():
                pass
    finally:
        one.uninstall()


@pytest.mark.parametrize("way", ["client", "session", "wrap"])
async def test_instrumentation_of_aiobotocore_traces_every_call(fake: FakeBedrock, way: str) -> None:
    exporter, provider, instrumentor = InMemorySpanExporter(), TracerProvider(), AiobotocoreInstrumentor()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor.instrument(tracer_provider=provider)
    one = guard(listeners=[CallSpans(provider.get_tracer("guardedbedrock"))])
    makers = {
        "client": one.async_client,
        "session": one.session(get_session()).create_client,
        "wrap": get_session().create_client,
    }
    try:
        async with makers[way]("bedrock-runtime", **fake.client_kwargs()) as client:
            one.wrap(client)
            await client.converse(**ask("converse"))
            events = [event async for event in (await client.converse_stream(**ask("converse_stream")))["stream"]]
    finally:
        instrumentor.uninstrument()

    spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    named = [span for span in spans if span.name.startswith("guardedbedrock C")]  # a slow preflight has a span too
    theirs = [span for span in spans if span not in named and span.parent is not None]
    assert len(events) > 2
    assert [span.name for span in named] == ["guardedbedrock Converse", "guardedbedrock ConverseStream"]
    assert {span.parent.span_id for span in theirs if span.parent} == {span.context.span_id for span in named}
