"""docs/quickstart.md: type its commands into one shell, one after the other, and compare the output with the page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
from harness import pages
from harness.shell import Shell, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE: Final = (pages.DOCS / "quickstart.md").read_text("utf-8")
WITH_INSTALL: Final = "QUICKSTART_INSTALL" in os.environ
"""Whether the commands of "Install" are typed too. They need a package index, so only `make quickstart` sets it."""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path, is_installed=not WITH_INSTALL) as shell:
        yield shell


def steps() -> Iterator[str]:
    """Yield the sections whose commands are typed."""
    for section in PAGE.split("\n## ")[1:]:
        if WITH_INSTALL or not section.startswith("1. Install"):
            yield section


def test_the_commands_print_what_the_page_shows(shell: Shell) -> None:
    port, typed = free_port(), 0
    for section in steps():
        for block in pages.blocks(section):
            text = block.text.replace("8484", port).replace("/path/to/checkout", str(pages.ROOT))
            if block.file:
                (shell.folder() / block.file).write_text(text, "utf-8")
            elif block.language == "console":
                for command, shown in pages.commands(block._replace(text=text)):
                    printed = shell.type(command)
                    assert pages.matches(printed, shown), f"$ {command}\n" + "\n".join(printed)
                    typed += 1

    assert typed >= 9


def test_every_block_of_the_page_is_typed_or_written() -> None:
    assert [block for block in pages.blocks(PAGE) if block.language != "console" and not block.file] == []


def test_a_reader_needs_two_programs_at_most_and_few_lines() -> None:
    """Ten minutes: what has to be typed stays short."""
    written = [block for block in pages.blocks(PAGE) if block.language == "python"]

    assert [block.file for block in written] == ["chat.py"]
    assert len(written[0].text.splitlines()) <= 25
