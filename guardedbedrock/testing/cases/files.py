"""Case files: found by name, glob or folder, and read whole or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.cases.finding import find
from guardedbedrock.testing.cases.parsing import parse_file
from guardedbedrock.testing.cases.reading import Reader
from guardedbedrock.testing.cases.shapes import Place
from guardedbedrock.testing.cases.suites import write_out

if TYPE_CHECKING:
    from pathlib import Path

    from guardedbedrock.testing.cases.records import Case


def load(*sources: str | Path) -> tuple[Case, ...]:
    """
    Read every case of some files, globs and folders.

    Args:
        sources: A folder stands for all ``*.json``, ``*.yaml`` and ``*.yml`` below it. A file that is named twice is read once.

    Raises:
        PolicySyntaxError: A policy can not be read, with file, case and JSON pointer.
        ConfigurationError: A file is missing, is no JSON or YAML, has no case, or a case has a stray or missing field, a value of
            the wrong type, or an id that stands twice in whatever file.
    """
    return tuple(read(*sources))


def read(*sources: str | Path) -> Iterator[Case]:
    """
    Read the cases that `load` reads, one by one; that all of them can be read is sure at the end only.

    Raises:
        PolicySyntaxError, ConfigurationError: As `load`.
    """
    reader = Reader()
    homes: dict[str, Path] = {}
    for path in find(sources):
        for number, data in enumerate(_cases(path), start=1):
            place = Place(f"{path}: {_title(data, number)}")
            try:
                case = reader.case(data, place, str(path))
            except RecursionError:
                place.fail("is nested too deeply")
            if case.id in homes:
                also = "" if homes[case.id] == path else f", in {homes[case.id]} too"
                place.fail(f"the id stands twice{also}; give each case its own")
            homes[case.id] = path
            yield case


def _title(data: object, number: int) -> str:
    named = data.get("id") if isinstance(data, dict) else None
    return f"case `{named}`" if isinstance(named, str) and named else f"case number {number}"


def _cases(path: Path) -> list[object]:
    data = parse_file(path)
    try:
        cases = write_out(data, path) if isinstance(data, Mapping) else data
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    if not isinstance(cases, list):
        raise ConfigurationError(f"{path}: should be a list of cases, or a suite that has one under `cases`")
    if not cases:
        raise ConfigurationError(f"{path}: has no case")
    return cases
