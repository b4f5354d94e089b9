"""Strings as numbers, instants, bytes and addresses."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


class Undocumented(Enum):
    """A value in a form of which AWS does not document the meaning."""

    OPEN = "open"


OPEN: Final = Undocumented.OPEN


def number(text: str) -> Fraction | Undocumented | None:
    """Read an integer or decimal; a number in exponent form is undocumented."""
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+", text):
        return OPEN
    return Fraction(text) if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) else None


DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:(Z)|([+-])(\d\d):(\d\d)))?)?)?", re.ASCII
)


def instant(text: str) -> Fraction | Undocumented | None:
    """Read a date, or epoch seconds, as seconds since the epoch; a time without a zone is undocumented."""
    if "T" in text and DATE.fullmatch(f"{text}Z"):
        return None if instant(f"{text}Z") is None else OPEN
    found = DATE.fullmatch(text)
    if not found:
        read = number(text)
        return OPEN if read is None and is_date(text) else read
    year, month, day, hour, minute, second, fraction, _, sign, zone_hour, zone_minute = found.groups()
    zone = timedelta(hours=int(zone_hour or 0), minutes=int(zone_minute or 0)) * (-1 if sign == "-" else 1)
    day_and_time = (int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
    try:
        whole = datetime(*day_and_time, tzinfo=timezone(zone)) - datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError:
        return None
    return Fraction(whole.days * 86400 + whole.seconds) + (Fraction(int(fraction), 10 ** len(fraction)) if fraction else 0)


def is_date(text: str) -> bool:
    """Return whether a string is a date in any form of ISO 8601."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def octets(text: str) -> bytes | None:
    """Read base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def address(text: str) -> Address | None:
    """Read an IP address."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def block(text: str) -> tuple[Address, int] | None:
    """Read a CIDR block: an address, and how many of its last bits do not count."""
    first, slash, length = text.partition("/")
    base = address(first)
    if base is None or (slash and not (length.isdigit() and int(length) <= base.max_prefixlen)):
        return None
    return base, base.max_prefixlen - int(length) if slash else 0


def lies_in(one: Address, network: tuple[Address, int]) -> bool:
    """Return whether an address lies in a block, bit by bit."""
    base, ignored = network
    return base.version == one.version and int(base) >> ignored == int(one) >> ignored
