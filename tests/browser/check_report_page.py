"""The page of ``guardedbedrock report`` in headless Chromium; see `check_page`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.access import ALLOW, APPLY, APPROVED, CALLS, MODEL, REQUIRE, large, principal, role, write
from harness.chromium import DRAW
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from guardedbedrock.governance.report.build import build
from guardedbedrock.governance.report.page import write_page
from guardedbedrock.governance.report.scope_of_snapshot import of_snapshot
from guardedbedrock.iam.account.snapshot import write_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
NASTY: Final = "</script><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
OFFICE: Final = {
    "Effect": "Deny",
    "Action": "*",
    "Resource": "*",
    "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
}
ADMIN: Final = {"Sid": "Admin", "Effect": "Allow", "Action": "bedrock:UpdateGuardrail", "Resource": "*"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a small account; a name of it is HTML."""
    folder = tmp_path_factory.mktemp("report")
    people = (
        principal("Open", ALLOW, APPLY),
        principal("Guarded", ALLOW, APPLY, REQUIRE),
        principal("Twin", ALLOW, APPLY, REQUIRE),
        principal("Leaky", ALLOW, APPLY, {**REQUIRE, "Action": CALLS[0]}),
        principal("Office", ALLOW, APPLY, REQUIRE, OFFICE),
        principal(NASTY, ADMIN),
    )
    gaps = [{"section": "scp", "api": "organizations:ListPoliciesForTarget", "error": "AccessDenied", "principal": role(NASTY)}]
    file = folder / "report.html"
    file.write_text(write_page(build(of_snapshot(write(folder, *people, gaps=gaps), models=[MODEL, "acme.b"]))), "utf-8")
    return file


@pytest.fixture
def opened(chromium: Chrome, page: Path) -> Iterator[Chrome]:
    """Open the page. Afterwards the browser has reported no error, and no request has left."""
    chromium.get_log("browser")
    chromium.get(page.as_uri())
    yield chromium
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    assert chromium.title == "Access report of account 123456789012"
    chromium.get("about:blank")


