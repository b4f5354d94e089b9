"""
Where a guardrail sits in each operation: in the parameters, and in the request that leaves.

Source: Bedrock API Reference, "Converse", "InvokeModel" and "ApplyGuardrail".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

Params: TypeAlias = Mapping[str, Any]
"""Parameters of a boto3 call."""

Named: TypeAlias = tuple[str | None, str | None]
"""Identifier and version of a guardrail; None where it is missing or empty."""

_IDENTIFIER: Final = "guardrailIdentifier"
_VERSION: Final = "guardrailVersion"
_CONFIG: Final = "guardrailConfig"
_CONFIG_KEY: Final = b'"guardrailConfig"'


class Wire(NamedTuple):
    """
    What a serialized request says.

    Args:
        url: With the path as it is sent, percent-encoded.
        headers: Names in any case.
        body: As it is sent.
    """

    url: str
    headers: Mapping[str, Any]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a guardrail sits.

    Args:
        read: From parameters.
        put: Gives new parameters with identifier and version set, all else kept.
        carries: Whether a serialized request carries this very guardrail.
        signed: Whether a presigned URL binds it: only headers and path are signed into one.
    """

    read: Callable[[Params], Named]
    put: Callable[[Params, str, str], dict[str, Any]]
    carries: Callable[[Wire, Named], bool]
    signed: bool


def _named(holder: Params) -> Named:
    return holder.get(_IDENTIFIER) or None, holder.get(_VERSION) or None


def _read_config(params: Params) -> Named:
    config = params.get(_CONFIG)
    return (None, None) if config is None or not isinstance(config, Mapping) else _named(config)


def _put_config(params: Params, identifier: str, version: str) -> dict[str, Any]:
    config = params.get(_CONFIG)
    kept = config if config is not None and isinstance(config, Mapping) else {}
    return {**params, _CONFIG: {**kept, _IDENTIFIER: identifier, _VERSION: version}}


def _put_members(params: Params, identifier: str, version: str) -> dict[str, Any]:
    return {**params, _IDENTIFIER: identifier, _VERSION: version}


def _body_carries(wire: Wire, named: Named) -> bool:
    """
    Say whether the body's own ``guardrailConfig`` is this guardrail.

    Where the guard put it in it stands last, and a JSON object that ends with it and its two braces has it as its own member:
    then nothing need be read. Else the body is read.
    """
    body = wire.body
    if isinstance(body, bytes) and body.endswith(_ending(named)) and body.count(_CONFIG_KEY) == 1:
        return True
    return _read_config(json_body(wire)) == named


@lru_cache(maxsize=256)
def _ending(named: Named) -> bytes:
    config = {_IDENTIFIER: named[0], _VERSION: named[1]}
    return f', "{_CONFIG}": {json.dumps(config)}}}'.encode()


def json_body(wire: Wire) -> dict[str, Any]:
    """Read a body that is a JSON object; an empty one where it is none, or where nobody could say which guardrail it names."""
    raw = wire.body or b"{}"
    try:
        twice = raw.count(_CONFIG_KEY) > 1
        body = json.loads(raw, object_pairs_hook=_once if twice else None)
    except (AttributeError, ValueError, TypeError):
        return {}
    return body if isinstance(body, dict) else {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read no object in which a key stands twice: which of the two the service takes is its own affair."""
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key stands twice")
    return read


def _headers_carry(wire: Wire, named: Named) -> bool:
    identifier = header_of(wire.headers, "X-Amzn-Bedrock-GuardrailIdentifier")
    return (identifier, header_of(wire.headers, "X-Amzn-Bedrock-GuardrailVersion")) == named


def header_of(headers: Any, name: str) -> str | None:
    """Read a header; one that stands there twice says nothing, since either may be the one that is sent."""
    values = headers.get_all(name, ()) if hasattr(headers, "get_all") else [headers.get(name)]
    value = values[0] if len(values) == 1 else None
    return value.decode("utf-8") if isinstance(value, bytes) else str(value) if value else None


def _path_carries(wire: Wire, named: Named) -> bool:
    """Read ``.../guardrail/{id}/version/{version}/apply``."""
    match path_segments(wire.url):
        case [*_, "guardrail", identifier, "version", version, "apply"]:
            return (identifier, version) == named
    return False


@lru_cache(maxsize=1024)
def path_segments(url: str) -> tuple[str, ...]:
    """Split the path of a URL, each segment decoded."""
    return tuple(unquote(segment) for segment in urlsplit(url).path.strip("/").split("/"))


def body_model(wire: Wire) -> str | None:
    """Read the model of a body, where StartAsyncInvoke has it; None where there is none."""
    model = json_body(wire).get("modelId")
    return model if isinstance(model, str) else None


IN_BODY: Final = Place(_read_config, _put_config, _body_carries, signed=False)
IN_HEADERS: Final = Place(_named, _put_members, _headers_carry, signed=True)
IN_PATH: Final = Place(_named, _put_members, _path_carries, signed=True)
