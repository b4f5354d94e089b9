"""Run the command line as a process: its streams, its warnings and its exit code."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Final

from guardedbedrock.cli.output import OutputError, discard_output, protect_streams

__all__ = ["run"]

_EXTRA_MODULES: Final = frozenset({"rich", "typer"})
_MISSING_EXTRA: Final = "guardedbedrock: the command line needs more packages: pip install 'guardedbedrock[cli]'"


def run() -> int:
    """
    Run the command in ``sys.argv``.

    Returns:
        The exit code of the process.

    Raises:
        KeyboardInterrupt: The user interrupted an import.
    """
    try:
        protect_streams()
        code = _run_app()
        sys.stdout.flush()  # an error in the flush at exit could not be handled
    except OutputError as error:
        with suppress(OutputError):
            sys.stderr.write(f"guardedbedrock: {error}\n")
        discard_output()
        return 2
    except BrokenPipeError:
        discard_output()
        return 1  # as typer does if the pipe breaks in a command
    return code


def _run_app() -> int:
    try:
        import_module("rich")
        app = import_module("guardedbedrock.cli.app")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA_MODULES:
            raise
        sys.stderr.write(f"{_MISSING_EXTRA}\n")
        return 2
    warnings.showwarning = _show_warning
    code: int = app.run(sys.argv[1:])
    return code


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Write a warning on one line, without the file and line that Python adds: they are not in the user's code."""
    sys.stderr.write(f"guardedbedrock: warning: {' '.join(str(message).split())}\n")
