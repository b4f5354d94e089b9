"""Sample values of an unknown key: for each undecided element, values that make it true and values that make it false."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from itertools import combinations, permutations
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.formula import Leaf
from guardedbedrock.iam.matching import values
from guardedbedrock.iam.matching.arns import PARTS, split_tokens
from guardedbedrock.iam.matching.conditions import Condition, parse_operator
from guardedbedrock.iam.matching.context import is_unresolved, lookup
from guardedbedrock.iam.matching.patterns import compile_tokens, tokenize
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.variables import Variable, parse_template, plain, variables_in

Sample: TypeAlias = str | tuple[str, ...] | None
"""A value of a key; None means that the key is absent."""

FRESH: Final = "\x01"
"""A string that no policy contains."""

# These limits bound the samples of each key: their number is a factor of the work in `unresolved_keys`.
_MAX_SET_MEMBERS: Final = 6  # values whose sets are tried: 6 sets of one value, 15 of two, and 1 of all
_MAX_PAIRED: Final = 8  # patterns that are joined in pairs: 8 * 7 = 56 strings
_MAX_PIECES: Final = 12  # last parts of an ARN; a variable is usually a part of the resource at its end
_STEP: Final = 100_000  # seconds, more than one day: the samples before and after an instant are on other dates


def of_key(leaves: Iterable[Leaf], request: Request) -> tuple[Sample, ...]:
    """
    Return sample values of a context key.

    Args:
        leaves: The undecided elements that read the key.
        request: The request.
    """
    leaves = list(leaves)
    scalars = dict.fromkeys([FRESH, *(text for leaf in leaves for text in _of_leaf(leaf, request))])
    # Two patterns may overlap: a value that begins like one and ends like the other can match both.
    patterns = dict.fromkeys(text for text in scalars if FRESH in text and text != FRESH)
    scalars |= dict.fromkeys(one + other for one, other in permutations(list(patterns)[:_MAX_PAIRED], 2))
    found: list[Sample] = [None, *scalars]
    if any(leaf.condition and ":" in leaf.condition.operator for leaf in leaves):
        members = list(scalars)[:_MAX_SET_MEMBERS]
        found += [subset for count in (1, 2) for subset in combinations(members, count)] + [tuple(members)]
    return tuple(dict.fromkeys(found))


def of_part(index: int, leaves: Iterable[Leaf], request: Request) -> tuple[Sample, ...]:
    """Return sample strings for an unknown part of the resource, by its position in the ARN."""
    written = request.part_pattern(index)
    texts = dict.fromkeys(written.replace("*", text) for text in ("", FRESH, FRESH * 3))
    if PARTS[index] == "account":
        texts[identify(request.principal).account] = None
    for leaf in leaves:
        segments = split_tokens(tokenize(_resolved(leaf.pattern or "", leaf, request)))
        if index < len(segments):
            texts |= dict.fromkeys(_instances("".join(t if isinstance(t, str) else t.value for t in segments[index])))
    is_possible = compile_tokens(tokenize(written))
    is_last = index == len(PARTS) - 1
    return tuple(text for text in texts if is_possible(text) and (is_last or ":" not in text))


def _of_leaf(leaf: Leaf, request: Request) -> Iterator[str]:
    condition = leaf.condition
    if condition is None:
        texts, targets = [leaf.pattern or ""], [request.resource]
    else:
        texts = list(condition.values)
        known = lookup(request.facts, condition.key.lower())
        targets = [known] if isinstance(known, str) else [*known] if isinstance(known, tuple) else []
        if is_unresolved(known):
            resolved = tuple(_resolved(text, leaf, request) for text in texts)
            yield from _of_condition(condition._replace(values=resolved))
    if leaf.has_variables:
        for text in texts:
            for target in targets or [""]:
                yield from _fillings(text, target)


def _resolved(text: str, leaf: Leaf, request: Request) -> str:
    """Replace variables by their values, and unknown ones by a wildcard."""
    if not leaf.has_variables or "${" not in text:
        return text
    pieces: list[str] = []
    for part in parse_template(text, plain):
        if not isinstance(part, Variable):
            pieces.append(str(part))
            continue
        value = lookup(request.facts, part.key)
        value = part.default if value is None else value
        pieces.append(value if isinstance(value, str) else "*")
    return "".join(pieces)


def _instances(pattern: str) -> Iterator[str]:
    """Yield strings that a pattern matches, and one that it just does not match."""
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
        yield from (str(moment + step) if isinstance(moment, int) else f"{moment + step:f}" for step in (0, -_STEP, _STEP))


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


def _fillings(pattern: str, target: str) -> Iterator[str]:
    """Yield values of a variable that make a pattern match the string that it is compared with."""
    if not any(True for _ in variables_in([pattern])):
        return
    before, _, rest = pattern.partition("${")
    after = rest.rpartition("}")[2]
    yield target
    if target.startswith(before) and target.endswith(after) and len(before) + len(after) <= len(target):
        yield target[len(before) : len(target) - len(after)]
    pieces = [piece for part in target.split(":") for piece in (part, *part.split("/"))]
    yield from pieces[-_MAX_PIECES:]
