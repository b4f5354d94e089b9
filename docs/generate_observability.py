"""
Write `docs/observability.md` from the tables of names, metrics and failures: ``make docs``.

The prose is `docs/templates/observability.md`; each ``<!-- name -->`` in it is replaced by a generated table or value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

from generate import code, table

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.core.events import ContentReceived, Rare, Routine
from guardedbedrock.core.records import Call
from guardedbedrock.settings.tables import RetrySettings
from guardedbedrock.stages.authorize import denial
from guardedbedrock.stages.retry.failure_classes import CODES, EXCEPTIONS, STATUSES
from guardedbedrock.telemetry.audit.cloudtrail_record import CallFacts, record
from guardedbedrock.telemetry.content.capture import ON_SPANS
from guardedbedrock.telemetry.metrics.table import METRICS, Metric
from guardedbedrock.telemetry.model_requests import LARGEST
from guardedbedrock.telemetry.names import ATTRIBUTES, EVENT_UNGUARDED, LOG_CONTEXT, LOG_EVENTS, SPAN_EVENTS
from guardedbedrock.telemetry.spans.call_spans import SLOW_PREFLIGHT

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "observability.md"
PROSE: Final = HERE / "templates" / "observability.md"

ROLE: Final = "arn:aws:iam::123456789012:role/HRBotServiceRole"
HR: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3", name="hr")
POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
        {"Sid": "NoOpus", "Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*::foundation-model/*opus*"},
    ],
}
OPUS: Final = {"modelId": "anthropic.claude-3-opus-20240229-v1:0"}


def page() -> str:
    """Return the whole page."""
    written = {
        "attributes": "\n".join(attributes()),
        "content": " or ".join((", ".join(f"`{word}`" for word in ON_SPANS[:-1]), f"`{ON_SPANS[-1]}`")),
        "failures": "\n".join(failures()),
        "events": "\n".join(event_classes()),
        "largest": f"{LARGEST:,}",
        "log-context": code(LOG_CONTEXT),
        "log-events": "\n".join(log_events()),
        "metrics": "\n".join(metrics()),
        "record": json.dumps(example(), indent=2),
        "retry": "\n".join(f"{name} = {field.default}" for name, field in RetrySettings.model_fields.items()),
        "slow": f"{SLOW_PREFLIGHT * 1000:g}",
        "span-events": "\n".join(span_events()),
        "unguarded": f"`{EVENT_UNGUARDED}`",
    }
    return re.sub(r"<!-- ([\w-]+) -->", lambda found: written[found[1]], PROSE.read_text("utf-8"))


def event_classes() -> Iterator[str]:
    """Write the table of event classes."""
    kinds = {**dict.fromkeys(get_args(Routine), "routine"), **dict.fromkeys(get_args(Rare), "rare"), ContentReceived: "content"}
    yield from table(("event", "kind", "attributes", "when"), *(event_row(event, kind) for event, kind in kinds.items()))


def event_row(event: type, kind: str) -> tuple[str, str, str, str]:
    """Describe one event class."""
    when = next(line for line in str(event.__doc__).strip().splitlines() if line)
    return f"`{event.__name__}`", kind, code([field.name for field in fields(event)]), when


def attributes() -> Iterator[str]:
    """Write the table of attributes."""
    yield from table(("attribute", "span of", "meaning"), *((f"`{row.name}`", row.where, row.meaning) for row in ATTRIBUTES))


def span_events() -> Iterator[str]:
    """Write the table of events of spans."""
    yield from table(("event", "attributes", "when"), *((f"`{row.name}`", code(row.keys), row.meaning) for row in SPAN_EVENTS))


def metrics() -> Iterator[str]:
    """Write the table of metrics."""
    head = ("metric", "instrument", "unit", "attributes", "measures")
    rows = ((f"`{m.name}`", m.instrument, f"`{m.unit}`", code(m.attributes), m.meaning + left_to_others(m)) for m in METRICS)
    yield from table(head, *rows)


def left_to_others(metric: Metric) -> str:
    """Return whether a metric is left to an instrumentor, as a cell of the table."""
    return "; *left to others*" if metric.left_to_instrumentor else ""


def log_events() -> Iterator[str]:
    """Write the table of log events."""
    head = ("event", "level", "keys", "when")
    yield from table(head, *((f"`{row.name}`", row.level, code(row.keys), row.meaning) for row in LOG_EVENTS))


def failures() -> Iterator[str]:
    """Write the table of failures."""
    again = {"final": "no"}
    rows = ((f"`{row.name}`", again.get(row.kind, "yes"), row.kind, row.why) for row in (*CODES, *STATUSES, *EXCEPTIONS))
    yield from table(("failure", "retried", "kind", "why"), *rows)


def example() -> dict[str, Any]:
    """Return the record of a denial."""
    guard = Guard(guardrails=[HR], policies=iam.PolicySet(identity=[POLICY]), principal=ROLE, listeners=())
    verdict = guard.simulate("Converse", OPUS)
    facts = CallFacts(Call.of("Converse", OPUS, "us-east-1"), ROLE, HR, verdict)
    when = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    return record(facts, denial("Converse", verdict, guard.rules), "3f1d0c5e-6a0b-4c8e-9d57-0f3a7b1c2d4e", when)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
