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
from itertools import islice, pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final, Literal, TypeAlias

from guardedbedrock.iam.matching import values

CellKind: TypeAlias = Literal["number", "date", "address"]
Network: TypeAlias = IPv4Network | IPv6Network
NOT_A_VALUE: Final = "not-a-value"
"""A string that is neither a number nor a date nor an address."""
UNTYPED: Final[Mapping[CellKind, tuple[str, ...]]] = {
    "number": (NOT_A_VALUE, "", "1e3"),
    "date": (NOT_A_VALUE, "", "1e3"),
    "address": (NOT_A_VALUE, ""),
}
"""Strings that are not values of a type. AWS does not document whether ``1e3`` is a number. ``""`` counts as an empty set."""

_EVERY_ADDRESS: Final = ("0.0.0.0/0", "::/0")
_BASE64: Final = f"{ascii_uppercase}{ascii_lowercase}{digits}+/"


@dataclass(frozen=True, slots=True)
class Cells:
    """
    The cells of one key.

    Args:
        kind: What the values are.
        samples: One value for each cell, as a string.
    """

    kind: CellKind
    samples: tuple[str, ...]

    def where(self, matches: Callable[[str], object]) -> frozenset[int]:
        """Return the cells whose values match."""
        return frozenset(index for index, sample in enumerate(self.samples) if matches(sample) is True)


def cells_for(kind: CellKind, bounds: Iterable[str], *, typed: bool) -> Cells:
    """
    Build the cells for all policy values of a key.

    Args:
        kind: What the values are.
        bounds: Every policy value that the key is compared with.
        typed: Whether AWS gives the key this type, so that no other string can occur.
    """
    listed = tuple(dict.fromkeys(bounds))
    samples = _addresses(listed) if kind == "address" else _numbers(kind, listed)
    return Cells(kind, (*samples, *(() if typed else UNTYPED[kind])))


def same_bytes(string: str) -> tuple[str, ...]:
    """
    Return every string that encodes the same bytes in base64; the last character before the padding has bits that do not count.

    >>> same_bytes("AAA=")
    ('AAA=', 'AAB=', 'AAC=', 'AAD=')
    """
    wanted = values.octets(string)
    if wanted is None:
        return ()
    written = b64encode(wanted).decode()
    stem = written.rstrip("=")
    if stem == written:
        return (written,)
    padding = written[len(stem) :]
    variants = (f"{stem[:-1]}{letter}{padding}" for letter in _BASE64)
    return tuple(one for one in variants if values.octets(one) == wanted)


def _numbers(kind: CellKind, bounds: Sequence[str]) -> tuple[str, ...]:
    read = values.number if kind == "number" else values.instant
    known = sorted({Decimal(found) for found in map(read, bounds) if found is not None and Decimal(found).is_finite()})
    if not known:
        return (_written(kind, Decimal(0)),)
    between = [(low + high) / 2 for low, high in pairwise(known)]
    return tuple(_written(kind, value) for value in sorted({known[0] - 1, *known, *between, known[-1] + 1}))


def _written(kind: CellKind, value: Decimal) -> str:
    if kind == "date" and value == value.to_integral_value():
        try:
            return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (OverflowError, ValueError, OSError):
            pass
    return format(value, "f")


def _addresses(bounds: Sequence[str]) -> tuple[str, ...]:
    every = dict.fromkeys(block for block in map(values.network, (*bounds, *_EVERY_ADDRESS)) if block is not None)
    # Networks are nested or disjoint: in this order, those inside a network follow it directly.
    ordered = sorted(every, key=lambda block: (block.version, int(block.network_address), block.prefixlen))
    alone = {block: _alone(block, islice(ordered, index + 1, None)) for index, block in enumerate(ordered)}
    return tuple(dict.fromkeys(sample for block in every if (sample := alone[block]) is not None))


def _alone(block: Network, following: Iterable[Network]) -> str | None:
    """
    Find an address of a network that is in none of the smaller networks; None if they cover it.

    Args:
        block: The network.
        following: The networks after it in their order; the smaller ones come first.
    """
    address, last = int(block.network_address), int(block.broadcast_address)
    for other in following:
        if other.version != block.version or int(other.network_address) > address:
            break
        address = max(address, int(other.broadcast_address) + 1)
    return str(type(block.network_address)(address)) if address <= last else None
