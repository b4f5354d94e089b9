"""The servers and clients that one pytest process keeps from test to test."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from guardedbedrock.pytest_plugin.marker import read_marker
from guardedbedrock.pytest_plugin.server import NO_AWS_FILES, PROXY_VARIABLES, BedrockServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SIGV4: Final = Config(signature_version="v4")
"""Without this, botocore would read a Bedrock API key from the environment at each call."""


class Worker:
    """Creates each server and each client for the first test that needs it, and reconfigures it for every test."""

    def __init__(self) -> None:
        self._servers: dict[bool, BedrockServer] = {}
        self._clients: dict[tuple[bool, str], Any] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def server(self, keywords: Mapping[str, Any], root: Path) -> BedrockServer:
        """
        Return a server that is configured for one test.

        Args:
            keywords: The keywords of the test's markers.
            root: Folder that relative file names start from.

        Raises:
            ConfigurationError: A keyword is unknown, or its value is invalid.
        """
        setup = read_marker(keywords, root)
        if setup.tls not in self._servers:
            self._servers[setup.tls] = self._open.enter_context(BedrockServer(tls=setup.tls))
        server = self._servers[setup.tls]
        server.begin(setup)
        return server

    def client(self, server: BedrockServer) -> Any:
        """Return a client for the server's region, guarded by the guard of the current test."""
        key = server.secure, server.region
        if key not in self._clients:
            with _isolated_environment():
                self._clients[key] = server.guard.client("bedrock-runtime", **server.client_kwargs(), config=_SIGV4)
            self._open.callback(self._clients[key].close)
        return server.guard.wrap(self._clients[key])


@contextmanager
def _isolated_environment() -> Iterator[None]:
    """Create a client without the AWS settings of the machine, and without touching boto3's default session."""
    before, session = dict(os.environ), boto3.DEFAULT_SESSION
    for name in before:
        if name.startswith("AWS_") or name.lower() in PROXY_VARIABLES:
            del os.environ[name]
    os.environ.update(NO_AWS_FILES)
    boto3.DEFAULT_SESSION = boto3.Session()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        boto3.DEFAULT_SESSION = session
