"""The report of a replay as Markdown, for a job summary or a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from guardedbedrock.governance.replay.rendering.text import MOST_ROWS, headline, shorten
from guardedbedrock.governance.replay.report import ReplayReport

_PUNCTUATION: Final = re.compile(r"([\\`*_{}\[\]<>#|~@&])")


def write_markdown(report: ReplayReport) -> str:
    """Write a report as Markdown."""
    return "\n".join([*_lines(report), ""])


def _lines(report: ReplayReport) -> Iterator[str]:
    yield "### Replay of recorded Bedrock calls"
    yield ""
    yield headline(report)
    yield ""
    yield from _table(("Under the new policies", "Calls"), [(name, f"{count:,}") for name, count in report.outcomes.items()])
    yield from _table(
        ("Calls", "Principal", "Models", "Explanation"),
        [(f"{one.count:,}", one.principal, shorten(one.models), one.explanation) for one in report.impact],
    )
    yield from _table(
        ("Calls", "Before", "After", "Principal", "Action", "Resource", "Example"),
        [
            (f"{one.count:,}", one.before, one.after, one.principal, one.action, one.resource, one.example)
            for one in report.changes
        ],
    )
    broken = sum(one.is_broken for one in report.skipped)
    if broken:
        yield f"{broken:,} files or kinds of records could not be read; the JSON report names them."


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(map(_escape, row))} |"
    yield ""
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS:,} more"
        yield ""


def _escape(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
