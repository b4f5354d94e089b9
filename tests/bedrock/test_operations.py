"""The table of operations against the service models of the installed botocore."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.bedrock.placement import Wire

GUARDRAIL_MEMBERS = {"guardrailConfig", "guardrailIdentifier"}
RUNTIME = botocore.session.Session().get_service_model("bedrock-runtime")
CONTROL = botocore.session.Session().get_service_model("bedrock")
WITH_PLACE = [name for name, row in OPERATIONS.items() if row.place is not None]


def model_of(name: str) -> Any:
    """Give botocore's model of an operation."""
    return (RUNTIME if name in RUNTIME.operation_names else CONTROL).operation_model(name)


def test_every_runtime_operation_of_botocore_has_a_row() -> None:
    """An operation that botocore learns is an operation that somebody has to look at."""
    assert set(RUNTIME.operation_names) == {name for name, row in OPERATIONS.items() if row.service == "bedrock-runtime"}


@pytest.mark.parametrize("name", [name for name, row in OPERATIONS.items() if row.service == "bedrock"])
def test_a_control_plane_row_is_an_operation_of_botocore(name: str) -> None:
    """No row is about an operation that does not exist."""
    assert name in CONTROL.operation_names


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_row_has_a_place_where_the_model_has_a_member(name: str) -> None:
    """What botocore's model can carry a guardrail in, the table has a place for, and nothing else."""
    members = set(model_of(name).input_shape.members)

    assert (OPERATIONS[name].place is not None) == bool(members & GUARDRAIL_MEMBERS)


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_inference_is_what_names_a_model_and_answers(name: str) -> None:
    """Counting tokens names a model, and asks none."""
    names_a_model = "modelId" in model_of(name).input_shape.members

    assert OPERATIONS[name].inference == (names_a_model and name != "CountTokens")


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_reply_streams_where_the_model_streams(name: str) -> None:
    """An event stream has to be observed to its end."""
    operation = OPERATIONS[name]

    assert operation.streams == (model_of(name).has_event_stream_output and operation.place is not None)


@pytest.mark.parametrize("name", WITH_PLACE)
@pytest.mark.parametrize(
    "given", [{}, {"guardrailConfig": {"trace": "enabled"}}, {"guardrailConfig": {}}, {"guardrailIdentifier": ""}]
)
def test_half_a_guardrail_reads_as_none(name: str, given: dict[str, Any]) -> None:
    """Empty is missing."""
    place = OPERATIONS[name].place
    assert place is not None

    assert place.read(given) == (None, None)


@pytest.mark.parametrize("name", WITH_PLACE)
def test_what_is_put_is_read_and_all_else_is_kept(name: str) -> None:
    """The caller's own parameters are not touched."""
    place = OPERATIONS[name].place
    assert place is not None
    given = {"modelId": "m", "guardrailConfig": {"trace": "enabled"}, "trace": "ENABLED"}
    before = {**given, "guardrailConfig": {**given["guardrailConfig"]}}

    put = place.put(given, "abc", "3")

    assert place.read(put) == ("abc", "3")
    assert given == before
    assert put["guardrailConfig"]["trace"] == "enabled"
    assert put["trace"] == "ENABLED"


@pytest.mark.parametrize(
    ("name", "wire", "named"),
    [
        (
            "Converse",
            Wire(
                "http://h/model/m/converse", {}, b'{"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "3"}}'
            ),
            ("abc", "3"),
        ),
        ("Converse", Wire("http://h/model/m/converse", {}, b'{"guardrailConfig": {}}'), None),
        ("Converse", Wire("http://h/model/m/converse", {}, b"not json"), None),
        ("Converse", Wire("http://h/model/m/converse", {}, b"[]"), None),
        ("Converse", Wire("http://h/model/m/converse", {}, None), None),
        (
            "InvokeModel",
            Wire(
                "http://h/model/m/invoke",
                {"X-Amzn-Bedrock-GuardrailIdentifier": b"abc", "X-Amzn-Bedrock-GuardrailVersion": "3"},
                b"",
            ),
            ("abc", "3"),
        ),
        ("InvokeModel", Wire("http://h/model/m/invoke", {}, b""), None),
        ("ApplyGuardrail", Wire("http://h/guardrail/abc/version/3/apply?x=1", {}, b""), ("abc", "3")),
        (
            "ApplyGuardrail",
            Wire("http://h/gateway/guardrail/arn%3Aaws%2Fabc/version/DRAFT/apply", {}, b""),
            ("arn:aws/abc", "DRAFT"),
        ),
        ("ApplyGuardrail", Wire("http://h/guardrails/abc", {}, b""), None),
    ],
)
def test_a_guardrail_is_read_from_the_request_that_leaves(name: str, wire: Wire, named: tuple[str, str] | None) -> None:
    """In the body, the headers or the path, whichever the operation has it in."""
    place = OPERATIONS[name].place
    assert place is not None

    assert place.carries(wire, named or ("abc", "3")) == (named is not None)


def test_a_body_that_names_two_guardrails_carries_none() -> None:
    """Which of two equal keys a reader takes is its own affair, so neither counts."""
    config = b'"guardrailConfig": {"guardrailIdentifier": "%s", "guardrailVersion": "3"}'
    body = b"{" + config % b"weak" + b", " + config % b"abc" + b"}"
    place = OPERATIONS["Converse"].place
    assert place is not None

    assert not place.carries(Wire("http://h/model/m/converse", {}, body), ("abc", "3"))


@pytest.mark.parametrize(
    ("body", "carried"),
    [
        (b'{"messages": [], "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "3"}}', True),
        (b'{"guardrailConfig": {"trace": "enabled", "guardrailVersion": "3", "guardrailIdentifier": "abc"}, "x": 1}', True),
        (b'{"x": {"a": 1, "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "3"}}}', False),
        (b'{"x": "a, \\"guardrailConfig\\": {\\"guardrailIdentifier\\": \\"abc\\"}}"}', False),
        (b'{"messages": [], "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "33"}}', False),
    ],
)  # fmt: skip
def test_a_guardrail_counts_only_as_the_bodys_own(body: bytes, carried: bool) -> None:  # noqa: FBT001
    """Deeper in the body, or in a text, it binds nobody."""
    place = OPERATIONS["Converse"].place
    assert place is not None

    assert place.carries(Wire("http://h/model/m/converse", {}, body), ("abc", "3")) == carried
