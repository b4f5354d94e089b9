"""Files by name, glob or folder."""

from __future__ import annotations

from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

YAML: Final = (".yaml", ".yml")
_SUFFIXES: Final = (".json", *YAML)


def find(sources: Iterable[str | Path], base: Path | None = None) -> Iterator[Path]:
    """
    Find the files that some sources stand for, each once, in the order of the sources.

    Args:
        sources: Names, globs and folders; a folder stands for all ``*.json``, ``*.yaml`` and ``*.yml`` below it.
        base: Folder that relative sources start from; the working directory unless given.

    Raises:
        ConfigurationError: A source stands for no file.
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
        return found or _nothing(f"{path}: has no *.json, *.yaml or *.yml in it")
    if path.exists():
        return [path]
    globbed = glob(str(source), root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob is not absolute
    found = sorted(file for file in (base / name for name in globbed) if file.is_file())
    return found or _nothing(f"{path}: there is no such file")


def _nothing(problem: str) -> list[Path]:
    raise ConfigurationError(problem)
