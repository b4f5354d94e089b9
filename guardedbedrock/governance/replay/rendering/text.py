"""The report of a replay as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guardedbedrock.governance.replay.report import ReplayReport

MOST_ROWS: Final = 20
"""Rows of each table; the JSON report has all."""
_MOST_NAMES: Final = 3


def write_text(report: ReplayReport) -> str:
    """Write a report as text."""
    return "\n".join([*_lines(report), ""])


def headline(report: ReplayReport) -> str:
    """
    Return one sentence that says what the policy change does.

    >>> headline(ReplayReport(bedrock=1))
    'The new policies deny none of the 1 recorded calls that are allowed today.'
    """
    if not report.bedrock:
        return "The input has no call of Bedrock, so it does not show what the new policies deny."
    if not report.newly_denied:
        return f"The new policies deny none of the {report.bedrock:,} recorded calls that are allowed today."
    principals = f"{len(report.impact):,} principal{'s' if len(report.impact) > 1 else ''}"
    return f"The new policies would newly deny {report.newly_denied:,} of {report.bedrock:,} recorded calls, of {principals}."


def _lines(report: ReplayReport) -> Iterator[str]:
    yield headline(report)
    yield f"{report.events:,} records read, {report.bedrock:,} Bedrock calls, {report.distinct:,} distinct"
    yield "under the new policies: " + ", ".join(f"{count:,} {name}" for name, count in report.outcomes.items())
    yield "guardrail evidence: " + ", ".join(
        f"{report.evidence[kind]:,} {words}"
        for kind, words in (("guarded", "shown guarded"), ("unguarded", "shown unguarded"), ("none", "without evidence"))
    )
    yield from _section(
        "Principals to contact first",
        [[f"{one.count:>8,}  {one.principal}  {shorten(one.models or one.operations)}"] for one in report.impact],
    )
    yield from _section(
        "Changes, by authorization",
        [
            [
                f"{one.count:>8,}  {one.before} -> {one.after}  {one.principal}  {one.action} on {one.resource}",
                f"          {one.first} to {one.last}, for example {one.example}",
                f"          {one.explanation}",
            ]
            for one in report.changes
        ],
    )
    yield from _section(
        "Records that differ from the baseline; its policies or facts are incomplete",
        [
            [
                f"{one.count:>8,}  recorded {one.recorded}, baseline {one.verdict}  {one.principal}  {one.operation} {one.model}",
                f"          for example {one.example}: {one.explanation}",
            ]
            for one in report.divergences
        ],
    )
    yield from _section(
        "Calls that stay undecided", [[f"{one.count:>8,}  {one.reason}, for example {one.example}"] for one in report.undecided]
    )
    yield from _section("Not replayed", [[f"{one.count or '?':>8}  {one.file}: {one.reason}"] for one in report.skipped])
    yield from _section("What trails cannot show", [[f"  {one}"] for one in report.limits])
    if report.mantle:
        yield f"  This trail has {report.mantle:,} calls of bedrock-mantle."


def shorten(names: Sequence[str]) -> str:
    """List the first names, and the number of the others."""
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + rest


def _section(title: str, rows: list[list[str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
        # The lines of a row are separate texts, because a line feed in a value of a trail would look like another row.
        yield from (line.replace("\r", "\\r").replace("\n", "\\n") for row in rows[:MOST_ROWS] for line in row)
        if len(rows) > MOST_ROWS:
            yield f"          and {len(rows) - MOST_ROWS:,} more; --format json lists all"
