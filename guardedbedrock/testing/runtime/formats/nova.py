"""Amazon Nova, which speaks as Converse does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.runtime import converse
from guardedbedrock.testing.runtime.formats.metrics import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.runtime.turns import Turn
    from guardedbedrock.testing.wire import Params


def body(turn: Turn, _: Params) -> dict[str, Any]:
    """Write an answer."""
    whole = converse.message(turn, {})
    return {name: whole[name] for name in ("output", "stopReason", "usage")}


def stream(turn: Turn, _: Params) -> Iterator[dict[str, Any]]:
    """Write an answer word by word."""
    *parts, last = converse.events(turn, {})
    yield from parts
    yield {"metadata": {"usage": last["metadata"]["usage"], "metrics": {}, "trace": {}}, **metrics(turn)}
