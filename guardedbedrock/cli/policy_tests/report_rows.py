"""
A case with its result, as every report format shows it: in one sentence, with its explanation and its location.

A row is about one request (`DecisionRow`) or about every request (`ProofRow`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from guardedbedrock.cli.console import join_sorted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.iam import Decision
    from guardedbedrock.testing.cases import Case, ProofCase, ProofResult, Result

_ID: Final = re.compile(r"""(?:^|[\s{,-])["']?id["']?\s*:\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'{\[][^,}#]*)""")


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A case about one request or call, and its result."""

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
    def reason(self) -> str:
        """Why the policies decided so, in one sentence."""
        return self.decision.explain().reason

    def as_data(self) -> dict[str, object]:
        """Return the result as JSON data."""
        result = self.result
        return {
            "id": result.id,
            "decision": result.decision,
            "expected": result.expected,
            "passed": result.passed,
            "determining": sorted(result.determining),
            "message": None if result.passed else self.sentence,
            "explanation": None if result.passed else self.decision.explain().as_data(),
        }


@dataclass(frozen=True, slots=True)
class ProofRow:
    """A case about every request, and its result."""

    case: ProofCase
    result: ProofResult

    @property
    def sentence(self) -> str:
        """The expected answer and the actual one."""
        result = self.result
        pair = result.differences.get("determining")
        statements = f"; statements: expected {_words(pair[0])}, got {_words(pair[1])}" if pair else ""
        reason = f": {self.result.answer.reason}" if result.answer.answer == "unknown" else ""
        return f"expected {result.expected}, got {result.answer.answer}{reason}{statements}"

    @property
    def explanation(self) -> str:
        """The question, the witness with its context, the statements that let it through, and the assumptions; several lines."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        answer = self.result.answer
        yield f"{answer.answer}: {answer.statement}"
        if answer.witness is not None:
            yield f"{answer.witness.action} on {answer.witness.resource} by {answer.witness.principal}"
            yield from (f"  {key}: {value}" for key, value in sorted(answer.witness.context.items()))
        yield from (f"{one.policy} statement {one.sid or one.index}: {one.reason}" for one in answer.statements)
        if answer.reason:
            yield answer.reason
        yield from (f"assuming: {assumption}" for assumption in answer.assumptions)

    @property
    def reason(self) -> str:
        """Why the answer is as it is, in one sentence."""
        answer = self.result.answer
        if answer.witness is None:
            return answer.reason or answer.question
        context = ", ".join(f"{key}={value}" for key, value in sorted(answer.witness.context.items()))
        return f"{answer.witness.action} on {answer.witness.resource} with {context or 'no context'}"

    def as_data(self) -> dict[str, object]:
        """Return the result as JSON data; `proof` is what ``guardedbedrock prove --format json`` prints."""
        result = self.result
        return {
            "id": result.id,
            "answer": result.answer.answer,
            "expected": result.expected,
            "passed": result.passed,
            "determining": sorted(result.determining),
            "message": None if result.passed else self.sentence,
            "proof": result.answer.as_data(),
        }


ReportRow: TypeAlias = DecisionRow | ProofRow


def line_of(row: ReportRow) -> int | None:
    """Return the line of the case's id in its file, from 1; None if it is not found, as when a YAML anchor defines it."""
    return _id_lines(row.case.file).get(row.case.id)


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
