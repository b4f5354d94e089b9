"""The guard of HTTP transports: it begins the exchange of each request, with the rules for who signs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from botocore.compat import HTTPHeaders

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.gate.request_reader import GateRequest
from guardedbedrock.aws.http.credentials import KeyOwner, RequestIdentity, access_key, bearer_kind
from guardedbedrock.aws.http.endpoints import Endpoint
from guardedbedrock.aws.http.exchange import Exchange
from guardedbedrock.core.rules import Rules

_REMEMBERED: Final = 64


class HttpGuard:
    """
    The guard of the transports of one client.

    Args:
        binding: The binding of the guard.
    """

    def __init__(self, binding: ClientBinding) -> None:
        self._binding = binding
        # Cache, keyed by scheme, Region and who signs: rules of one caller have the cached results of that caller.
        self._rules: dict[tuple[bool, str, str], Rules] = {}

    @property
    def is_off(self) -> bool:
        """Whether nothing is guarded."""
        return self._binding.rules.mode == "off"

    @property
    def may_block(self) -> bool:
        """Whether a preflight may call AWS, for which an async transport must not wait."""
        rules = self._binding.rules
        return rules.source is not None or (self._binding.asks_sts and rules.policies is not None)

    def open(self, request: Any, body: bytes, endpoint: Endpoint) -> Exchange:
        """Begin the exchange of a request of httpx, whose body was read."""
        headers = HTTPHeaders()
        for name, value in request.headers.multi_items():
            headers[name] = value
        read = GateRequest(request.method.upper(), str(request.url), headers, body)
        is_redirected = "target" in request.extensions  # httpx sends it instead of the path of the URL
        return self.open_read(read, endpoint, is_redirected=is_redirected)

    def open_read(self, request: GateRequest, endpoint: Endpoint, *, is_redirected: bool = False) -> Exchange:
        """Begin the exchange of a request that was read; arguments as in `Exchange`."""
        return Exchange(request, endpoint, self._rules_for(request), self._binding, is_redirected=is_redirected)

    def _rules_for(self, request: GateRequest) -> Rules:
        """Return the rules for the credentials of a request, with the caches that belong to them."""
        secure = request.url.startswith("https:")
        kind = bearer_kind(request)
        key = secure, kind, access_key(request) if self._binding.asks_sts else ""
        known = self._rules.get(key)
        if known is None:
            known = replace(self._binding.rules, secure=secure, bearer=kind)
            if self._binding.asks_sts:
                known = replace(known, principal=KeyOwner() if kind else RequestIdentity(key[2]))
            if len(self._rules) >= _REMEMBERED:
                self._rules.clear()
            self._rules[key] = known
        return known
