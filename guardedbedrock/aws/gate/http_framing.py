"""
HTTP framing: where a server ends the body of a request.

A server that ends it earlier than the gate read it would take the rest for a second request, which no gate has verified.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from botocore.awsrequest import HeadersDict
from botocore.compat import HTTPHeaders

from guardedbedrock.aws.gate.sent_headers import INVALID_NAME, SentHeaders

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, section 5.6.2). Some servers remove a trailing space and read another name."""


def framing_error(headers: Any, body: bytes | None) -> str | None:
    """
    Say why a server could end the body of a request elsewhere than the gate does; None if it cannot.

    Args:
        headers: The headers of the request, as `case_insensitive` returns them.
        body: As it will be sent.
    """
    try:
        problem = _name_problem(tuple(headers))
    except TypeError:  # a name in bytes
        problem = INVALID_NAME
    if problem is not None:
        return problem
    lengths = [_text(value) for name, value in headers.items() if name.lower() == "content-length"]
    expected = [] if body is None and not lengths else [str(len(body or b""))]
    return None if lengths == expected else "has a Content-Length that is not the length of its body"


@lru_cache(maxsize=256)  # keyed by the names of all headers: nearly every request has the same
def _name_problem(names: tuple[str, ...]) -> str | None:
    if not all(_TOKEN.fullmatch(name) for name in names):
        return INVALID_NAME
    return "has a Transfer-Encoding" if "transfer-encoding" in map(str.lower, names) else None


def case_insensitive(headers: Any) -> Any:
    """
    Return headers in which a name is found in any case, and every value of a repeated name.

    A handler may put a plain ``dict`` into a request, in which two names can differ only in case; both are sent.
    """
    if isinstance(headers, (SentHeaders, HeadersDict, HTTPHeaders)):
        return headers
    converted = HTTPHeaders()
    for name, value in headers.items():
        converted[_text(name)] = value
    return converted


def sent_body(request: Any) -> bytes | None:
    """
    Return the body of a prepared request as bytes, and put these bytes into the request.

    INVARIANT: the bytes that the gate verifies are the bytes that are sent. A file is read once, here; its position is restored,
    because a retry of botocore sends it again from there.

    Raises:
        ValueError: The body is neither bytes nor a file that can seek.
    """
    body = request.body
    if body is None or type(body) is bytes:
        return body
    if isinstance(body, bytearray | memoryview | bytes):
        request.body = bytes(body)
    elif isinstance(body, str):
        request.body = body.encode()
    elif hasattr(body, "read") and hasattr(body, "seek"):
        start = body.tell()
        data = body.read()
        body.seek(start)
        request.body = data.encode() if isinstance(data, str) else data
    else:
        raise ValueError("has a body that cannot be read before it is sent")
    return bytes(request.body)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
