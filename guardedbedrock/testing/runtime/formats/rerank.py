"""Rerankers: a document scores the share of the words of the query that it contains."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.requests.body_types import check_range, check_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.resources.models import ModelFamily

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "/query": ("String",),
    "/documents": ("JSONArray",),
    "/documents/*": ("String", "JSONObject"),
    "/top_n": ("Integer",),
}


def rerank(body: Mapping[str, Any], _: ModelFamily) -> dict[str, Any]:
    """Return ``results`` of Amazon Rerank and Cohere Rerank: the ``top_n`` documents, the best first."""
    check_types(body, _MEMBERS)
    limit = body.get("top_n")
    if limit is not None:
        check_range("/top_n", limit, 1)
    query, documents = _words(str(body["query"])), [_text(document) for document in body["documents"]]
    scores = [len(query & _words(document)) / (len(query) or 1) for document in documents]
    order = sorted(range(len(documents)), key=lambda index: (-scores[index], index))
    results = [{"index": index, "relevance_score": round(scores[index], 6)} for index in order]
    return {"results": results[:limit]}


def _text(document: object) -> str:
    if isinstance(document, dict):
        return str(document["text"]) if "text" in document else json.dumps(document, sort_keys=True)
    return str(document)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
