"""Pagination of list operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire.messages import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.testing.wire.messages import ApiParams

_PAGE: Final = 100  # entries, if the request has no maxResults


def page(name: str, entries: Sequence[Any], params: ApiParams) -> ApiParams:
    """
    Return one page of a list: ``maxResults`` entries, beginning at ``nextToken``.

    Args:
        name: Member of the response that contains the entries.
        entries: All entries.
        params: Parameters of the request.

    Raises:
        ServiceError: ``ValidationException`` (400) if the fake did not return the token.
    """
    token = params.get("nextToken", "0")
    if not token.isdecimal():
        raise ServiceError.invalid("nextToken: not a token of this service")
    start = int(token)
    end = start + params.get("maxResults", _PAGE)
    return {name: entries[start:end], **({"nextToken": str(end)} if end < len(entries) else {})}
