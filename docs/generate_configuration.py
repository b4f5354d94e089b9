"""
Generate `docs/configuration.md` from the definition of the settings: ``make docs``.

The prose is in `docs/templates/configuration.md`; each ``<!-- name -->`` in it is replaced by a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from generate import code, table
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from guardedbedrock import Guardrail
from guardedbedrock.iam import POLICY_TYPES, PolicyDocument, PolicySet
from guardedbedrock.settings.layers import CONFIG, FILE, MERGED, PREFIX, PYPROJECT, RENAMED
from guardedbedrock.settings.policy_files import PolicyTable
from guardedbedrock.settings.reader import DEEPEST, LARGEST, LARGEST_TOML
from guardedbedrock.settings.settings import MODELS, Settings
from guardedbedrock.sources.names import GuardrailSource, PolicySource

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "configuration.md"
PROSE: Final = HERE / "templates" / "configuration.md"

TABLES: Final = ("guardrails", "policies", "retry", "audit")
"""Keys with a table of their keys on the page; `enforced` also has the keys of `guardrails`."""
WORDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "string",
    dict: "table",
    Guardrail: "table",
    PolicyTable: "table or policy source",
}


def page() -> str:
    """Return the whole page."""
    written = {f"keys-{name}": "\n".join(keys(MODELS[name])) for name in TABLES}
    written["keys-enforced"] = "\n".join(keys(MODELS["enforced"], MODELS["guardrails"]))
    written["settings"] = "\n".join(settings())
    written["part-variables"] = code(f"{PREFIX}POLICIES__{kind.upper()}" for kind in POLICY_TYPES)
    written["merged"] = " and ".join(f"`{name}`" for name in MERGED)
    written["renamed"] = "\n".join(table(("former name", "name"), *((f"`{old}`", f"`{new}`") for old, new in RENAMED.items())))
    written |= {"config": CONFIG, "file": FILE, "pyproject": PYPROJECT, "prefix": PREFIX}
    written |= {"toml-bytes": f"{LARGEST_TOML:,}", "json-bytes": f"{LARGEST:,}", "levels": str(DEEPEST)}
    return re.sub(r"<!-- ([\w-]+) -->", lambda found: written[found[1]], PROSE.read_text("utf-8"))


def settings() -> Iterator[str]:
    """Format the table of the top-level settings."""
    head = ("key", "type", "default", "environment variable", "description")
    rows = ((f"`{name}`", *cells(field), f"`{PREFIX}{name.upper()}`", str(field.description)) for name, field in fields(Settings))
    yield from table(head, *(((key, kind, default, variable, text)) for key, kind, default, variable, text in rows))


def keys(model: type[BaseModel], base: type[BaseModel] = BaseModel) -> Iterator[str]:
    """Format the table of the keys of a table, without those of another table."""
    own = [(name, field) for name, field in fields(model) if name not in base.model_fields]
    rows = ((f"`{name}`", *cells(field), str(field.description)) for name, field in own)
    yield from table(("key", "type", "default", "description"), *rows)


def fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """List the fields of a model, in their order."""
    yield from model.model_fields.items()


def cells(field: FieldInfo) -> tuple[str, str]:
    """Format type and default of a setting."""
    return type_of(field.annotation), default_of(field)


def type_of(annotation: Any) -> str:
    """Name a type as a reader of TOML knows it."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_of(args[0])
    if origin in (Union, UnionType):
        if PolicyDocument in args:
            return "policy source"
        args = tuple(each for each in args if each not in (PolicySource, GuardrailSource))
        return " or ".join(dict.fromkeys(type_of(each) for each in args if each not in (NoneType, PolicySet)))
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in args)
    if origin in (tuple, frozenset):
        inner = type_of(args[0])
        return (
            "array of tables"
            if inner == "table"
            else f"list of {inner.replace('list', 'lists', 1) if 'list' in inner else f'{inner}s'}"
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in WORDS:
        return "table"
    return WORDS[origin or annotation]


def default_of(field: FieldInfo) -> str:
    """Format a default; settings that are off by default have none."""
    if field.is_required():
        return "*required*"
    if field.default_factory is not None or field.default in (None, "", (), frozenset()):
        return "not set"
    value = field.default
    return f"`{json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
