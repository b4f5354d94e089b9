"""Output to the terminal: text without markup, and JSON."""

from __future__ import annotations

import json
import sys

from rich.console import Console


def console() -> Console:
    """Create a console that prints text unchanged: ARNs contain what rich would read as markup and emoji codes."""
    return Console(markup=False, emoji=False, highlight=False)


def write_json(data: object) -> None:
    """Write JSON, and nothing else, to stdout."""
    sys.stdout.write(as_json(data))
    sys.stdout.flush()


def as_json(data: object) -> str:
    """Return the text that `write_json` writes."""
    return f"{json.dumps(data, indent=2, default=str)}\n"


def join_sorted(names: object, empty: str) -> str:
    """Join names in sorted order with commas, or return `empty` if there are none."""
    return ", ".join(sorted(map(str, names))) if isinstance(names, list | tuple | frozenset | set) and names else empty
