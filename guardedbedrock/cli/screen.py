"""What reaches the terminal: plain where nobody looks at colours, never wrapped where a program reads."""

from __future__ import annotations

import json
import sys

from rich.console import Console


def console() -> Console:
    """Make a console that takes text for text: an ARN is full of what would be markup and emoji codes."""
    return Console(markup=False, emoji=False, highlight=False)


def write_json(data: object) -> None:
    """Write JSON, and nothing else, to stdout."""
    sys.stdout.write(f"{json.dumps(data, indent=2, default=str)}\n")
    sys.stdout.flush()


def listed(names: object, nothing: str) -> str:
    """Write names as a sorted list, or a word for none."""
    return ", ".join(sorted(map(str, names))) if isinstance(names, list | tuple | frozenset | set) and names else nothing
