"""
The OpenAI-compatible Chat Completions API of the runtime: its paths, its event stream and the shape of its errors.

The operations have the parameters of InvokeModel, but the model is in the body.
Source: Bedrock User Guide, "Invoke a model with the OpenAI Chat Completions API". Errors and broken streams have the shape of
OpenAI. AWS documents no errors; a denial by policies has the status, type and code of a recorded denial.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from botocore.model import OperationModel

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing.wire import HttpResponse, OperationOutput, RouteMatch, ServiceError, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guardedbedrock.testing.wire import ApiParams, HttpRequest

_PATHS: Final = ("/v1/chat/completions", "/openai/v1/chat/completions")
_SHAPES: Final = {"ChatCompletions": "InvokeModel", "ChatCompletionsStream": "InvokeModelWithResponseStream"}
"""Operation to the operation of the service model that has the same parameters."""

_JSON: Final = "application/json"
_DENIED_BY_IAM: Final = "AccessDeniedException"
_BY_POLICIES: Final = " is not authorized to perform: "
"""Part of IAM's message. A response to an invalid API key, which has the same code, was not recorded."""
_DENIED: Final = "access_denied"
_TYPES: Final = {_DENIED: "permission_denied_error"}
"""Code to type; every other error has its code as its type."""


def match(http_request: HttpRequest) -> RouteMatch | None:
    """Return the operation of a request, or None if it has another path."""
    if http_request.method != "POST" or http_request.target.partition("?")[0] not in _PATHS:
        return None
    body = _body(http_request.body)
    name = "ChatCompletionsStream" if body.get("stream") is True else "ChatCompletions"
    return RouteMatch(_operation(name), {"modelId": str(body.get("model", ""))}, {})


def serves(operation: Any) -> bool:
    """Return whether an operation is one of this API."""
    return operation is not None and operation.name in _SHAPES


def response(operation: Any, output: OperationOutput) -> HttpResponse:
    """Write a completion, or a stream of server-sent events."""
    if operation.has_event_stream_output:
        return HttpResponse(200, {"Content-Type": "text/event-stream", **output.headers}, _events(output.members["body"]))
    return HttpResponse(200, {"Content-Type": _JSON, **output.headers}, output.members["body"])


def own_error(error: ServiceError) -> ServiceError:
    """Return an error with the status and the code that it has in this API."""
    if error.by_iam and error.code == _DENIED_BY_IAM and _BY_POLICIES in error.message:
        return ServiceError(HTTPStatus.UNAUTHORIZED, _DENIED, error.message, headers=error.headers)
    return error


def error_response(error: ServiceError) -> HttpResponse:
    """Write an error of `own_error` in the shape of OpenAI."""
    kind = _TYPES.get(error.code, error.code)
    body = {"error": {"message": error.message, "type": kind, "param": None, "code": error.code}}
    headers = {"Content-Type": _JSON, "x-amzn-ErrorType": error.code, **error.headers}
    return HttpResponse(error.status, headers, json.dumps(body).encode())


@cache  # keyed by the operation: botocore builds its shapes again for each model
def _operation(name: str) -> OperationModel:
    same = service_model("bedrock-runtime").operation_model(_SHAPES[name])
    return OperationModel(same._operation_model, same.service_model, name)  # noqa: SLF001  # botocore has no public copy


def _body(body: bytes) -> Mapping[str, Any]:
    try:
        content = read_json(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _events(events: Iterable[ApiParams]) -> Iterator[bytes]:
    for event in events:
        for name, payload in event.items():
            if name != "chunk":
                error = {"message": payload.get("message", ""), "type": name, "code": name}
                yield _data(json.dumps({"error": error}).encode())
                return
            yield _data(payload["bytes"])
    yield _data(b"[DONE]")


def _data(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"
