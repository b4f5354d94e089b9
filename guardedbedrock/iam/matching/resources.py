"""
Resource patterns.

A ``*`` that is the last character of a segment can expand beyond the colon, so ``arn:aws:bedrock:*`` covers every resource of
the service; a ``*`` within a segment, and every ``?``, stays within it. The sixth part of a pattern is one segment, whatever
colons it holds.
Source: IAM User Guide, "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.matching.arns import PARTS, split_tokens
from guardedbedrock.iam.matching.operators import either
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    Automaton,
    Matcher,
    Tokens,
    Wildcard,
    compile_tokens,
    join,
    tokenize,
)
from guardedbedrock.iam.matching.variables import Template, Variable, fixed, is_open, resolve, template

Test: TypeAlias = Callable[[Request], Truth]

_BEFORE_THE_LAST: Final = PARTS.index("id")
_FILLINGS: Final = ("", "\0", "\0" * 12)
"""Text that no pattern names: a pattern that covers all three, none, short and long, covers whatever may stand there."""


def anything(_: Request) -> Truth:
    """Cover every resource."""
    return True


def _nothing(_: Request) -> bool:
    return False


def compile_resources(patterns: tuple[str, ...], *, variables: bool) -> Test:
    """
    Join the patterns of Resource with OR.

    Source: also IAM User Guide, "IAM policy elements: Variables and tags" (variables stand after the fifth colon).
    """
    if "*" in patterns:
        return anything
    moving = tuple(p for p in patterns if variables and "${" in p)
    still = tuple(p for p in patterns if p not in moving)
    tests = [_moving(template(pattern, tokenize)) for pattern in moving]
    if still:
        tests.append(_still(still))
    first, *others = tests or [_nothing]
    return (lambda request: either(test(request) for test in tests)) if others else first


def _still(patterns: tuple[str, ...]) -> Test:
    """Match patterns without variables; a text can be compared with all plain ones at once."""
    plain = frozenset(pattern for pattern in patterns if "*" not in pattern and "?" not in pattern)
    covers = tuple(_compile(pattern) for pattern in patterns if pattern not in plain)
    if len(patterns) == 1:
        (only,) = covers or tuple(pattern.__eq__ for pattern in plain)
        return lambda request: _any_blindly(patterns, request) if request.blind else only(request.resource)

    def test(request: Request) -> Truth:
        if request.blind:
            return _any_blindly(patterns, request)
        resource = request.resource
        if resource in plain:
            return True
        for covering in covers:  # noqa: SIM110  # a generator costs more than the matchers it asks
            if covering(resource):
                return True
        return False

    return test


def _any_blindly(patterns: tuple[str, ...], request: Request) -> Truth:
    return either(_blindly(bounded(tokenize(pattern)), request) for pattern in patterns)


def _compile(pattern: str) -> Matcher:
    """Compile one pattern; where a wildcard only ends a segment, segments need not be looked at."""
    head = pattern.split(":")[:_BEFORE_THE_LAST]
    free = all("?" not in segment and "*" not in segment.rstrip("*") for segment in head)
    tokens = tokenize(pattern)
    return compile_tokens(tokens if free else bounded(tokens))


def bounded(tokens: Tokens) -> Tokens:
    """Bind the wildcards within a segment to it."""
    segments = split_tokens(tokens)
    parts: list[str | Wildcard] = []
    for index, segment in enumerate(segments):
        parts += [":"] if index else []
        last = len(segment) - 1
        inner = index < _BEFORE_THE_LAST
        parts += [_BOUND.get(t, t) if inner and not (t is ANY and place == last) else t for place, t in enumerate(segment)]
    return join(parts)


def _blindly(tokens: Tokens, request: Request) -> Truth:
    """Match a resource of which parts are not known: True or False only where no text in their place could turn it."""
    if request.parts is None:
        return False
    automaton = Automaton(tokens)
    if all(automaton.matches(_filled(request, filling)) for filling in _FILLINGS):
        return True
    return None if automaton.may_match(_pieces(request)) else False


def _filled(request: Request, filling: str) -> str:
    parts = enumerate(request.parts or ())
    return ":".join(request.written(index).replace("*", filling) if index in request.blind else part for index, part in parts)


def _pieces(request: Request) -> Iterator[str | Wildcard]:
    """Give what is known of a resource and what is not: the last part alone may hold colons."""
    for index, part in enumerate(request.parts or ()):
        yield ":" if index else ""
        if index not in request.blind:
            yield part
            continue
        for place, known in enumerate(request.written(index).split("*")):
            if place:
                yield ANY if index == _BEFORE_THE_LAST else ANY_BUT_COLON
            yield known


def _moving(parts: Template) -> Test:
    """Match with variables; one before the fifth colon is documented nowhere, so what it would match stays open."""
    if all(not isinstance(part, Variable) for part in parts):
        tokens = bounded(fixed(parts))
        covers = compile_tokens(tokens)
        return lambda request: _blindly(tokens, request) if request.blind else covers(request.resource)
    head = fixed(parts[: next(i for i, part in enumerate(parts) if isinstance(part, Variable))])
    early = len(split_tokens(head)) < len(PARTS)

    def test(request: Request) -> Truth:
        tokens = resolve(parts, request.facts)
        if tokens is None:
            return False
        tokens = bounded(tokens)
        answer = _blindly(tokens, request) if request.blind else compile_tokens(tokens)(request.resource)
        return None if answer and (early or is_open(parts, request.facts)) else answer

    return test


_BOUND: Final[dict[object, Wildcard]] = {ANY: ANY_BUT_COLON, ONE: ONE_BUT_COLON}
