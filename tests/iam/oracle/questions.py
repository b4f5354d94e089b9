"""A request, with the keys of its context in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from guardedbedrock import iam

UNKNOWN: Final = object()
ABSENT: Final = object()


@dataclass(frozen=True)
class Asked:
    """A request with its context, and whether the policy that is evaluated has policy variables."""

    request: iam.Request
    given: Mapping[str, str | tuple[str, ...]]
    unknown: frozenset[str]
    variables: bool = True

    def value(self, key: str) -> object:
        """Return a string, a tuple of strings, UNKNOWN or ABSENT."""
        name = key.lower()
        if name in self.given:
            return self.given[name]
        family = name.split("/")[0] + "/*"
        return UNKNOWN if name in self.unknown or ("/" in name and family in self.unknown) else ABSENT


def asked(request: iam.Request) -> Asked:
    """Convert a request."""
    given: dict[str, str | tuple[str, ...]] = {}
    for key, value in request.context.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            if value:
                given[key.lower()] = tuple(written(one) for one in value)
        elif value is not None:
            given[key.lower()] = written(value)
    return Asked(request, given, frozenset(name.lower() for name in request.unknown))


def written(value: object) -> str:
    """Convert a scalar to a string, a number without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
