"""Read the operation of a request and its parameters, strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.model import OperationNotFoundError

from guardedbedrock.aws.gate.request_reader import GateRequest, read_parameters
from guardedbedrock.aws.http.endpoints import Endpoint
from guardedbedrock.aws.refusals import missing_in_botocore, unknown_operation, unreadable_request
from guardedbedrock.aws.signer.inference_request import runtime_operation
from guardedbedrock.bedrock import RUNTIME_SERVICE, find_operation
from guardedbedrock.bedrock.guardrail.location import Wire, read_json_object
from guardedbedrock.bedrock.operations import RUNTIME_PATHS
from guardedbedrock.bedrock.operations.chat_completions import PREFIX, is_chat_completion, read_chat_completion
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.errors import RefusedError


@dataclass(frozen=True, slots=True)
class RequestedOperation:
    """
    What a request asks for.

    Args:
        name: The operation; method and path if it is not known.
        params: Its parameters; empty if they cannot be read.
        problem: Why the request must be refused; None if it was read.
    """

    name: str
    params: Params = field(default_factory=dict)
    problem: RefusedError | None = None


def read_operation(request: GateRequest, endpoint: Endpoint, *, is_redirected: bool) -> RequestedOperation:
    """
    Read the operation of a request.

    Args:
        request: The request.
        endpoint: Where it goes. Requests to ``bedrock-mantle`` are not read.
        is_redirected: Whether the request has a target that overrides the path of its URL, so that its operation is not known.
    """
    unknown = f"{request.method} {urlsplit(request.url).path}"
    if endpoint.is_mantle:
        return RequestedOperation(unknown)
    target = None
    if not is_redirected:
        target = RUNTIME_PATHS.find_below(endpoint.url, request.method, request.url)
        target = target or _chat_only(RUNTIME_PATHS.find_below(f"{endpoint.url}{PREFIX}", request.method, request.url))
    if target is None:
        return RequestedOperation(unknown, problem=unknown_operation(unknown, urlsplit(request.url).hostname))
    wire = Wire(request.url, request.headers, request.body)
    name = target.operation
    location = find_operation(RUNTIME_SERVICE, name).location
    if location is not None and location.carrier == "body" and read_json_object(wire) is None:
        # The body is written again with the guardrail, so what cannot be read would be lost.
        return RequestedOperation(name, problem=unreadable_request(name))
    try:
        if is_chat_completion(name):
            return RequestedOperation(*read_chat_completion(wire))
        return RequestedOperation(name, read_parameters(request, runtime_operation(name), endpoint.url))
    except OperationNotFoundError:
        return RequestedOperation(name, problem=missing_in_botocore(name))
    except (KeyError, TypeError, ValueError):
        return RequestedOperation(name, problem=unreadable_request(name))


def _chat_only(target: Any) -> Any:
    """Return a target of the Chat Completions API: only its path may begin with the prefix."""
    return target if target is not None and is_chat_completion(target.operation) else None
