"""Read the pages of the documentation: their code blocks, and the commands and output of console blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
FENCE: Final = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
NAMED_BEFORE: Final = re.compile(r"`([\w./-]+)`:\n\n$")
LEFT_OUT: Final = "..."


class Block(NamedTuple):
    """A fenced block: its language, its text, and the name of its file if the page gives one."""

    language: str
    text: str
    file: str | None


def blocks(text: str) -> Iterator[Block]:
    """Yield the code blocks of a page, or of a section."""
    for found in FENCE.finditer(text):
        code = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        inside = re.fullmatch(r"# ([\w./-]+\.\w+)", code.partition("\n")[0])
        before = NAMED_BEFORE.search(text[: found.start()])
        file = inside or (before if found["language"] == "json" else None)
        yield Block(found["language"], code, file and file[1])


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a console block, each with its output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        count = next((number for number, line in enumerate(lines, start=1) if not line.endswith("\\")), len(lines))
        yield "\n".join(lines[:count]), lines[count:]


def matches(printed: Sequence[str], shown: Sequence[str]) -> bool:
    """
    Return whether the output of a command is the one on the page.

    Args:
        printed: The lines that the command printed.
        shown: The lines on the page. A line ``...`` replaces any number of lines, ``...`` in a line any text.
    """
    patterns = [
        r"(?:.*\n)*" if line == LEFT_OUT else re.escape(line).replace(re.escape(LEFT_OUT), ".*") + r"\n" for line in shown
    ]
    return re.fullmatch("".join(patterns), "".join(f"{line}\n" for line in printed)) is not None
