"""Serves until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.serve.setup import Setup, read
from guardedbedrock.cli.serve.watched import WatchedBedrock
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def command(port: int, config: Path | None, *, tls: bool) -> int:
    """
    Serve on loopback, say how clients find it, and end in good order when interrupted.

    Raises:
        ConfigurationError: The configuration can not be used, or nobody can listen at the port.
    """
    setup = read(config) if config else Setup()
    fake = WatchedBedrock(tls=tls, **setup.options)
    setup.arrange(fake)
    with _until_interrupted() as interrupted:
        try:
            fake.start(port)
        except OSError as error:
            raise ConfigurationError(f"--port {port}: can not be listened at: {error.strerror}") from None
        with fake:
            sys.stdout.write("\n".join(_greeting(fake)))
            sys.stdout.flush()
            interrupted.wait()
    return 0


def _greeting(fake: WatchedBedrock) -> Iterator[str]:
    yield f"# A fake Bedrock serves at {fake.endpoint_url}, where a page shows what arrives. Ctrl-C ends it."
    yield "# Clients find it by these environment variables:"
    yield from (f"export {name}={value}" for name, value in fake.environment.items())
    yield ""


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Give an event that comes with Ctrl-C or a polite kill, in place of an exception at an odd moment."""
    interrupted = threading.Event()
    before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in _ENDING}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
