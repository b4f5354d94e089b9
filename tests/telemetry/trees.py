"""
Span trees of calls, with and without OpenTelemetry's instrumentor of botocore.

Run as a script, this writes the trees to `tests/data/span_trees.json`. Read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from harness import case_format
from harness.clients import DENIED_MODEL, HR, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, ask
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock import Guard, GuardedBedrockError
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import CallSpans
from guardedbedrock.testing import FakeBedrock

FILE: Final = Path(__file__).parents[1] / "data" / "span_trees.json"
ORDERS: Final = ("none", "before", "after")
"""When the instrumentor is installed: never, before the client is created, or after it."""

_VARIES: Final = {
    "aws.request_id",
    "gen_ai.response.time_to_first_chunk",
    "guardedbedrock.retry.wait",
    "server.port",
    "cloud.account.id",
}


def allowed(client: Any, _: FakeBedrock) -> None:
    """A call that is answered."""
    client.converse(**ask("converse"), inferenceConfig={"maxTokens": 9, "temperature": 0.5})


def denied(client: Any, _: FakeBedrock) -> None:
    """A call that the preflight denies."""
    client.converse(**ask("converse", model=DENIED_MODEL))


def throttled(client: Any, fake: FakeBedrock) -> None:
    """A call that is throttled, then answered."""
    fake.fail_next(429, "ThrottlingException", "slow")
    client.converse(**ask("converse"))


def stream(client: Any, _: FakeBedrock) -> None:
    """A stream that is read to its end."""
    list(client.converse_stream(**ask("converse_stream"))["stream"])


def broken(client: Any, fake: FakeBedrock) -> None:
    """A stream that breaks in the middle."""
    fake.break_stream()
    list(client.converse_stream(**ask("converse_stream"))["stream"])


def intervention(client: Any, _: FakeBedrock) -> None:
    """A call in which the guardrail intervenes."""
    client.converse(**ask("converse", "my salary"), guardrailConfig={"trace": "enabled"})


def invoked(client: Any, _: FakeBedrock) -> None:
    """An InvokeModel call in which the guardrail intervenes."""
    client.invoke_model(**ask("invoke_model", "my salary"), trace="ENABLED")


def applied(client: Any, _: FakeBedrock) -> None:
    """A call whose guardrail the application names."""
    client.apply_guardrail(
        guardrailIdentifier=HR.arn, guardrailVersion=HR.version, source="INPUT", content=[{"text": {"text": "hello"}}]
    )


SCENARIOS: Final[Mapping[str, Callable[[Any, FakeBedrock], None]]] = {
    "allowed": allowed,
    "denied": denied,
    "throttled-then-allowed": throttled,
    "stream": stream,
    "stream-broken": broken,
    "intervention": intervention,
    "invoke-intervention": invoked,
    "guardrail-applied": applied,
}


def trees(scenario: str, order: str) -> list[dict[str, Any]]:
    """Run a scenario, and return its span trees."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    listener = CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake, _instrumented(provider, now=order == "before"):
        patient = RetryPolicy(sleep=lambda _: None)
        guard = Guard(guardrails=[HR, PUBLIC], policies=POLICIES, principal=ROLE, listeners=[listener], retry=patient)
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        with _instrumented(provider, now=order == "after"), suppress(GuardedBedrockError):
            SCENARIOS[scenario](client, fake)
        client.close()
    provider.shutdown()
    return list(_grown(exporter.get_finished_spans(), None))


@contextmanager
def _instrumented(provider: TracerProvider, *, now: bool) -> Iterator[None]:
    if not now:
        yield
        return
    instrumentor = BotocoreInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        yield
    finally:
        instrumentor.uninstrument()


def _grown(spans: tuple[ReadableSpan, ...], parent: int | None) -> Iterator[dict[str, Any]]:
    for span in sorted(spans, key=lambda one: one.start_time or 0):
        if (span.parent.span_id if span.parent else None) == parent:
            children = list(_grown(spans, span.context.span_id if span.context else 0))
            yield {**_written(span), **({"children": children} if children else {})}


def _written(span: ReadableSpan) -> dict[str, Any]:
    told = {
        "name": span.name,
        "kind": span.kind.name,
        "status": span.status.status_code.name,
        "attributes": _stable(span.attributes),
    }
    if span.status.description and span.instrumentation_scope and span.instrumentation_scope.name == "guardedbedrock":
        told["description"] = span.status.description
    events = [{"name": event.name, **_stable(event.attributes)} for event in span.events]
    return {**told, "events": events} if events else told


def _stable(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Remove what differs between runs, and the tracebacks of the instrumentor."""
    kept = {name: value for name, value in (attributes or {}).items() if name not in _VARIES and "exception" not in name}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in sorted(kept.items())}


def main() -> None:
    """Write the file."""
    found = {name: {"none": trees(name, "none"), "instrumented": trees(name, "before")} for name in SCENARIOS}
    FILE.write_text(case_format.formatted(json.dumps(case_format.in_parts(found))), "utf-8")


if __name__ == "__main__":
    main()
