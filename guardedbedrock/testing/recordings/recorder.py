"""Writes the exchanges of a fake to files that `Replay` reads."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.settings.reader import check_depth
from guardedbedrock.testing.recordings.exchange import without_signature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from guardedbedrock.testing.wire import HttpRequest

_SUFFIX: Final = ".json"


class Recorder:
    """
    Writes one file for each exchange.

    The files contain prompts and responses. They do not contain request headers and signatures of URLs, which carry credentials.

    Args:
        folder: Created if it does not exist. New files are numbered after those in it.

    Raises:
        ConfigurationError: The folder cannot be created or read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, ForkSafeLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            numbers = (path.name.partition("-")[0] for path in folder.glob(f"*{_SUFFIX}"))
            self._last = max((int(number) for number in numbers if number.isascii() and number.isdecimal()), default=0)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{folder}: not a folder to write recordings to ({error})") from None

    def write(self, operation: str, http_request: HttpRequest, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """
        Write an exchange.

        Args:
            operation: Name of the operation, for the name of the file.
            http_request: The request.
            status: Status of the response.
            headers: Headers of the response.
            body: Body of the response; all frames of an event stream.
        """
        target = without_signature(http_request.target)
        request = {"method": http_request.method, "target": target, **_body(http_request.body)}
        exchange = {"request": request, "response": {"status": status, "headers": dict(headers), **_body(body)}}
        text = json.dumps({"exchanges": [exchange]}, indent=2, ensure_ascii=False) + "\n"
        with self._lock:
            self._last += 1
            path = self._folder / f"{self._last:06d}-{operation}{_SUFFIX}"
        path.write_text(text, "utf-8")


def _body(body: bytes) -> dict[str, Any]:
    """Return a body as JSON if a file can contain it, else as base64."""
    if not body:
        return {}
    try:
        value = json.loads(body.decode())
        json.dumps(value, ensure_ascii=False).encode()
        check_depth([[[[value]]]], "body")  # the levels of a file around a body
    except (ValueError, RecursionError, ConfigurationError):
        return {"body_base64": base64.b64encode(body).decode()}
    return {"body": value}
