"""
The command line: each command parses, calls one function, and shows what came back.

Exit codes: 0 as hoped, 1 something was found or denied, 2 bad input, said in one line on stderr.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

__all__ = ["main"]

_EXTRA: Final = frozenset({"rich", "typer"})
_MISSING: Final = "guardedbedrock: the command line needs more packages: pip install 'guardedbedrock[cli]'"


def main() -> int:
    """Run the command that the process was started with, and give its exit code."""
    try:
        import_module("rich")
        app = import_module("guardedbedrock.cli.app")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"{_MISSING}\n")
        return 2
    code: int = app.run(sys.argv[1:])
    return code
