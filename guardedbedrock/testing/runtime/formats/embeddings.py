"""Embeddings: equal texts have equal vectors, and texts that share words have similar vectors."""

from __future__ import annotations

import json
import math
import re
from random import Random
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.replies import tokens
from guardedbedrock.testing.runtime.requests.body_types import check_types, malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.resources.models import ModelFamily

_BITS: Final = {"float": float, "int8": int, "uint8": int, "binary": int, "ubinary": int}

_TITAN: Final[Mapping[str, tuple[str, ...]]] = {
    "/inputText": ("String",),
    "/dimensions": ("Integer",),
    "/embeddingTypes": ("JSONArray",),
    "/embeddingTypes/*": ("String",),
}
_TITAN_MULTIMODAL: Final[Mapping[str, tuple[str, ...]]] = {
    "/inputText": ("String",),
    "/inputImage": ("String",),
    "/embeddingConfig": ("JSONObject",),
    "/embeddingConfig/outputEmbeddingLength": ("Integer",),
}
_COHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "/texts": ("JSONArray",),
    "/texts/*": ("String",),
    "/images": ("JSONArray",),
    "/images/*": ("String",),
    "/output_dimension": ("Integer",),
    "/embedding_types": ("JSONArray",),
    "/embedding_types/*": ("String",),
}
_NOVA: Final[Mapping[str, tuple[str, ...]]] = {
    "/singleEmbeddingParams": ("JSONObject",),
    "/singleEmbeddingParams/embeddingDimension": ("Integer",),
    "/singleEmbeddingParams/text": ("JSONObject",),
    "/singleEmbeddingParams/text/value": ("String",),
}
_MARENGO: Final[Mapping[str, tuple[str, ...]]] = {
    "/inputText": ("String",),
    "/text": ("JSONObject",),
    "/text/inputText": ("String",),
}


def titan(body: Mapping[str, Any], family: ModelFamily) -> dict[str, Any]:
    """Return the embedding of Amazon Titan Text Embeddings. Version 2 adds ``embeddingsByType``."""
    check_types(body, _TITAN)
    text, size = str(body["inputText"]), _size(family, body.get("dimensions"), "#/dimensions")
    vector, count = _embed(text, size), {"inputTextTokenCount": tokens([text])}
    if len(family.dimensions) == 1:
        return {"embedding": vector, **count}
    kinds = body.get("embeddingTypes") or ["float"]
    by_type = {kind: _as(kind, vector) for kind in kinds}
    return {**({"embedding": vector} if "float" in kinds else {}), "embeddingsByType": by_type, **count}


def titan_multimodal(body: Mapping[str, Any], family: ModelFamily) -> dict[str, Any]:
    """Return the embedding of Amazon Titan Multimodal Embeddings for ``inputText``, ``inputImage`` or both."""
    check_types(body, _TITAN_MULTIMODAL)
    content = [str(body[name]) for name in ("inputText", "inputImage") if body.get(name)]
    if not content:
        raise malformed("#: required key [inputText] not found")
    config = body.get("embeddingConfig") or {}
    size = _size(family, config.get("outputEmbeddingLength"), "#/embeddingConfig/outputEmbeddingLength")
    count = tokens([body.get("inputText") or ""])
    return {"embedding": _embed(" ".join(content), size), "inputTextTokenCount": count, "message": None}


def cohere(body: Mapping[str, Any], family: ModelFamily) -> dict[str, Any]:
    """Return the embeddings of Cohere Embed: a list, or by type if the request has ``embedding_types``."""
    check_types(body, _COHERE)
    texts = list(body.get("texts") or body.get("images") or ())
    size = _size(family, body.get("output_dimension"), "#/output_dimension")
    vectors = [_embed(text, size) for text in texts]
    shown: dict[str, Any] = {"id": "fake", "response_type": "embeddings_floats", "embeddings": vectors, "texts": texts}
    if kinds := body.get("embedding_types"):
        by_type = {kind: [_as(kind, vector) for vector in vectors] for kind in kinds}
        return {**shown, "response_type": "embeddings_by_type", "embeddings": by_type}
    return shown


def nova(body: Mapping[str, Any], family: ModelFamily) -> dict[str, Any]:
    """Return the embedding of Amazon Nova Multimodal Embeddings for a ``SINGLE_EMBEDDING``."""
    check_types(body, _NOVA)
    params = body.get("singleEmbeddingParams")
    if params is None:
        raise malformed("#: required key [singleEmbeddingParams] not found")
    size = _size(family, params.get("embeddingDimension"), "#/singleEmbeddingParams/embeddingDimension")
    kind = next((name for name in ("text", "image", "video", "audio") if name in params), "text")
    content = params.get(kind) or {}
    text = str(content.get("value", "")) if kind == "text" else json.dumps(content, sort_keys=True)
    return {"embeddings": [{"embeddingType": kind.upper(), "embedding": _embed(text, size)}]}


def marengo(body: Mapping[str, Any], family: ModelFamily) -> dict[str, Any]:
    """Return the embedding of TwelveLabs Marengo for a text or an image."""
    check_types(body, _MARENGO)
    content = json.dumps({name: value for name, value in body.items() if name != "inputType"}, sort_keys=True)
    text = str(body.get("inputText") or (body.get("text") or {}).get("inputText") or content)
    return {"data": [{"embedding": _embed(text, family.dimensions[0])}]}


def _size(family: ModelFamily, wanted: int | None, pointer: str) -> int:
    if wanted is None:
        return family.dimensions[0]
    if wanted not in family.dimensions:
        raise malformed(f"{pointer}: {wanted} is not a valid enum value")
    return wanted


def _as(kind: str, vector: list[float]) -> list[float] | list[int]:
    """Return a vector in another type: signs for binary types, scaled integers for ``int8`` and ``uint8``."""
    if kind not in _BITS:
        raise malformed(f"#/embeddingTypes: {kind} is not a valid enum value")
    if kind == "float":
        return vector
    if kind in {"binary", "ubinary"}:
        return [int(number > 0) for number in vector]
    shift = 128 if kind == "uint8" else 0
    return [max(-128, min(127, round(number * 127))) + shift for number in vector]


def _embed(text: str, size: int) -> list[float]:
    """Add one random direction for each word, and normalize the sum."""
    words = [Random(word) for word in re.findall(r"\w+", text.lower())] or [Random("")]  # noqa: S311 - the same in every run
    total = [sum(column) for column in zip(*([word.gauss(0, 1) for _ in range(size)] for word in words), strict=True)]
    length = math.sqrt(sum(number * number for number in total)) or 1.0
    return [round(number / length, 6) for number in total]
