"""The page of errors is complete, and shows what its examples print."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "errors.md").read_text("utf-8")
NAMES: Final = [name for name in errors.__all__ if name.endswith("Error")]
ROWS: Final = dict(re.findall(r"^\| `(\w+Error)` \| (.+) \|$", PAGE, re.MULTILINE))


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    monkeypatch.syspath_prepend(str(DOCS))
    return runpy.run_path(str(DOCS / "generate_errors.py"))


def test_the_page_is_the_one_that_the_code_generates(generator: Mapping[str, Any]) -> None:
    """If this fails, run `make docs`. The examples of the page are run to write it."""
    assert generator["page"]().splitlines() == PAGE.splitlines()


def test_every_error_has_a_row_that_says_when_and_what_to_do() -> None:
    assert sorted(ROWS) == sorted(NAMES)
    for row in ROWS.values():
        when, _, fix = row.split(" | ")
        assert when.endswith(".")
        assert fix.endswith(".")


def instance(name: str) -> Any:
    """Make an error with what its constructor requires."""
    cls = getattr(errors, name)
    if issubclass(cls, errors.AccessDeniedError | errors.StreamInterruptedError):
        return cls(message="m", operation_name="Converse")
    if issubclass(cls, errors.GuardrailInterventionError):
        return cls(operation_name="Converse", response={}, intervention=None)
    if issubclass(cls, errors.UnguardedReplyError):
        return cls(operation_name="Converse", response={}, guardrail=("abc", "3"))
    return cls("m")


@pytest.mark.parametrize("name", NAMES)
def test_the_attributes_of_an_error_are_those_of_the_page(name: str) -> None:
    """The attributes are exactly those in its row and in the rows of its base classes."""
    bases = [base.__name__ for base in type(instance(name)).__mro__]
    listed = {each for base in bases if base in ROWS for each in re.findall(r"`(\w+)`", ROWS[base].split(" | ")[1])}
    error = instance(name)
    botocore = {"MSG_TEMPLATE", "MAX_INTERMEDIATE_ATTRIBUTE"}
    properties = (each for base in type(error).__mro__ for each, value in vars(base).items() if isinstance(value, property))
    own = {*vars(error), *properties}

    assert {each for each in own - botocore if not each.startswith("_")} == listed
