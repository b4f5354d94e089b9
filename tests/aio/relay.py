"""A relay on loopback, between a client and the fake: it counts connections, stops in the middle of a reply, or hangs up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from guardedbedrock.testing import FakeBedrock

_CHUNK: Final = 64  # bytes, so that a reply can be stopped anywhere
_PATIENCE: Final = 5  # s


class Relay:
    """
    Passes bytes on, both ways.

    Args:
        fake: Where to.

    Attributes:
        hold_at: The text in a reply at which it stops, for good; None never stops.
        hang_up: Whether the connection ends there.
        accepted: How many connections there were.
        open: How many there are.
        holding: Set as soon as a reply was stopped.
    """

    def __init__(self, fake: FakeBedrock) -> None:
        to = urlsplit(fake.endpoint_url)
        self._to = to.hostname, to.port
        self.hold_at: bytes | None = None
        self.hang_up = False
        self.accepted = self.open = 0
        self.holding = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def all_closed(self) -> None:
        """Wait until no client is connected any more."""
        async with asyncio.timeout(_PATIENCE):
            while self.open:  # noqa: ASYNC110  # a test polls
                await asyncio.sleep(0.005)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        self.accepted += 1
        self.open += 1
        there, here = await asyncio.open_connection(*self._to)
        back = asyncio.create_task(self._reply(there, writer))
        try:
            with suppress(ConnectionError):
                while data := await reader.read(1 << 16):
                    here.write(data)
        finally:
            self.open -= 1
            back.cancel()
            here.close()
            writer.close()

    async def _reply(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = b""
        while data := await there.read(_CHUNK):
            writer.write(data)
            seen += data
            if self.hold_at and self.hold_at in seen:
                self.holding.set()
                break
        if self.hang_up:
            writer.close()
