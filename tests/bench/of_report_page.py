"""Measure the page of `guardedbedrock report` in Chromium, for an account of 500 principals, 20 guardrails and 60 models."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.access import large
from harness.chromium import DRAW, start
from measuring import Row

from guardedbedrock.governance.report.build import build
from guardedbedrock.governance.report.page import write_page
from guardedbedrock.governance.report.scope_of_snapshot import of_snapshot
from guardedbedrock.iam.account.snapshot import write_snapshot

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FILTERS: Final = (("principal", "team-7"), ("principal", ""), ("model", "model-1"), ("decision", "allowed"), ("guardrail", "5"))
ROUNDS: Final = 5
PARTS: Final = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")


def report_page() -> Iterator[Row]:
    """How long the page takes to open, and the processor time of a filter: of each the quickest of five."""
    if find_spec("selenium") is None or not (shutil.which("chromium") and shutil.which("chromedriver")):
        print("report_page is not measured: it needs the browser of `make browser`", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_snapshot(large(), Path(folder, "large.json"))
        page = Path(folder, "large.html")
        page.write_text(write_page(build(of_snapshot(Path(folder, "large.json")), proof=False)), "utf-8")
        chromium = start(Path(folder, "profile"))
        try:
            chromium.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
            rounds = [_round(chromium, page.as_uri()) for _ in range(ROUNDS)]
        finally:
            chromium.quit()
    opened, *drawn = map(min, zip(*rounds, strict=True))
    yield Row("report of a large account, the page opens", 2000, opened, "ms")
    yield Row("report of a large account, the slowest filter, processor time", 100, max(drawn), "ms")


def _round(chromium: Chrome, address: str) -> list[float]:
    """Open the page and set every filter; the filters add up. Return what each step took, in ms."""
    return [_open(chromium, address), *(_draw(chromium, *one) for one in FILTERS)]


def _open(chromium: Chrome, address: str) -> float:
    """Open the page, and return how long that took, in ms."""
    chromium.get(address)
    took: float = chromium.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    return took


def _draw(chromium: Chrome, field: str, text: str) -> float:
    """Set a filter, and return the processor time that the page used for it, in ms."""
    before = _processor_time(chromium)
    chromium.execute_script(DRAW, field, text)
    return _processor_time(chromium) - before


def _processor_time(chromium: Chrome) -> float:
    """Return the processor time that the page has used, in ms."""
    metrics: list[dict[str, Any]] = chromium.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * sum(float(one["value"]) for one in metrics if one["name"] in PARTS)
