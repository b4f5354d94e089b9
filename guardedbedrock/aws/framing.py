"""
Headers as they are sent: where the body of a request ends for whoever receives it.

What comes after the end would be taken for a request of its own.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any, Final

from botocore.awsrequest import HeadersDict
from botocore.compat import HTTPHeaders
from botocore.utils import determine_content_length

_FRAMING: Final = ("Content-Length", "Transfer-Encoding")
_KEY: Final[Any] = next(iter(getattr(HeadersDict({"a": ""}), "_dict", ())), object())
_IS_KNOWN: Final = getattr(_KEY, "_key", None) == "a"
_name_of: Final = attrgetter("_key")


class _Key(str, type(_KEY)):  # type: ignore[misc]  # botocore has no types
    """A key of botocore's headers whose hash needs no function of Python's."""

    __slots__ = ()


_KEYS: Final = tuple(_Key(name.lower()) for name in _FRAMING)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXTS: Final = frozenset({str})


def readable(headers: Any) -> Any:
    """Give headers whose names are found in any case, and found twice where they stand twice."""
    if type(headers) in (HeadersDict, HTTPHeaders):
        return headers
    read = HTTPHeaders()
    for name, value in headers.items():
        read[name] = value
    return read


def _are_tokens(names: tuple[str, ...]) -> bool:
    """Say whether names are as HTTP has them: some servers take off a space at the end, and find another name."""
    return all(map(_TOKEN.fullmatch, names))


def misframed(headers: Any, body: Any) -> str | None:
    """Say why the server would take less or more for the body, and the rest for a request of its own."""
    own = getattr(headers, "_dict", None) if _IS_KNOWN and type(headers) is HeadersDict else None
    names = tuple(headers.keys() if own is None else map(_name_of, own))
    if not _TEXTS.issuperset(map(type, names)) or not ("".join(names).replace("-", "").isalnum() or _are_tokens(names)):
        return "has a header whose name is none"
    length = len(body) if type(body) is bytes else determine_content_length(body)
    if length is None:
        return None
    known, (framed, coded) = (readable(headers), _FRAMING) if own is None else (own, _KEYS)
    said = known.get(framed, "0" if body is None else None)
    is_text = type(said) is str and said == str(length)
    if (is_text or (type(said) is bytes and said == str(length).encode())) and known.get(coded) is None:
        return None
    return "says that its body is of another length than it is"
