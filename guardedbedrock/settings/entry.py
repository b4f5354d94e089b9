"""The entry that defines a setting: its default, its help text and how to fix a wrong value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic import Field

REQUIRED: Final = ...
"""The default of a key that must be given."""


def setting(default: Any, description: str, fix: str, *, factory: Callable[[], Any] | None = None) -> Any:
    """
    Define a setting. Its name and type are those of the attribute that it is assigned to.

    The TOML key, the environment variable, the check of the `Guard` keyword, the error messages and ``docs/configuration.md``
    all follow from this one entry.

    Args:
        default: The value if nothing is configured; `REQUIRED` if the setting has no default.
        description: One to three sentences of Markdown for the reference page.
        fix: How to correct a wrong value, as an instruction such as ``set it to "enforce"``.
        factory: Returns the default, instead of `default`.
    """
    extra: dict[str, Any] = {"fix": fix}
    if factory is not None:
        return Field(default_factory=factory, description=description, json_schema_extra=extra)
    return Field(default=default, description=description, json_schema_extra=extra)
