"""Warnings that must be seen although the application has not configured logging."""

from __future__ import annotations

import logging
from typing import Final

_LOG: Final = logging.getLogger("guardedbedrock")


def log_warning(message: str) -> None:
    """Log a warning; write it to stderr if the application has not configured logging."""
    _LOG.warning("%s", message)
    if not _is_logging_configured() and logging.lastResort is not None:
        logging.lastResort.handle(logging.makeLogRecord({"name": _LOG.name, "levelno": logging.WARNING, "msg": message}))


def _is_logging_configured() -> bool:
    logger: logging.Logger | None = _LOG
    while logger is not None:
        if not all(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
