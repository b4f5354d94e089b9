"""Finds the files of policy tests, and parses JSON and YAML."""

from __future__ import annotations

from glob import glob
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.language.documents import load_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_YAML: Final = (".yaml", ".yml")
_SUFFIXES: Final = (".json", *_YAML)
_NO_YAML: Final = "is YAML, which requires PyYAML: pip install 'guardedbedrock[testing]'"


def find(sources: Iterable[str | Path], base: Path | None = None) -> Iterator[Path]:
    """
    Find files. Each file is found once, in the order of the sources.

    Args:
        sources: Names, glob patterns and folders. A folder means all ``*.json``, ``*.yaml`` and ``*.yml`` below it.
        base: Folder of relative sources; by default the working directory.

    Raises:
        ConfigurationError: A source matches no file.
    """
    seen: set[Path] = set()
    for source in sources:
        for path in _matches(source, base or Path()):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _matches(source: str | Path, base: Path) -> list[Path]:
    path = base / source
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        return found or _no_file(f"{path}: contains no *.json, *.yaml or *.yml")
    if path.exists():
        return [path]
    globbed = glob(str(source), root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob accepts no absolute pattern
    found = sorted(file for file in (base / name for name in globbed) if file.is_file())
    return found or _no_file(f"{path}: no such file")


def _no_file(problem: str) -> list[Path]:
    raise ConfigurationError(problem)


def parse_file(path: Path) -> object:
    """
    Parse a file: YAML by its suffix, else JSON.

    Raises:
        PolicySyntaxError: The file is not JSON. The message contains line and column.
        ConfigurationError: The file cannot be read, or is not YAML.
    """
    text = _read(path)
    if path.suffix not in _YAML:
        return load_json(text, file=str(path))
    try:
        parsed: object = import_module("guardedbedrock.testing.cases.yaml_loader").load_yaml(text)
    except ModuleNotFoundError as error:
        if error.name != "yaml":
            raise
        raise ConfigurationError(f"{path}: {_NO_YAML}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return parsed


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
