"""
Every request that small policy sets can tell apart, written without the proof's own encoding.

For each dimension there is a pool of strings that is larger than the policies need. Strings that no statement tells apart count
once; the engine's own matchers decide. The requests are the product of what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations, product
from typing import Final

from harness.small_policies import APPROVED, GUARDRAIL, PATTERNS, RESOURCES
from harness.strategies import FEDERATED, MINE, OTHER, ROLE, ROOT, SESSION, USER

from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.iam import PolicySet, Request
from guardedbedrock.iam.language.documents import VARIABLES_SINCE, Statement
from guardedbedrock.iam.matching.arns import bounded, complete
from guardedbedrock.iam.matching.conditions import Condition, Line, compile_line
from guardedbedrock.iam.matching.context import Context, normalize
from guardedbedrock.iam.matching.patterns import compile_tokens, tokenize
from guardedbedrock.iam.matching.variables import parse_template, resolve, variables_in

LETTERS: Final = "ab"
TEXTS: Final = tuple(
    dict.fromkeys(
        (
            *("".join(letters) for length in range(4) for letters in product(f"{LETTERS}*", repeat=length)),
            *("A", "Ab", "aA", "bbab", *PATTERNS, *(pattern.upper() for pattern in PATTERNS)),
        )
    )
)
"""Values of the keys with strings: all short ones. A star in a value is a star, not a wildcard."""
SHORT_TEXTS: Final = tuple(dict.fromkeys(("", "a", "b", "aa", "ab", "bb", *PATTERNS, *(pattern.upper() for pattern in PATTERNS))))
"""The same where a variable compares two strings, so that equality alone tells many pairs apart."""
NAMES: Final = (*("".join(letters) for length in (1, 2) for letters in product(LETTERS, repeat=length)), "bab", "abb", "A")
LOCATIONS: Final = (
    *(("aws", region) for region in ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "u1", "zz-9")),
    ("aws-cn", "us-east-1"),
)
UNNAMED: Final = "999999999999"
"""An account that no policy names."""
OBJECTS: Final = tuple(
    f"arn:{partition}:{service}:::{bucket}{name}"
    for partition in ("aws", "aws-cn")
    for service in ("s3", "sns")
    for bucket in ("b", "c")
    for name in ("", "/", *(f"/{one}" for one in (*NAMES, "*", "${aws:username}", "${aws:PrincipalTag/x}")))
)
OTHER_RESOURCES: Final = tuple(
    f"arn:aws:bedrock:{rest}"
    for rest in (
        *(f"{region}::{name}" for region in ("us-east-1", "us-east-2", "zz-9") for name in ("foundation-model/a", "x")),
        *("us-east-1::foundation-model/ab", "us-east-1::foundation-model/bb", "::imported-model/"),
        *(f"us-east-1:{one}:{name}" for one in (MINE, OTHER, UNNAMED) for name in ("guardrail/a", "imported-model/b", "x")),
    )
)
"""Resources for an action whose resource types are unknown."""
LITERAL_RESOURCES: Final = tuple(text.replace("*", "") for texts in RESOURCES.values() for text in texts if "${" in text)
"""Resources whose name is the spelling of a variable, which older versions of the policy language do not have."""
MODEL_ID_TYPES: Final = ("foundation-model", "inference-profile")
POOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:requestedregion": ("us-east-1", "us-east-2", "us-west-2", "eu-central-1", "zz-9"),
    "bedrock:guardrailidentifier": (
        APPROVED,
        *(f"{GUARDRAIL}{end}" for end in ("", ":4", ":33", "h", "h:3")),
        APPROVED.replace(MINE, OTHER),
        APPROVED.replace("us-east-1", "zz-9"),
    ),
    "aws:sourcearn": (
        *(f"arn:aws:sns:{rest}" for rest in ("us-east-1:1:t", "us-east-1:1:tu", "us-east-1:2:t", "us-west-1:1:t", "zz-9:1:t")),
        *("arn:aws:sns:us-east-1:1:u", "arn:aws:sns:zs-east-1:2:t:t", "arn:aws:sqs:us-east-1:1:t", "arn:aws:sns:us-west-1:1:u"),
    ),
    "aws:sourceip": ("10.0.0.1", "10.0.0.9", "10.0.1.1", "10.1.0.1", "11.0.0.1", "2001:db8::1", "2002::1"),
    "aws:multifactorauthage": ("-2", "-1", "0", "1", "1.5", "2", "2.2", "2.5", "3"),
    "k:number": ("-2", "-1", "0", "1", "1.5", "2", "2.2", "2.5", "3", "x", "", "1e3"),
    "aws:tokenissuetime": (
        "2025-12-31",
        "2026-01-01",
        "2026-01-01T00:00:00.2Z",
        "2026-01-01T00:00:00.5Z",
        "2026-06",
        "2027-06",
        "2028",
    ),
    "aws:securetransport": ("true", "false"),
    "aws:multifactorauthpresent": ("true", "false"),
    "k:flag": ("true", "false", "TRUE", "x", "y", ""),
    "k:bytes": ("AAAA", "AAA=", "AAB=", "AQ==", "AR==", "BBBB", "x", ""),
}
"""Values of the keys with a type. Each policy value has a value on it, and one on each side."""
ALWAYS: Final = frozenset({"aws:requestedregion", "aws:securetransport", "aws:currenttime"})
SETS: Final = frozenset({"aws:tagkeys", "aws:calledvia"})
OF_PRINCIPAL: Final[Mapping[str, str | None]] = {USER: "a", FEDERATED: None, ROLE: None, SESSION: None, ROOT: None}
"""The user name of each principal; None for one that has none."""


@lru_cache(maxsize=256)
def resources_of(action: str, types: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return many resources that an action can have."""
    known = reference.actions().get(action.lower())
    if known is None:
        return ("*", *OBJECTS, *OTHER_RESOURCES, *LITERAL_RESOURCES)
    if not known.types:
        return ("*",)
    found: list[str] = []
    for one in sorted(known.types if types is None else known.types.intersection(types)):
        template = reference.resource_arns()[one]
        accounts = (MINE, OTHER, UNNAMED) if "${Account}" in template else ("",)
        names = (*NAMES, "a:0", "b:0:ab") if one in MODEL_ID_TYPES else NAMES
        start, dollar, _ = template.partition("/${")
        for (partition, region), account in product(LOCATIONS, accounts):
            filled = start.replace("${Partition}", partition).replace("${Region}", region).replace("${Account}", account)
            found += [f"{filled}/{name}" for name in names] if dollar else [filled]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Enumeration:
    """
    The requests that some policy sets can tell apart.

    Args:
        policies: The policy sets.
        principal: Who calls.
        also: Keys that a question compares with a value.
    """

    policies: tuple[PolicySet, ...]
    principal: str
    also: tuple[tuple[str, str], ...] = ()

    def requests(
        self,
        action: str,
        resources: tuple[str, ...],
        given: Mapping[str, str] | None = None,
        absent: Iterable[str] = (),
    ) -> Iterator[Request]:
        """
        Yield the requests of an action.

        Args:
            action: The action.
            resources: The resources that count.
            given: Keys with a fixed value.
            absent: Keys that no request has.
        """
        tests = _tests(self.policies, self.also)
        fixed = {key.lower(): value for key, value in (given or {}).items()}
        gone = {key.lower() for key in absent}
        has_variables = any(len(line.reads) > 1 for line in tests.lines) or any(v and _variables(s) for s, v in tests.statements)
        texts = tuple(dict.fromkeys((*(SHORT_TEXTS if has_variables else TEXTS), *tests.literals)))
        keys = sorted({key for line in tests.lines for key in line.reads})
        pools = {key: self._pool(key, action, fixed, gone, texts) for key in dict.fromkeys(map(_canonical, keys))}
        chosen = {key: _different(key, values, resources, pools, tests) for key, values in pools.items()}
        for resource in _different_resources(resources, pools, tests):
            for values in product(*chosen.values()):
                context = dict(zip(chosen, values, strict=True))
                yield self.request(action, resource, {key: value for key, value in context.items() if value is not None})

    def request(self, action: str, resource: str, context: Mapping[str, object]) -> Request:
        """Return one request, with both spellings of the time."""
        both = {"aws:epochtime": context["aws:currenttime"]} if "aws:currenttime" in context else {}
        return Request(self.principal, action, resource, {**context, **both}, rcp_applies=True)

    def _pool(
        self, key: str, action: str, fixed: Mapping[str, str], gone: set[str], texts: tuple[str, ...]
    ) -> tuple[object, ...]:
        if key in fixed:
            return (fixed[key],)
        if key in gone or not (carries(action, key) or action.lower() not in reference.actions()):
            return (None,)
        if key == "aws:username":
            name = OF_PRINCIPAL.get(self.principal)
            return (name,)
        values = POOLS.get("aws:tokenissuetime" if key == "aws:currenttime" else key, texts)
        return values if key in ALWAYS else (None, *values)


