"""
Find misspelt parameters of the calls in files and on the command line.

boto3 rejects them when the call is made. Without this check, a tool would evaluate a different call than the author meant.
For example, a call with a misspelt ``guardrailConfig`` names no guardrail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from guardedbedrock.settings.problems import nearest


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
                fix = nearest(str(name), known, "parameters") if known else "remove it"
                return f"unknown parameter `{full}`; {fix}"
            pending.append((item, known[name], full))
    return None


@cache  # keyed by the service: loading a service model takes 20 to 80 ms
def service_model(service: str) -> ServiceModel:
    """Load a service model of the installed botocore, such as ``bedrock-runtime``."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _members(value: object, shape: Any) -> Mapping[str, Any] | None:
    """Return the members of a structure; None for any other value. A document has members of any name."""
    is_structure = shape is None or (shape.type_name == "structure" and not shape.is_document_type)
    return value if is_structure and isinstance(value, Mapping) else None


def _items(value: object, shape: Any, path: str) -> Iterator[tuple[object, Any, str]]:
    """Yield the values of a list or a map, each with its shape and its path."""
    kind = getattr(shape, "type_name", "")
    if kind == "list" and isinstance(value, list):
        yield from ((item, shape.member, f"{path}[{index}]") for index, item in enumerate(value))
    elif kind == "map" and isinstance(value, Mapping):
        yield from ((item, shape.value, f"{path}.{name}") for name, item in value.items())
