"""Senders for the four kinds of guarded HTTP clients: httpx and httpx2, sync and async, with one signature."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
import httpx2

if TYPE_CHECKING:
    from guardedbedrock import Guard

LIBRARIES: Final[dict[str, Any]] = {"httpx": httpx, "httpx2": httpx2}
KINDS: Final = [(library, is_async) for library in LIBRARIES for is_async in (False, True)]
API_KEY: Final = {"Authorization": "Bearer bedrock-api-key-for-tests"}
CHAT: Final = "/openai/v1/chat/completions"


@dataclass(frozen=True)
class Sent:
    """A response that was read to its end."""

    status: int
    content: bytes
    headers: dict[str, str]
    error: Any


@dataclass(frozen=True)
class Sender:
    """Sends one request with a client of one kind."""

    library: str
    is_async: bool

    @property
    def module(self) -> Any:
        """The library."""
        return LIBRARIES[self.library]

    def client(self, guard: Guard, **options: Any) -> Any:
        """Create a guarded client."""
        return getattr(guard, f"{self.library}_{'async_' if self.is_async else ''}client")(**options)

    def plain(self, **options: Any) -> Any:
        """Create a client without a guard."""
        return (self.module.AsyncClient if self.is_async else self.module.Client)(**options)

    def transport(self, guard: Guard, *args: Any, **options: Any) -> Any:
        """Create a guarded transport."""
        return getattr(guard, f"{self.library}_{'async_' if self.is_async else ''}transport")(*args, **options)

    def post(self, guard: Guard | None, url: str, **options: Any) -> Sent:
        """Post to a URL with a new client, and read the response to its end."""
        of_client: dict[str, Any] = {
            name: options.pop(name) for name in ("endpoint_url", "region_name", "transport", "proxy") if name in options
        }
        return self.request(self.plain if guard is None else lambda **given: self.client(guard, **given), of_client, url, options)

    def request(self, make: Any, of_client: dict[str, Any], url: str, options: dict[str, Any]) -> Sent:
        """Post to a URL with a client that `make` creates."""
        method = options.pop("method", "POST")
        if self.is_async:
            return asyncio.run(self._post_async(make, of_client, method, url, options))
        with make(**of_client) as client, client.stream(method, url, **options) as response:
            return Sent(response.status_code, response.read(), dict(response.headers), _error(response))

    async def _post_async(self, make: Any, of_client: dict[str, Any], method: str, url: str, options: dict[str, Any]) -> Sent:
        async with make(**of_client) as client, client.stream(method, url, **options) as response:
            return Sent(response.status_code, await response.aread(), dict(response.headers), _error(response))


def _error(response: Any) -> Any:
    return response.extensions.get("guardedbedrock_error")
