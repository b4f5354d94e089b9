"""Render the template of a page. A page is one file, and its policy (CSP) lets it run only its own script and load nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from importlib import resources
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError

_FOLDER: Final = __package__
_IN_SCRIPT: Final = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})


def read_file(name: str) -> str:
    """Return a file of this folder, such as ``look.css``."""
    return resources.files(_FOLDER).joinpath(name).read_text("utf-8")


def render(template: str, *, script: str = "", data: object = None, packed: bool = False, **values: Any) -> str:
    """
    Render a page.

    Args:
        template: Name of the template in this folder.
        script: Name of the script in this folder; ``""`` for a page without one.
        data: JSON data for the script.
        packed: Whether the page contains the data compressed. The script needs ``DecompressionStream`` then, which browsers have
            since 2023.
        values: The values of the template.

    Raises:
        ConfigurationError: The extra ``report`` is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415  # the extra `report`
    except ModuleNotFoundError:
        raise ConfigurationError("an HTML report needs jinja2; run pip install 'guardedbedrock[report]'") from None
    loader = FunctionLoader(read_file)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters["grouped"] = lambda number: f"{number:,}"
    code = read_file(script) if script else ""
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" if code else "'none'"
    page: str = environment.get_template(template).render(
        look=read_file("look.css"),
        style=read_file("report.css"),
        script=code,
        allowed_script=allowed,
        data=pack(data) if packed else in_script(data),
        packed=packed,
        **values,
    )
    return page


def in_script(data: object) -> str:
    """Return data as JSON that cannot end the element that contains it, whatever names it contains."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT)


def pack(data: object) -> str:
    """Return data as base64 of compressed JSON. Equal data give an equal text: the header has no time."""
    return base64.b64encode(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), mtime=0)).decode()
