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
WITH_LOCATION = [name for name, row in OPERATIONS.items() if row.location is not None and row.service == "bedrock-runtime"]
ROWS: Final = [pytest.param(row, id=f"{row.service}-{row.name}") for row in INSTALLED]
UNTAGGED: Final = {"TagResource": "what it tags is there already", "UntagResource": "it takes the keys of tags alone"}
"""Operations whose tags are not put on a new resource, each with the reason."""
CALLER: Final = Caller("arn:aws:iam::111122223333:user/ada", "us-east-1")


def model_of(name: str) -> Any:
    """Return botocore's model of an operation of the runtime."""
    return RUNTIME.operation_model(name)


def input_of(row: Operation) -> Any:
    """Return the shape of an operation's parameters; None if it takes none."""
    return MODELS[row.service].operation_model(row.name).input_shape


def at(shape: Any, path: str) -> Any:
    """Return the shape at a path such as ``a.b`` or ``a[].b``; None if there is no such member."""
    for key in path.replace("[]", ".[]").split("."):
        shape = shape.member if key == "[]" else getattr(shape, "members", {}).get(key)
        if shape is None:
            return None
    return shape


def paths(row: Operation) -> Iterator[str]:
    """Yield every parameter path of a row."""
    for ask in row.required_actions:
        yield from ask.parameters
    yield from (path for path, _ in row.tags)
    yield from (path for _, path in row.keys)


def takes_tags(shape: Any) -> bool:
    """Return whether a shape is a list or a map of tags."""
    if shape.type_name == "list":
        return set(getattr(shape.member, "members", ())) == {"key", "value"}
    return bool(shape.type_name == "map" and "tag" in shape.name.lower())


def least(shape: Any) -> Any:
    """Return the smallest value that botocore accepts: required members, one element in each list."""
    if shape.type_name == "structure":
        return {name: least(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [least(shape.member)]
    return {"integer": 1, "long": 1, "boolean": True, "map": {}}.get(shape.type_name, "abc")


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_of_botocore_has_a_row(service: str) -> None:
    """Review each new operation of botocore, add its row, and raise `REVIEWED`."""
    assert set(MODELS[service].operation_names) - {row.name for row in TABLE if row.service == service} == set()


def test_every_row_is_an_operation_of_botocore() -> None:
    """Only a botocore that is older than `REVIEWED` may lack operations."""
    assert IS_OLDER or [row.name for row in TABLE if row not in INSTALLED] == []


def test_find_operation_by_service_and_name() -> None:
    """Two services may share an operation name with different parameters."""
    assert [find_operation(row.service, row.name) for row in TABLE] == list(TABLE)


@pytest.mark.parametrize("row", ROWS)
def test_every_path_of_a_row_is_a_parameter(row: Operation) -> None:
    """A path that does not exist would never name a resource."""
    assert [path for path in paths(row) if at(input_of(row), path) is None] == []


@pytest.mark.parametrize("row", ROWS)
def test_required_parameters_name_the_resources_that_are_always_required(row: Operation) -> None:
    """At the top level, a missing parameter is an error."""
    named = {path for ask in row.required_actions if ask.when == "always" for path in ask.parameters if path.isidentifier()}

    assert named <= set(getattr(input_of(row), "required_members", ()))


@pytest.mark.parametrize("row", ROWS)
def test_every_tag_parameter_of_botocore_is_in_its_row(row: Operation) -> None:
    """Creating a resource with tags requires tagging it."""
    members = getattr(input_of(row), "members", {})
    tags = {name for name, shape in members.items() if takes_tags(shape)} if row.name not in UNTAGGED else set()

    assert tags == {path for path, _ in row.tags}


@pytest.mark.parametrize("row", ROWS)
def test_the_smallest_call_requires_the_first_action_of_its_row(row: Operation) -> None:
    """A call with few parameters is authorized too."""
    asked = authorizations(row, least(input_of(row)) if input_of(row) else {}, CALLER)

    assert row.required_actions[0].iam_action in {request.action for request in asked.requests}


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_row_has_a_guardrail_location_if_botocore_has_a_guardrail_member(name: str) -> None:
    """The table and the models of botocore agree on the operations that carry a guardrail."""
    members = set(model_of(name).input_shape.members)

    assert (OPERATIONS[name].location is not None) == bool(members & GUARDRAIL_MEMBERS)


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_operations_that_name_a_model_are_inference_except_count_tokens(name: str) -> None:
    """CountTokens names a model and does not call it."""
    names_a_model = "modelId" in model_of(name).input_shape.members

    assert OPERATIONS[name].inference == (names_a_model and name != "CountTokens")


@pytest.mark.parametrize("name", RUNTIME.operation_names)
def test_a_reply_streams_if_botocore_has_an_event_stream(name: str) -> None:
    """The guard observes event streams to their end."""
    operation = OPERATIONS[name]

    assert operation.streams == (model_of(name).has_event_stream_output and operation.location is not None)


@pytest.mark.parametrize("name", WITH_LOCATION)
@pytest.mark.parametrize(
    "given", [{}, {"guardrailConfig": {"trace": "enabled"}}, {"guardrailConfig": {}}, {"guardrailIdentifier": ""}]
)
def test_an_empty_guardrail_reads_as_none(name: str, given: dict[str, Any]) -> None:
    """Empty values count as missing."""
    location = OPERATIONS[name].location
    assert location is not None

    assert location.read(given) == (None, None)


@pytest.mark.parametrize("name", WITH_LOCATION)
def test_put_sets_the_guardrail_and_keeps_everything_else(name: str) -> None:
    """The parameters of the caller do not change."""
    location = OPERATIONS[name].location
    assert location is not None
    given: dict[str, Any] = {"modelId": "m", "guardrailConfig": {"trace": "enabled"}, "trace": "ENABLED"}
    before = {**given, "guardrailConfig": {**given["guardrailConfig"]}}

    put = location.put(given, "abc", "3")

    assert location.read(put) == ("abc", "3")
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
def test_carries_reads_the_guardrail_of_a_serialized_request(name: str, wire: Wire, named: tuple[str, str] | None) -> None:
    """The operation decides whether body, headers or path carry it."""
    location = OPERATIONS[name].location
    assert location is not None

    assert location.carries(wire, named or ("abc", "3")) == (named is not None)


def test_a_body_with_a_repeated_guardrail_key_carries_none() -> None:
    """The service may read either of two equal keys."""
    config = b'"guardrailConfig": {"guardrailIdentifier": "%s", "guardrailVersion": "3"}'
    body = b"{" + config % b"weak" + b", " + config % b"abc" + b"}"
    location = OPERATIONS["Converse"].location
    assert location is not None

    assert not location.carries(Wire("http://h/model/m/converse", {}, body), ("abc", "3"))


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
def test_a_body_carries_a_guardrail_only_at_its_own_path(body: bytes, carried: bool) -> None:  # noqa: FBT001
    """A guardrail deeper in the body or in a string has no effect."""
    location = OPERATIONS["Converse"].location
    assert location is not None

    assert location.carries(Wire("http://h/model/m/converse", {}, body), ("abc", "3")) == carried
