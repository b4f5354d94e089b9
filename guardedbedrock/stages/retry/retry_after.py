"""How long a service asks its callers to wait."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

_SECONDS: Final = "retry-after"
_MILLISECONDS: Final = "x-amz-retry-after"


def asked_pause(error: BaseException | None, now: datetime | None = None) -> float:
    """
    Read the pause that an answer asks for, in seconds; 0 when it asks for none.

    ``x-amz-retry-after`` counts milliseconds; ``Retry-After`` counts seconds, or names a date.
    Source: RFC 9110, "Retry-After"; botocore, `retries.standard`.
    """
    if not isinstance(error, ClientError):
        return 0.0
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    milliseconds = _number(headers.get(_MILLISECONDS))
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = _number(headers.get(_SECONDS))
    return _until(headers.get(_SECONDS), now) if seconds is None else seconds


def _number(text: Any) -> float | None:
    """Read a count; anything else, and what is below nothing or endless, is none."""
    try:
        count = float(text)
    except (TypeError, ValueError):
        return None
    return count if 0 <= count < float("inf") else None


def _until(date: Any, now: datetime | None) -> float:
    try:
        when = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return 0.0
    at = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
