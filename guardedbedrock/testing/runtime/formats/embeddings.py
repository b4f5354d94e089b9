"""Embeddings: equal texts have equal vectors, and texts that share words have similar vectors."""

from __future__ import annotations

import json
import math
import re
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from guardedbedrock.testing.runtime.turns import Turn
    from guardedbedrock.testing.wire import Params

_SIZE: Final = 1024


def titan(turn: Turn, params: Params) -> dict[str, Any]:
    """Write Amazon Titan's embedding of ``inputText``, of ``dimensions`` numbers."""
    size = json.loads(params["body"]).get("dimensions", _SIZE)
    return {"embedding": _embed(" ".join(turn.prompt.texts), size), "inputTextTokenCount": turn.usage["inputTokens"]}


def cohere(turn: Turn, _: Params) -> dict[str, Any]:
    """Write Cohere's embeddings of ``texts``."""
    vectors = [_embed(text, _SIZE) for text in turn.prompt.texts]
    return {"id": "fake", "response_type": "embeddings_floats", "embeddings": vectors, "texts": list(turn.prompt.texts)}


def _embed(text: str, size: int) -> list[float]:
    """Add one random direction for each word, and normalize the sum."""
    words = [Random(word) for word in re.findall(r"\w+", text.lower())] or [Random("")]  # noqa: S311 - the same in every run
    total = [sum(column) for column in zip(*([word.gauss(0, 1) for _ in range(size)] for word in words), strict=True)]
    length = math.sqrt(sum(number * number for number in total)) or 1.0
    return [round(number / length, 6) for number in total]
