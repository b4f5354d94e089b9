"""
Where log events go.

An application that configured structlog gets them through structlog. Every other one gets them through the standard library's
logger ``guardedbedrock``, which is silent until the application configures logging: a library does not print.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

LOGGER: Final = "guardedbedrock"
_STANDARD: Final = logging.getLogger(LOGGER)
_STANDARD.addHandler(logging.NullHandler())
_RESERVED: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message"}


def is_enabled(level: int) -> bool:
    """Return whether an event of a level is written anywhere."""
    return _is_structlog_configured() or _STANDARD.isEnabledFor(level)


def write(level: int, event: str, keys: Mapping[str, Any]) -> None:
    """
    Write one event.

    Args:
        level: As in `logging`.
        event: Its name. structlog gets it as ``event``; a standard record has it as the attribute ``event``.
        keys: Its keys, with ``summary``, which is the message of a standard record.
    """
    structlog: Any = sys.modules.get("structlog")
    if _is_structlog_configured():
        structlog.get_logger(LOGGER).log(level, event, **keys)
        return
    bound = structlog.contextvars.get_contextvars() if structlog else {}
    _STANDARD.log(level, "%s", keys["summary"], extra=_record_attributes({**bound, "event": event, **keys}))


def _is_structlog_configured() -> bool:
    # Importing structlog takes as long as importing boto3, so it is only used if the application has imported it.
    is_configured = getattr(sys.modules.get("structlog"), "is_configured", None)
    return is_configured is not None and is_configured()


def _record_attributes(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Rename keys of the application's context that a log record uses itself: `logging` raises for them."""
    return {f"context_{key}" if key in _RESERVED else key: value for key, value in keys.items()}