@dataclass(frozen=True)
class _Tests:
    """What the statements compare: condition lines, resources with the keys that variables read, and strings like variables."""

    lines: tuple[Line, ...]
    statements: tuple[tuple[Statement, bool], ...]
    literals: tuple[str, ...]


def _canonical(key: str) -> str:
    return "aws:currenttime" if key == "aws:epochtime" else key


def _tests(policies: Iterable[PolicySet], also: Iterable[tuple[str, str]]) -> _Tests:
    lines: dict[tuple[Condition, bool], Line] = {}
    statements: dict[tuple[Statement, bool], None] = {}
    extra: dict[str, None] = {}
    for one in policies:
        for _, document in one:
            variables = document.version == VARIABLES_SINCE
            for statement in document.statements:
                statements[statement, variables] = None
                for condition in statement.conditions:
                    lines[condition, variables] = compile_line(condition, variables=variables)
                if variables:
                    extra |= dict.fromkeys(variable.key for variable in variables_in(statement.resources))
    literals = tuple(text for condition, variables in lines if not variables for text in condition.values if "${" in text)
    asked = [Line(partial(_has, key, value), key, (key,)) for key, value in also]
    return _Tests((*lines.values(), *asked, *(Line(lambda _: True, key, (key,)) for key in extra)), tuple(statements), literals)


