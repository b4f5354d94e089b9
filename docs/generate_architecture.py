"""
Generate `docs/architecture.md` from the import contracts, the docstrings and the comments of caches: ``make docs``.

The prose is in `docs/templates/architecture.md`; each ``<!-- name -->`` in it is replaced by a table of this script.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from generate import table

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "guardedbedrock"
PAGE: Final = ROOT / "docs" / "architecture.md"
PROSE: Final = ROOT / "docs" / "templates" / "architecture.md"

CACHE: Final = re.compile(r"^@(?:lru_)?cache\b[^#\n]*(?:# (?P<why>.+))?\n(?:@.*\n)*def (?P<name>\w+)", re.MULTILINE)


def page() -> str:
    """Write the page."""
    return re.sub(r"<!-- (\w+) -->", lambda found: "\n".join(TABLES[found[1]]()), PROSE.read_text("utf-8"))


def contracts() -> list[dict[str, Any]]:
    """Read the contracts of import-linter."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return found


def rooms() -> Iterator[str]:
    """Format the rooms, those of the top layer first, with what each room is."""
    (layers,) = (contract["layers"] for contract in contracts() if contract["type"] == "layers")
    rows = []
    for level, layer in enumerate(layers, start=1):
        for room in layer.split("|"):
            name, path = path_of(room.strip())
            rows.append((str(level), f"`{name}`", summary(path)))
    yield from table(("level", "room", "what it is"), *rows)


def path_of(room: str) -> tuple[str, Path]:
    """Return the short name of a room and the file that describes it."""
    name = room.removeprefix("guardedbedrock.")
    package = PACKAGE / name
    return (f"{name}/", package / "__init__.py") if package.is_dir() else (f"{name}.py", package.with_suffix(".py"))


def summary(path: Path) -> str:
    """Return the first sentence of the docstring of a module."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    first = " ".join(docstring.split("\n\n", 1)[0].split()).replace("``", "`")
    return re.split(r"(?<=\w)\.\s", first, maxsplit=1)[0].rstrip(".")


def other_contracts() -> Iterator[str]:
    """List the contracts beside the layers."""
    for contract in contracts():
        if contract["type"] == "forbidden":
            sources, forbidden = _names(contract["source_modules"]), _names(contract["forbidden_modules"])
            yield f"- {contract['name']}: {sources} may not import {forbidden}"
        elif contract["type"] != "layers":
            yield f"- {contract['name']}"


def _names(modules: list[str]) -> str:
    return ", ".join(f"`{module.removeprefix('guardedbedrock.')}`" for module in modules)


def caches() -> Iterator[str]:
    """Format the functions that have a cache, each with the comment beside its decorator."""
    rows = [(f"`{file}`", f"`{name}`", why) for file, found in cached().items() for name, why in found]
    yield from table(("file", "function", "key and reason"), *rows)


def cached() -> Mapping[str, list[tuple[str, str]]]:
    """Find the functions that have a cache: their name and their comment, by file."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for match in CACHE.finditer(path.read_text("utf-8")):
            found.setdefault(str(path.relative_to(ROOT)), []).append((match["name"], match["why"] or ""))
    return found


TABLES: Final[Mapping[str, Callable[[], Iterator[str]]]] = {"rooms": rooms, "contracts": other_contracts, "caches": caches}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
