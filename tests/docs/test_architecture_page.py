from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the script that writes the page, and return its names."""
    monkeypatch.syspath_prepend(str(DOCS))
    return runpy.run_path(str(DOCS / "generate_architecture.py"))


def test_architecture_page_is_current(script: dict[str, Any]) -> None:
    """If it fails, run ``make docs``."""
    assert script["page"]().splitlines() == (DOCS / "architecture.md").read_text("utf-8").splitlines()


def test_the_picture_is_current_and_shows_every_room(script: dict[str, Any]) -> None:
    """If it fails, run ``make docs``."""
    drawn = (DOCS / "architecture.svg").read_text("utf-8")
    names = [element.text for element in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314

    assert script["picture"]() == drawn
    assert [room for layer in script["layers"]() for room in layer if script["path_of"](room)[0] not in names] == []


def test_every_cache_says_its_key_and_reason(script: dict[str, Any]) -> None:
    comments = [(file, name, why) for file, found in script["cached"]().items() for name, why in found]

    assert len(comments) > 20
    assert len(list(script["object_caches"]())) > 10
    assert [each for each in comments if not each[2].startswith(("keyed by ", "made once", "computed once"))] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "README.md", "docs/architecture.md"])
def test_every_path_on_the_page_exists(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    paths = re.findall(r"`((?:guardedbedrock|tests|docs|examples)/[\w./-]*)`", text)
    links = [link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if link]
    missing = [path for path in paths if not (ROOT / path).exists()]
    missing += [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]

    assert paths or links
    assert missing == []


def test_every_make_target_of_the_contribution_guide_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))

    assert len(named) > 5
    assert named <= targets
