"""
Split Amazon Resource Names, and match ARN patterns part by part.

An ARN has six parts, separated by its first five colons. In a condition, a wildcard never matches one of these five colons.
Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators: Amazon Resource Name (ARN)".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    Tokens,
    Wildcard,
    compile_tokens,
    join,
    match_partly_known,
    tokenize,
)

PARTS: Final = ("arn", "partition", "service", "region", "account", "id")
"""The parts of an ARN in their order. Unknown parts of a resource are named after them, such as ``resource:region``."""

Parts: TypeAlias = tuple[str, ...]
ArnTest: TypeAlias = Callable[[str, Parts], Truth]
"""Accepts an ARN and its parts, and returns whether a pattern matches it."""


def split(arn: str) -> Parts | None:
    """
    Split an ARN into its six parts; return None for a string that is not an ARN.

    >>> split("arn:aws:bedrock:us-east-1::foundation-model/m-v1:0")[-1]
    'foundation-model/m-v1:0'
    """
    parts = tuple(arn.split(":", 5))
    return parts if len(parts) == len(PARTS) and parts[0] == "arn" else None


def account_of(arn: str) -> str:
    """Return the account of an ARN, ``""`` if it has none."""
    parts = split(arn)
    return parts[4] if parts else ""


def is_incomplete(pattern: str) -> bool:
    """
    Return whether an ARN pattern has fewer than six parts and no ``*`` that can match the missing ones.

    A ``*`` that ends a segment can match across colons.

    >>> is_incomplete("arn:aws:bedrock"), is_incomplete("arn:aws:bedrock:*:guardrail/abc")
    (True, False)
    """
    segments = _VARIABLE.sub("", pattern).split(":", len(PARTS) - 1)
    return len(segments) < len(PARTS) and not any(segment.endswith("*") for segment in segments)


def complete(pattern: str) -> str:
    """
    Complete an ARN pattern that has fewer than six parts with ``*``, as AWS does in identity-based policies.

    Source: IAM User Guide, "IAM identifiers".

    >>> complete("arn:aws:bedrock")
    'arn:aws:bedrock:*:*:*'
    """
    if not is_incomplete(pattern):
        return pattern
    return pattern + ":*" * (len(PARTS) - 1 - _VARIABLE.sub("", pattern).count(":"))


_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


def split_tokens(tokens: Tokens) -> tuple[Tokens, ...]:
    """Split a pattern at its first five colons."""
    parts: list[list[str | Wildcard]] = [[]]
    for token in tokens:
        pieces = token.split(":", len(PARTS) - len(parts)) if isinstance(token, str) else [token]
        parts[-1].append(pieces[0])
        parts += [[piece] for piece in pieces[1:]]
    return tuple(join(part) for part in parts)


def compile_arn(tokens: Tokens) -> ArnTest:
    """
    Compile one ARN pattern of a condition.

    AWS does not document what a pattern with fewer than six parts matches. Such a pattern returns None (it may match) where
    it matches the string as a whole, else False. A lone ``*`` matches everything.
    """
    whole = compile_tokens(tokens)
    if tokens == (ANY,):
        return lambda _arn, _parts: True
    pattern = split_tokens(tokens)
    if len(pattern) != len(PARTS):
        return lambda arn, _parts: None if whole(arn) else False
    if any(isinstance(token, Wildcard) for part in pattern[:-1] for token in part):
        return _by_part(pattern)
    return lambda arn, _parts: whole(arn)  # no wildcard before the fifth colon: comparing the whole string is the same and faster


def bounded(tokens: Tokens, *, segment_end_expands: bool) -> Tokens:
    """
    Replace the wildcards of the first five parts that must not match a colon.

    Args:
        tokens: A pattern.
        segment_end_expands: Whether a ``*`` that ends a segment can match colons, as in Resource, but not in a condition.
    """
    result: list[str | Wildcard] = []
    for index, segment in enumerate(split_tokens(tokens)):
        result += [":"] if index else []
        for position, token in enumerate(segment):
            expands = segment_end_expands and token is ANY and position == len(segment) - 1
            is_bounded = index < len(PARTS) - 1 and not expands
            result.append(_WITHIN_SEGMENT.get(token, token) if is_bounded else token)
    return join(result)


_WITHIN_SEGMENT: Final[dict[object, Wildcard]] = {ANY: ANY_BUT_COLON, ONE: ONE_BUT_COLON}


def match_partly_known_arn(tokens: Tokens, value: str) -> Truth:
    """
    Match an ARN pattern of a condition against an ARN that is only partly known.

    Args:
        tokens: The pattern.
        value: The ARN with ``*`` for unknown text. The answer is None if it is not an ARN.
    """
    if split(value) is None:
        return None
    if tokens == (ANY,):
        return True
    answer = match_partly_known(bounded(tokens, segment_end_expands=False), tokenize(value))
    is_documented = len(split_tokens(tokens)) == len(PARTS)
    return answer if is_documented or answer is False else None


def _by_part(pattern: tuple[Tokens, ...]) -> ArnTest:
    checks = tuple((index, compile_tokens(part)) for index, part in enumerate(pattern) if part != (ANY,))

    def test(_arn: str, parts: Parts) -> Truth:
        for index, matches in checks:  # noqa: SIM110  # measured: a generator costs more than the comparisons
            if not matches(parts[index]):
                return False
        return True

    return test
