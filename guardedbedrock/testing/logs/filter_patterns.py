"""
CloudWatch's filter patterns for JSON: test whether the metric filter of an alarm matches a record.

    FilterPattern('{ ($.errorCode = "AccessDenied") && ($.eventSource = "bedrock.amazonaws.com") }').matches(record)

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, and Live Tail", "Using filter
expressions to match terms in JSON log events".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

_RecordTest: TypeAlias = Callable[[Mapping[str, Any]], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<mark>&&|\|\||!=|<=|>=|=|<|>|\(|\)|\{|\})
    |(?P<selector>\$(?:\.[\w-]+|\.\*|\[(?:\d+|\*)\]|\['[^']+'\]|\["[^"]+"\])+)
    |"(?P<text>(?:[^"\\]|\\.)*)"
    |%(?P<regex>(?:[^%\\]|\\.)+)%
    |(?P<word>[^\s()&|{}="<>!]+))""",
    re.VERBOSE,
)
_STEP: Final = re.compile(r"\.(?P<name>[\w-]+|\*)|\[(?P<index>\d+|\*)\]|\[(?P<quote>['\"])(?P<quoted>.+?)(?P=quote)\]")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MOST_WILDCARDS: Final = 3
_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


class FilterPattern:
    """
    A filter pattern for JSON.

    Args:
        pattern: The pattern of a metric filter, in braces.

    Raises:
        ValueError: CloudWatch rejects the pattern. ``IS NOT`` and ``EXISTS`` do not exist, and at most three wildcard selectors
            are allowed.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._tokens = list(_tokens(pattern))
        self._at = 0
        self._wildcards = 0
        self._take("mark", "{")
        self._test = self._any()
        self._take("mark", "}")
        if self._at < len(self._tokens):
            raise self._wrong("unexpected text after the closing brace")
        if self._wildcards > _MOST_WILDCARDS:
            raise self._wrong("more than three wildcard selectors")

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record matches."""
        return self._test(record)

    def _any(self) -> _RecordTest:
        tests = [self._all()]
        while self._next("mark", "||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def _all(self) -> _RecordTest:
        tests = [self._term()]
        while self._next("mark", "&&"):
            tests.append(self._term())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def _term(self) -> _RecordTest:
        if self._next("mark", "("):
            inner = self._any()
            self._take("mark", ")")
            return inner
        steps = _steps(self._take("selector"))
        self._wildcards += sum(step == "*" for step in steps)
        kind, token = self._token()
        if kind == "word":
            return self._word(steps, token.upper())
        if kind == "mark" and token in {"=", "!=", *_ORDER}:
            return self._comparison(steps, token)
        raise self._wrong(f"`{token}` cannot follow a selector")

    def _word(self, steps: list[str | int], word: str) -> _RecordTest:
        follows = self._take("word").upper()
        if (word, follows) == ("NOT", "EXISTS"):
            return lambda record: not any(True for _ in _found(record, steps))
        wanted = {"TRUE": True, "FALSE": False, "NULL": None}
        if word != "IS" or follows not in wanted:
            raise self._wrong(f"`{word} {follows}` is not a test; use IS TRUE, IS FALSE, IS NULL or NOT EXISTS")
        value = wanted[follows]
        return lambda record: any(each is value for each in _found(record, steps))

    def _comparison(self, steps: list[str | int], mark: str) -> _RecordTest:
        test = self._value(mark)
        return lambda record: any(test(each) for each in _found(record, steps))

    def _value(self, mark: str) -> Callable[[Any], bool]:
        kind, token = self._token()
        number = float(token) if kind == "word" and _NUMBER.fullmatch(token) else None
        if mark in _ORDER:
            if number is None:
                raise self._wrong(f"`{mark}` compares numbers, and `{token}` is not a number")
            order, bound = _ORDER[mark], number
            return lambda found: _is_number(found) and order(found, bound)
        if kind not in {"text", "word", "regex"}:
            raise self._wrong(f"`{token}` is not a value")
        expected = _equal(kind, token, number)
        return expected if mark == "=" else lambda found: _is_plain(found) and not expected(found)

    def _token(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._wrong("unexpected end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self, kind: str, value: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, value):
            self._at += 1
            return True
        return False

    def _take(self, kind: str, value: str | None = None) -> str:
        found, token = self._token()
        if found != kind or value not in (None, token):
            raise self._wrong(f"`{value or kind}` is missing before `{token}`")
        return token

    def _wrong(self, problem: str) -> ValueError:
        return ValueError(f"`{self.pattern}` is not a filter pattern for JSON: {problem}")


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    text, at = pattern.strip(), 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"`{pattern}` is not a filter pattern for JSON: `{text[at:].split()[0]}` cannot be parsed")
        kind = str(found.lastgroup)
        yield kind, re.sub(r"\\(.)", r"\1", found[kind]) if kind == "text" else found[kind]
        at = found.end()


def _steps(selector: str) -> list[str | int]:
    steps: list[str | int] = []
    for found in _STEP.finditer(selector[1:]):
        index = found["index"]
        steps.append(int(index) if index and index != "*" else "*" if index else found["name"] or found["quoted"])
    return steps


def _found(value: Any, steps: list[str | int]) -> Iterator[Any]:
    """Yield the values of a selector; none if a key is missing."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "*" and isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _found(each, rest)
    elif isinstance(step, int) and isinstance(value, list):
        yield from _found(value[step], rest) if step < len(value) else ()
    elif isinstance(step, str) and isinstance(value, Mapping) and step in value:
        yield from _found(value[step], rest)


def _equal(kind: str, token: str, number: float | None) -> Callable[[Any], bool]:
    if kind == "regex":
        expression = re.compile(token)
        return lambda found: isinstance(found, str) and bool(expression.search(found))
    if number is not None:
        return lambda found: (_is_number(found) and found == number) or found == token
    wildcard = re.compile(".*".join(map(re.escape, token.split("*"))), re.DOTALL)
    return lambda found: isinstance(found, str) and bool(wildcard.fullmatch(found))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) or _is_number(value)
