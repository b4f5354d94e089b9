"""
The layout of case files: `make format-cases` writes it and `tests/fake/test_case_format.py` checks it.

1. A value that fits into the line stays on one line; a longer object or array has one member on each line.
2. A case is always one block with one field on each line, so that a review shows which field of which case changed.
3. No line is longer than 160 characters. A longer sentence is an array of parts, which `casefiles.load` joins with a blank.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

WIDTH: Final = 130
"""Characters in a line, as in Python code."""
LIMIT: Final = 160
"""Characters in a line that holds one long string, which JSON cannot break."""

TESTS: Final = Path(__file__).parents[1]
DEMO: Final = TESTS.parent / "guardedbedrock" / "cli"


LONG_TEXTS: Final = ("description", "guardedbedrock.explanation", "message", "refused")
"""Members whose text may be an array of parts, because JSON cannot break a line inside a string."""


def case_files() -> list[Path]:
    """Find every JSON file of the tests and of ``guardedbedrock demo``."""
    # tests/browser has the manifest of npm and, after `make browser`, its packages.
    in_tests = (path for path in TESTS.rglob("*.json") if TESTS / "browser" not in path.parents)
    return [*sorted(in_tests), *sorted(DEMO.rglob("*.json"))]


def in_parts(value: Any) -> Any:
    """Split the long strings of some data into parts, which `casefiles.load` joins."""
    if isinstance(value, dict):
        return {
            name: wrap(member, WIDTH - 20, break_long_words=False, break_on_hyphens=False)
            if name in LONG_TEXTS and isinstance(member, str) and len(member) > WIDTH - 20
            else in_parts(member)
            for name, member in value.items()
        }
    return [in_parts(each) for each in value] if isinstance(value, list) else value


def formatted(text: str) -> str:
    """
    Lay a case file out.

    Args:
        text: JSON: an array of cases, or an object whose members are cases or hold them.
    """
    return _block(json.loads(text), 0, holds_cases=True) + "\n"


def too_long(text: str) -> list[int]:
    """Return the numbers of the lines with more than 160 characters."""
    return [number for number, line in enumerate(text.splitlines(), start=1) if len(line) > LIMIT]


def _one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _block(value: Any, indent: int, *, holds_cases: bool = False) -> str:
    """Write an object or an array with one member on each line. With ``holds_cases``, each of its members is a block too."""
    start = "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        keys = {key: f"{_one_line(key)}: " for key in value}
        members = [
            text + (_table(key, value[key], indent + 1) if holds_cases else _value(value[key], indent + 1, len(text)))
            for key, text in keys.items()
        ]
        return "{" + start + ("," + start).join(members) + start[:-1] + "}"
    members = [_block(each, indent + 1) if holds_cases else _value(each, indent + 1, 0) for each in value]
    return "[" + start + ("," + start).join(members) + start[:-1] + "]"


def _table(key: str, value: Any, indent: int) -> str:
    if not isinstance(value, (dict, list)) or not value:
        return _one_line(value)
    return _block(value, indent, holds_cases=key == "cases")


def _value(value: Any, indent: int, before: int) -> str:
    """
    Write a value: on one line if it fits, else as a block.

    Args:
        value: Any JSON.
        indent: Blanks at the start of its line.
        before: Characters between these blanks and the value.
    """
    line = _one_line(value)
    if not isinstance(value, (dict, list)) or not value or indent + before + len(line) < WIDTH:
        return line
    if isinstance(value, list):
        alone = len(value) == 1 and isinstance(value[0], (dict, list)) and indent + 2 + len(_one_line(value[0])) > WIDTH
        return f"[{_value(value[0], indent, before + 1)}]" if alone else _block(value, indent)
    opening, last = _opening(value), next(reversed(value.values()))
    if not isinstance(last, (dict, list)) or indent + before + len(opening) > WIDTH - 30:
        return _block(value, indent)
    return f"{opening}{_value(last, indent, before + len(opening))}}}"


def _opening(value: dict[str, Any]) -> str:
    """Write all but the value of the last member: ``{"Version": "2012-10-17", "Statement": [`` opens a block on one line."""
    *first, last = value
    return "{" + "".join(f"{_one_line(key)}: {_one_line(value[key])}, " for key in first) + f"{_one_line(last)}: "


def main() -> int:
    """Format every case file, and name the lines that are too long."""
    status = 0
    for path in case_files():
        text = formatted(path.read_text("utf-8"))
        path.write_text(text, "utf-8")
        for number in too_long(text):
            sys.stderr.write(f"{path}:{number}: longer than {LIMIT} characters; write the string as an array of parts\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