def _has(key: str, value: str, context: Context) -> bool:
    return context.get(key) == value


def _different(
    key: str, values: Sequence[object], resources: tuple[str, ...], pools: Mapping[str, Sequence[object]], tests: _Tests
) -> tuple[object, ...]:
    """Return a value for each set of values that no statement tells apart, whatever the other keys and the resource are."""
    if len(values) == 1:
        return tuple(values)
    reading = [line for line in tests.lines if key in map(_canonical, line.reads)]
    rows = [
        _by_value(key, resources, statement, pools)
        for statement, variables in tests.statements
        if variables and key in _variables(statement)
    ]

    def answers(value: object) -> object:
        return _answers(key, value, reading, pools), *(row[value] for row in rows)

    singles = _first_of_each(values, answers)
    if key not in SETS:
        return singles
    present = [value for value in singles if value is not None]
    several = [value for value in present if value]  # a set of several strings has no empty one
    sets = [(), *((one,) for one in present), *combinations(several, 2), *combinations(several, 3)]
    return _first_of_each((*singles, *map(list, sets)), lambda value: _answers(key, value, reading, pools))


def _variables(statement: Statement) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.key for one in variables_in(statement.resources)))


def _by_value(
    key: str, resources: tuple[str, ...], statement: Statement, pools: Mapping[str, Sequence[object]]
) -> dict[object, tuple[object, ...]]:
    """Return for each value of a key which resources a statement covers."""
    keys = _variables(statement)
    rows: dict[object, tuple[object, ...]] = dict.fromkeys(pools[key], ())
    for column in _columns(resources, statement, variables=True, pools=pools):
        for values, covered in zip(product(*(pools[one] for one in keys)), column, strict=True):
            rows[values[keys.index(key)]] += (covered,)
    return rows


def _answers(key: str, value: object, lines: Iterable[Line], pools: Mapping[str, Sequence[object]]) -> tuple[object, ...]:
    found: list[object] = [value is None]
    for line in lines:
        others = [one for one in dict.fromkeys(map(_canonical, line.reads)) if one != key]
        for values in product(*(pools[one] for one in others)):
            context = {name: text for name, text in ((key, value), *zip(others, values, strict=True)) if text is not None}
            if "aws:currenttime" in context:
                context["aws:epochtime"] = context["aws:currenttime"]
            found.append(line.test(normalize(context, (), {})))
    return tuple(found)


def _different_resources(resources: tuple[str, ...], pools: Mapping[str, Sequence[object]], tests: _Tests) -> tuple[str, ...]:
    """Return a resource for each set of resources of one account that no statement tells apart."""
    rows = {
        covered: None
        for statement, variables in tests.statements
        for column in _columns(resources, statement, variables=variables, pools=pools)
        for covered in column
    }
    return tuple(
        dict(zip(reversed(tuple(zip(_owners(resources), *rows, strict=True))), reversed(resources), strict=True)).values()
    )


@lru_cache(maxsize=64)
def _owners(resources: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(resource.split(":", 5)[4] if ":" in resource else "" for resource in resources)


def _columns(
    resources: tuple[str, ...], statement: Statement, *, variables: bool, pools: Mapping[str, Sequence[object]]
) -> Iterator[tuple[bytes, ...]]:
    keys = _variables(statement) if variables else ()
    texts = tuple(tuple(pools[key]) for key in keys)
    for pattern in statement.resources:
        yield _column(resources, pattern, variables, keys, texts)


@lru_cache(maxsize=4096)
def _column(
    resources: tuple[str, ...],
    pattern: str,
    variables: bool,  # noqa: FBT001
    keys: tuple[str, ...],
    texts: tuple[tuple[str | None, ...], ...],
) -> tuple[bytes, ...]:
    """Return which resources a pattern covers, for each combination of values of the variables."""
    template = parse_template(complete(pattern), tokenize) if variables else tokenize(complete(pattern))
    found: list[bytes] = []
    for values in product(*texts):
        context = normalize({key: text for key, text in zip(keys, values, strict=True) if text is not None}, (), {})
        tokens = resolve(template, context)
        if tokens is None:
            found.append(bytes(len(resources)))
            continue
        matches = compile_tokens(tokens if pattern == "*" else bounded(tokens, segment_end_expands=True))
        found.append(bytes(map(matches, resources)))
    return tuple(found)


def _first_of_each(values: Sequence[object], answers: Callable[[object], object]) -> tuple[object, ...]:
    seen: dict[object, object] = {}
    for value in values:
        seen.setdefault(answers(value), value)
    return tuple(seen.values())
