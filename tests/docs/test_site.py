"""The documentation site lists every page once, and needs no file that the build creates."""

from __future__ import annotations

import fnmatch
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from harness.pages import DOCS, ROOT

CONFIG: Final[dict[str, Any]] = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
GROUPS: Final = ["Home", "Tutorial", "How-to guides", "Reference", "Explanation"]


def entries(nav: Any) -> Iterator[str]:
    """Yield the pages of the navigation."""
    if isinstance(nav, str):
        yield nav
    for one in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from entries(one)


def test_every_page_has_one_entry_in_the_navigation() -> None:
    """A new page of `docs/` needs a line under `nav` in mkdocs.yml, in the group that it belongs to."""
    listed = sorted(entries(CONFIG["nav"]))
    outside = [pattern.removeprefix("/") for pattern in CONFIG["not_in_nav"].split()]
    excluded = [pattern.removeprefix("/") for pattern in CONFIG["exclude_docs"].split()]
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    missing = [
        page
        for page in pages
        if page not in listed
        and not any(fnmatch.fnmatch(page, pattern) for pattern in outside)
        and not any(page.startswith(folder) for folder in excluded if folder.endswith("/"))
    ]

    assert missing == [], "add these pages to `nav` in mkdocs.yml"
    assert len(listed) == len(set(listed))
    assert [page for page in listed if not (DOCS / page).is_file()] == []


def test_the_pages_are_grouped_by_what_a_reader_needs() -> None:
    assert [next(iter(group)) for group in CONFIG["nav"]] == GROUPS


def test_the_build_is_strict_and_versioned() -> None:
    links, nav = CONFIG["validation"]["links"], CONFIG["validation"]["nav"]
    plugins = [name for one in CONFIG["plugins"] for name in (one if isinstance(one, dict) else [one])]

    assert CONFIG["strict"] is True
    assert {*links.values(), *nav.values()} == {"warn"}
    assert links.keys() == {"not_found", "anchors", "absolute_links", "unrecognized_links"}
    assert plugins == ["search", "mkdocstrings", "mike"]
    assert CONFIG["extra"]["version"]["provider"] == "mike"


def test_the_built_site_is_not_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "site"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607

    assert listed.stdout == ""
    assert "/site/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


REFERENCE: Final = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
MODULES: Final = sorted(set(re.findall(r"^::: ([\w.]+)$", REFERENCE, re.MULTILINE)))


@pytest.mark.parametrize("name", MODULES)
def test_each_name_of_the_reference_can_be_imported(name: str) -> None:

    assert pkgutil.resolve_name(name) is not None
