"""
Parse condition values, which are strings, as Booleans, numbers, instants, networks and bytes.

Each function returns None for a string that is not of its kind. Such a value matches nothing, unless it `is_undocumented`.
Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_NUMERIC: Final = frozenset("0123456789+-.")
_DATE_SHAPES: Final = {4: "{}-01-01T00:00:00+00:00", 7: "{}-01T00:00:00+00:00", 10: "{}T00:00:00+00:00"}
_YEAR: Final = 4
_LONGEST_NUMBER: Final = 64
_W3C_DATE: Final = re.compile(
    r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)
"""The forms of a date that W3C's "Date and Time Formats" lists; AWS names it as the format of dates."""


def boolean(text: str) -> bool | None:
    """Parse ``true`` or ``false`` in any case."""
    return {"true": True, "false": False}.get(text.lower())


def number(text: str) -> int | Decimal | None:
    """
    Parse an integer or decimal exactly.

    >>> number("9007199254740993")
    9007199254740993
    """
    if text.isdecimal() and text.isascii() and len(text) <= _LONGEST_NUMBER:
        return int(text)
    if not text or len(text) > _LONGEST_NUMBER or not _NUMERIC.issuperset(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def instant(text: str) -> Decimal | int | None:
    """
    Parse a W3C date (year, month, day, or with time and zone) or epoch seconds; return seconds since the epoch.

    >>> instant("1970-01-01T01:00:00+01:00")
    0
    """
    is_year = len(text) == _YEAR and text.isdecimal()
    if not is_year and (seconds := number(text)) is not None:
        return seconds
    if not _W3C_DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(_DATE_SHAPES.get(len(text), "{}").format(text))
    except ValueError:
        return None
    whole = moment.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = whole.days * 86400 + whole.seconds
    return seconds + Decimal(moment.microsecond) / 1_000_000 if moment.microsecond else seconds


_EXPONENT_FORM: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+")


def is_undocumented(kind: str, text: str) -> bool:
    """
    Return whether AWS does not document whether a string of this form is a value of a kind.

    These are numbers in exponent form, and dates in a form of ISO 8601 that is not one of W3C's, such as a time without a zone.

    >>> is_undocumented("number", "1e3"), is_undocumented("instant", "2026-01-02T03:04:05")
    (True, True)
    """
    if kind in ("number", "instant") and _EXPONENT_FORM.fullmatch(text):
        return True
    return kind == "instant" and instant(text) is None and _is_iso_date(text)


def _is_iso_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def network(text: str) -> IPv4Network | IPv6Network | None:
    """Parse a CIDR block. An address without prefix is a block of one address; host bits are ignored."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse one IP address."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def octets(text: str) -> bytes | None:
    """Decode base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
