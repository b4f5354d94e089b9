"""Action and Resource elements, with their negations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

from iam.oracle.conditions import Json, listed
from iam.oracle.logic import Truth, opposite, some
from iam.oracle.operators import ignoring_case
from iam.oracle.questions import Asked
from iam.oracle.variables import fill
from iam.oracle.wildcards import (
    COLON_OF_ARN,
    NO_PATTERN_NAMES_THIS,
    ONE,
    ONE_IN_SEGMENT,
    SEGMENTS,
    SOME_CHARACTERS,
    SOME_TEXT,
    STAR,
    STAR_IN_SEGMENT,
    fits,
    segments,
    wild,
)


def covers_action(statement: Json, action: str) -> bool:
    """Return whether Action or NotAction covers an action."""
    key = "NotAction" if "NotAction" in statement else "Action"
    covered = any(ignoring_case(wild(pattern), action) for pattern in listed(statement[key]))
    return covered is (key == "Action")


def covers_resource(statement: Json, question: Asked) -> Truth:
    """Return whether Resource or NotResource covers the resource."""
    key = "NotResource" if "NotResource" in statement else "Resource"
    without_value = None if key == "NotResource" else False
    covered = some(resource_fits(pattern, question, without_value=without_value) for pattern in listed(statement[key]))
    return covered if key == "Resource" else opposite(covered)


def resource_fits(text: str, question: Asked, *, without_value: Truth = False) -> Truth:
    """Return whether one pattern covers the resource; a variable before the fifth colon leaves it open."""
    if text == "*":
        return True
    filled = fill(completed(text), wild, question)
    if filled is None or (filled.is_open and without_value is None):  # what is unknown may have no value
        return without_value
    pattern = bounded(filled.pattern)
    blind = blind_parts(question)
    answer = fits_blindly(pattern, question, blind) if blind else fits(pattern, question.request.resource)
    return None if answer and (filled.early or filled.is_open) else answer


def completed(text: str) -> str:
    """Add parts to an ARN that has fewer than six and no star that could match more than one."""
    plain = re.sub(r"\$\{[^}]*\}", "", text).split(":")
    if len(plain) >= SEGMENTS or any(part.endswith("*") for part in plain):
        return text
    return text + ":*" * (SEGMENTS - len(plain))


def bounded(pattern: tuple[str, ...]) -> tuple[str, ...]:
    """Keep wildcards of the first five segments within them, save a star that ends a segment."""
    whole: tuple[str, ...] = ()
    for index, segment in enumerate(segments(pattern)):
        last = len(segment) - 1
        kept = [
            {STAR: STAR if position == last else STAR_IN_SEGMENT, ONE: ONE_IN_SEGMENT}.get(item, item)
            if index < SEGMENTS - 1
            else item
            for position, item in enumerate(segment)
        ]
        whole += ((":",) if index else ()) + tuple(kept)
    return whole


def blind_parts(question: Asked) -> list[int]:
    """Return the positions of the unknown parts of the resource."""
    names = ("arn", "partition", "service", "region", "account", "id")
    return [position for position, name in enumerate(names) if f"resource:{name}" in question.unknown]


def fits_blindly(pattern: tuple[str, ...], question: Asked, blind: list[int]) -> Truth:
    """Match a resource of which parts, or the ``*`` in them, may be any string; only the last part may contain colons."""
    parts = question.request.resource.split(":", 5)
    if len(parts) < SEGMENTS or parts[0] != "arn":
        return False

    def with_parts(filling: Mapping[int, tuple[str, ...]]) -> tuple[str, ...]:
        pieces = [filled(part, filling[index]) if index in filling else tuple(part) for index, part in enumerate(parts)]
        return tuple(itertools.chain(pieces[0], *((":", *piece) for piece in pieces[1:])))

    texts = [(NO_PATTERN_NAMES_THIS,) * length for length in (0, 1, 2, 3, 17)]
    fillings = (dict(zip(blind, chosen, strict=True)) for chosen in itertools.product(texts, repeat=len(blind)))
    if all(fits(pattern, with_parts(filling)) for filling in fillings):
        return True
    anything = {index: (SOME_TEXT if index == SEGMENTS - 1 else SOME_CHARACTERS,) for index in blind}
    return None if fits(with_colons_of_arn(pattern), with_parts(anything)) else False


def filled(part: str, text: tuple[str, ...]) -> tuple[str, ...]:
    """Replace each ``*`` of a part with a string, or the whole part if it has no ``*``."""
    if "*" not in part:
        return text
    return tuple(itertools.chain.from_iterable(text if character == "*" else (character,) for character in part))


def with_colons_of_arn(pattern: tuple[str, ...]) -> tuple[str, ...]:
    """Mark those of the first five colons of a pattern that certainly separate parts of an ARN."""
    colons = [index for index, item in enumerate(pattern) if item == ":"][: SEGMENTS - 1]
    if len(colons) < SEGMENTS - 1:
        return pattern
    starred = [colon for colon in colons if STAR in pattern[:colon]]
    # A star may match several segments: only the colon that ends it separates for sure, and later ones may be in the name.
    loose = [colon for colon in starred if STAR not in pattern[max(0, *(one for one in (-1, *colons) if one < colon)) : colon]]
    return tuple(COLON_OF_ARN if index in colons and index not in loose else item for index, item in enumerate(pattern))
