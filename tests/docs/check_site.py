"""
Check the site that `make site` has built: ``python tests/docs/check_site.py site``.

The strict build has checked links, anchors and the navigation. This script checks that the reference describes every public
name, that the search index has every page, and that no page loads a file from another host. It needs no other package.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[2] / "guardedbedrock"
PUBLIC: Final = ("__init__.py", "errors.py", "events.py", "auditing.py", "iam/__init__.py", "testing/__init__.py")
LOADED: Final = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//[^>]*>")
NOT_LOADED: Final = re.compile(r"rel=\"?(?:canonical|alternate|prev|next)")
WITHOUT_SECTION: Final = frozenset({"iam", "bind", "fuse", "cases", "faults"})
"""Packages with pages of other sections, and two functions that only the library uses."""


def public_names() -> Iterator[str]:
    """Yield the names in `__all__` of each public module."""
    for file in PUBLIC:
        for node in ast.parse((PACKAGE / file).read_text("utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                yield from ast.literal_eval(node.value)  # type: ignore[attr-defined]  # an assignment has a value


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with the site."""
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    described = {line.split()[0].rpartition(".")[2] for line in inventory.splitlines() if " py:" in line}
    for name in sorted(set(public_names()) - described - WITHOUT_SECTION):
        yield f"no page of docs/reference describes the public name {name}"
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}
    for page in sorted(site.rglob("index.html")):
        location = f"{page.parent.relative_to(site).as_posix()}/".removeprefix("./")
        if location not in found:
            yield f"the search does not find the page {location}"
        html = page.read_text("utf-8")
        if 'data-md-component="source"' in html:
            yield f"{location} asks GitHub for facts about the repository"
        for tag in LOADED.findall(html):
            if not NOT_LOADED.search(tag):
                yield f"{location} loads a file from another host: {tag}"


def main(folder: str) -> int:
    """Print the problems; return 1 if there are any, else 0."""
    wrong = list(problems(Path(folder)))
    for problem in wrong:
        print(problem, file=sys.stderr)  # noqa: T201  # a script
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
