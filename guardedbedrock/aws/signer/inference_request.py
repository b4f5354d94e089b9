"""
What a request that is about to be signed asks of Bedrock, read without the client that makes it.

Source: the service model of ``bedrock-runtime``; Bedrock User Guide, "Endpoints supported by Amazon Bedrock".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.loaders import Loader
from botocore.model import ServiceModel

from guardedbedrock.bedrock import SERVICES, find_operation
from guardedbedrock.bedrock.guardrail.location import Wire, header_of, json_body
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.bedrock.request_paths import OperationPaths

_SIGNING_NAMES: Final = frozenset({"bedrock", "bedrock-mantle"})
_HOSTS: Final = ("bedrock-runtime", "bedrock-mantle")
_ASKS_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Inference:
    """
    A request that makes a model work, or may.

    Args:
        name: Name of the operation; method and path where the service model has none such.
        params: What a client's call would have been given; none where the operation is unknown.
        region: What it is signed for.
        wire: The request.
        presigned: Whether a URL comes of it that somebody else sends.
        known: Whether the service model has the operation.
    """

    name: str
    params: Params
    region: str
    wire: Wire
    presigned: bool
    known: bool = True


def inference_of(signer: Any, request: Any) -> Inference | None:
    """
    Read the inference that a request asks for; None where no model is asked, or another service.

    A path counts wherever it stands, since a gateway may have one of its own in front. One that nobody knows counts on the hosts
    of Bedrock that do nothing but inference.

    Args:
        signer: One of ``botocore.auth``.
        request: The ``AWSRequest`` that it is to sign.
    """
    if getattr(signer, "_service_name", None) not in _SIGNING_NAMES:
        return None
    method = str(request.method).upper()
    region, presigned = str(getattr(signer, "_region_name", "")), "query" in type(signer).__name__.lower()
    target = _paths().find(method, request.url)
    if target is None:
        unknown = method not in _ASKS_NOTHING and _is_for_inference(request.url)
        wire = Wire(request.url, request.headers, None)
        return Inference(f"{method} {urlsplit(request.url).path}", {}, region, wire, presigned, known=False) if unknown else None
    name, model = target
    if not find_operation(SERVICES[0], name).inference:
        return None
    wire = Wire(request.url, request.headers, request.body)
    return Inference(name, _params(name, model, wire), region, wire, presigned)


def put_headers(name: str, params: Params, headers: Any) -> None:
    """Write those parameters into headers that the operation has there, each once."""
    for member, header in _headers(name).items():
        if params.get(member):
            del headers[header]
            headers[header] = params[member]


def _is_for_inference(url: str) -> bool:
    return any(label.startswith(_HOSTS) for label in (urlsplit(url).hostname or "").split("."))


def _params(name: str, model: str, wire: Wire) -> Params:
    payload = _shape(name).serialization.get("payload")
    found = {member: header_of(wire.headers, header) for member, header in _headers(name).items()}
    body = {payload: wire.body} if payload else json_body(wire)
    named = {"modelId": model} if model else {}
    return {**body, **{member: value for member, value in found.items() if value}, **named}


@cache
def _runtime() -> Any:
    return ServiceModel(Loader().load_service_model(SERVICES[0], "service-2"), SERVICES[0])


@cache
def _paths() -> OperationPaths:
    """The paths of every operation that the installed botocore has, which may be more than the table of operations has."""
    found = {name: _runtime().operation_model(name).http for name in _runtime().operation_names}
    return OperationPaths({name: f"{http['method']} {http['requestUri']}" for name, http in found.items()})


@cache
def _headers(name: str) -> dict[str, str]:
    """Parameter of an operation to the header that carries it."""
    told = {member: shape.serialization for member, shape in _shape(name).members.items()}
    return {member: how["name"] for member, how in told.items() if how.get("location") == "header"}


@cache
def _shape(name: str) -> Any:
    return _runtime().operation_model(name).input_shape
