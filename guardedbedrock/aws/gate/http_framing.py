"""
What leaves, as it is sent: headers, and where the body of a request ends for whoever receives it.

What comes after the end would be taken for a request of its own. A class of somebody else's may say one thing to the gate and
another to the connection: its like is taken apart, and what it said is sent.
"""

from __future__ import annotations

import re
from operator import attrgetter, is_
from typing import Any, Final, NamedTuple

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.compat import HTTPHeaders

_FRAMING: Final = ("Content-Length", "Transfer-Encoding")
_KEY: Final[Any] = next(iter(getattr(HeadersDict({"a": ""}), "_dict", ())), object())
_IS_KNOWN: Final = getattr(_KEY, "_key", None) == "a"
"""Whether botocore keeps headers as it did when this was written; where it does not, they are read through its own methods."""
_name_of: Final = attrgetter("_key")


class _Known(NamedTuple):
    """Names of headers that were looked at, and where among them the length stands; how the body is coded does not."""

    names: tuple[str, ...]
    framed: int


_known: Final[dict[int, _Known]] = {}
"""By how many they are."""
_KEPT: Final = 64
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A name as HTTP has it: some servers take off a space at the end, and find another name."""
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
    is_whole = _IS_KNOWN and type(body) is bytes
    if is_whole and (known := _known.get(len(own))) is not None and all(map(is_, map(_name_of, own), known.names)):
        said, coded = [*own.values()][known.framed], None
    else:
        names = tuple(map(_name_of, own) if _IS_KNOWN else headers)
        if not _TEXTS.issuperset(map(type, names)) or not all(map(_TOKEN.fullmatch, names)):
            return "has a header whose name is none"
        if body is not None and type(body) is not bytes:
            return "has a body that can not be read"
        said, coded = headers.get(_FRAMING[0], "0" if body is None else None), headers.get(_FRAMING[1])
        _remember(names, coded)
    length = "0" if body is None else str(len(body))
    if coded is None and ((type(said) is str and said == length) or (type(said) is bytes and said == length.encode())):
        return None
    return "says that its body is of another length than it is"


def _remember(names: tuple[str, ...], coded: Any) -> None:
    """Remember names that are plain and tell where the length stands: the next request has the same ones, the very same texts."""
    lengths = [position for position, name in enumerate(names) if name.lower() == _FRAMING[0].lower()]
    if len(lengths) == 1 and coded is None and len(_known) < _KEPT:
        _known[len(names)] = _Known(names, lengths[0])


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
