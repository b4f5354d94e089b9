"""An HTTP/1.1 server on loopback: connections are kept, streams are chunked, an answer leaves in one packet."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import Incoming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from guardedbedrock.testing.wire import Answer

_HOST: Final = "127.0.0.1"
_POLL: Final = 0.02  # s between two looks whether to stop
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
        self.send_response_only(answer.status)
        for name, value in (("Date", self.date_time_string()), *answer.headers.items()):
            self.send_header(name, value)
        if isinstance(answer.body, bytes):
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        else:
            self._stream(answer.body)

    def _stream(self, chunks: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class LoopbackServer(ThreadingHTTPServer):
    """
    Serves until it is closed; then no thread and no socket of it is left.

    Args:
        answer: Called from many threads.
        context: Speak TLS by it; None speaks plain HTTP.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answer: Callable[[Incoming], Answer], context: ssl.SSLContext | None = None) -> None:
        super().__init__((_HOST, 0), _Handler)
        self.answer, self._context = answer, context
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._acceptor = threading.Thread(target=self.serve_forever, args=(_POLL,), name="fake-bedrock", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, or ``https://...``."""
        return f"http{'s' if self._context else ''}://{_HOST}:{self.server_address[1]}"

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
