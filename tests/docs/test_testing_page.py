"""docs/testing.md: write its files, run its commands, and compare their output with the page."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from guardedbedrock.cli.serve.configuration import FAULTS, read

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED_BEFORE: Final = re.compile(r"`([\w./-]+)`:\n\n$")
BIN: Final = Path(sys.executable).parent
NOT_RUN: Final = ("pip install", "guardedbedrock serve")
LONGEST_FIRST_TEST: Final = 10  # lines


class Block(NamedTuple):
    """A fenced block: its language, its text, and the name of its file."""

    language: str
    text: str
    file: str | None


def sections() -> dict[str, list[Block]]:
    """Return the blocks of each section."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return {title: list(blocks(text)) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def blocks(text: str) -> Iterator[Block]:
    for found in FENCE.finditer(text):
        first = found[2].partition("\n")[0]
        inside = re.fullmatch(r"# ([\w./-]+\.\w+)", first)
        before = NAMED_BEFORE.search(text[: found.start()])
        file = inside or (before if found[1] == "json" else None)
        yield Block(found[1], found[2], file and file[1])


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a console block, each with its output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        yield command, printed


def ran(command: str, folder: Path) -> list[str]:
    program, *arguments = shlex.split(command)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COLUMNS"))}
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"] if program == "pytest" else [str(BIN / program)]
    done = subprocess.run(  # noqa: S603 - our own page
        [*run, *arguments], cwd=folder, env=kept, capture_output=True, text=True, timeout=120, check=False
    )
    return (done.stdout + done.stderr).splitlines()


def pattern(line: str) -> str:
    """Convert a line to a pattern that ignores times, indentation and text behind dots."""
    escaped = " ".join(line.split()).replace("[", "[[]")
    return re.sub(r"\d+\.\d+s", "*s", escaped).replace("...", "*")


@pytest.mark.parametrize("title", [title for title, parts in sections().items() if any(b.language == "console" for b in parts)])
def test_the_commands_of_a_section_print_the_output_on_the_page(title: str, tmp_path: Path) -> None:
    for block in sections()[title]:
        if block.file:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        if block.language != "console":
            continue
        for command, printed in commands(block):
            if command.startswith(NOT_RUN):
                continue
            said = iter([" ".join(line.split()) for line in ran(command, tmp_path)])
            missing = [line for line in printed if not any(fnmatchcase(one, pattern(line)) for one in said)]
            assert missing == [], "\n".join(ran(command, tmp_path))


def test_the_first_test_takes_ten_lines() -> None:
    """The test, and the changed lines of the application."""
    first, test, fixed = (block.text.splitlines() for block in sections()["A first test"] if block.language == "python")
    changed = [line for line in fixed if line not in first]

    assert len([line for line in [*test, *changed] if line.strip()]) <= LONGEST_FIRST_TEST


def test_the_configuration_of_the_server_is_valid(tmp_path: Path) -> None:
    (block,) = (block for part in sections().values() for block in part if block.language == "toml")
    path = tmp_path / "serve.toml"
    path.write_text(block.text, "utf-8")

    setup = read(path)

    assert [name for name, _, _ in setup.scripted] == ["reply", "deny", "fault"]
    assert len(setup.options["guardrails"]) == 1


@pytest.mark.parametrize("name", FAULTS)
def test_the_page_describes_each_field_of_a_fault(name: str) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    fields = [one.name for one in dataclasses.fields(FAULTS[name]) if one.name != "clock"]

    assert re.findall(r"`(\w+)`", row.split("|")[2]) == fields
