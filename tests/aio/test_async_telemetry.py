"""Telemetry of async clients: spans, retries, interventions and audit records of the sync client."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import EndpointConnectionError
from harness.aio import read
from harness.clients import DENIED_MODEL, HR, Recorder, ask
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import guardedbedrock
from guardedbedrock import AccessDeniedError, GuardrailInterventionError
from guardedbedrock.auditing import Audit
from guardedbedrock.core.events import Retried
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import CallSpans
from guardedbedrock.testing.faults import BrokenFrame, Fail, HangUp

if TYPE_CHECKING:
    from harness.aio import Make

pytestmark = pytest.mark.anyio

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")


class Told:
    """Spans in memory."""

    def __init__(self) -> None:
        self.exporter, self.provider = InMemorySpanExporter(), TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.listener = CallSpans(self.provider.get_tracer("guardedbedrock"), slow_preflight=600.0)

    @property
    def spans(self) -> list[tuple[str, str]]:
        """Kind and status of what has ended."""
        return [(span.kind.name, span.status.status_code.name) for span in self.exporter.get_finished_spans()]


@pytest.mark.parametrize("method", METHODS)
async def test_async_call_has_the_spans_of_a_sync_call(harness: Make, method: str) -> None:
    told = Told()
    env = await harness(listeners=[told.listener])

    await read(await getattr(env.client, method)(**ask(method)))

    request, call = told.exporter.get_finished_spans()
    assert told.spans == [("CLIENT", "UNSET"), ("INTERNAL", "UNSET")]
    assert request.parent == call.context
    assert (request.attributes or {})["gen_ai.usage.output_tokens"]
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
async def test_stream_without_references_ends_its_spans(harness: Make, method: str) -> None:
    told = Told()
    env = await harness(listeners=[told.listener])
    response = await getattr(env.client, method)(**ask(method))
    assert told.spans == []

    del response
    gc.collect()

    assert told.spans == [("CLIENT", "UNSET"), ("INTERNAL", "UNSET")]


@pytest.mark.parametrize("method", METHODS)
async def test_async_call_is_retried(harness: Make, method: str) -> None:
    recorder = Recorder()
    env = await harness(listeners=[recorder], retry=RetryPolicy(sleep=lambda _: None))
    env.fake.fault(Fail(503, "ServiceUnavailableException", "later"), times=2)

    response = await getattr(env.client, method)(**ask(method))
    await read(response)

    assert response["ResponseMetadata"]["RetryAttempts"] == 2
    assert [event.code for event in recorder.last.of(Retried)] == ["ServiceUnavailableException"] * 2


async def test_retries_of_aiobotocore_are_reported(harness: Make) -> None:
    recorder = Recorder()
    once_more = AioConfig(retries={"total_max_attempts": 2, "mode": "standard"})
    env = await harness(listeners=[recorder], config=once_more)
    env.fake.fault(Fail(503, "ServiceUnavailableException", "later"), times=1)

    await env.client.converse(**ask("converse"))
    assert [(event.code, event.by) for event in recorder.last.of(Retried)] == [("ServiceUnavailableException", "botocore")]

    env.fake.close()
    with pytest.raises(EndpointConnectionError) as gone:
        await env.client.converse(**ask("converse"))
    assert [(event.attempt, event.by) for event in recorder.last.of(Retried)] == [(1, "botocore")]
    assert gone.value.retry_attempts == 1  # type: ignore[attr-defined]


async def test_truncated_body_is_requested_again(harness: Make) -> None:
    recorder = Recorder()
    env = await harness(listeners=[recorder], retry=RetryPolicy(sleep=lambda _: None))
    env.fake.fault(HangUp(40, "body"), times=1)

    body = (await read(await env.client.invoke_model(**ask("invoke_model"))))["body"]

    assert b"You said" in body
    assert [event.code for event in recorder.last.of(Retried)] == ["ResponseStreamingError"]


async def test_damaged_stream_raises_stream_interrupted_error(harness: Make) -> None:
    told = Told()
    env = await harness(listeners=[told.listener])
    env.fake.fault(BrokenFrame(after=2))

    with pytest.raises(guardedbedrock.StreamInterruptedError, match="a damaged frame"):
        await read(await env.client.converse_stream(**ask("converse_stream")))

    assert told.spans == [("CLIENT", "ERROR"), ("INTERNAL", "ERROR")]


@pytest.mark.parametrize("method", METHODS)
async def test_async_reply_reports_its_intervention(harness: Make, method: str) -> None:
    env = await harness()
    trace_asked: dict[str, Any] = {"guardrailConfig": {"trace": "enabled"}} if "converse" in method else {"trace": "ENABLED"}
    response = await getattr(env.client, method)(**ask(method, "my salary"), **trace_asked)
    await read(response)

    found = guardedbedrock.intervention(response)

    assert found is not None
    assert (found.action, found.policies, found.guardrail) == ("blocked", ("wordPolicy",), HR.id)


async def test_async_intervention_raises_if_configured(harness: Make) -> None:
    env = await harness(on_intervention="raise")

    with pytest.raises(GuardrailInterventionError) as stepped_in:
        await read(await env.client.converse_stream(**ask("converse_stream", "my salary"), guardrailConfig={"trace": "enabled"}))

    assert stepped_in.value.intervention.policies == ("wordPolicy",)


async def test_async_denial_is_audited(harness: Make) -> None:
    records: list[Any] = []

    class Kept:
        def write(self, record: Any) -> None:
            """Keep it."""
            records.append(record)

    env = await harness(audit=Audit([Kept()]))
    with pytest.raises(AccessDeniedError):
        await env.client.converse(**ask("converse", model=DENIED_MODEL))

    assert [(record["errorCode"], record["eventName"]) for record in records] == [("AccessDenied", "Converse")]
