"""Output to the terminal: text without markup, and JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console

from guardedbedrock.cli.output import escape_controls

if TYPE_CHECKING:
    from rich.text import Text


class _EscapingConsole(Console):
    """A console that escapes control characters of strings, before it adds colours."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_controls(text), **options)


def console() -> Console:
    """Create a console that prints text without markup: ARNs contain what rich would read as markup and emoji codes."""
    return _EscapingConsole(markup=False, emoji=False, highlight=False)


def write_json(data: object) -> None:
    """Write JSON, and nothing else, to stdout."""
    sys.stdout.write(as_json(data))
    sys.stdout.flush()


def as_json(data: object, *, indent: int = 2) -> str:
    """Return the text that `write_json` writes; DEL is the only control character that `json` does not escape."""
    return json.dumps(data, indent=indent, default=str).replace("\x7f", "\\u007f") + "\n"


def join_sorted(names: object, empty: str) -> str:
    """Join names in sorted order with commas, or return `empty` if there are none."""
    return ", ".join(sorted(map(str, names))) if isinstance(names, list | tuple | frozenset | set) and names else empty
