"""The HTML report of ``guardedbedrock replay`` in headless Chromium; see `check_page`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from harness.replay import ROLE, record, write_json, write_trail
from selenium.webdriver.common.by import By

from guardedbedrock.governance.replay.rendering.page import write_page
from guardedbedrock.governance.replay.run import replay

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

NASTY: Final = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Write the page of two denied calls, one by a user whose name is HTML."""
    user = {"type": "IAMUser", "arn": f"arn:aws:iam::123456789012:user/{NASTY}", "accountId": "123456789012"}
    write_trail(tmp_path / "trail", record(1), record(2, userIdentity=user))
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    page = tmp_path / "replay.html"
    page.write_text(write_page(replay([tmp_path / "trail"], write_json(tmp_path / "deny.json", deny))), "utf-8")
    return page


def test_the_report_names_the_principals_and_runs_no_script(chromium: Chrome, report: Path) -> None:
    chromium.get_log("browser")
    chromium.get(report.as_uri())
    assert chromium.title == "Replay: 2 newly denied calls"
    assert "would newly deny 2 of 2 recorded calls" in chromium.find_element(By.ID, "headline").text
    impact = chromium.find_element(By.ID, "impact").text
    assert ROLE in impact
    assert NASTY in impact
    assert chromium.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_report_fits_the_screen_in_both_schemes(chromium: Chrome, report: Path, width: int, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    chromium.get(report.as_uri())
    wide, back = chromium.execute_script(
        "return [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]"
    )
    assert wide <= width
    assert back == {"light": "rgb(246, 247, 249)", "dark": "rgb(16, 19, 24)"}[scheme]
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
