"""
The budgets beside what was measured, as one table; nothing here passes or fails.

Ratios compare two things in one run, in turns, so that a slow machine slows both. Each part is a function in a separate
module that yields rows; name parts on the command line to measure only those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from measuring import Row
from of_clients import clients
from of_engine import engine
from of_fake import fake
from of_http import http
from of_imports import imports
from of_lint import lint
from of_machine import machine
from of_plugin import plugin
from of_policy_tests import policy_tests
from of_preflight import preflight
from of_proof import proof
from of_replay import replay
from of_report_page import report_page
from of_sources import sources
from of_telemetry import telemetry

PARTS: Final[Sequence[Callable[[], Iterator[Row]]]] = (
    machine,
    engine,
    preflight,
    telemetry,
    clients,
    fake,
    http,
    imports,
    lint,
    plugin,
    policy_tests,
    proof,
    replay,
    report_page,
    sources,
)


def main(names: Sequence[str]) -> None:
    """Measure the parts that are named, or all of them, and print the table."""
    print(f"{'what':62} {'budget':>9} {'measured':>10}          {'cedarpy':>9} {'ratio':>6}")
    for part in PARTS:
        for row in part() if not names or part.__name__ in names else ():
            print(_line(row), flush=True)


def _line(row: Row) -> str:
    free = row.budget != row.budget  # not a number: no budget
    verdict = "" if free else "met" if row.measured <= row.budget else "NOT MET"
    budget = "-" if free else f"{row.budget:g} {row.unit}"
    beside = f"{row.cedar:>6.0f} {row.unit} {row.cedar / row.measured:>5.0f}x" if row.cedar else ""
    return f"{row.what:62} {budget:>9} {row.measured:>7.2f} {row.unit:2} {verdict:8} {beside}".rstrip()


if __name__ == "__main__":
    main(sys.argv[1:])
