"""The report of a replay as one HTML page without scripts and without requests to a network."""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.report import DENIED, ReplayReport
from guardedbedrock.governance.replay.text import headline

MOST_ROWS: Final = 500
"""Rows of each table; the JSON report has all."""

_TEMPLATE: Final = "page.html.j2"
_EVIDENCE: Final = {"guarded": "shown guarded", "unguarded": "shown unguarded", "none": "no evidence"}


def write_page(report: ReplayReport) -> str:
    """
    Write a report as an HTML page.

    Raises:
        ConfigurationError: The extra ``report`` is not installed.
    """
    environment = _environment()
    template = environment.from_string(resources.files(__package__).joinpath(_TEMPLATE).read_text("utf-8"))
    evidence = [(kind, words, report.evidence[kind]) for kind, words in _EVIDENCE.items()]
    page: str = template.render(
        report=report,
        headline=headline(report),
        evidence=evidence,
        model_calls=sum(report.evidence.values()),
        denied=DENIED,
        most=MOST_ROWS,
    )
    return page


def _environment() -> Any:
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # the extra `report`
    except ModuleNotFoundError:
        raise ConfigurationError("an HTML report needs jinja2; run pip install 'guardedbedrock[report]'") from None
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters["grouped"] = lambda number: f"{number:,}"
    return environment
