"""
Amazon Resource Names, and patterns that are matched part by part.

An ARN has six parts, split at its first five colons; a wildcard never spans a colon among the first five.
Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators: Amazon Resource Name (ARN)".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from guardedbedrock.iam.context import Truth
from guardedbedrock.iam.patterns import ANY, Matcher, Tokens, Wildcard, compile_tokens, join

PARTS: Final = ("arn", "partition", "service", "region", "account", "id")
"""The parts in their order; ``resource:region`` and so on name them among the unknown."""

Parts: TypeAlias = tuple[str, ...]
ArnTest: TypeAlias = Callable[[str, Parts | None, tuple[int, ...]], Truth]
"""Of an ARN, its parts (None when it is no ARN) and the indexes of parts that are unknown."""


def split(arn: str) -> Parts | None:
    """
    Split an ARN into its six parts, or None when the text is no ARN.

    >>> split("arn:aws:bedrock:us-east-1::foundation-model/m-v1:0")[-1]
    'foundation-model/m-v1:0'
    """
    parts = tuple(arn.split(":", 5))
    return parts if len(parts) == len(PARTS) and parts[0] == "arn" else None


def account_of(arn: str) -> str:
    """Read the account of an ARN; ``""`` where it has none."""
    parts = split(arn)
    return parts[4] if parts else ""


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
    Make the test of one ARN pattern.

    A pattern with fewer than six parts is text that AWS documents nowhere: where it would cover the text as a whole the answer
    is None (it may match), else False. A lone ``*`` covers everything.
    """
    if tokens == (ANY,):
        return lambda _arn, _parts, _blind: True
    pattern = split_tokens(tokens)
    if len(pattern) < len(PARTS):
        whole = compile_tokens(tokens)
        return lambda arn, _parts, blind: None if blind or whole(arn) else False
    by_part = _by_part(pattern)
    if any(_is_wild(part) for part in pattern[:-1]):
        return by_part
    return _prefixed(compile_tokens(tokens), by_part)


def _is_wild(part: Tokens) -> bool:
    return any(isinstance(token, Wildcard) for token in part)


def _prefixed(whole: Matcher, by_part: ArnTest) -> ArnTest:
    """Match as one text: the same answer where the first five parts hold no wildcard, and quicker."""

    def test(arn: str, parts: Parts | None, blind: tuple[int, ...]) -> Truth:
        return by_part(arn, parts, blind) if blind else whole(arn)

    return test


def _by_part(pattern: tuple[Tokens, ...]) -> ArnTest:
    checks = tuple((i, compile_tokens(part)) for i, part in enumerate(pattern) if part != (ANY,))

    def test(_arn: str, parts: Parts | None, blind: tuple[int, ...]) -> Truth:
        if parts is None:
            return False
        answer: Truth = True
        for index, covers in checks:
            if index in blind:
                answer = None
            elif not covers(parts[index]):
                return False
        return answer

    return test
