"""What one process of pytest keeps from test to test: servers that run, clients that are made."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from guardedbedrock.pytest_plugin.server import IN_THE_WAY, NOWHERE, BedrockServer
from guardedbedrock.pytest_plugin.settings import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BY_KEYS: Final = Config(signature_version="v4")
"""Else botocore takes a Bedrock API key out of the environment, with each call."""


class Worker:
    """Makes each server and each client once, when the first test needs it, and sets it up anew for each test."""

    def __init__(self) -> None:
        self._servers: dict[bool, BedrockServer] = {}
        self._clients: dict[tuple[bool, str], Any] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def server(self, marked: Mapping[str, Any], root: Path) -> BedrockServer:
        """
        Give the server, as the markers of a test say.

        Raises:
            ConfigurationError: A keyword is unknown, or its value can not be used.
        """
        settings = settle(marked, root)
        if settings.tls not in self._servers:
            self._servers[settings.tls] = self._open.enter_context(BedrockServer(tls=settings.tls))
        server = self._servers[settings.tls]
        server.begin(settings)
        return server

    def client(self, server: BedrockServer) -> Any:
        """Give the client of the server's region, guarded by the guard of the moment."""
        key = server.secure, server.region
        if key not in self._clients:
            with _undisturbed():
                self._clients[key] = server.guard.client("bedrock-runtime", **server.client_kwargs(), config=_BY_KEYS)
            self._open.callback(self._clients[key].close)
        return server.guard.wrap(self._clients[key])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Make a client without what the machine is set up with; a default session that boto3 may have is not touched."""
    before, session = dict(os.environ), boto3.DEFAULT_SESSION
    for name in before:
        if name.startswith("AWS_") or name.lower() in IN_THE_WAY:
            del os.environ[name]
    os.environ.update(NOWHERE)
    boto3.DEFAULT_SESSION = boto3.Session()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        boto3.DEFAULT_SESSION = session
