"""The report of a replay as one HTML page without scripts and without requests to a network."""

from __future__ import annotations

from typing import Final

from guardedbedrock.governance.pages.render import render
from guardedbedrock.governance.replay.rendering.text import headline
from guardedbedrock.governance.replay.report import DENIED, ReplayReport

MOST_ROWS: Final = 500
"""Rows of each table; the JSON report has all."""

_EVIDENCE: Final = {"guarded": "shown guarded", "unguarded": "shown unguarded", "none": "no evidence"}


def write_page(report: ReplayReport) -> str:
    """
    Write a report as an HTML page.

    Raises:
        ConfigurationError: The extra ``report`` is not installed.
    """
    evidence = [(kind, words, report.evidence[kind]) for kind, words in _EVIDENCE.items()]
    return render(
        "replay.html.j2",
        report=report,
        headline=headline(report),
        evidence=evidence,
        model_calls=sum(report.evidence.values()),
        denied=DENIED,
        most=MOST_ROWS,
    )
