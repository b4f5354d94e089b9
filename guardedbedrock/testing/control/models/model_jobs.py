"""The status of the jobs that create models. The first Get returns a job in progress; the next Get returns it completed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardedbedrock.testing.wire import ApiParams

IN_PROGRESS: Final = "InProgress"
COMPLETED: Final = "Completed"
_NEXT: Final = {IN_PROGRESS: COMPLETED, "Stopping": "Stopped"}


def advance(job: ApiParams) -> str:
    """Advance a job to its next status, and return the status."""
    if job["status"] in _NEXT:
        now = datetime.now(UTC)
        job |= {"status": _NEXT[job["status"]], "lastModifiedTime": now, "endTime": now}
    return str(job["status"])
