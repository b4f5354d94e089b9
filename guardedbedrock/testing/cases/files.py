"""Case files: found by name, glob or folder, and read whole or refused."""

from __future__ import annotations

from glob import glob
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.documents import load_json
from guardedbedrock.testing.cases.reading import Reader
from guardedbedrock.testing.cases.shapes import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardedbedrock.testing.cases.records import Case

_YAML: Final = (".yaml", ".yml")
_SUFFIXES: Final = (".json", *_YAML)
_NO_YAML: Final = "is YAML, which needs PyYAML: pip install 'guardedbedrock[testing]'"


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
    reader = Reader()
    homes: dict[str, Path] = {}
    cases: list[Case] = []
    for path in _find(sources):
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
            cases.append(case)
    return tuple(cases)


def _title(data: object, number: int) -> str:
    named = data.get("id") if isinstance(data, dict) else None
    return f"case `{named}`" if isinstance(named, str) and named else f"case number {number}"


def _cases(path: Path) -> list[object]:
    data = _parsed(path)
    if not isinstance(data, list):
        raise ConfigurationError(f"{path}: should be a list of cases")
    if not data:
        raise ConfigurationError(f"{path}: has no case")
    return data


def _parsed(path: Path) -> object:
    text = _text(path)
    if path.suffix not in _YAML:
        return load_json(text, file=str(path))
    try:
        parsed: object = import_module("guardedbedrock.testing.cases.as_yaml").load_yaml(text)
    except ModuleNotFoundError as error:
        if error.name != "yaml":
            raise
        raise ConfigurationError(f"{path}: {_NO_YAML}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return parsed


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: can not be read: {error.strerror}") from None


def _find(sources: Iterable[str | Path]) -> Iterator[Path]:
    """Give each file once, in the order of the sources."""
    seen: set[Path] = set()
    for source in sources:
        for path in _matches(source):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _matches(source: str | Path) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        return found or _nothing(f"{path}: has no *.json, *.yaml or *.yml in it")
    if path.exists():
        return [path]
    found = sorted(file for file in map(Path, glob(str(source), recursive=True)) if file.is_file())  # noqa: PTH207 - Path.glob is not absolute
    return found or _nothing(f"{source}: there is no such file")


def _nothing(problem: str) -> list[Path]:
    raise ConfigurationError(problem)
