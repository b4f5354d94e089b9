"""An HTTP/1.1 server on loopback: keep-alive, chunked streams, one packet for each response."""

from __future__ import annotations

import io
import json
import os
import socket
import ssl
import struct
import sys
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.faults import HangUpError
from guardedbedrock.testing.wire import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from _typeshed import WriteableBuffer

_HOST: Final = "127.0.0.1"
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_POLL: Final = 0.02  # s between two checks for shutdown
_LINGER_RESET: Final = struct.pack("ii", 1, 0)  # closing a socket sends a TCP reset
_JOIN_TIMEOUT: Final = 5  # s
_CHUNK: Final = 64 * 1024
_SINGLE: Final = ("Host", "Content-Length")
"""Headers that set the recipient and the end of a request. A request that repeats one of them is ambiguous."""
_LONGEST_LENGTH: Final = 18
"""Digits of a Content-Length; a longer one is not converted to a number."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """
    Limits for the requests of a server; None is no limit.

    Args:
        headers: Size of the header names and values, in bytes.
        body: Size of a body, in bytes.
        idle: Time that a connection may wait for the first byte of a request, or for a client that does not read, in seconds.
        request: Time from the first byte of a request to its last, in seconds.
    """

    headers: int | None = None
    body: int | None = None
    idle: float | None = None
    request: float | None = None


NO_LIMITS: Final = RequestLimits()


class _TimedReader(io.RawIOBase):
    """
    Reads from a socket within the time limits.

    A timeout of the socket alone is not enough: it starts again with every byte, so a slow client could hold a connection
    forever.
    """

    def __init__(self, connection: socket.socket, limits: RequestLimits) -> None:
        self._connection, self._limits = connection, limits
        self._deadline: float | None = None

    def readable(self) -> bool:
        return True

    def start(self) -> None:
        """Wait for the next request."""
        self._deadline = None

    def readinto(self, buffer: WriteableBuffer) -> int:
        limits = self._limits
        remaining = limits.idle if self._deadline is None else self._deadline - monotonic()
        if remaining is not None and remaining <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(remaining)
        count = self._connection.recv_into(buffer)
        self._connection.settimeout(limits.idle)  # for the response
        if count and self._deadline is None and limits.request is not None:
            self._deadline = monotonic() + limits.request
        return count


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: LoopbackServer

    def setup(self) -> None:
        super().setup()
        limits = self.server.limits
        self._timed_reader = None
        if limits.idle is not None or limits.request is not None:
            self._timed_reader = _TimedReader(self.connection, limits)
            self.rfile = io.BufferedReader(self._timed_reader, _CHUNK)

    def handle_one_request(self) -> None:
        if self._timed_reader is not None:
            self._timed_reader.start()
        super().handle_one_request()

    def _respond(self) -> None:
        limits = self.server.limits
        if limits.headers is not None and sum(len(name) + len(value) for name, value in self.headers.items()) > limits.headers:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers exceed {limits.headers:,} bytes")
            return
        repeated = next((name for name in _SINGLE if len(self.headers.get_all(name, ())) > 1), None)
        if repeated is not None:
            self._refuse(HTTPStatus.BAD_REQUEST, f"the request has the header {repeated} twice")
            return
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdecimal()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "the request has no valid Content-Length")
            return
        if len(length) > _LONGEST_LENGTH or (limits.body is not None and int(length) > limits.body):
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body exceeds {limits.body or 10**_LONGEST_LENGTH:,} bytes")
            self._discard(int(length[:_LONGEST_LENGTH]))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the client closed the connection
            self.close_connection = True
            return
        try:
            response = self.server.respond(HttpRequest(self.command, self.path, headers, body, self.client_address[1]))
        except HangUpError as end:
            self._hang_up(reset=end.reset)
            return
        self._send(response)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _respond  # noqa: N815 - names of http.server

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer a malformed request in the format of AWS errors, and close the connection."""
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ValidationException", "Connection": "close"}
        self._send(HttpResponse(status, headers, json.dumps({"message": message}).encode()))
        self.wfile.flush()

    def _discard(self, length: int) -> None:
        """Read and discard a body: most clients read no response before they have sent it."""
        remaining = min(length, 4 * (self.server.limits.body or 0))
        while remaining > 0 and (chunk := self.rfile.read(min(_CHUNK, remaining))):
            remaining -= len(chunk)

    def _send(self, response: HttpResponse) -> None:
        pieces = self._pieces(response)
        for send_filter in response.send_filters:
            pieces = send_filter(pieces, self.server.sleep)
        try:
            for piece in pieces:
                self.wfile.write(piece)
                if not isinstance(response.body, bytes) or response.send_filters:
                    self.wfile.flush()
        except HangUpError as end:
            self._hang_up(reset=end.reset)

    def _pieces(self, response: HttpResponse) -> Iterator[bytes]:
        body = response.body
        size = {"Content-Length": str(len(body))} if isinstance(body, bytes) else {"Transfer-Encoding": "chunked"}
        yield self._head(response.status, {"Date": self.date_time_string(), **size, **response.headers})
        if isinstance(body, bytes):
            yield body
            return
        for chunk in body:
            yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
        yield b"0\r\n\r\n"

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        if headers.get("Connection") == "close":
            self.close_connection = True
        reason = _REASONS.get(status, "")
        lines = (f"{self.protocol_version} {status} {reason}", *(f"{name}: {value}" for name, value in headers.items()))
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        self.wfile.flush()
        if reset:
            self.server.reset(self.connection)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class LoopbackServer(ThreadingHTTPServer):
    """
    Serves until `close`, which ends all its threads and sockets.

    Args:
        respond: Returns the response to a request. It is called from several threads.
        context: TLS context; None serves plain HTTP.
        port: 0 chooses a free port.
        limits: Limits for each request.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        respond: Callable[[HttpRequest], HttpResponse],
        context: ssl.SSLContext | None = None,
        port: int = 0,
        limits: RequestLimits = NO_LIMITS,
    ) -> None:
        super().__init__((_HOST, port), _Handler)
        self.respond, self._context, self.limits = respond, context, limits
        self._closing, self._to_reset = threading.Event(), set[socket.socket]()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._owner = os.getpid()
        self._acceptor = threading.Thread(target=self.serve_forever, args=(_POLL,), name="fake-bedrock", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, or ``https://...``."""
        return f"http{'s' if self._context else ''}://{_HOST}:{self.server_address[1]}"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def sleep(self, seconds: float) -> None:
        """Wait in the thread of a connection. If the server closes, hang up immediately."""
        if self._closing.wait(seconds):
            raise HangUpError(reset=False)

    def reset(self, connection: socket.socket) -> None:
        """End a connection with a TCP reset after its thread has finished."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._to_reset.add(connection)

    def shutdown_request(self, request: Any) -> None:
        """Shut a connection down in order, except if `reset` was called for it."""
        if request in self._to_reset:
            self._to_reset.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection. The TLS handshake runs in the thread of the connection, so that a slow client delays no other."""
        connection, address = super().get_request()
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, and store both for `close`."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), name="fake-bedrock-connection", daemon=True)
        self._connections[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hung up, are too slow, or do not trust the certificate; report every other error."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """
        Stop accepting, close all connections, and wait for their threads.

        A forked child only closes its copies of the sockets: the threads and the connections belong to the parent.
        """
        if self._owner != os.getpid():
            self.server_close()
            return
        self._closing.set()
        self.shutdown()
        self.server_close()
        self._acceptor.join(_JOIN_TIMEOUT)
        for thread, connection in list(self._connections.items()):
            _hang_up(connection)
            thread.join(_JOIN_TIMEOUT)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
