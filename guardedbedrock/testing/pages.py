"""Long lists, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.testing.wire import Params

_PAGE: Final = 100  # entries, unless the request says how many


def page(name: str, entries: Sequence[Any], params: Params) -> Params:
    """
    Show a page of a list, of ``maxResults`` entries from ``nextToken`` on.

    Args:
        name: Member of the response that holds the entries.
        entries: All of them.
        params: Of the request.

    Raises:
        ServiceError: ``ValidationException`` (400) for a token that the fake never gave.
    """
    token = params.get("nextToken", "0")
    if not token.isdecimal():
        raise ServiceError.invalid("the next token is not one of this service")
    start = int(token)
    end = start + params.get("maxResults", _PAGE)
    return {name: entries[start:end], **({"nextToken": str(end)} if end < len(entries) else {})}
