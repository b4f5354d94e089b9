"""Finds the files of policy tests, and parses JSON and YAML."""

from __future__ import annotations

from decimal import Decimal
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.settings.reader import parse_json, parse_yaml, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_YAML: Final = (".yaml", ".yml")
_SUFFIXES: Final = (".json", *_YAML)


def find(sources: Iterable[str | Path], base: Path | None = None) -> Iterator[Path]:
    """
    Find files. Each file is found once, in the order of the sources.

    Args:
        sources: Names, glob patterns and folders. A folder means all ``*.json``, ``*.yaml`` and ``*.yml`` below it.
        base: Folder of relative sources; by default the working directory.

    Raises:
        ConfigurationError: A source is empty or matches no file.
    """
    seen: set[Path] = set()
    for source in sources:
        for path in _matches(source, base or Path()):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _matches(source: str | Path, base: Path) -> list[Path]:
    if not str(source):  # such as an unset variable of a shell, which would mean the working directory
        raise ConfigurationError("a path is empty; name the files")
    path = base / source
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        return found or _no_file(f"{path}: contains no *.json, *.yaml or *.yml")
    if path.exists():
        return [path]
    if path.is_symlink():
        return _no_file(f"{path}: a symbolic link that leads to no file; correct the link")
    globbed = glob(str(source), root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob accepts no absolute pattern
    found = sorted(file for file in (base / name for name in globbed) if file.is_file())
    return found or _no_file(f"{path}: no such file")


def _no_file(problem: str) -> list[Path]:
    raise ConfigurationError(problem)


def parse_file(path: Path) -> object:
    """
    Parse a file: YAML by its suffix, else JSON.

    Raises:
        ConfigurationError: The file cannot be read, or is not JSON or YAML. The message contains line and column.
    """
    name, text = str(path), read_text(path)
    if path.suffix not in _YAML:
        return parse_json(text, name)
    return parse_yaml(text, name, loader=lambda: import_module("guardedbedrock.settings.yaml_loader").Loader)


def with_floats(value: Any) -> Any:
    """Replace the decimal numbers of a parsed file with floats; only policies need every digit."""
    if isinstance(value, dict):
        return {key: with_floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_floats(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