def matrix(chromium: Chrome) -> dict[str, list[str]]:
    """Read the rows of the matrix."""
    rows = chromium.find_elements(By.CSS_SELECTOR, "#matrix tbody tr")
    read = ([cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in rows)
    return {name.replace(role(""), ""): cells for name, *cells in read}


def press(chromium: Chrome, kind: str) -> None:
    chromium.find_element(By.CSS_SELECTOR, f"[data-kind={kind}]").click()


def fill_in(chromium: Chrome, field: str, text: str) -> None:
    element = chromium.find_element(By.ID, field)
    element.clear()
    element.send_keys(text)


def test_the_page_shows_every_decision_with_open_calls_first(opened: Chrome) -> None:
    assert opened.find_element(By.ID, "headline").text == "2 of 6 principals can call a model without a guardrail"
    assert matrix(opened) == {
        "Leaky": ["Converse: explicitDeny, ConverseStream: allowed"],
        "Open": ["allowed"],
        NASTY: ["implicitDeny"],
        "Guarded and 1 more": ["explicitDeny"],
        "Office": ["explicitDeny"],
    }
    press(opened, "approved")
    assert matrix(opened) == {
        "Leaky": ["allowed"],
        "Open": ["allowed"],
        NASTY: ["implicitDeny"],
        "Guarded and 1 more": ["allowed"],
        "Office": ["indeterminate\ndepends on aws:SourceIp"],
    }
    assert "service control policies" in opened.find_element(By.ID, "gaps").text
    assert "signed with SigV4" in opened.find_element(By.ID, "assumptions").text
    changes = opened.find_element(By.ID, "changes").text
    assert NASTY in changes
    assert "bedrock:UpdateGuardrail" in changes


def test_a_cell_opens_its_explanation_and_gives_the_focus_back(opened: Chrome) -> None:
    row = next(one for one in opened.find_elements(By.CSS_SELECTOR, "#matrix tbody tr") if "Guarded" in one.text)
    cell = row.find_element(By.CSS_SELECTOR, "td button")
    cell.send_keys(Keys.ENTER)

    details = opened.find_element(By.ID, "details")
    assert details.is_displayed()
    assert "Calls in us-east-1 without a guardrail" in details.text
    assert f"statement `Require` denies this when `bedrock:GuardrailIdentifier` is not `{APPROVED}`" in details.text
    assert "identity-based policy" in details.text
    opened.find_element(By.ID, "close").click()
    assert not details.is_displayed()
    assert opened.switch_to.active_element == cell


def test_filters_select_rows_and_columns(opened: Chrome) -> None:
    fill_in(opened, "principal", "twin")
    assert list(matrix(opened)) == ["Twin"]
    fill_in(opened, "principal", "")
    opened.find_element(By.ID, "unguarded").click()
    assert list(matrix(opened)) == ["Leaky", "Open"]
    opened.find_element(By.ID, "unguarded").click()
    press(opened, "approved")
    opened.execute_script(DRAW, "decision", "indeterminate")
    assert list(matrix(opened)) == ["Office"]
    opened.execute_script(DRAW, "decision", "")
    fill_in(opened, "model", "acme")
    assert [one.text for one in opened.find_elements(By.CSS_SELECTOR, "#matrix thead th")] == ["Principals", "acme.b"]
    fill_in(opened, "model", "nothing")
    assert "0 models in 0 columns" in opened.find_element(By.ID, "shown").text


def test_rows_and_columns_list_what_they_group(opened: Chrome) -> None:
    opened.find_element(By.CSS_SELECTOR, "#matrix thead button").click()
    assert [one.text for one in opened.find_elements(By.CSS_SELECTOR, "#details li")] == [MODEL, "acme.b"]
    opened.find_element(By.ID, "close").click()
    opened.find_element(By.CSS_SELECTOR, "#matrix tbody th button").click()
    assert [one.text for one in opened.find_elements(By.CSS_SELECTOR, "#details li")] == [role("Guarded"), role("Twin")]
    opened.find_element(By.ID, "close").click()
    opened.find_element(By.CSS_SELECTOR, "#proofs summary").send_keys(Keys.ENTER)
    assert role("Twin") in opened.find_element(By.ID, "proofs").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_fits_the_screen_and_is_accessible(opened: Chrome, width: int, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    assert findings_of_axe(opened) == []
    opened.find_element(By.CSS_SELECTOR, "#matrix tbody td button").click()
    assert findings_of_axe(opened) == []
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_compressed_page_draws_and_explains(chromium: Chrome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_snapshot(large(), tmp_path / "large.json")
    report = build(of_snapshot(tmp_path / "large.json"), proof=False)
    monkeypatch.setattr("guardedbedrock.governance.report.page.LARGEST", len(write_page(report)) - 1)
    file = tmp_path / "report.html"
    file.write_text(write_page(report), "utf-8")
    page = file.read_text("utf-8")
    assert 'type="text/plain" id="data"' in page
    assert "Explanations were left out" not in page

    chromium.get_log("browser")
    chromium.get(file.as_uri())
    WebDriverWait(chromium, 20).until(lambda _: chromium.find_elements(By.CSS_SELECTOR, "#matrix tbody tr"))
    chromium.find_element(By.CSS_SELECTOR, "#matrix tbody td button").click()

    details = chromium.find_element(By.ID, "details").text
    assert "statement `Call12` allows this only on" in details
    assert "bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/acme.model-" in details
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)") == []


def findings_of_axe(chromium: Chrome) -> list[Any]:
    """Return what axe-core finds."""
    # The protocol of the developer tools runs it; the policy of the page rejects every script but its own.
    chromium.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    found: list[Any] = chromium.execute_async_script(
        "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((one) => "
        "[one.id, one.nodes.map((node) => node.html + node.failureSummary)])));"
    )
    return found


def test_a_large_account_draws_only_the_first_rows(chromium: Chrome, tmp_path: Path) -> None:
    """How long the page takes is measured by `make bench`; here is what bounds it."""
    write_snapshot(large(guardrails=7, policies=500), tmp_path / "large.json")
    file = tmp_path / "large.html"
    file.write_text(write_page(build(of_snapshot(tmp_path / "large.json"), proof=False)), "utf-8")
    chromium.get(file.as_uri())
    WebDriverWait(chromium, 20).until(lambda _: chromium.find_elements(By.CSS_SELECTOR, "#matrix tbody tr"))

    def drawn() -> int:
        count: int = chromium.execute_script("return document.querySelectorAll('#matrix tbody tr').length")
        return count

    counts = [drawn()]
    for text in ("team-7-", ""):
        chromium.execute_script(DRAW, "principal", text)
        counts.append(drawn())
    chromium.find_element(By.ID, "more").click()
    counts.append(drawn())
    chromium.execute_script(DRAW, "decision", "denied")
    counts.append(drawn())

    assert counts == [40, 1, 40, 80, 40]
