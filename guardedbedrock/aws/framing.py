"""
What leaves, as it is sent: headers, and where the body of a request ends for whoever receives it.

What comes after the end would be taken for a request of its own. A class of somebody else's may say one thing to the gate and
another to the connection: its like is taken apart, and what it said is sent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.compat import HTTPHeaders

_FRAMING: Final = ("Content-Length", "Transfer-Encoding")
_KEY: Final[Any] = next(iter(getattr(HeadersDict({"a": ""}), "_dict", ())), object())
_IS_KNOWN: Final = getattr(_KEY, "_key", None) == "a"
"""Whether botocore keeps headers as it did when this was written; where it does not, they are read through its own methods."""
_name_of: Final = attrgetter("_key")


class _Key(str, type(_KEY)):  # type: ignore[misc]  # botocore has no types
    """A key of botocore's headers whose hash needs no function of Python's."""

    __slots__ = ()


_KEYS: Final = tuple(_Key(name.lower()) for name in _FRAMING)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KINDS: Final = frozenset({type(_KEY)})
_TEXTS: Final = frozenset({str})


def readable(headers: Any) -> Any:
    """Give headers whose names are found in any case, and found twice where they stand twice."""
    if type(headers) in (HeadersDict, HTTPHeaders):
        return headers
    read = HTTPHeaders()
    for name, value in headers.items():
        read[name] = value
    return read


@lru_cache(maxsize=64)
def _are_tokens(names: tuple[str, ...]) -> bool:
    """Say whether names are as HTTP has them: some servers take off a space at the end, and find another name."""
    return all(map(_TOKEN.fullmatch, names))


def misframed(request: Any) -> str | None:
    """
    Say why the server would take less or more for the body of a request that is about to leave, and the rest for another one.

    Headers and a body of classes of somebody else's are replaced by what they say.
    """
    if type(request) is not AWSPreparedRequest:
        return "is none of botocore's own"
    headers, body = request.headers, request.body
    own: Any = headers.__dict__.get("_dict") if type(headers) is HeadersDict and len(headers.__dict__) == 1 else None
    if type(own) is not dict or not _KINDS.issuperset(map(type, own)) or not (type(body) is bytes or body is None):
        headers, body = _plain(request)
        own = getattr(headers, "_dict", None)
    known, (framed, coded) = (own, _KEYS) if _IS_KNOWN else (headers, _FRAMING)
    names = tuple(map(_name_of, own) if _IS_KNOWN else headers)
    if not _TEXTS.issuperset(map(type, names)) or not _are_tokens(names):
        return "has a header whose name is none"
    if body is not None and type(body) is not bytes:
        return "has a body that can not be read"
    said, length = known.get(framed, "0" if body is None else None), "0" if body is None else str(len(body))
    is_text = type(said) is str and said == length
    if (is_text or (type(said) is bytes and said == length.encode())) and known.get(coded) is None:
        return None
    return "says that its body is of another length than it is"


def _plain(request: Any) -> tuple[HeadersDict, Any]:
    """Put plain headers and a plain body into a request; a body in chunks of which nobody knows how many becomes a whole one."""
    headers, body = HeadersDict(request.headers.items()), _bytes_of(request.body)
    if type(request.body) is not bytes and type(body) is bytes and headers.get("Content-Length") is None:
        headers["Content-Length"] = str(len(body))
        if headers.get("Transfer-Encoding") == "chunked":
            del headers["Transfer-Encoding"]
    request.headers, request.body = headers, body
    return headers, body


def _bytes_of(body: Any) -> Any:
    """Read a body, and leave a file where it stands: another attempt begins there; what can not be read stays what it is."""
    if isinstance(body, str):
        return str.encode(body)
    if isinstance(body, bytes | bytearray | memoryview):
        return b"".join((body,))
    if not hasattr(body, "read"):
        return body
    start = body.tell() if hasattr(body, "seek") and hasattr(body, "tell") else None
    data = body.read()
    if start is not None:
        body.seek(start)
    return _bytes_of(data) if isinstance(data, str | bytes | bytearray) else body
