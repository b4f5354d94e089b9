"""
Generate `docs/architecture.md` and `docs/architecture.svg` from the import contracts, the docstrings and the comments of caches:
``make docs``. The picture shows the rooms in their layers.

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
PICTURE: Final = ROOT / "docs" / "architecture.svg"
PROSE: Final = ROOT / "docs" / "templates" / "architecture.md"

CACHE: Final = re.compile(r"^@(?:lru_)?cache\b[^#\n]*(?:# (?P<why>.+))?\n(?:@.*\n)*def (?P<name>\w+)", re.MULTILINE)

OBJECT_CACHE: Final = re.compile(r"^ *# Cache, (?P<why>keyed by .+)\n *(?:self\.)?(?P<name>\w+): ", re.MULTILINE)


def page() -> str:
    """Write the page."""
    return re.sub(r"<!-- (\w+) -->", lambda found: "\n".join(TABLES[found[1]]()), PROSE.read_text("utf-8"))


def contracts() -> list[dict[str, Any]]:
    """Read the contracts of import-linter."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return found


def layers() -> list[list[str]]:
    """Return the rooms of each layer, the top layer first."""
    (found,) = (contract["layers"] for contract in contracts() if contract["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in found]


def rooms() -> Iterator[str]:
    """Format the rooms, those of the top layer first, with what each room is."""
    rows = []
    for level, layer in enumerate(layers(), start=1):
        for room in layer:
            name, path = path_of(room)
            rows.append((str(level), f"`{name}`", summary(path)))
    yield from table(("level", "room", "what it is"), *rows)


_WIDTH: Final = 720
_ROW: Final = 44
_LEFT: Final = 70
_GAP: Final = 10
_STYLE: Final = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.room { fill: #ddf4ff; stroke: #0969da }
.level, .note { fill: #59636e; font-size: 12px }
.arrow { stroke: #59636e; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .room { fill: #0c2d6b; stroke: #58a6ff }
  .level, .note { fill: #9198a1 }
  .arrow { stroke: #9198a1 }
}
"""


def picture() -> str:
    """Draw the layers as an SVG image: a row for each level, a box for each room."""
    rows = layers()
    height = _ROW * len(rows) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        '<title id="title">The rooms of guardedbedrock: a room imports only rooms of lower rows</title>',
        f"<style>{_STYLE}</style>",
        f'<path class="arrow" d="M20 10 V{height - 45} m-6 -8 l6 8 l6 -8"/>',
    ]
    for level, layer in enumerate(rows, start=1):
        top = _ROW * (level - 1) + 5
        lines.append(f'<text class="level" x="36" y="{top + 22}">{level}</text>')
        width = (_WIDTH - _LEFT - _GAP * len(layer)) / len(layer)
        for column, room in enumerate(layer):
            left, (name, _) = _LEFT + column * (width + _GAP), path_of(room)
            lines += [
                f'<rect class="room" x="{left:g}" y="{top}" width="{width:g}" height="{_ROW - 10}" rx="6"/>',
                f'<text x="{left + width / 2:g}" y="{top + 22}" text-anchor="middle">{name}</text>',
            ]
    lines.append(
        f'<text class="note" x="{_LEFT}" y="{height - 12}">A room imports only rooms of lower rows, and no room beside it.</text>'
    )
    return "\n".join([*lines, "</svg>", ""])


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


def object_caches() -> Iterator[str]:
    """Format the attributes that are caches, each with the comment above it."""
    rows = [
        (f"`{path.relative_to(ROOT)}`", f"`{match['name']}`", match["why"].rstrip("."))
        for path in sorted(PACKAGE.rglob("*.py"))
        for match in OBJECT_CACHE.finditer(path.read_text("utf-8"))
    ]
    yield from table(("file", "attribute", "key and reason"), *rows)


def cached() -> Mapping[str, list[tuple[str, str]]]:
    """Find the functions that have a cache: their name and their comment, by file."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for match in CACHE.finditer(path.read_text("utf-8")):
            found.setdefault(str(path.relative_to(ROOT)), []).append((match["name"], match["why"] or ""))
    return found


TABLES: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "rooms": rooms,
    "contracts": other_contracts,
    "caches": caches,
    "object_caches": object_caches,
}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    PICTURE.write_text(picture(), "utf-8")
