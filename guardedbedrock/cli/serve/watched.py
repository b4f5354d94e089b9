"""A fake Bedrock that can be watched: it serves a page at ``/`` that asks it again and again what arrived."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from guardedbedrock.cli.serve.told import told
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.wire import Incoming

CALLS: Final = "/_guardedbedrock/calls"
_FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/_guardedbedrock/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/_guardedbedrock/page.css": ("page.css", "text/css; charset=utf-8"),
}
_MINE: Final = frozenset({"127.0.0.1", "localhost"})
_SHOWN: Final = 200
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class WatchedBedrock(FakeBedrock):
    """A `FakeBedrock` with a page."""

    def _answer(self, incoming: Incoming) -> Answer:
        target = urlsplit(incoming.target)
        if incoming.method != "GET" or target.path not in {*_FILES, CALLS}:
            return super()._answer(incoming)
        if urlsplit(f"//{incoming.headers.get('host', '')}").hostname not in _MINE:
            return Answer(403, _HEADERS, b"")  # a page from elsewhere, whose name was made to lead here
        if target.path == CALLS:
            body = json.dumps(self._news(parse_qs(target.query).get("after", [""])[0])).encode()
            return Answer(200, {"Content-Type": "application/json", **_HEADERS}, body)
        name, kind = _FILES[target.path]
        return Answer(
            200, {"Content-Type": kind, **_HEADERS}, files("guardedbedrock.cli.serve").joinpath("page", name).read_bytes()
        )

    def _news(self, after: str) -> dict[str, object]:
        """Tell of the requests after the one with this ID; of all, anew, when it is none that is remembered."""
        requests = self.requests
        known = next((index for index, one in enumerate(requests) if one.request_id == after), None)
        since = requests if known is None else requests[known + 1 :]
        return {"anew": known is None, "region": self.region, "calls": [told(one) for one in since[-_SHOWN:]]}
