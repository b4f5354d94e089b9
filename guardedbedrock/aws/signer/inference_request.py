"""
Read the inference operation of a request that is about to be signed, without its client.

Source: the service model of ``bedrock-runtime``; Bedrock User Guide, "Endpoints supported by Amazon Bedrock".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.aws.gate.request_reader import header_members
from guardedbedrock.bedrock import RUNTIME_SERVICE, find_operation
from guardedbedrock.bedrock.guardrail.location import Wire, header_of, json_body
from guardedbedrock.bedrock.operations.chat_completions import CHAT_COMPLETIONS, is_chat_completion, read_chat_completion
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.bedrock.request_paths import OperationPaths
from guardedbedrock.bedrock.service_models import service_model

_SIGNING_NAMES: Final = frozenset({"bedrock", "bedrock-mantle"})
_MANTLE: Final = "bedrock-mantle"
_HOSTS: Final = ("bedrock-runtime", _MANTLE)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Inference:
    """
    A request that reaches a model, or may reach one.

    Args:
        name: Name of the operation; method and path if the service model does not have it.
        params: The parameters that a client's call would have; none if the operation is unknown.
        region: The region that it is signed for.
        wire: The request.
        presigned: Whether the result is a URL, which another process sends.
        known: Whether the service model has the operation.
        readable: Whether the request could be read.
    """

    name: str
    params: Params
    region: str
    wire: Wire
    presigned: bool
    known: bool = True
    readable: bool = True

    @property
    def is_mantle(self) -> bool:
        """Whether it goes to ``bedrock-mantle``, which has no guardrails."""
        return _is_at(self.wire.url, _MANTLE)


def inference_of(signer: Any, request: Any) -> Inference | None:
    """
    Read the inference operation of a request; None if it reaches no model.

    A gateway may add a prefix to the path. An unknown path counts as inference on the hosts of Bedrock that only do inference.

    Args:
        signer: A signer of ``botocore.auth``.
        request: The ``AWSRequest`` that it is about to sign.
    """
    if getattr(signer, "_service_name", None) not in _SIGNING_NAMES:
        return None
    method = str(request.method).upper()
    region, presigned = str(getattr(signer, "_region_name", "")), _presigns(type(signer))
    # bedrock-mantle has the same paths as the runtime, but ignores the headers of a guardrail.
    target = None if _is_at(request.url, _MANTLE) else _paths().find(method, request.url)
    if target is None:
        unknown = method not in _SAFE_METHODS and _is_for_inference(request.url)
        wire = Wire(request.url, request.headers, None)
        return Inference(f"{method} {urlsplit(request.url).path}", {}, region, wire, presigned, known=False) if unknown else None
    name, model = target
    if not find_operation(RUNTIME_SERVICE, name).inference:
        return None
    wire = Wire(request.url, request.headers, request.body)
    if is_chat_completion(name):
        return _chat_completion(name, region, wire, presigned)
    return Inference(name, _params(name, model, wire), region, wire, presigned)


def _presigns(signer: type) -> bool:
    """Return whether a class signs URLs: botocore has several such classes, which share only a part of their names."""
    return any("query" in base.__name__.lower() for base in signer.__mro__)


def _chat_completion(name: str, region: str, wire: Wire, presigned: bool) -> Inference:  # noqa: FBT001
    try:
        name, params = read_chat_completion(wire)
    except ValueError:
        return Inference(name, {}, region, wire, presigned, readable=False)
    return Inference(name, params, region, wire, presigned)


def put_headers(name: str, params: Params, headers: Any) -> None:
    """Set the headers of an operation from its parameters, each once."""
    for member, header in header_members(runtime_operation(_modeled(name))).items():
        if params.get(member):
            del headers[header]
            headers[header] = params[member]


def _is_for_inference(url: str) -> bool:
    return _is_at(url, *_HOSTS)


def _is_at(url: str, *services: str) -> bool:
    return any(label.startswith(services) for label in (urlsplit(url).hostname or "").split("."))


def _params(name: str, model: str, wire: Wire) -> Params:
    operation = runtime_operation(_modeled(name))
    payload = operation.input_shape.serialization.get("payload")
    found = {member: header_of(wire.headers, header) for member, header in header_members(operation).items()}
    body = {payload: wire.body} if payload else json_body(wire)
    named = {"modelId": model} if model else {}
    return {**body, **{member: value for member, value in found.items() if value}, **named}


def runtime_operation(name: str) -> Any:
    """Return botocore's model of an operation of ``bedrock-runtime``."""
    return service_model(RUNTIME_SERVICE).operation_model(name)


@cache  # made once: every signed request is looked up in these paths
def _paths() -> OperationPaths:
    """Return the paths of every operation of the installed botocore, which can be newer than the table of operations."""
    runtime = service_model(RUNTIME_SERVICE)
    found = {name: runtime.operation_model(name).http for name in runtime.operation_names}
    modeled = {name: f"{http['method']} {http['requestUri']}" for name, http in found.items()}
    return OperationPaths({**modeled, **{row.name: row.path for row in CHAT_COMPLETIONS}})


def _modeled(name: str) -> str:
    """Return the operation of the service model that has the headers of an operation."""
    return "InvokeModel" if is_chat_completion(name) else name
