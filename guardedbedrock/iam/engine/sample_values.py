"""
Values of an unknown key that could tell the answers of policies apart: enough of them to see whether the key matters.

For each condition on the key there is a value that meets it and one that does not; for each variable, the text that would make
its pattern cover what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from itertools import combinations
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching import values
from guardedbedrock.iam.matching.arns import PARTS, split_tokens
from guardedbedrock.iam.matching.conditions import Condition, parse_operator
from guardedbedrock.iam.matching.patterns import compile_tokens, tokenize
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.variables import variables_in

Candidate: TypeAlias = str | tuple[str, ...] | None
"""A value of a key; None is absent."""

FRESH: Final = "\x01"
"""Text that no policy names."""

_SET_MEMBERS: Final = 6
_CHUNKS: Final = 12


def of_key(key: str, statements: Iterable[CompiledStatement], request: Request) -> tuple[Candidate, ...]:
    """Find values of one key, in lower case, that conditions and variables of the statements tell apart."""
    lines = [condition for compiled in statements for condition in compiled.statement.conditions]
    on_key = [line for line in lines if line.key.lower() == key]
    scalars = list(dict.fromkeys([FRESH, *(value for line in on_key for value in _of_condition(line))]))
    scalars += [text for compiled in statements for text in _of_variables(key, compiled, request)]
    found: list[Candidate] = [None, *dict.fromkeys(scalars)]
    if any(":" in line.operator for line in on_key):
        members = list(dict.fromkeys(scalars))[:_SET_MEMBERS]
        found += [tuple(some) for count in (1, 2) for some in combinations(members, count)] + [tuple(members)]
    return tuple(found)


def of_part(index: int, statements: Iterable[CompiledStatement], request: Request) -> tuple[str, ...]:
    """Find texts for a part of the resource that is not known: what patterns have in its place, and what none has."""
    written = request.part_pattern(index)
    found = dict.fromkeys(written.replace("*", text) for text in ("", FRESH, FRESH * 3))
    if PARTS[index] == "account":
        found[identify(request.principal).account] = None
    for compiled in statements:
        for pattern in compiled.statement.resources:
            segments = split_tokens(tokenize(pattern))
            if index < len(segments):
                found |= dict.fromkeys(_instances("".join(t if isinstance(t, str) else t.value for t in segments[index])))
    covers = compile_tokens(tokenize(written))
    return tuple(text for text in found if covers(text) and (index == len(PARTS) - 1 or ":" not in text))


def _instances(pattern: str) -> Iterator[str]:
    """Write out texts that a pattern covers, and one that it just fails to cover."""
    yield pattern.replace("*", "").replace("?", "a")
    yield pattern.replace("*", FRESH).replace("?", "a")
    yield f"{pattern}{FRESH}"


def _of_condition(line: Condition) -> Iterator[str]:
    parsed = parse_operator(line.operator)
    family = parsed[1].name if parsed else ""
    maker = next((make for start, make in _MAKERS.items() if family.startswith(start)), _texts)
    for value in line.values:
        yield from maker(value)


def _texts(value: str) -> Iterator[str]:
    yield value
    yield value.swapcase()
    yield from _instances(value)


def _arns(value: str) -> Iterator[str]:
    yield from _instances(value)
    yield ":".join(["arn", *[FRESH] * 5])


def _numbers(value: str) -> Iterator[str]:
    number = values.number(value)
    if number is not None:
        yield from (str(number), str(number - 1), str(number + 1))


def _instants(value: str) -> Iterator[str]:
    moment = values.instant(value)
    if moment is not None:
        yield from (
            f"{moment + 100_000 * step:f}" if not isinstance(moment, int) else str(moment + 100_000 * step) for step in (0, -1, 1)
        )


def _addresses(value: str) -> Iterator[str]:
    network = values.network(value)
    if network is not None:
        first, last = int(network.network_address), int(network.broadcast_address)
        top = 2**network.max_prefixlen - 1
        width = type(network.network_address)
        yield from (str(width(number)) for number in (first, first - 1, last + 1) if 0 <= number <= top)
    yield str(ip_address("203.0.113.200"))


def _truths(_: str) -> Iterator[str]:
    yield from ("true", "false")


_MAKERS: Final[Mapping[str, Callable[[str], Iterable[str]]]] = {
    "Numeric": _numbers,
    "Date": _instants,
    "IpAddress": _addresses,
    "NotIp": _addresses,
    "Bool": _truths,
    "Arn": _arns,
    "Null": lambda _: (),
}


def _of_variables(key: str, compiled: CompiledStatement, request: Request) -> Iterator[str]:
    """Find the texts that would let a pattern with this variable cover what it is compared with."""
    if compiled.document.version != VARIABLES_SINCE:
        return
    statement = compiled.statement
    for pattern in statement.resources:
        yield from _fillings(key, pattern, request.resource)
    for condition in statement.conditions:
        compared = request.context.get(condition.key)
        for value in condition.values:
            yield from _fillings(key, value, compared if isinstance(compared, str) else "")


def _fillings(key: str, pattern: str, target: str) -> Iterator[str]:
    if all(variable.key != key for variable in variables_in([pattern])):
        return
    before, _, rest = pattern.partition("${")
    after = rest.partition("}")[2]
    yield target
    if target.startswith(before) and target.endswith(after) and len(before) + len(after) <= len(target):
        yield target[len(before) : len(target) - len(after)]
    chunks = [chunk for part in target.split(":") for chunk in (part, *part.split("/"))]
    yield from chunks[-_CHUNKS:]
