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

from guardedbedrock.iam.matching.arns import PARTS, bounded, complete, split_tokens
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.logic import either
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    Matcher,
    Tokens,
    Wildcard,
    compile_tokens,
    match_partly_known,
    tokenize,
)
from guardedbedrock.iam.matching.requests import Request
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


def anything(_: Request) -> Truth:
    """Match every resource."""
    return True


def _nothing(_: Request) -> bool:
    return False


def compile_resources(patterns: tuple[str, ...], *, variables: bool, negated: bool = False) -> Test:
    """
    Join the patterns of Resource with OR.

    Args:
        patterns: The patterns. One with fewer than six parts is completed with ``*``.
        variables: Whether the document's Version has policy variables.
        negated: Whether the element is NotResource. AWS does not document what it does with a variable that has no value.

    Source: also IAM User Guide, "IAM policy elements: Variables and tags" (a variable may occur after the fifth colon).
    """
    if "*" in patterns:
        return anything
    with_variables = tuple(pattern for pattern in patterns if variables and "${" in pattern)
    constant = tuple(complete(pattern) for pattern in patterns if pattern not in with_variables)
    without_value = None if negated else False
    tests = [_test_template(parse_template(complete(pattern), tokenize), without_value) for pattern in with_variables]
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
    return compile_tokens(tokens if without_borders else bounded(tokens, segment_end_expands=True))


def _match_any_partly_known(patterns: tuple[str, ...], request: Request) -> Truth:
    return either(_match_partly_known(bounded(tokenize(pattern), segment_end_expands=True), request) for pattern in patterns)


def _match_partly_known(tokens: Tokens, request: Request) -> Truth:
    """Match a resource of which some parts are unknown."""
    return False if request.parts is None else match_partly_known(tokens, _pieces(request))


def _pieces(request: Request) -> Iterator[str | Wildcard]:
    """Yield the known text of a resource, and a wildcard for each unknown part. Only the last part may contain colons."""
    for index, part in enumerate(request.parts or ()):
        yield ":" if index else ""
        if index not in request.unknown_parts:
            yield part
            continue
        for position, known in enumerate(request.part_pattern(index).split("*")):
            if position:
                yield ANY if index == _LAST else ANY_BUT_COLON
            yield known


def _test_template(template: Template, without_value: Truth) -> Test:
    """Match a pattern with variables. AWS documents none before the fifth colon, so a match of such a pattern is None."""
    if not has_variables(template):
        tokens = bounded(fixed(template), segment_end_expands=True)
        matches = compile_tokens(tokens)
        return lambda request: _match_partly_known(tokens, request) if request.unknown_parts else matches(request.resource)
    before_variable = fixed(template[: next(i for i, part in enumerate(template) if isinstance(part, Variable))])
    is_undocumented = len(split_tokens(before_variable)) < len(PARTS)

    def test(request: Request) -> Truth:
        resolved = resolve(template, request.facts)
        if resolved is None:
            return without_value
        tokens = bounded(resolved, segment_end_expands=True)
        answer = _match_partly_known(tokens, request) if request.unknown_parts else compile_tokens(tokens)(request.resource)
        if has_unknown_value(template, request.facts):
            # The variable may have no value, which is undocumented in NotResource.
            return None if answer or without_value is None else answer
        return None if answer and is_undocumented else answer

    return test
