"""
The command line. `app` declares the commands and their arguments; a command calls the public API and prints the result.

- `application/`: the commands for applications
- `governance/`: the commands for the owners of policies
- `demo/`, `serve/`, `policy_tests/`: ``demo``, ``serve`` and ``test``

Exit codes: 0 success, 1 a finding, a denial or a refuted proof, 2 invalid input (one line on stderr), 3 an unknown answer of a
proof, 130 interrupted.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Final

from guardedbedrock.cli.output import OutputError, discard_output, protect_streams

__all__ = ["main"]

_EXTRA_MODULES: Final = frozenset({"rich", "typer"})
_MISSING_EXTRA: Final = "guardedbedrock: the command line needs more packages: pip install 'guardedbedrock[cli]'"


def main() -> int:
    """
    Run the command in ``sys.argv``.

    Returns:
        The exit code of the process.
    """
    try:
        protect_streams()
        code = _run()
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


def _run() -> int:
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
