"""
Numbers, dates and addresses as finite cells.

Policies compare such a value with finitely many bounds, so finitely many values represent all of them: each bound, a value
between two neighbours, one below and one above. Networks are nested or disjoint, so each needs one address that is in no smaller
network.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, Literal, TypeAlias

from guardedbedrock.iam.matching import values

Kind: TypeAlias = Literal["number", "date", "address"]
NOT_A_VALUE: Final = "not-a-value"
"""Text that is neither a number nor a date nor an address."""
UNTYPED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "number": (NOT_A_VALUE, "", "1e3"),
    "date": (NOT_A_VALUE, "", "1e3"),
    "address": (NOT_A_VALUE, ""),
}
"""Texts without a value. AWS does not document whether one in exponent form is a number; an empty one counts as an empty set."""

_OUTSIDE: Final = ("0.0.0.0/0", "::/0")
_BASE64: Final = f"{ascii_uppercase}{ascii_lowercase}{digits}+/"


@dataclass(frozen=True, slots=True)
class Cells:
    """
    The cells of one key.

    Args:
        kind: What the values are.
        samples: One value for each cell, as request text.
    """

    kind: Kind
    samples: tuple[str, ...]

    def where(self, matches: Callable[[str], object]) -> frozenset[int]:
        """Return the cells whose values match."""
        return frozenset(index for index, sample in enumerate(self.samples) if matches(sample) is True)


def cells_for(kind: Kind, bounds: Iterable[str], *, typed: bool) -> Cells:
    """
    Build the cells for all policy values of a key.

    Args:
        kind: What the values are.
        bounds: Every policy value that the key is compared with.
        typed: Whether AWS gives the key this type, so that no other text can occur.
    """
    listed = tuple(dict.fromkeys(bounds))
    samples = _addresses(listed) if kind == "address" else _numbers(kind, listed)
    return Cells(kind, (*samples, *(() if typed else UNTYPED[kind])))


def same_bytes(text: str) -> tuple[str, ...]:
    """
    Return every text that encodes the same bytes in base64; the last character before the padding has bits that do not count.

    >>> same_bytes("AAA=")
    ('AAA=', 'AAB=', 'AAC=', 'AAD=')
    """
    wanted = values.octets(text)
    if wanted is None:
        return ()
    written = b64encode(wanted).decode()
    stem = written.rstrip("=")
    if stem == written:
        return (written,)
    padding = written[len(stem) :]
    variants = (f"{stem[:-1]}{letter}{padding}" for letter in _BASE64)
    return tuple(one for one in variants if values.octets(one) == wanted)


def _numbers(kind: Kind, bounds: Sequence[str]) -> tuple[str, ...]:
    read = values.number if kind == "number" else values.instant
    known = sorted({Decimal(found) for found in map(read, bounds) if found is not None and Decimal(found).is_finite()})
    if not known:
        return (_written(kind, Decimal(0)),)
    between = [(low + high) / 2 for low, high in pairwise(known)]
    return tuple(_written(kind, value) for value in sorted({known[0] - 1, *known, *between, known[-1] + 1}))


def _written(kind: Kind, value: Decimal) -> str:
    if kind == "date" and value == value.to_integral_value():
        try:
            return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (OverflowError, ValueError, OSError):
            pass
    return format(value, "f")


def _addresses(bounds: Sequence[str]) -> tuple[str, ...]:
    given = {block for block in map(values.network, bounds) if block is not None}
    every: list[IPv4Network | IPv6Network] = [*given]
    every += [block for block in map(values.network, _OUTSIDE) if block is not None and block not in given]
    samples = (_alone(block, [other for other in every if other != block]) for block in every)
    return tuple(dict.fromkeys(sample for sample in samples if sample is not None))


def _alone(block: IPv4Network | IPv6Network, others: Sequence[IPv4Network | IPv6Network]) -> str | None:
    """Find an address of a network that is in none of the smaller ones; None if they cover it."""
    inside = sorted(
        (int(one.network_address), int(one.broadcast_address))
        for one in others
        if one.version == block.version
        and int(one.network_address) >= int(block.network_address)
        and int(one.broadcast_address) <= int(block.broadcast_address)
    )
    place = int(block.network_address)
    for first, last in inside:
        if first > place:
            break
        place = max(place, last + 1)
    if place > int(block.broadcast_address):
        return None
    return str(type(block.network_address)(place))
