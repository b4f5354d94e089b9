"""
Error messages of the configuration: what is wrong, where, and how to fix it.

A message repeats no configured value, apart from file names, ARNs and operations: a value may be a misplaced secret.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock._nearest import suggest
from guardedbedrock._root import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

Loc: TypeAlias = tuple[int | str, ...]
"""The location of a value: keys and, in lists, indexes."""

WriteLocation: TypeAlias = Callable[[Loc], str]
"""Returns a location with its source, such as ``guardedbedrock.toml: mode``."""

Models: TypeAlias = "Mapping[str, type[BaseModel]]"
"""The model of the table under each top-level key; ``""`` is the top level itself."""

_PROBLEMS: Final = {
    "missing": "missing",
    "literal_error": "must be {expected}",
    "string_type": "must be a string",
    "tuple_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be a table",
    "mapping_type": "must be a table",
    "model_type": "must be a table",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
}
_UNKNOWN: Final = "extra_forbidden"
_KEY_ITSELF: Final = "[key]"
"""pydantic appends this to the location of a mapping's key when the key is wrong, not its value."""


class MisfitError(ValueError):
    """
    A value that does not fit. pydantic collects it, and `explain` turns it into a `ConfigurationError`.

    Args:
        problem: The problem and its fix, as in ``must be a list; write [...]``.
        loc: The location, relative to the model that is being validated.
    """

    def __init__(self, problem: str, *loc: int | str) -> None:
        super().__init__(problem)
        self.loc = loc


def dotted(loc: Loc) -> str:
    """
    Write a location as people read it.

    >>> dotted(("guardrails", 0, "version"))
    'guardrails[0].version'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def explain(error: ValidationError, write_location: WriteLocation, models: Models, *, under: Loc = ()) -> ConfigurationError:
    """
    Turn pydantic's findings into one error. An unknown key comes first: a misspelt key is often why another one is missing.

    Args:
        error: Holds one or more findings.
        write_location: Returns a location with its source, in words.
        models: The models, whose fields have the text of the fix.
        under: The location of the validated model.
    """
    findings = error.errors(include_url=False, include_input=False)
    finding = min(findings, key=lambda each: each["type"] != _UNKNOWN)
    kind, context = finding["type"], finding.get("ctx", {})
    misfit = context.get("error")
    found = tuple(part for part in finding["loc"] if part != _KEY_ITSELF)
    loc = (*under, *found, *getattr(misfit, "loc", ()))
    if kind == _UNKNOWN and len(loc) > 1 and loc[-1] in _fields(loc[-1:], models)[0]:
        advice = f"`{loc[-1]}` is a top-level key; in a TOML file, write it above [[guardrails]] and the other tables"
        return ConfigurationError(f"{write_location(loc)}: unknown key; {advice}")
    if kind == _UNKNOWN:
        return unknown(write_location(loc), str(loc[-1]), _fields(loc, models)[0])
    if misfit is not None:
        return ConfigurationError(f"{write_location(loc)}: {misfit}" if loc else str(misfit))
    problem = _PROBLEMS.get(kind, "invalid value").format(**context)
    return ConfigurationError(f"{write_location(loc)}: {problem}; {_fix(loc, models)}")


def unknown(location: str, name: str, known: Collection[str], *, prefix: str = "") -> ConfigurationError:
    """Report an unknown key, with the key that was probably meant; `prefix` is written in front of it."""
    return ConfigurationError(f"{location}: unknown key; {suggest(name, known, prefix=prefix)}")


def _fields(loc: Loc, models: Models) -> tuple[Mapping[str, FieldInfo], str]:
    """Return the fields of the table that contains a location, and the name of the field."""
    names = [part for part in loc if isinstance(part, str)]
    nested = len(names) > 1 and names[0] in models
    return (models[names[0]].model_fields, names[1]) if nested else (models[""].model_fields, names[0])


def _fix(loc: Loc, models: Models) -> str:
    fields, name = _fields(loc, models)
    extra = fields[name].json_schema_extra if name in fields else None
    return str(extra["fix"]) if isinstance(extra, dict) and "fix" in extra else "correct the value"


def as_list(value: Any) -> Any:
    """Turn an iterable into a list, and a single string, path or object into a list of one; leave None unchanged."""
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    return list(value) if several else value if value is None else [value]
