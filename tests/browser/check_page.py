"""
The page of ``guardedbedrock serve`` in headless Chromium, as ``make browser`` runs it: Debian's chromium and chromium-driver.

pytest does not collect this file by its name, because ``make test`` must not need a browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness.serve import MODEL, ask
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from guardedbedrock.cli.serve.configuration import read
from guardedbedrock.cli.serve.page import BedrockWithPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG: Final = """
[[guardrails]]
id = "abc123def456"
version = "3"
denied_words = ["salary"]

[policies]
identity = [{ Version = "2012-10-17", Statement = [
  { Sid = "All", Effect = "Allow", Action = "bedrock:*", Resource = "*" },
  { Sid = "NoOpus", Effect = "Deny", Action = "*", Resource = "arn:aws:bedrock:*::foundation-model/anthropic.claude-3-opus*" },
] }]
"""
HR: Final = {"guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "3"}}
OPUS: Final = "anthropic.claude-3-opus-20240229-v1:0"
NASTY: Final = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> & </pre>"
WIDTHS: Final = (1200, 390)
SCHEMES: Final = ("light", "dark")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[BedrockWithPage]:
    """Serve with a guardrail and a policy."""
    (tmp_path / "serve.toml").write_text(CONFIG, "utf-8")
    with BedrockWithPage(**read(tmp_path / "serve.toml").options) as server:
        yield server


@pytest.fixture
def page(chromium: Chrome, served: BedrockWithPage) -> Iterator[Chrome]:
    """Open the page; the browser log of earlier tests is discarded."""
    chromium.get_log("browser")
    chromium.get(served.endpoint_url)
    until(chromium, lambda: text(chromium, "#state") == "Live")
    yield chromium
    chromium.get("about:blank")


@pytest.fixture
def client(served: BedrockWithPage) -> Iterator[Any]:
    """Create a client of the server."""
    once = Config(retries={"total_max_attempts": 1, "mode": "standard"}, signature_version="v4")
    client = boto3.Session().client("bedrock-runtime", **served.client_kwargs(), config=once)
    yield client
    client.close()


def until(page: Chrome, condition: Any) -> None:
    """Wait until a condition is true."""
    WebDriverWait(page, 20, poll_frequency=0.1).until(lambda _: condition())


def text(page: Chrome, selector: str) -> str:
    return page.find_element(By.CSS_SELECTOR, selector).text


def rows(page: Chrome) -> list[list[str]]:
    """Read the visible rows: operation, model, guardrail, outcome."""
    seen = [row for row in page.find_elements(By.CSS_SELECTOR, ".call") if row.is_displayed()]
    names = (".operation", ".model", ".guardrail", ".outcome")
    return [[row.find_element(By.CSS_SELECTOR, name).text for name in names] for row in seen]


def denied(client: Any) -> None:
    with pytest.raises(ClientError):
        client.converse(**ask(**HR) | {"modelId": OPUS})


def test_without_a_request_the_page_shows_how_to_send_one(page: Chrome, served: BedrockWithPage) -> None:
    assert text(page, "#nothing").startswith("No requests yet.")
    assert f"export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={served.endpoint_url}" in text(page, "#variables")
    assert text(page, "#where") == f"{served.endpoint_url.removeprefix('http://')}, us-east-1"


def test_requests_appear_live_with_the_newest_first(page: Chrome, client: Any) -> None:
    client.converse(**ask())
    until(page, lambda: len(rows(page)) == 1)
    client.converse(**ask("my salary", **HR))
    denied(client)
    until(page, lambda: len(rows(page)) == 3)

    assert rows(page) == [
        ["Converse", OPUS, "abc123def456 version 3", "denied"],
        ["Converse", MODEL, "abc123def456 version 3", "intervened"],
        ["Converse", MODEL, "no guardrail", "200"],
    ]
    assert not page.find_element(By.ID, "nothing").is_displayed()
    counts = {name: text(page, f"#count-{name}") for name in ("all", "denied", "intervened", "failed")}
    assert counts == {"all": "3", "denied": "1", "intervened": "1", "failed": "0"}


def test_a_request_shows_iam_decisions_and_guardrail_assessments(page: Chrome, client: Any) -> None:
    client.converse(**ask("my salary", **HR))
    denied(client)
    until(page, lambda: len(rows(page)) == 2)

    opened = []
    for summary in page.find_elements(By.CSS_SELECTOR, "summary"):
        summary.click()
        more = summary.find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, ".more")
        until(page, lambda more=more: "Request ID" in more.text)
        opened.append(more.text)

    refused, blocked = opened
    assert "explicitDeny bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/" + OPUS in refused
    assert "with an explicit deny in an identity-based policy" in refused
    assert "allowed bedrock:ApplyGuardrail on arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456" in blocked
    assert "statement All" in blocked
    assert "BLOCKED prompt, arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456 version 3" in blocked
    assert "wordPolicy: salary (BLOCKED)" in blocked
    assert '"text": "my salary"' in blocked


def test_open_details_stay_open_while_requests_arrive(page: Chrome, client: Any) -> None:
    client.converse(**ask("first"))
    until(page, lambda: len(rows(page)) == 1)
    page.find_element(By.CSS_SELECTOR, "summary").click()
    client.converse(**ask("second"))
    until(page, lambda: len(rows(page)) == 2)

    open_now = page.find_elements(By.CSS_SELECTOR, "details[open]")
    assert ["first" in one.text for one in open_now] == [True]


def test_a_filter_applies_to_later_requests(page: Chrome, client: Any) -> None:
    client.converse(**ask())
    until(page, lambda: len(rows(page)) == 1)
    page.find_element(By.CSS_SELECTOR, "[data-show=denied]").click()
    assert rows(page) == []
    client.converse(**ask())
    denied(client)
    until(page, lambda: text(page, "#count-all") == "3")

    assert [row[3] for row in rows(page)] == ["denied"]
    page.find_element(By.CSS_SELECTOR, "[data-show=all]").click()
    assert len(rows(page)) == 3


def test_markup_in_a_prompt_is_shown_as_text(page: Chrome, client: Any) -> None:
    client.converse(**ask(NASTY))
    with pytest.raises(ClientError):
        client.converse(**ask(guardrailConfig={"guardrailIdentifier": "no", "guardrailVersion": "3"}))
    until(page, lambda: len(rows(page)) == 2)
    for summary in page.find_elements(By.CSS_SELECTOR, "summary"):
        summary.click()
    until(page, lambda: "onerror" in page.find_element(By.CSS_SELECTOR, ".call:last-child pre").text)

    assert page.title == "Fake Bedrock"
    assert page.find_elements(By.CSS_SELECTOR, "main img, main script") == []
    assert json_text(page).count("<img src=x") == 1


def json_text(page: Chrome) -> str:
    return page.find_element(By.CSS_SELECTOR, ".call:last-child pre").text


def test_a_stopped_server_is_shown_and_the_rows_stay(page: Chrome, served: BedrockWithPage, client: Any) -> None:
    client.converse(**ask())
    until(page, lambda: len(rows(page)) == 1)
    served.close()

    until(page, lambda: text(page, "#state") == "No connection to the server")
    assert len(rows(page)) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_the_window_and_has_readable_contrast(page: Chrome, client: Any, width: int, scheme: str) -> None:
    """No horizontal scrolling, and a contrast of at least 4.5 to 1 for every text, as WCAG requires."""
    client.converse(**ask("my salary", **HR))
    denied(client)
    client.converse(**ask())
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
    until(page, lambda: len(rows(page)) == 3)
    for summary in page.find_elements(By.CSS_SELECTOR, "summary"):
        summary.click()
    until(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "details[open] pre")) == 3)

    assert page.execute_script(f"return matchMedia('(prefers-color-scheme: {scheme})').matches")
    assert page.execute_script("return [innerWidth, document.documentElement.scrollWidth <= innerWidth]") == [width, True]
    assert page.execute_script(CONTRASTS) == []
    assert page.get_log("browser") == []


CONTRASTS: Final = """
const parse = (color) => color.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
document.getAnimations().forEach((animation) => animation.finish());
return [...document.querySelectorAll("body *")]
  .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) && node.offsetParent)
  .map((node) => {
    const [one, other] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    return [node.textContent.slice(0, 40), (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
  })
  .filter(([, ratio]) => ratio < 4.5);
"""
