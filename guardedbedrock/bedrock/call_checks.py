"""
Check calls that are evaluated and not made, as boto3 checks the calls that it makes.

Without these checks, a tool would evaluate another call than the author meant: a misspelt ``guardrailConfg``, for example, is a
call that names no guardrail.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.validate import ParamValidator

from guardedbedrock._nearest import closest, suggest
from guardedbedrock.bedrock.operations import OPERATIONS
from guardedbedrock.bedrock.service_models import service_model

_INVALID_TYPE: Final = re.compile(
    r"Invalid type for parameter (?P<path>\S+), value: (?s:.*?), type: <class '(?P<type>[^']*)'>, valid types: (?P<accepted>.*)",
)
"""A line of the report of botocore's `ParamValidator`."""
_CLASS: Final = re.compile(r"<class '([^']*)'>")


def unknown_operation(name: str) -> str:
    """
    Describe a name that is not in the table of operations.

    >>> unknown_operation("invoke_model")
    '`invoke_model` is not an operation of Bedrock; did you mean `InvokeModel`?'
    """
    near = nearest_operation(name)
    fix = f"did you mean `{near}`?" if near else "write its name in the API, such as `Converse`"
    return f"`{name}` is not an operation of Bedrock; {fix}"


def nearest_operation(name: str) -> str | None:
    """
    Return the operation that a misspelt name, or the name of a method of boto3, probably means; None if no name is similar.

    >>> nearest_operation("invoke_model")
    'InvokeModel'
    """
    return closest(name.replace("_", ""), OPERATIONS)


def unknown_parameter(service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """
    Describe the outermost parameter that boto3 would reject because its name is unknown.

    >>> unknown_parameter("bedrock-runtime", "Converse", {"guardrailConfg": {}})
    'unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?'

    Args:
        service: The boto3 service name.
        operation: Name of the operation.
        params: Its parameters. Values of the wrong type are skipped.

    Returns:
        What is wrong and how to fix it; None if every name is known, or if the installed botocore does not have the operation.
    """
    model = service_model(service)
    if operation not in model.operation_names:
        return None
    # A queue: flows nest in flows, and each level would take several calls of a recursive function.
    pending: deque[tuple[object, Any, str]] = deque([(params, model.operation_model(operation).input_shape, "")])
    while pending:
        value, shape, path = pending.popleft()
        members = _members(value, shape)
        if members is None:
            pending.extend(_items(value, shape, path))
            continue
        for name, item in members.items():
            full = f"{path}.{name}" if path else name
            known = shape.members if shape is not None else {}  # an operation without parameters has no shape
            if name not in known:
                fix = suggest(str(name), known, "parameters") if known else "remove it"
                return f"unknown parameter `{full}`; {fix}"
            pending.append((item, known[name], full))
    return None


def find_problem(service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """Describe an unknown name or a value of the wrong type, which boto3 would reject. Missing parameters are no problem here."""
    return unknown_parameter(service, operation, params) or wrong_type(service, operation, params)


def wrong_type(service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """
    Describe the first parameter that boto3 would reject because of its type.

    >>> wrong_type("bedrock-runtime", "Converse", {"modelId": "amazon.nova-lite-v1:0", "messages": "hello"})
    '`messages` is of type `str`; Converse accepts `list` or `tuple` there'

    Returns:
        What is wrong and how to fix it; None if every type is right, or if the installed botocore does not have the operation.
    """
    model = service_model(service)
    shape = model.operation_model(operation).input_shape if operation in model.operation_names else None
    if shape is None:
        return None
    try:
        report = ParamValidator().validate(params, shape).generate_report()
    except RecursionError:
        return "nested too deeply; use fewer levels"
    found = _INVALID_TYPE.search(report)
    if found is None:
        return None
    accepted = " or ".join(f"`{name}`" for name in _CLASS.findall(found["accepted"]))
    return f"`{found['path']}` is of type `{found['type']}`; {operation} accepts {accepted} there"


def unreadable(operation: str) -> str:
    """Describe parameters of an operation that botocore does not have, and that cannot be read."""
    return f"a value has a type that {operation} does not accept"


def _members(value: object, shape: Any) -> Mapping[str, Any] | None:
    """Return the members of a structure; None for any other value. A document has members of any name."""
    is_structure = shape is None or (shape.type_name == "structure" and not shape.is_document_type)
    return value if is_structure and isinstance(value, Mapping) else None


def _items(value: object, shape: Any, path: str) -> Iterator[tuple[object, Any, str]]:
    """Yield the values of a list or a map, each with its shape and its path."""
    kind = getattr(shape, "type_name", "")
    if kind == "list" and isinstance(value, list | tuple):  # boto3 accepts both
        yield from ((item, shape.member, f"{path}[{index}]") for index, item in enumerate(value))
    elif kind == "map" and isinstance(value, Mapping):
        yield from ((item, shape.value, f"{path}.{name}") for name, item in value.items())
