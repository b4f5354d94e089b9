"""A fake Bedrock with a page at ``/``; the page polls the server for new requests."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from guardedbedrock.cli.serve.view import request_view
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.server.loopback import RequestLimits
from guardedbedrock.testing.wire import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from importlib.resources.abc import Traversable
    from typing import Any

    from guardedbedrock.testing.wire import HttpRequest

CALLS: Final = "/_guardedbedrock/calls"
LIMITS: Final = RequestLimits(headers=64 * 1024, body=32 * 1024 * 1024, idle=300, request=60)
_STATIC: Final = files("guardedbedrock.cli.serve").joinpath("static")
_FILES: Final[Mapping[str, tuple[Traversable, str]]] = {
    "/": (_STATIC.joinpath("index.html"), "text/html; charset=utf-8"),
    "/_guardedbedrock/page.js": (_STATIC.joinpath("page.js"), "text/javascript; charset=utf-8"),
    "/_guardedbedrock/page.css": (_STATIC.joinpath("page.css"), "text/css; charset=utf-8"),
    "/_guardedbedrock/look.css": (files("guardedbedrock.governance.pages").joinpath("look.css"), "text/css; charset=utf-8"),
}
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_READING: Final = frozenset({"GET", "HEAD"})
_CONTENT_TYPES: Final = frozenset({"application/json", "application/octet-stream", "application/x-amz-json-1.1"})
"""Content types that AWS SDKs send. A page of another site can only send other types without asking the server first (CORS)."""

_PAGE_SIZE: Final = 200
"""Requests in one response to the page."""

_PAGE_CHARACTERS: Final = 1_000_000
"""Characters of parameters in one response to the page, except if the first request has more."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class BedrockWithPage(FakeBedrock):
    """
    A `FakeBedrock` that also serves a page with the requests it received, and limits requests.

    Args:
        tls: Serve HTTPS.
        hosts: Accepted host names besides 127.0.0.1 and localhost.
        options: Keywords of `FakeBedrock`.
    """

    _limits: ClassVar[RequestLimits] = LIMITS

    def __init__(self, *, tls: bool = False, hosts: Collection[str] = (), **options: Any) -> None:
        super().__init__(tls=tls, **options)
        self._hosts = _LOCAL_HOSTS | {host.lower() for host in hosts}

    def _respond(self, http_request: HttpRequest) -> HttpResponse:
        try:
            return self._refusal(http_request) or self._route(http_request)
        except RecursionError:
            return _error(400, "ValidationException", "the request is nested too deeply")
        except Exception as error:  # noqa: BLE001 - a request must not end in a traceback, whatever it contains
            sys.stderr.write(f"guardedbedrock: {http_request.method} request failed: {type(error).__name__}\n")
            return _error(500, "InternalServerException", f"the fake Bedrock failed: {type(error).__name__}")

    def _refusal(self, http_request: HttpRequest) -> HttpResponse | None:
        """Refuse requests that a page of another site made the browser send; None accepts a request."""
        headers = http_request.headers
        # With DNS rebinding, another site reaches this server under its own host name.
        if _hostname(f"//{headers.get('host', '')}") not in self._hosts:
            return _error(403, "AccessDeniedException", "unknown Host; use 127.0.0.1 or localhost, or list the name under hosts")
        if http_request.method in _READING:
            return None
        if "origin" in headers and _hostname(headers["origin"]) not in self._hosts:
            return _error(403, "AccessDeniedException", "the request comes from a page of another site")
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        # boto3 sends InvokeModel without a Content-Type, but signed. A page of another site needs a CORS preflight to add it.
        signed = not content_type and "authorization" in headers
        if content_type not in _CONTENT_TYPES and not signed and (content_type or http_request.body):
            known = ", ".join(sorted(_CONTENT_TYPES))
            return _error(415, "ValidationException", f"unsupported Content-Type; use one of {known}")
        return None

    def _route(self, http_request: HttpRequest) -> HttpResponse:
        path, _, query = http_request.target.partition("?")
        if http_request.method != "GET" or path not in {*_FILES, CALLS}:
            return super()._respond(http_request)
        if path == CALLS:
            return self._calls(parse_qs(query))
        file, content_type = _FILES[path]
        return HttpResponse(200, {"Content-Type": content_type, **_HEADERS}, file.read_bytes())

    def _calls(self, query: Mapping[str, list[str]]) -> HttpResponse:
        """
        Return a page of the requests after the one with the ID `after`, oldest first.

        ``reset`` is true if the ID is unknown: the requests then start from the first. ``more`` is true if others follow.
        """
        limit, after = query.get("limit", [str(_PAGE_SIZE)])[0], query.get("after", [""])[0]
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= _PAGE_SIZE):  # noqa: PLR2004
            return _error(400, "ValidationException", f"limit: must be a number from 1 to {_PAGE_SIZE}")
        requests = self.requests
        known = next((index for index, one in enumerate(requests) if one.request_id == after), None)
        following = requests if known is None else requests[known + 1 :]
        views: list[dict[str, Any]] = []
        characters = 0
        for request in following[: int(limit)]:
            view = request_view(request)
            characters += len(view["params"])
            if views and characters > _PAGE_CHARACTERS:
                break
            views.append(view)
        batch = {"reset": known is None, "more": len(views) < len(following), "region": self.region, "calls": views}
        return HttpResponse(200, {"Content-Type": "application/json", **_HEADERS}, json.dumps(batch).encode())


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _error(status: int, code: str, message: str) -> HttpResponse:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code, **_HEADERS}
    return HttpResponse(status, headers, json.dumps({"message": message}).encode())
