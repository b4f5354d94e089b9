"""docs/frameworks.md matches the framework tests; its code runs in the environments of the frameworks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from frameworks import page

FOLDER = Path(page.__file__).parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/requirements.in"))
ROWS = page.rows()


def test_the_table_lists_every_framework_that_is_tested() -> None:
    assert sorted(ROWS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_version_is_the_one_that_is_tested(name: str) -> None:
    package, _, version = ROWS[name].version.partition(" ")

    assert f"{package}=={version}" in (FOLDER / name / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_every_pin_is_exact_and_names_no_host(name: str) -> None:
    lines = (FOLDER / name / "requirements.txt").read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; [^:]+)?", line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_column_of_the_table_has_a_test(name: str) -> None:
    """The tests are named ``test_sync``, ``test_async``, and ``..._stream`` for streams."""
    files = [*(FOLDER / name).glob("test_*.py"), *FOLDER.glob(f"{name.removesuffix('-httpx')}_sdk.py")]
    row, tests = ROWS[name], "".join(path.read_text() for path in files)
    tested = ["def test_sync(" in tests, "def test_async(" in tests, "_stream(fake" in tests]

    assert [cell == "yes" for cell in (row.sync, row.asynchronous, row.stream)] == tested
    assert {row.sync, row.asynchronous, row.stream} <= {"yes", "no"}


@pytest.mark.parametrize("name", NAMES)
def test_each_section_shows_code(name: str) -> None:
    assert page.snippets(name) != []
