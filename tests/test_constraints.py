"""The constraints pin every package, so that a new release elsewhere does not break this project."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PINNED: Final = [Requirement(line) for line in (ROOT / "tests" / "constraints.txt").read_text("utf-8").splitlines()]
INSTALLED: Final = ("cli", "testing")
"""The extras that the Makefile installs."""


def test_what_the_makefile_installs_is_pinned() -> None:
    """If this fails, run `make constraints`, or add a line with the version that `pip list` shows."""
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *(one for extra in INSTALLED for one in extras[extra])]
    asked += [text for group in PROJECT["dependency-groups"].values() for text in group]
    pinned = {canonicalize_name(one.name) for one in PINNED}

    assert [text for text in asked if canonicalize_name(Requirement(text).name) not in pinned] == []


def test_a_pin_is_one_version_of_a_package_of_the_index() -> None:
    """No host, no path, no range."""
    assert [str(one) for one in PINNED if one.url or [each.operator for each in one.specifier] != ["=="]] == []
