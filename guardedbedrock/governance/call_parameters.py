"""
Find misspelt parameters of the calls in files and on the command line.

boto3 rejects them when the call is made. Without this check, a tool would evaluate another call than the author meant: a misspelt
``guardrailConfig``, for example, is a call that names no guardrail.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from guardedbedrock.settings.problems import nearest


def unknown_parameter(service: str, operation: str, params: Mapping[str, Any]) -> str | None:
    """
    Describe the first parameter that boto3 would reject because its name is unknown.

    >>> unknown_parameter("bedrock-runtime", "Converse", {"guardrailConfg": {}})
    'unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?'

    Args:
        service: The boto3 service name.
        operation: Name of the operation.
        params: Its parameters. Values of the wrong type are skipped.

    Returns:
        What is wrong and how to fix it; None if every name is known, or if the installed botocore does not have the operation.
    """
    model = _service_model(service)
    return _unknown_in(params, model.operation_model(operation).input_shape, "") if operation in model.operation_names else None


@cache  # keyed by the service: loading a service model takes 20 to 80 ms
def _service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _unknown_in(value: object, shape: Any, path: str) -> str | None:
    """Walk a value along its shape. A document has members of any name, and an operation without parameters has no shape."""
    if getattr(shape, "is_document_type", False):
        return None
    kind = getattr(shape, "type_name", "structure")
    if kind == "structure" and isinstance(value, Mapping):
        return _unknown_member(value, getattr(shape, "members", {}), path)
    if kind == "list" and isinstance(value, list):
        parts = [(item, shape.member, f"{path}[{index}]") for index, item in enumerate(value)]
    elif kind == "map" and isinstance(value, Mapping):
        parts = [(item, shape.value, f"{path}.{name}") for name, item in value.items()]
    else:
        return None
    return next(filter(None, (_unknown_in(*part) for part in parts)), None)


def _unknown_member(value: Mapping[str, Any], members: Mapping[str, Any], path: str) -> str | None:
    prefix = f"{path}." if path else ""
    for name, item in value.items():
        if name not in members:
            return f"unknown parameter `{prefix}{name}`; {nearest(str(name), members, 'parameters')}"
        problem = _unknown_in(item, members[name], f"{prefix}{name}")
        if problem:
            return problem
    return None
