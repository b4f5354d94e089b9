"""A fake Bedrock with a page at ``/``; the page polls the server for new requests."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from guardedbedrock.cli.serve.view import request_view
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.wire import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.wire import HttpRequest

CALLS: Final = "/_guardedbedrock/calls"
_FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/_guardedbedrock/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/_guardedbedrock/page.css": ("page.css", "text/css; charset=utf-8"),
}
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
_PAGE_SIZE: Final = 200
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class BedrockWithPage(FakeBedrock):
    """A `FakeBedrock` that also serves a page with the requests it received."""

    def _respond(self, http_request: HttpRequest) -> HttpResponse:
        target = urlsplit(http_request.target)
        if http_request.method != "GET" or target.path not in {*_FILES, CALLS}:
            return super()._respond(http_request)
        # A page from another site can send requests to this one under its own host name (DNS rebinding).
        if urlsplit(f"//{http_request.headers.get('host', '')}").hostname not in _LOCAL_HOSTS:
            return HttpResponse(403, _HEADERS, b"")
        if target.path == CALLS:
            body = json.dumps(self._calls_after(parse_qs(target.query).get("after", [""])[0])).encode()
            return HttpResponse(200, {"Content-Type": "application/json", **_HEADERS}, body)
        name, content_type = _FILES[target.path]
        body = files("guardedbedrock.cli.serve").joinpath("static", name).read_bytes()
        return HttpResponse(200, {"Content-Type": content_type, **_HEADERS}, body)

    def _calls_after(self, after: str) -> dict[str, object]:
        """Return the requests after the one with this ID; all of them, with ``reset``, if the ID is unknown."""
        requests = self.requests
        known = next((index for index, one in enumerate(requests) if one.request_id == after), None)
        since = requests if known is None else requests[known + 1 :]
        return {"reset": known is None, "region": self.region, "calls": [request_view(one) for one in since[-_PAGE_SIZE:]]}
