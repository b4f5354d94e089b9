"""Headless Chromium: Debian's chromium and chromium-driver, with Selenium."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
DRAW: Final = """
const field = document.getElementById(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event("input"));
document.body.offsetHeight;
"""
"""Sets a filter of the report page, and waits until the page is laid out."""


def start(profile: Path) -> Chrome:
    """Start Chromium with its profile in a folder; the caller quits it."""
    # Imported here because only the environments with Selenium start a browser.
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService  # noqa: PLC0415

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    return Chrome(options=options, service=ChromeService(shutil.which("chromedriver") or "/usr/bin/chromedriver"))
