"""
Hooks of MkDocs: links from a page to a file outside `docs/` lead to the repository, and pages send no request to other hosts.

On the site of the repository such a link works as it is written, for example ``../examples/governance``. The site has only the
pages of `docs/`, so the link is replaced by the address of the file in the repository. A link to a missing file is a warning,
which fails the build.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LINK: Final = re.compile(r"\]\((?P<path>\.\./[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
LOG: Final = logging.getLogger("mkdocs.hooks.site")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Replace the links of a page that lead out of `docs/`."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def replace(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, found["path"]))
        if path.startswith("docs/"):
            return found[0]
        target = ROOT / path
        if path.startswith("..") or not target.exists():
            LOG.warning("%s links to %s, which is not in the repository", page.file.src_uri, found["path"])
        kind = "tree" if target.is_dir() else "blob"
        return f"]({config.repo_url.rstrip('/')}/{kind}/main/{path}{found['anchor'] or ''})"

    return LINK.sub(replace, markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Keep the link to the repository, without the part that asks GitHub for the numbers of stars and forks."""
    return output.replace(' data-md-component="source"', "")
