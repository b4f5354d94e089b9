"""The table of operations against the service models of the installed botocore."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import botocore
import botocore.session
import pytest
from packaging.version import Version

from guardedbedrock.bedrock import OPERATIONS, SERVICES, Caller, Operation, authorizations, find_operation
from guardedbedrock.bedrock.guardrail.location import Wire
from guardedbedrock.bedrock.operations import REVIEWED, TABLE

GUARDRAIL_MEMBERS = {"guardrailConfig", "guardrailIdentifier"}
MODELS: Final = {name: botocore.session.Session().get_service_model(name) for name in SERVICES}
RUNTIME = MODELS["bedrock-runtime"]
INSTALLED: Final = [row for row in TABLE if row.name in MODELS[row.service].operation_names]
IS_OLDER: Final = Version(botocore.__version__) < Version(REVIEWED)
WITH_PLACE = [name for name, row in OPERATIONS.items() if row.location is not None]
ROWS: Final = [pytest.param(row, id=f"{row.service}-{row.name}") for row in INSTALLED]
UNTAGGED: Final = {"TagResource": "what it tags is there already", "UntagResource": "it takes the keys of tags alone"}
"""Operations whose tags are put on nothing new, each with the reason."""
CALLER: Final = Caller("arn:aws:iam::111122223333:user/ada", "us-east-1")


def model_of(name: str) -> Any:
    """Give botocore's model of an operation of the runtime."""
    return RUNTIME.operation_model(name)


def input_of(row: Operation) -> Any:
    """Give the shape of an operation's parameters; None where it takes none."""
    return MODELS[row.service].operation_model(row.name).input_shape


def at(shape: Any, path: str) -> Any:
    """Walk ``a.b`` and ``a[].b`` through a shape; None where there is no such member."""
    for key in path.replace("[]", ".[]").split("."):
        shape = shape.member if key == "[]" else getattr(shape, "members", {}).get(key)
        if shape is None:
            return None
    return shape


def paths(row: Operation) -> Iterator[str]:
    """Give every path of a parameter that a row has."""
    for ask in row.required_actions:
        yield from ask.parameters
    yield from (path for path, _ in row.tags)
    yield from (path for _, path in row.keys)


def takes_tags(shape: Any) -> bool:
    """Say whether a shape is a list or a map of tags."""
    if shape.type_name == "list":
        return set(getattr(shape.member, "members", ())) == {"key", "value"}
    return bool(shape.type_name == "map" and "tag" in shape.name.lower())


def least(shape: Any) -> Any:
    """Write the least that botocore takes for a shape: what has to be there, one element in each list."""
    if shape.type_name == "structure":
        return {name: least(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [least(shape.member)]
    return {"integer": 1, "long": 1, "boolean": True, "map": {}}.get(shape.type_name, "abc")


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_botocore_has_a_row(service: str) -> None:
    """An operation that botocore learns is an operation that somebody has to look at, and to raise `REVIEWED` for."""
    assert set(MODELS[service].operation_names) - {row.name for row in TABLE if row.service == service} == set()


def test_every_row_is_an_operation_of_botocore() -> None:
    """A botocore older than the one that was reviewed lacks what came later, and nothing else does."""
    assert IS_OLDER or [row.name for row in TABLE if row not in INSTALLED] == []


def test_a_row_is_found_by_its_service_and_name() -> None:
    """Two services may have an operation of one name, each with its own parameters."""
    assert [find_operation(row.service, row.name) for row in TABLE] == list(TABLE)


@pytest.mark.parametrize("row", ROWS)
def test_every_path_of_a_row_is_a_parameter(row: Operation) -> None:
    """A path that leads nowhere names nothing."""
    assert [path for path in paths(row) if at(input_of(row), path) is None] == []


@pytest.mark.parametrize("row", ROWS)
def test_what_is_always_asked_is_named_by_what_is_always_there(row: Operation) -> None:
    """At the top level, where a missing parameter is an error."""
    named = {path for ask in row.required_actions if ask.when == "always" for path in ask.parameters if path.isidentifier()}

    assert named <= set(getattr(input_of(row), "required_members", ()))


@pytest.mark.parametrize("row", ROWS)
def test_every_list_of_tags_is_known(row: Operation) -> None:
    """Creating something with tags asks for tagging it."""
    members = getattr(input_of(row), "members", {})
    tags = {name for name, shape in members.items() if takes_tags(shape)} if row.name not in UNTAGGED else set()

    assert tags == {path for path, _ in row.tags}


@pytest.mark.parametrize("row", ROWS)
def test_the_least_call_asks_the_first_action_of_its_row(row: Operation) -> None:
    """However little the parameters name, no call goes unasked."""
    asked = authorizations(row, least(input_of(row)) if input_of(row) else {}, CALLER)

    assert row.required_actions[0].iam_action in {request.action for request in asked.requests}


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_row_has_a_place_where_the_model_has_a_member(name: str) -> None:
    """What botocore's model can carry a guardrail in, the table has a place for, and nothing else."""
    members = set(model_of(name).input_shape.members)

    assert (OPERATIONS[name].location is not None) == bool(members & GUARDRAIL_MEMBERS)


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_inference_is_what_names_a_model_and_answers(name: str) -> None:
    """Counting tokens names a model, and asks none."""
    names_a_model = "modelId" in model_of(name).input_shape.members

    assert OPERATIONS[name].inference == (names_a_model and name != "CountTokens")


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_reply_streams_where_the_model_streams(name: str) -> None:
    """An event stream has to be observed to its end."""
    operation = OPERATIONS[name]

    assert operation.streams == (model_of(name).has_event_stream_output and operation.location is not None)


@pytest.mark.parametrize("name", WITH_PLACE)
@pytest.mark.parametrize(
    "given", [{}, {"guardrailConfig": {"trace": "enabled"}}, {"guardrailConfig": {}}, {"guardrailIdentifier": ""}]
)
def test_half_a_guardrail_reads_as_none(name: str, given: dict[str, Any]) -> None:
    """Empty is missing."""
    place = OPERATIONS[name].location
    assert place is not None

    assert place.read(given) == (None, None)


@pytest.mark.parametrize("name", WITH_PLACE)
def test_what_is_put_is_read_and_all_else_is_kept(name: str) -> None:
    """The caller's own parameters are not touched."""
    place = OPERATIONS[name].location
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
    place = OPERATIONS[name].location
    assert place is not None

    assert place.carries(wire, named or ("abc", "3")) == (named is not None)


def test_a_body_that_names_two_guardrails_carries_none() -> None:
    """Which of two equal keys a reader takes is its own affair, so neither counts."""
    config = b'"guardrailConfig": {"guardrailIdentifier": "%s", "guardrailVersion": "3"}'
    body = b"{" + config % b"weak" + b", " + config % b"abc" + b"}"
    place = OPERATIONS["Converse"].location
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
    place = OPERATIONS["Converse"].location
    assert place is not None

    assert place.carries(Wire("http://h/model/m/converse", {}, body), ("abc", "3")) == carried
