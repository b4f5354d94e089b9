"""Loads case files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.cases.files import find, parse_file
from guardedbedrock.testing.cases.reader import CaseReader
from guardedbedrock.testing.cases.shapes import Location
from guardedbedrock.testing.cases.suites import expand

if TYPE_CHECKING:
    from pathlib import Path

    from guardedbedrock.testing.cases.proof_cases import ProofCase
    from guardedbedrock.testing.cases.records import Case


def load(*sources: str | Path) -> tuple[Case | ProofCase, ...]:
    """
    Load all cases of files, glob patterns and folders.

    Args:
        sources: A folder means all ``*.json``, ``*.yaml`` and ``*.yml`` below it. A file that is named twice is loaded once.

    Raises:
        PolicySyntaxError: A policy is invalid. The message contains file, case and JSON pointer.
        ConfigurationError: A file is missing, is not JSON or YAML, or has no case. Or a case has an unknown or missing field, a
            value of the wrong type, or the id of another case.
    """
    return tuple(read(*sources))


def read(*sources: str | Path) -> Iterator[Case | ProofCase]:
    """
    Load the cases that `load` returns one by one. An error in a later case is raised after the cases before it.

    Raises:
        PolicySyntaxError, ConfigurationError: As `load`.
    """
    reader = CaseReader()
    files: dict[str, Path] = {}
    for path in find(sources):
        for number, data in enumerate(_cases(path), start=1):
            location = Location(f"{path}: {_title(data, number)}")
            try:
                case = reader.case(data, location, str(path))
            except RecursionError:
                location.fail("is nested too deeply")
            if case.id in files:
                other = "" if files[case.id] == path else f", also in {files[case.id]}"
                location.fail(f"the id is not unique{other}; give each case another id")
            files[case.id] = path
            yield case


def _title(data: object, number: int) -> str:
    named = data.get("id") if isinstance(data, dict) else None
    return f"case `{named}`" if isinstance(named, str) and named else f"case number {number}"


def _cases(path: Path) -> list[object]:
    data = parse_file(path)
    try:
        cases = expand(data, path) if isinstance(data, Mapping) else data
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    if not isinstance(cases, list):
        raise ConfigurationError(f"{path}: expected a list of cases, or an object with a list under `cases`")
    if not cases:
        raise ConfigurationError(f"{path}: has no case; add one, or remove the file")
    return cases
