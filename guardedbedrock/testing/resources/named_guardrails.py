"""Finds the guardrails in the nested parameters of any operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_IDENTIFIERS: Final = ("guardrailIdentifier", "guardrailId")
_VERSION: Final = "guardrailVersion"


def named_guardrails(value: Any) -> Iterator[tuple[str, str]]:
    """Yield identifier and version of every guardrail, in the order of the parameters."""
    if isinstance(value, Mapping):
        identifier = next((value[name] for name in _IDENTIFIERS if value.get(name)), None)
        if identifier and value.get(_VERSION):
            yield identifier, value[_VERSION]
        for inner in value.values():
            yield from named_guardrails(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_guardrails(inner)


def first_guardrail(value: Any) -> tuple[str, str] | None:
    """Return the first guardrail in parameters, or None."""
    return next(named_guardrails(value), None)
