"""Guardrail traces of replies, and the interventions read from them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock.bedrock.guardrail.intervention import (
    NO_TRACE,
    Coverage,
    GuardrailFinding,
    GuardrailTrace,
    Intervention,
    read_intervention,
)
from guardedbedrock.bedrock.guardrail.trace import (
    can_show_guardrail,
    must_show_guardrail,
    trace_of_apply,
    trace_of_body,
    trace_of_converse,
    trace_of_converse_event,
)

CASES: Final = json.loads((Path(__file__).parents[1] / "data" / "interventions.json").read_text("utf-8"))
READERS: Final = {
    "converse": trace_of_converse,
    "converse-event": trace_of_converse_event,
    "body": lambda reply: trace_of_body(json.dumps(reply).encode()),
    "apply": trace_of_apply,
}


def expected(fields: dict[str, Any] | None) -> Intervention | None:
    """Build the expected intervention of a case."""
    if fields is None:
        return None
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    made["findings"] = tuple(GuardrailFinding(**finding) for finding in fields.get("findings", ()))
    made["coverage"] = Coverage(*made["coverage"]) if "coverage" in made else None
    return Intervention("X", **made)


def test_case_ids_are_unique() -> None:
    """A repeated ID would hide a case."""
    assert len({case["id"] for case in CASES}) == len(CASES) > 10
    assert {frozenset(case) for case in CASES} == {frozenset({"id", "why", "format", "reply", "expect"})}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_read_intervention(case: dict[str, Any]) -> None:
    """Each operation shows it in its format; the record contains nothing of the matched text."""
    found = read_intervention("X", READERS[case["format"]](case["reply"]))

    assert found == expected(case["expect"])
    assert "SECRET" not in repr(found)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301  # our own record


STRANGE: Final = (b"", b"{", b"[]", b"\xff\xd8amazon-bedrock-guardrailAction", b'["amazon-bedrock-trace"]')
DEEP: Final = b'{"amazon-bedrock-trace": ' + b"[" * 100_000


@pytest.mark.parametrize("body", [*STRANGE, pytest.param(DEEP, id="deep")])
def test_a_body_that_is_not_an_object_has_no_trace(body: bytes) -> None:
    """Images and truncated JSON cannot have the key."""
    assert trace_of_body(body) == NO_TRACE


MUST: Final = {
    "converse-untraced": ("converse", {"guardrailConfig": {"guardrailIdentifier": "x"}}, False),
    "converse-disabled": ("converse", {"guardrailConfig": {"trace": "disabled"}}, False),
    "converse-enabled": ("converse", {"guardrailConfig": {"trace": "enabled"}}, True),
    "converse-stream-full": ("converse-stream", {"guardrailConfig": {"trace": "enabled_full"}}, True),
    "converse-no-config": ("converse", {}, False),
    "invoke": ("invoke", {}, True),
    "invoke-stream": ("invoke-stream", {"trace": "DISABLED"}, True),
    "apply": ("apply", {}, False),
    "elsewhere": ("", {}, False),
}


@pytest.mark.parametrize(("reply_format", "params", "must"), MUST.values(), ids=MUST)
def test_must_show_guardrail(reply_format: str, params: Any, must: Any) -> None:
    """Converse without a trace does not show a guardrail that allowed everything."""
    assert must_show_guardrail(reply_format, params) is must


def test_can_show_guardrail() -> None:
    """A complete stream ends with metadata or with a readable chunk."""
    assert can_show_guardrail({"metadata": {}})
    assert can_show_guardrail({"chunk": {"bytes": b'{"a": 1}'}})
    assert not can_show_guardrail({"chunk": {"bytes": b"\x00"}})
    assert not can_show_guardrail({})


def test_traces_of_events_combine() -> None:
    """A later event does not undo an intervention of an earlier one."""
    trace = {"actionReason": "x"}
    did, did_not = GuardrailTrace(intervened=True), GuardrailTrace(intervened=False)
    assert did | GuardrailTrace(None, trace) | NO_TRACE == GuardrailTrace(did.intervened, trace)
    assert did_not | did == did | did_not == did
    assert NO_TRACE | did_not == did_not
