"""The standard streams of a command. This module needs only the standard library, so that it loads before anything can fail."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from typing import Any, Final, TextIO, TypeVar, cast

T = TypeVar("T")

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def escape_controls(text: str) -> str:
    r"""
    Escape control characters, except tabs and line ends: a terminal would execute those of a name from a log or a file.

    >>> escape_controls("a\x1b[31m")
    'a\\x1b[31m'
    """
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class OutputError(Exception):
    """A standard stream is closed or cannot be written; it still holds what it could not write."""


class OutputStream:
    """
    A standard stream that escapes control characters and reports a failure to write.

    Args:
        stream: The stream of the interpreter.
        name: The stream in an error message.
        escape: What happens to each text before it is written.
    """

    def __init__(self, stream: TextIO, name: str, escape: Callable[[str], str] = escape_controls) -> None:
        self._stream = stream
        self._name = name
        self._escape = escape

    @property
    def rich_proxied_file(self) -> OutputStream:
        """The stream that rich writes to instead: rich adds colours, and `console.console` escapes the texts before that."""
        return OutputStream(self._stream, self._name, str)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """
        Write a text.

        Raises:
            BrokenPipeError: The reader closed the pipe.
            OutputError: The stream cannot be written, for example because the disk is full.
        """
        return self._check(lambda: self._stream.write(self._escape(text)))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts; see `write`."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is buffered; see `write`."""
        self._check(self._stream.flush)

    def _check(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"{self._name} cannot be written: {error.strerror}") from None


def discard_output() -> None:
    """
    Send what stdout and stderr still hold, and cannot write, to the null device.

    The interpreter flushes both streams at exit, and would print the error again.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (BrokenPipeError, OutputError):
            os.dup2(null, stream.fileno())
    os.close(null)


def protect_streams() -> None:
    """
    Replace the standard streams of this process by `OutputStream`.

    Raises:
        OutputError: Standard output is closed. A closed standard error becomes the null device.
    """
    sys.stderr = _protected(sys.stderr or open(os.devnull, "w", encoding="utf-8"), "standard error")  # noqa: SIM115, PTH123 - open until exit
    if sys.stdout is None:  # Python sets None for a closed descriptor
        raise OutputError("standard output is closed; redirect it to a file or to /dev/null")
    sys.stdout = _protected(sys.stdout, "standard output")


def _protected(stream: TextIO, name: str) -> TextIO:
    if isinstance(stream, TextIOWrapper):
        # A file name may not be UTF-8, and a terminal may lack characters.
        stream.reconfigure(errors="backslashreplace")
    return cast("TextIO", OutputStream(stream, name))
