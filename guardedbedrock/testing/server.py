"""An HTTP/1.1 server on loopback: connections are kept, streams are chunked, an answer leaves in one packet."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.faults import HangUpError
from guardedbedrock.testing.wire import Incoming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from guardedbedrock.testing.wire import Answer

_HOST: Final = "127.0.0.1"
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}
_POLL: Final = 0.02  # s between two looks whether to stop
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # closing throws away what was not read, and says so by a reset
_PATIENCE: Final = 5  # s to wait for a connection's thread to end


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: LoopbackServer

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        self._send(self.server.answer(Incoming(self.command, self.path, headers, body, self.client_address[1])))

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = _answer  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        pieces = self._pieces(answer)
        for way in answer.ways:
            pieces = way(pieces, self.server.sleep)
        try:
            for piece in pieces:
                self.wfile.write(piece)
                if not isinstance(answer.body, bytes) or answer.ways:
                    self.wfile.flush()
        except HangUpError as end:
            self._hang_up(reset=end.reset)

    def _pieces(self, answer: Answer) -> Iterator[bytes]:
        size = {"Content-Length": str(len(answer.body))} if isinstance(answer.body, bytes) else {"Transfer-Encoding": "chunked"}
        yield self._head(answer.status, {"Date": self.date_time_string(), **size, **answer.headers})
        if isinstance(answer.body, bytes):
            yield answer.body
            return
        for chunk in answer.body:
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
        """Stay silent."""


class LoopbackServer(ThreadingHTTPServer):
    """
    Serves until it is closed; then no thread and no socket of it is left.

    Args:
        answer: Called from many threads.
        context: Speak TLS by it; None speaks plain HTTP.
        port: Where; 0 is a port that nobody uses.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer: Callable[[Incoming], Answer], context: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__((_HOST, port), _Handler)
        self.answer, self._context = answer, context
        self._closing, self._abrupt = threading.Event(), set[socket.socket]()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._acceptor = threading.Thread(target=self.serve_forever, args=(_POLL,), name="fake-bedrock", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, or ``https://...``."""
        return f"http{'s' if self._context else ''}://{_HOST}:{self.server_address[1]}"

    @property
    def port(self) -> int:
        """Where it serves."""
        return int(self.server_address[1])

    def sleep(self, seconds: float) -> None:
        """Wait, in the thread of a connection; a server that closes hangs up at once."""
        if self._closing.wait(seconds):
            raise HangUpError(reset=False)

    def reset(self, connection: socket.socket) -> None:
        """Let a connection end by a reset, as soon as its thread is done with it."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._abrupt.add(connection)

    def shutdown_request(self, request: Any) -> None:
        """End a connection in good order, unless it is to be reset."""
        if request in self._abrupt:
            self._abrupt.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; its own thread shakes hands, so that a slow client keeps nobody waiting."""
        connection, address = super().get_request()
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread of its own, and remember both."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), name="fake-bedrock-connection", daemon=True)
        self._connections[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up, or that does not trust the certificate."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop accepting, hang up on everybody, and wait for the threads."""
        self._closing.set()
        self.shutdown()
        self.server_close()
        self._acceptor.join(_PATIENCE)
        for thread, connection in list(self._connections.items()):
            _hang_up(connection)
            thread.join(_PATIENCE)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
