"""
One clear sentence for whatever is wrong with a configuration: the place, the key, the mend.

A sentence repeats no value that was given, apart from names of files, ARNs and operations: it might be a misplaced secret.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock._root import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

Loc: TypeAlias = tuple[int | str, ...]
"""Where a value stands: keys and, in lists, indexes."""

Places: TypeAlias = Callable[[Loc], str]
"""Says where a key was given, such as ``guardedbedrock.toml: `mode` ``."""

Models: TypeAlias = "Mapping[str, type[BaseModel]]"
"""By a top-level key the model of what stands under it; ``""`` is the top itself."""

_PROBLEMS: Final = {
    "missing": "is missing",
    "literal_error": "should be {expected}",
    "string_type": "should be a text",
    "tuple_type": "should be a list",
    "frozen_set_type": "should be a list",
    "dict_type": "should be a table",
    "mapping_type": "should be a table",
    "model_type": "should be a table",
}
_UNKNOWN: Final = "extra_forbidden"
_KEY_ITSELF: Final = "[key]"
"""What pydantic puts behind a key of a mapping when the key is wrong, not its value."""


class MisfitError(ValueError):
    """
    A value that does not fit; pydantic collects it, `explain` turns it into a `ConfigurationError`.

    Args:
        problem: What is wrong and what would mend it; goes on behind the place, so it starts with a space or a colon.
        loc: Where, from the model on that was being validated.
    """

    def __init__(self, problem: str, *loc: int | str) -> None:
        super().__init__(problem)
        self.loc = loc


def dotted(loc: Loc) -> str:
    """
    Write a place as people read it.

    >>> dotted(("guardrails", 0, "version"))
    'guardrails[0].version'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def explain(error: ValidationError, places: Places, models: Models, *, under: Loc = ()) -> ConfigurationError:
    """
    Turn what pydantic found into one error; an unknown key comes first, since it is often why another is missing.

    Args:
        error: With one or more findings.
        places: Says where a key was given.
        models: Know the keys and, in their descriptions, the mends.
        under: Where the validated model itself stands.
    """
    findings = error.errors(include_url=False, include_input=False)
    finding = min(findings, key=lambda each: each["type"] != _UNKNOWN)
    kind, context = finding["type"], finding.get("ctx", {})
    misfit = context.get("error")
    found = tuple(part for part in finding["loc"] if part != _KEY_ITSELF)
    loc = (*under, *found, *getattr(misfit, "loc", ()))
    if kind == _UNKNOWN:
        return unknown(places(loc), str(loc[-1]), _fields(loc, models)[0])
    if misfit is not None:
        return ConfigurationError(f"{places(loc) if loc else ''}{misfit}")
    problem = _PROBLEMS.get(kind, "can not be used").format(**context)
    return ConfigurationError(f"{places(loc)} {problem}: {_mend(loc, models)}")


def unknown(place: str, name: str, known: Collection[str]) -> ConfigurationError:
    """Say that nobody knows a key, and which one was meant."""
    return ConfigurationError(f"{place} is not known: {nearest(name, known)}")


def nearest(name: str, known: Collection[str]) -> str:
    """
    Guess what was meant, or list what there is.

    >>> nearest("vocabluary", ["mode", "vocabulary"])
    'did you mean `vocabulary`?'
    """
    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"


def _fields(loc: Loc, models: Models) -> tuple[Mapping[str, FieldInfo], str]:
    """Find the fields among which a place lies, and its own name there."""
    names = [part for part in loc if isinstance(part, str)]
    nested = len(names) > 1 and names[0] in models
    return (models[names[0]].model_fields, names[1]) if nested else (models[""].model_fields, names[0])


def _mend(loc: Loc, models: Models) -> str:
    fields, name = _fields(loc, models)
    return (name in fields and fields[name].description) or "correct its value"


def as_list(value: Any) -> Any:
    """Take a single text, path or object for a list of one; leave all else as it is."""
    return value if value is None or isinstance(value, list | tuple | set | frozenset) else [value]
