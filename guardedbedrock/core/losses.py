"""Audit records that were lost: the first loss is a warning, and every lost record is counted."""

from __future__ import annotations

import logging
from typing import Final

from guardedbedrock.forks import ForkSafeLock, renew_in_children

_LOG: Final = logging.getLogger("guardedbedrock")


class Losses:
    """
    Counts the records that one destination lost in this process.

    Args:
        destination: Its name in the warning.

    Attributes:
        count: The number of lost records.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._lock = ForkSafeLock()
        self.count = 0
        renew_in_children(self)

    def renew(self) -> None:
        """Begin at 0 in a forked child."""
        self.count = 0

    def add(self, reason: str, records: int = 1) -> None:
        """
        Count lost records, and log a warning if they are the first.

        Args:
            reason: Why, for the warning, such as ``it is closed``.
            records: The number of records.
        """
        with self._lock:
            is_first = self.count == 0
            self.count += records
        if is_first:
            _warn(f"{self._destination} lost a record: {reason}; further losses are only counted")


def _warn(message: str) -> None:
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
