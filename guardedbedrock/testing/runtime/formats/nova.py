"""Amazon Nova, whose format is that of Converse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.runtime import converse
from guardedbedrock.testing.runtime.formats.metrics import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.runtime.turns import Turn
    from guardedbedrock.testing.wire import ApiParams


def body(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response."""
    whole = converse.message(turn, {})
    return {name: whole[name] for name in ("output", "stopReason", "usage")}


def stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a response."""
    *parts, last = converse.events(turn, {})
    yield from parts
    yield {"metadata": {"usage": last["metadata"]["usage"], "metrics": {}, "trace": {}}, **metrics(turn)}
