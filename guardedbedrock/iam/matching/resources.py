"""
Match the resource of a request against the patterns of Resource.

1. A ``*`` that ends a segment can match across colons: ``arn:aws:bedrock:*`` matches every resource of the service.
2. Any other ``*``, and every ``?``, matches only within its segment.
3. The sixth part of a pattern is one segment, whatever colons it contains.

Source: IAM User Guide, "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.matching.arns import PARTS, split_tokens
from guardedbedrock.iam.matching.logic import either
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
from guardedbedrock.iam.matching.variables import (
    Template,
    Variable,
    fixed,
    has_unknown_value,
    has_variables,
    parse_template,
    resolve,
)

Test: TypeAlias = Callable[[Request], Truth]

_LAST: Final = PARTS.index("id")
_FILLINGS: Final = ("", "\0", "\0" * 12)
"""No text, a short one and a long one, none of which a pattern names. A pattern that matches all three matches any text."""
_WITHIN_SEGMENT: Final[dict[object, Wildcard]] = {ANY: ANY_BUT_COLON, ONE: ONE_BUT_COLON}


def anything(_: Request) -> Truth:
    """Match every resource."""
    return True


def _nothing(_: Request) -> bool:
    return False


def compile_resources(patterns: tuple[str, ...], *, variables: bool) -> Test:
    """
    Join the patterns of Resource with OR.

    Source: also IAM User Guide, "IAM policy elements: Variables and tags" (a variable may occur after the fifth colon).
    """
    if "*" in patterns:
        return anything
    with_variables = tuple(pattern for pattern in patterns if variables and "${" in pattern)
    constant = tuple(pattern for pattern in patterns if pattern not in with_variables)
    tests = [_test_template(parse_template(pattern, tokenize)) for pattern in with_variables]
    if constant:
        tests.append(_test_constant(constant))
    if not tests:
        return _nothing
    return tests[0] if len(tests) == 1 else lambda request: either(test(request) for test in tests)


def _test_constant(patterns: tuple[str, ...]) -> Test:
    """Match patterns without variables; those without wildcards are compared all at once."""
    plain = frozenset(pattern for pattern in patterns if "*" not in pattern and "?" not in pattern)
    matchers = tuple(_compile(pattern) for pattern in patterns if pattern not in plain)
    if len(patterns) == 1:
        (matches,) = matchers or tuple(pattern.__eq__ for pattern in plain)
        return lambda request: _match_any_partly_known(patterns, request) if request.unknown_parts else matches(request.resource)

    def test(request: Request) -> Truth:
        if request.unknown_parts:
            return _match_any_partly_known(patterns, request)
        resource = request.resource
        if resource in plain:
            return True
        for matches in matchers:  # noqa: SIM110  # measured: a generator costs more than the comparisons
            if matches(resource):
                return True
        return False

    return test


def _compile(pattern: str) -> Matcher:
    """Compile one pattern. Where every wildcard ends its segment, segment borders do not matter and matching is faster."""
    segments = pattern.split(":")[:_LAST]
    without_borders = all("?" not in segment and "*" not in segment.rstrip("*") for segment in segments)
    tokens = tokenize(pattern)
    return compile_tokens(tokens if without_borders else bounded(tokens))


def bounded(tokens: Tokens) -> Tokens:
    """Replace the wildcards that must not match a colon."""
    bounded_tokens: list[str | Wildcard] = []
    for index, segment in enumerate(split_tokens(tokens)):
        bounded_tokens += [":"] if index else []
        for place, token in enumerate(segment):
            ends_segment = token is ANY and place == len(segment) - 1
            is_bounded = index < _LAST and not ends_segment
            bounded_tokens.append(_WITHIN_SEGMENT.get(token, token) if is_bounded else token)
    return join(bounded_tokens)


def _match_any_partly_known(patterns: tuple[str, ...], request: Request) -> Truth:
    return either(_match_partly_known(bounded(tokenize(pattern)), request) for pattern in patterns)


def _match_partly_known(tokens: Tokens, request: Request) -> Truth:
    """
    Match a resource of which some parts are unknown.

    INVARIANT: The answer is True or False only where no text in place of the unknown parts could change it.
    """
    if request.parts is None:
        return False
    automaton = Automaton(tokens)
    if all(automaton.matches(_filled(request, filling)) for filling in _FILLINGS):
        return True
    return None if automaton.may_match(_pieces(request)) else False


def _filled(request: Request, filling: str) -> str:
    parts = enumerate(request.parts or ())
    return ":".join(
        request.part_pattern(index).replace("*", filling) if index in request.unknown_parts else part for index, part in parts
    )


def _pieces(request: Request) -> Iterator[str | Wildcard]:
    """Yield the known text of a resource, and a wildcard for each unknown text. Only the last part may contain colons."""
    for index, part in enumerate(request.parts or ()):
        yield ":" if index else ""
        if index not in request.unknown_parts:
            yield part
            continue
        for place, known in enumerate(request.part_pattern(index).split("*")):
            if place:
                yield ANY if index == _LAST else ANY_BUT_COLON
            yield known


def _test_template(template: Template) -> Test:
    """Match a pattern with variables. AWS does not document one before the fifth colon, so what it would match is None."""
    if not has_variables(template):
        tokens = bounded(fixed(template))
        matches = compile_tokens(tokens)
        return lambda request: _match_partly_known(tokens, request) if request.unknown_parts else matches(request.resource)
    before_variable = fixed(template[: next(i for i, part in enumerate(template) if isinstance(part, Variable))])
    is_undocumented = len(split_tokens(before_variable)) < len(PARTS)

    def test(request: Request) -> Truth:
        resolved = resolve(template, request.facts)
        if resolved is None:
            return False
        tokens = bounded(resolved)
        answer = _match_partly_known(tokens, request) if request.unknown_parts else compile_tokens(tokens)(request.resource)
        return None if answer and (is_undocumented or has_unknown_value(template, request.facts)) else answer

    return test
