"""A case with its result, as every report format shows it: in one sentence, with its explanation and its location."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.console import join_sorted

if TYPE_CHECKING:
    from guardedbedrock.iam import Decision
    from guardedbedrock.testing.cases import Case, Result

_ID: Final = re.compile(r"""(?:^|[\s{,-])["']?id["']?\s*:\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{\[][^,}#]*)""")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A case and its result."""

    case: Case
    result: Result

    @property
    def sentence(self) -> str:
        """The expectation of the case, and the decision of the policies."""
        result = self.result
        expected_by = "" if result.expected_determining is None else f" by {_statements(result.expected_determining)}"
        got = f"{result.decision} by {_statements(result.determining)}"
        others = [(name, pair) for name, pair in result.differences.items() if name in ("policyType", "hangsOn")]
        more = "".join(f"; {name}: expected {_words(pair[0])}, got {_words(pair[1])}" for name, pair in others)
        return f"expected {result.expected}{expected_by}, got {got}{more}"

    @property
    def decision(self) -> Decision:
        """The decision to explain: the first with the outcome of the whole case."""
        decisions = self.result.authorizations
        return next((one for one in decisions if one.outcome == self.result.decision), decisions[0])

    @property
    def explanation(self) -> str:
        """Why the policies decided so: the request, the nearest statement and the element that failed; several lines."""
        request = self.decision.request
        return f"{request.action} on {request.resource}: {self.decision.explain()}"

    @property
    def line(self) -> int | None:
        """Line of the case's id in its file, from 1; None if it is not found, as when a YAML anchor defines it."""
        return _id_lines(self.case.file).get(self.case.id)


@cache  # keyed by the file: a file has many cases, and each failed case asks for its line
def _id_lines(file: str) -> dict[str, int]:
    """Map each id in a JSON or YAML file to its first line."""
    lines: dict[str, int] = {}
    for number, line in enumerate(Path(file).read_text("utf-8-sig").split("\n"), start=1):
        for match in _ID.finditer(line):
            lines.setdefault(_unquote(match[1].strip()), number)
    return lines


def _unquote(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text.strip("'")
    except json.JSONDecodeError:
        return text


def _statements(sids: frozenset[str]) -> str:
    return join_sorted(sids, "no statement with a Sid")


def _words(value: object) -> str:
    return join_sorted(value, "nothing") if isinstance(value, frozenset) else str(value or "nothing")
