"""Headless Chromium for all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness.chromium import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Start Chromium once, with an empty profile."""
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()
