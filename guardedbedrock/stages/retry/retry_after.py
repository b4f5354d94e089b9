"""The pause that a service asks for before the next attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

_SECONDS: Final = "retry-after"
_MILLISECONDS: Final = "x-amz-retry-after"


def requested_pause(error: BaseException | None, now: datetime | None = None) -> float:
    """
    Read the pause that an error response asks for.

    ``x-amz-retry-after`` has milliseconds and takes precedence; ``Retry-After`` has seconds or a date.
    Source: RFC 9110, "Retry-After"; botocore, `retries.standard`.

    Args:
        error: The error of the attempt.
        now: The current time, for a date; the system's if None.

    Returns:
        Seconds; 0 if the response asks for no pause, or for an invalid one.
    """
    if not isinstance(error, ClientError):
        return 0.0
    headers: Mapping[str, Any] = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    milliseconds = _duration(headers.get(_MILLISECONDS))
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = _duration(headers.get(_SECONDS))
    return _until(headers.get(_SECONDS), now) if seconds is None else seconds


def _duration(text: Any) -> float | None:
    try:
        duration = float(text)
    except (TypeError, ValueError):
        return None
    return duration if 0 <= duration < float("inf") else None


def _until(date: Any, now: datetime | None) -> float:
    try:
        when = parsedate_to_datetime(date)
    except (OverflowError, TypeError, ValueError):
        return 0.0
    at = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
