"""
Amazon Resource Names, and patterns that are matched part by part.

An ARN has six parts, split at its first five colons; a wildcard never spans a colon among the first five.
Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators: Amazon Resource Name (ARN)".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.matching.patterns import ANY, Tokens, Wildcard, compile_tokens, join

PARTS: Final = ("arn", "partition", "service", "region", "account", "id")
"""The parts in their order; ``resource:region`` and so on name them among the unknown."""

Parts: TypeAlias = tuple[str, ...]
ArnTest: TypeAlias = Callable[[str, Parts], Truth]
"""Of an ARN and its parts."""


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
    whole = compile_tokens(tokens)
    if tokens == (ANY,):
        return lambda _arn, _parts: True
    pattern = split_tokens(tokens)
    if len(pattern) != len(PARTS):
        return lambda arn, _parts: None if whole(arn) else False
    if any(isinstance(token, Wildcard) for part in pattern[:-1] for token in part):
        return _by_part(pattern)
    return lambda arn, _parts: whole(arn)  # the same answer as part by part, and quicker


def _by_part(pattern: tuple[Tokens, ...]) -> ArnTest:
    checks = tuple((index, compile_tokens(part)) for index, part in enumerate(pattern) if part != (ANY,))

    def test(_arn: str, parts: Parts) -> Truth:
        for index, covers in checks:  # noqa: SIM110  # a generator costs more than the matchers it asks
            if not covers(parts[index]):
                return False
        return True

    return test
