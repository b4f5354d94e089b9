"""The guard of commands that inspect a configuration and must not write."""

from __future__ import annotations

from guardedbedrock import Guard
from guardedbedrock.auditing import Audit, JsonLines
from guardedbedrock.settings.settings import load


def inspected_guard(config: str | None) -> Guard:
    """
    Create a guard from a configuration, without its listeners and without the file of `[audit]`.

    Raises:
        ConfigurationError: The configuration is invalid, or the file of `[audit]` could not be written.
    """
    settings = load(config)
    if settings.audit and settings.audit.file and settings.mode != "off":
        JsonLines(settings.audit.file).check(create=False)
    return Guard._from_settings(settings, listeners=(), audit=Audit(()))  # noqa: SLF001  # reads the configuration once
