"""A snapshot in a file, as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from guardedbedrock.iam.account.snapshot import check_age, read_snapshot


class SnapshotFile:
    """
    Reads a snapshot from a file.

    Args:
        path: The file.
        max_age: Greatest accepted age of the snapshot in seconds; None accepts every age.
    """

    def __init__(self, path: str, max_age: float | None) -> None:
        self._path, self._max_age = path, max_age

    def read(self, principals: Sequence[str], regions: Sequence[str], now: datetime) -> Mapping[str, Any]:  # noqa: ARG002
        """
        Return the snapshot, whatever principals and Regions it has.

        Raises:
            ConfigurationError: The file cannot be read, its digest differs, or it is too old.
        """
        snapshot = read_snapshot(self._path)
        if self._max_age is not None:
            check_age(snapshot, now=now, max_age=self._max_age, name=self._path)
        return snapshot
