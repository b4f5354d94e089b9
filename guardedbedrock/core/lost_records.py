"""Audit records that were lost: the first loss is a warning, and every lost record is counted."""

from __future__ import annotations

from guardedbedrock.core.last_resort import log_warning
from guardedbedrock.forks import ForkSafeLock, renew_in_children


class LostRecords:
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
            log_warning(f"{self._destination} lost a record: {reason}; further losses are only counted")
