"""Serve until the process is interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.serve.configuration import ServeConfiguration, read
from guardedbedrock.cli.serve.page import BedrockWithPage
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def command(port: int, config: Path | None, *, tls: bool, replay: Path | None = None, record: Path | None = None) -> int:
    """
    Serve on 127.0.0.1, print the environment variables for clients, and stop on Ctrl-C or SIGTERM.

    Args:
        port: 0 selects a free port.
        config: The configuration.
        tls: Serve HTTPS.
        replay: Folder with recorded exchanges that answer the requests.
        record: Folder to which the exchanges are written.

    Returns:
        0.

    Raises:
        ConfigurationError: The configuration or a recording is invalid, a folder cannot be created, or the port is not available.
    """
    configuration = read(config) if config else ServeConfiguration()
    for name, folder in (("--record", record), ("invocation_logs", configuration.options.get("invocation_logs"))):
        _create(name, folder)
    fake = BedrockWithPage(tls=tls, **{**configuration.options, "replay": replay, "record": record})
    configuration.apply_to(fake)
    with _stop_signals() as stopped:
        try:
            fake.start(port)
        except OSError as error:
            raise ConfigurationError(f"--port {port}: cannot listen on the port: {error.strerror}") from None
        with fake:
            sys.stdout.write("\n".join(_greeting(fake)))
            sys.stdout.flush()
            stopped.wait()
    return 0


def _create(name: str, folder: Path | None) -> None:
    """Create the folder that the server writes to, so that the error comes now and not with a request."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{name}: cannot create the folder {folder}: {error.strerror}; name another one") from None


def _greeting(fake: BedrockWithPage) -> Iterator[str]:
    yield f"# A fake Bedrock is running at {fake.endpoint_url}. Open this URL in a browser to see the requests. Ctrl-C stops it."
    yield "# Clients need these environment variables:"
    yield from (f"export {name}={value}" for name, value in fake.environment.items())
    yield ""


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set, instead of an exception at an arbitrary point."""
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in _STOP_SIGNALS}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
