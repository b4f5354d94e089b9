"""A case beside what came of it, in words and in places."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from guardedbedrock.cli.screen import listed

if TYPE_CHECKING:
    from guardedbedrock.testing.cases import Case, Result

_ID: Final = re.compile(r"""(?:^|[\s{,-])["']?id["']?\s*:\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{\[][^,}#]*)""")


class Checked(NamedTuple):
    """A case and its result."""

    case: Case
    result: Result

    @property
    def sentence(self) -> str:
        """What was expected and what came."""
        result = self.result
        wanted = "" if result.expected_determining is None else f" by {_statements(result.expected_determining)}"
        got = f"{result.decision} by {_statements(result.determining)}"
        others = [(name, pair) for name, pair in result.differences.items() if name in ("policyType", "hangsOn")]
        more = "".join(f"; {name}: expected {_words(pair[0])}, got {_words(pair[1])}" for name, pair in others)
        return f"expected {result.expected}{wanted}, got {got}{more}"

    @property
    def line(self) -> int | None:
        """Line of the case's id in its file, the first is 1; None where it is not found, as when an anchor of YAML holds it."""
        return _lines(self.case.file).get(self.case.id)


@cache
def _lines(file: str) -> dict[str, int]:
    """Find the lines of all that looks like an id in a file, JSON or YAML; of one that stands twice the first."""
    lines: dict[str, int] = {}
    for number, line in enumerate(Path(file).read_text("utf-8-sig").split("\n"), start=1):
        for found in _ID.finditer(line):
            lines.setdefault(_unquoted(found[1].strip()), number)
    return lines


def _unquoted(written: str) -> str:
    try:
        return str(json.loads(written)) if written.startswith('"') else written.strip("'")
    except json.JSONDecodeError:
        return written


def _statements(sids: frozenset[str]) -> str:
    return listed(sids, "no named statement")


def _words(value: object) -> str:
    return listed(value, "nothing") if isinstance(value, frozenset) else str(value or "nothing")
