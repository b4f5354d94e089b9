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

from guardedbedrock.bedrock.request_paths import path_segments

Params: TypeAlias = Mapping[str, Any]
"""Parameters of a boto3 call."""

GuardrailRef: TypeAlias = tuple[str | None, str | None]
"""Identifier and version of a guardrail; None where it is missing or empty."""

_IDENTIFIER: Final = "guardrailIdentifier"
_VERSION: Final = "guardrailVersion"
_CONFIG: Final = "guardrailConfig"
CONFIG_KEY: Final = b'"guardrailConfig"'
"""How JSON has the key of a guardrail; a text that speaks of it has no such quotation marks."""


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
class GuardrailLocation:
    """
    Where a guardrail sits.

    Args:
        members: Parameters that it is read from.
        read: From parameters.
        put: Gives new parameters with identifier and version set, all else kept.
        carries: Whether a serialized request carries this very guardrail, read strictly.
        ending: What a body ends with that botocore wrote of parameters into which the guard put this guardrail; None where the
            body is no place for it.
        signed: Whether a presigned URL binds it: only headers and path are signed into one.
    """

    members: frozenset[str]
    read: Callable[[Params], GuardrailRef]
    put: Callable[[Params, str, str], dict[str, Any]]
    carries: Callable[[Wire, GuardrailRef], bool]
    ending: Callable[[GuardrailRef], bytes] | None
    signed: bool


def _named(holder: Params) -> GuardrailRef:
    return holder.get(_IDENTIFIER) or None, holder.get(_VERSION) or None


def _read_config(params: Params) -> GuardrailRef:
    config = params.get(_CONFIG)
    if config is None or not (config.__class__ is dict or isinstance(config, Mapping)):  # the first test spares the second
        return None, None
    return config.get(_IDENTIFIER) or None, config.get(_VERSION) or None


def _put_config(params: Params, identifier: str, version: str) -> dict[str, Any]:
    config = params.get(_CONFIG)
    if config is None:
        return {**params, _CONFIG: {_IDENTIFIER: identifier, _VERSION: version}}
    kept = config if isinstance(config, Mapping) else {}
    return {**params, _CONFIG: {**kept, _IDENTIFIER: identifier, _VERSION: version}}


def _put_members(params: Params, identifier: str, version: str) -> dict[str, Any]:
    return {**params, _IDENTIFIER: identifier, _VERSION: version}


def _body_carries(wire: Wire, named: GuardrailRef) -> bool:
    return _read_config(json_body(wire)) == named


@lru_cache(maxsize=256)
def _body_ending(named: GuardrailRef) -> bytes:
    """
    Write the end of a body, so that most need not be read: the guard puts its member in last.

    A body from elsewhere is not known by its end: JSON that ends before it, or has the key twice, may end so too.
    """
    config = {_IDENTIFIER: named[0], _VERSION: named[1]}
    return f', "{_CONFIG}": {json.dumps(config)}}}'.encode()


def json_body(wire: Wire) -> dict[str, Any]:
    """Read a body that is a JSON object; an empty one where it is none, or where two readers could read two things."""
    if type(wire.body) is not bytes:  # what can be changed once it was read proves nothing
        return {}
    try:
        body = json.loads(str(wire.body, "utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read no object in which a key stands twice: which of the two the service takes is its own affair."""
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key stands twice")
    return read


def _headers_carry(wire: Wire, named: GuardrailRef) -> bool:
    identifier = header_of(wire.headers, "X-Amzn-Bedrock-GuardrailIdentifier")
    return (identifier, header_of(wire.headers, "X-Amzn-Bedrock-GuardrailVersion")) == named


def header_of(headers: Any, name: str) -> str | None:
    """Read a header; one that stands there twice says nothing, since either may be the one that is sent."""
    values = headers.get_all(name, ()) if hasattr(headers, "get_all") else [headers.get(name)]
    value = values[0] if len(values) == 1 else None
    if type(value) is bytes:
        value = value.decode("utf-8", "replace")
    return value if type(value) is str and value else None


def _path_carries(wire: Wire, named: GuardrailRef) -> bool:
    """Read ``.../guardrail/{id}/version/{version}/apply``."""
    match path_segments(wire.url):
        case [*_, "guardrail", identifier, "version", version, "apply"]:
            return (identifier, version) == named
    return False


def body_model(wire: Wire) -> str | None:
    """Read the model of a body, where StartAsyncInvoke has it; None where there is none."""
    model = json_body(wire).get("modelId")
    return model if isinstance(model, str) else None


_IN_CONFIG: Final = frozenset({_CONFIG})
_AT_THE_TOP: Final = frozenset({_IDENTIFIER, _VERSION})

IN_BODY: Final = GuardrailLocation(_IN_CONFIG, _read_config, _put_config, _body_carries, _body_ending, signed=False)
IN_HEADERS: Final = GuardrailLocation(_AT_THE_TOP, _named, _put_members, _headers_carry, None, signed=True)
IN_PATH: Final = GuardrailLocation(_AT_THE_TOP, _named, _put_members, _path_carries, None, signed=True)
