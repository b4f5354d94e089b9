"""Print text in the width of the terminal without breaking a word."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console


def print_wrapped(screen: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """
    Print a paragraph. Lines break only between words: an ARN or the name of an action stays in one piece.

    Args:
        screen: Where to print.
        text: The paragraph.
        indent: Spaces before the first line; later lines have two more.
        style: A style of rich.
    """
    lines = textwrap.wrap(
        text,
        screen.width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2 if indent else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        screen.print(Text(line, style=style), soft_wrap=True)
