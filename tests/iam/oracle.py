"""
A second engine, plain and slow: what IAM's rules say, written down once more without any thought of speed.

It shares with the first engine nothing but `guardedbedrock.iam.Request`: it reads raw JSON policies, matches wildcards by recursion and
asks every statement. Every answer is True, False or None, which stands for "hangs on what is unknown".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

from guardedbedrock import iam

Truth: TypeAlias = bool | None
Json: TypeAlias = Any
Policies: TypeAlias = Mapping[str, Json]

NAMED_FIRST: Final = ("rcp", "scp", "endpoint", "resource", "identity", "boundary", "session")
NOT_FOR_SERVICE_LINKED_ROLES: Final = ("scp", "rcp")


@dataclass(frozen=True)
class Verdict:
    """What the oracle says of a request, with the Sids of the determining statements."""

    outcome: str
    policy_type: str | None
    sids: frozenset[str] = frozenset()


# Kleene's logic


def every(answers: Iterable[Truth]) -> Truth:
    """AND."""
    known = list(answers)
    return False if False in known else None if None in known else True


def some(answers: Iterable[Truth]) -> Truth:
    """OR."""
    known = list(answers)
    return True if True in known else None if None in known else False


def opposite(answer: Truth) -> Truth:
    """NOT."""
    return None if answer is None else not answer


# What is asked

UNKNOWN: Final = object()
ABSENT: Final = object()


@dataclass(frozen=True)
class Asked:
    """A request, with its context under names in lower case."""

    request: iam.Request
    given: Mapping[str, str | tuple[str, ...]]
    unknown: frozenset[str]

    def value(self, key: str) -> object:
        """Give a text, a tuple of texts, UNKNOWN or ABSENT."""
        name = key.lower()
        if name in self.given:
            return self.given[name]
        family = name.split("/")[0] + "/*"
        return UNKNOWN if name in self.unknown or ("/" in name and family in self.unknown) else ABSENT


def asked(request: iam.Request) -> Asked:
    """Read a request."""
    given: dict[str, str | tuple[str, ...]] = {}
    for key, value in request.context.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            if value:
                given[key.lower()] = tuple(written(one) for one in value)
        elif value is not None:
            given[key.lower()] = written(value)
    return Asked(request, given, frozenset(name.lower() for name in request.unknown))


def written(value: object) -> str:
    """Write a scalar as text, a number without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


# Patterns: tuples of characters and wildcards, matched by their definition

STAR, ONE, STAR_IN_SEGMENT, ONE_IN_SEGMENT = "<*>", "<?>", "<* no colon>", "<? no colon>"
STARS: Final = (STAR, STAR_IN_SEGMENT)
SOME_CHARACTER, SOME_CHARACTERS = "<any character>", "<any characters>"
NO_PATTERN_NAMES_THIS: Final = "\x07"


def wild(text: str) -> tuple[str, ...]:
    """Read a text with wildcards."""
    return tuple({"*": STAR, "?": ONE}.get(character, character) for character in text)


def takes(item: str, character: str) -> bool:
    """Say whether one item of a pattern takes one character."""
    if item in (STAR, ONE):
        return True
    if item in (STAR_IN_SEGMENT, ONE_IN_SEGMENT):
        return character != ":"
    return item == character or (character in (SOME_CHARACTER, SOME_CHARACTERS) and item != ":")


def fits(pattern: tuple[str, ...], text: tuple[str, ...] | str) -> bool:
    """Say whether a pattern covers the whole of a text, in which ``SOME_CHARACTERS`` stands for any number of them but colons."""
    known: dict[tuple[int, int], bool] = {}

    def from_here(i: int, j: int) -> bool:
        if (i, j) not in known:
            known[i, j] = answer(i, j)
        return known[i, j]

    def answer(i: int, j: int) -> bool:
        if j < len(text) and text[j] == SOME_CHARACTERS and from_here(i, j + 1):
            return True
        if i == len(pattern):
            return j == len(text)
        if pattern[i] in STARS and from_here(i + 1, j):
            return True
        if j == len(text) or not takes(pattern[i], text[j]):
            return False
        if text[j] == SOME_CHARACTERS:
            return pattern[i] not in STARS and from_here(i + 1, j)
        return from_here(i if pattern[i] in STARS else i + 1, j + 1)

    return from_here(0, 0)


def segments(pattern: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Split at the first five colons."""
    found: list[list[str]] = [[]]
    for item in pattern:
        if item == ":" and len(found) < 6:
            found.append([])
        else:
            found[-1].append(item)
    return [tuple(segment) for segment in found]


# Policy variables

VARIABLE: Final = re.compile(r"\$\{(.*?)\}", re.DOTALL)
DEFAULT: Final = re.compile(r"\s*([^,]*?)\s*,\s*'(.*)'\s*", re.DOTALL)


@dataclass(frozen=True)
class Filled:
    """A policy text with its variables filled in; a value that is unknown is a star."""

    pattern: tuple[str, ...]
    is_open: bool = False
    early: bool = False


def fill(text: str, read: Callable[[str], tuple[str, ...]], question: Asked, *, variables: bool) -> Filled | None:
    """Put values in the place of variables; None when one has no value."""
    if not variables:
        return Filled(read(text))
    pattern: tuple[str, ...] = ()
    is_open = early = seen = False
    pieces = VARIABLE.split(text)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pattern += read(piece)
        elif piece in ("*", "?", "$"):
            pattern += (piece,)
        else:
            early = early or (not seen and pattern.count(":") < 5)
            seen = True
            value = variable(piece, question)
            if value is ABSENT:
                return None
            is_open = is_open or value is UNKNOWN
            pattern += (STAR,) if value is UNKNOWN else tuple(str(value))
    return Filled(pattern, is_open, early)


def variable(inner: str, question: Asked) -> object:
    """Give the text a variable stands for, UNKNOWN, or ABSENT; a multivalued key stands for nothing."""
    default = DEFAULT.fullmatch(inner)
    value = question.value(default[1] if default else inner.strip())
    if value is ABSENT and default:
        return default[2]
    return ABSENT if isinstance(value, tuple) else value


# Condition operators

Compare: TypeAlias = Callable[[str, str, Asked, bool], Truth]


def textual(read: Callable[[str], tuple[str, ...]], cover: Callable[[tuple[str, ...], str], Truth]) -> Compare:
    """Make the comparison of an operator that takes variables."""

    def compare(policy: str, value: str, question: Asked, variables: bool) -> Truth:  # noqa: FBT001
        filled = fill(policy, read, question, variables=variables)
        if filled is None:
            return False
        answer = cover(filled.pattern, value)
        return None if filled.is_open and answer is not False else answer

    return compare


def ignoring_case(pattern: tuple[str, ...], value: str) -> bool:
    """Cover a text in any case."""
    return fits(tuple(item if len(item) > 1 else item.lower() for item in pattern), value.lower())


def arn_like(pattern: tuple[str, ...], value: str) -> Truth:
    """Cover an ARN, segment by segment; of a pattern with fewer than six nothing is known for sure."""
    if not value.startswith("arn:") or value.count(":") < 5:
        return False
    if set(pattern) == {STAR}:
        return True
    wanted = segments(pattern)
    if len(wanted) < 6:
        return None if fits(pattern, value) else False
    return all(fits(*pair) for pair in zip(wanted, value.split(":", 5), strict=True))


def read_by(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Compare:
    """Make the comparison of an operator that reads both sides as something else; what can not be read matches nothing."""

    def compare(policy: str, value: str, _question: Asked, _variables: bool) -> Truth:  # noqa: FBT001
        left, right = read(value), read(policy)
        return left is not None and right is not None and holds(left, right)

    return compare


def number(text: str) -> Fraction | None:
    """Read an integer or decimal."""
    return Fraction(text) if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) else None


DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:(Z)|([+-])(\d\d):(\d\d)))?)?)?", re.ASCII
)


def instant(text: str) -> Fraction | None:
    """Read a date, or epoch seconds, as seconds since the epoch."""
    found = DATE.fullmatch(text)
    if not found:
        return number(text)
    year, month, day, hour, minute, second, fraction, _, sign, zone_hour, zone_minute = found.groups()
    zone = timedelta(hours=int(zone_hour or 0), minutes=int(zone_minute or 0)) * (-1 if sign == "-" else 1)
    numbers = [int(part or least) for part, least in zip((year, month, day, hour, minute, second), (0, 1, 1, 0, 0, 0), strict=True)]
    try:
        whole = datetime(*numbers, tzinfo=timezone(zone)) - datetime(1970, 1, 1, tzinfo=timezone.utc)  # type: ignore[arg-type]
    except ValueError:
        return None
    return Fraction(whole.days * 86400 + whole.seconds) + (Fraction(int(fraction), 10 ** len(fraction)) if fraction else 0)


def octets(text: str) -> bytes | None:
    """Read base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def lies_in(policy: str, value: str, _question: Asked, _variables: bool) -> Truth:  # noqa: FBT001
    """Say whether an address lies in a block, bit by bit."""
    block, _, length = policy.partition("/")
    try:
        network, address = ipaddress.ip_address(block), ipaddress.ip_address(value)
        ignored = network.max_prefixlen - int(length or network.max_prefixlen)
    except ValueError:
        return False
    return network.version == address.version and ignored >= 0 and int(network) >> ignored == int(address) >> ignored


POSITIVE: Final[Mapping[str, Compare]] = {
    "StringEquals": textual(tuple, fits),
    "StringEqualsIgnoreCase": textual(tuple, ignoring_case),
    "StringLike": textual(wild, fits),
    "Bool": textual(tuple, ignoring_case),
    "ArnEquals": textual(wild, arn_like),
    "ArnLike": textual(wild, arn_like),
    "BinaryEquals": read_by(octets, lambda left, right: left == right),
    "IpAddress": lies_in,
    **{
        f"{kind}{name}": read_by(read, holds)
        for kind, read in (("Numeric", number), ("Date", instant))
        for name, holds in (
            ("Equals", lambda left, right: left == right),
            ("LessThan", lambda left, right: left < right),
            ("LessThanEquals", lambda left, right: left <= right),
            ("GreaterThan", lambda left, right: left > right),
            ("GreaterThanEquals", lambda left, right: left >= right),
        )
    },
}
NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}


def holds(operator: str, key: str, values: list[str], question: Asked, *, variables: bool) -> Truth:
    """Say whether one line of a condition block holds."""
    value = question.value(key)
    if value is UNKNOWN:
        return None
    if operator == "Null":
        return ("true" if value is ABSENT else "false") in [text.lower() for text in values]
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    negated = base in NEGATED
    if value is ABSENT:
        return name != base or {"": negated, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    if quantifier and value in ("", ("",)):
        return quantifier == "ForAllValues"
    compare = POSITIVE[NEGATED.get(base, base)]

    def one(text: str) -> Truth:
        answer = some(compare(policy, text, question, variables) for policy in values)
        return opposite(answer) if negated else answer

    if isinstance(value, str):
        return one(value)
    texts = value if isinstance(value, tuple) else ()
    return {"ForAllValues": every, "ForAnyValue": some}[quantifier](map(one, texts)) if quantifier else False


def conditions_hold(block: Json, question: Asked, *, variables: bool) -> Truth:
    """Say whether all lines of all condition blocks hold."""
    return every(
        holds(operator, key, [written(value) for value in listed(values)], question, variables=variables)
        for operator, lines in block.items()
        for key, values in lines.items()
    )


# Elements of a statement


def listed(given: Json) -> list[Json]:
    """Take a single value as a list of one."""
    return list(given) if isinstance(given, list | tuple) else [given]


def covers_action(statement: Json, action: str) -> bool:
    """Say whether Action or NotAction covers an action."""
    key = "NotAction" if "NotAction" in statement else "Action"
    covered = any(ignoring_case(wild(pattern), action) for pattern in listed(statement[key]))
    return covered is (key == "Action")


def covers_resource(statement: Json, question: Asked, *, variables: bool) -> Truth:
    """Say whether Resource or NotResource covers the resource."""
    key = "NotResource" if "NotResource" in statement else "Resource"
    covered = some(resource_fits(pattern, question, variables=variables) for pattern in listed(statement[key]))
    return covered if key == "Resource" else opposite(covered)


def resource_fits(text: str, question: Asked, *, variables: bool) -> Truth:
    """Say whether one pattern covers the resource; a variable before the fifth colon leaves it open."""
    if text == "*":
        return True
    filled = fill(text, wild, question, variables=variables)
    if filled is None:
        return False
    pattern = bounded(filled.pattern)
    blind = blind_parts(question)
    answer = fits_blindly(pattern, question, blind) if blind else fits(pattern, question.request.resource)
    return None if answer and (filled.early or filled.is_open) else answer


def bounded(pattern: tuple[str, ...]) -> tuple[str, ...]:
    """Keep wildcards of the first five segments within them, save a star that ends a segment."""
    whole: tuple[str, ...] = ()
    for index, segment in enumerate(segments(pattern)):
        last = len(segment) - 1
        kept = [
            {STAR: STAR if place == last else STAR_IN_SEGMENT, ONE: ONE_IN_SEGMENT}.get(item, item) if index < 5 else item
            for place, item in enumerate(segment)
        ]
        whole += ((":",) if index else ()) + tuple(kept)
    return whole


def blind_parts(question: Asked) -> list[int]:
    """Give the places of the parts of the resource that are unknown."""
    names = ("arn", "partition", "service", "region", "account", "id")
    return [place for place, name in enumerate(names) if f"resource:{name}" in question.unknown]


def fits_blindly(pattern: tuple[str, ...], question: Asked, blind: list[int]) -> Truth:
    """Match a resource of which parts may be any text without a colon, but not none."""
    parts = question.request.resource.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return False

    def with_parts(filling: Mapping[int, tuple[str, ...]]) -> tuple[str, ...]:
        pieces = [filling.get(place, tuple(part)) for place, part in enumerate(parts)]
        return tuple(itertools.chain(pieces[0], *((":", *piece) for piece in pieces[1:])))

    lengths = itertools.product((1, 2, 3, 17), repeat=len(blind))
    if all(fits(pattern, with_parts(dict(zip(blind, ((NO_PATTERN_NAMES_THIS,) * n for n in ns), strict=True)))) for ns in lengths):
        return True
    anything = (SOME_CHARACTER, SOME_CHARACTERS)
    return None if fits(pattern, with_parts(dict.fromkeys(blind, anything))) else False


# Principals

NOBODY, ACCOUNT, PERHAPS, ROLE, EVERYONE, HERSELF = range(6)
"""How closely a Principal element names the caller."""


@dataclass(frozen=True)
class Who:
    """A caller, or whom a principal element names."""

    arn: str
    account: str = ""
    kind: str = ""
    name: str = ""

    @property
    def is_service_linked(self) -> bool:
        """Tell a service-linked role."""
        path = self.arn.split(":", 5)[-1].split("/")
        return self.kind in ("role", "assumed-role") and (
            path[:2] == ["role", "aws-service-role"] or self.name.startswith("AWSServiceRoleFor")
        )


def who(arn: str) -> Who:
    """Read a principal."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return Who(arn, kind="service" if arn.endswith(".amazonaws.com") else "")
    kind, *path = parts[5].split("/")
    return Who(arn, parts[4], kind, path[0] if kind == "assumed-role" else path[-1] if path else "")


def named(element: Json, caller: Who) -> int:
    """Say how closely an element names the caller."""
    return max((naming(kind, name, caller) for kind, name in pairs(element)), default=NOBODY)


def pairs(element: Json) -> list[tuple[str, str]]:
    """List the names of an element, each with its kind."""
    if element == "*":
        return [("AWS", "*")]
    return [(kind, name) for kind, names in element.items() for name in listed(names)]


def naming(kind: str, name: str, caller: Who) -> int:
    """Say how closely one name of an element names the caller."""
    if kind == "Service":
        return HERSELF if caller.kind == "service" and name in ("*", caller.arn) else NOBODY
    if kind != "AWS":
        return NOBODY
    if name == "*":
        return EVERYONE
    if name == caller.arn:
        return ROLE if caller.kind == "role" else HERSELF
    other = who(name)
    if caller.account and name in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return ACCOUNT
    if other.account != caller.account:
        return NOBODY
    if (other.kind, caller.kind) == ("role", "assumed-role"):
        return ROLE if other.name == caller.name else NOBODY
    return PERHAPS if (other.kind, caller.kind) == ("user", "federated-user") else NOBODY


def degree(statement: Json, caller: Who) -> int:
    """Say how closely a statement names the caller."""
    if "Principal" in statement:
        return named(statement["Principal"], caller)
    if "NotPrincipal" not in statement:
        return EVERYONE
    spared = left_out(statement["NotPrincipal"], caller)
    return PERHAPS if spared is None else NOBODY if spared else EVERYONE


def left_out(element: Json, caller: Who) -> Truth:
    """Say whether NotPrincipal leaves the caller out; a session has to be listed with its role and its account."""
    names = [name for kind, name in pairs(element) if kind == "AWS"]
    degrees = {naming("AWS", name, caller) for name in names}
    if caller.kind == "assumed-role" and "*" not in names:
        return {HERSELF, ROLE, ACCOUNT} <= degrees
    closeness = named(element, caller)
    return None if closeness == PERHAPS else closeness in (ROLE, EVERYONE, HERSELF)


# Policy sets


@dataclass(frozen=True)
class Placed:
    """A raw statement, the type of its policy, and the group with which it is joined."""

    policy_type: str
    group: int
    raw: Json
    variables: bool

    def applies(self, question: Asked) -> Truth:
        """Say whether the statement applies to a request."""
        if not covers_action(self.raw, question.request.action):
            return False
        closeness = degree(self.raw, who(question.request.principal))
        return every(
            (
                None if closeness == PERHAPS else closeness != NOBODY,
                covers_resource(self.raw, question, variables=self.variables),
                conditions_hold(self.raw.get("Condition", {}), question, variables=self.variables),
            )
        )


def groups_of(policies: Policies) -> Iterator[tuple[str, list[Json]]]:
    """List the groups of documents in play: each policy type, and each level of the organization."""
    for policy_type in NAMED_FIRST:
        given = policies.get(policy_type)
        if policy_type in NOT_FOR_SERVICE_LINKED_ROLES:
            yield from ((policy_type, listed(level)) for level in given or ())
        elif given is not None and (policy_type in ("identity", "resource", "session") or given):
            yield policy_type, listed(given)


class Oracle:
    """Answers requests from raw policies."""

    def __init__(self, policies: Policies) -> None:
        self.groups = [policy_type for policy_type, _ in groups_of(policies)]
        self.empty = {group for group, (_, documents) in enumerate(groups_of(policies)) if not documents}
        self.placed = [
            Placed(policy_type, group, raw, document.get("Version") == "2012-10-17")
            for group, (policy_type, documents) in enumerate(groups_of(policies))
            for document in documents
            for raw in listed(document["Statement"])
        ]

    def evaluate(self, request: iam.Request) -> Verdict:
        """Decide one request."""
        question = asked(request)
        exempt = NOT_FOR_SERVICE_LINKED_ROLES if who(request.principal).is_service_linked else ()
        answers = [(one, one.applies(question)) for one in self.placed]
        denies = [(one, answer) for one, answer in answers if one.raw["Effect"] == "Deny" and one.policy_type not in exempt]
        sure = [one for one, answer in denies if answer]
        if sure:
            first = min((one.policy_type for one in sure), key=NAMED_FIRST.index)
            return Verdict("explicitDeny", first, frozenset(one.raw["Sid"] for one in sure))
        allows = [(one, answer) for one, answer in answers if one.raw["Effect"] == "Allow"]
        readings = [self.permission(question, allows, exempt, foreign=foreign) for foreign in foreign_or_not(question)]
        allowed = readings[0].allowed if len({reading.allowed for reading in readings}) == 1 else None
        if allowed is False:
            return Verdict("implicitDeny", readings[0].policy_type)
        if allowed is None or any(answer is None for _, answer in denies):
            return Verdict("indeterminate", None)
        return Verdict("allowed", readings[0].policy_type, frozenset.intersection(*(reading.sids for reading in readings)))

    def permission(
        self, question: Asked, allows: list[tuple[Placed, Truth]], exempt: tuple[str, ...], *, foreign: bool
    ) -> Permission:
        """Ask all that must allow."""
        caller = who(question.request.principal)
        groups = [
            (kind, some(answer for one, answer in allows if one.group == group))
            for group, kind in enumerate(self.groups)
            if kind not in exempt and not (group in self.empty and kind == "session" and caller.kind != "federated-user")
        ]
        gates = [(kind, answer) for kind, answer in groups if kind in ("scp", "endpoint")]
        own = [(kind, answer) for kind, answer in groups if kind in ("identity", "boundary", "session")]
        limits = dict(own)
        if caller.kind == "root":
            own = []
        granted = [
            (one, every((answer, passes(degree(one.raw, caller), limits, foreign=foreign))))
            for one, answer in allows
            if one.policy_type == "resource"
        ]
        mine, theirs = every(answer for _, answer in own), some(answer for _, answer in granted)
        permitted = every((mine, theirs)) if foreign else some((mine, theirs))
        allowed = every((*(answer for _, answer in gates), permitted))
        if allowed is False:
            return Permission(False, next((kind for kind, answer in [*gates, *own] if answer is False), "resource"))
        granting = {one.raw["Sid"] for one, answer in granted if answer}
        if mine:
            granting |= {one.raw["Sid"] for one, answer in allows if answer and one.policy_type == "identity"}
        return Permission(allowed, "identity" if mine else "resource", frozenset(granting))


@dataclass(frozen=True)
class Permission:
    """Whether all that must allow allows, which policy type says so, and the Sids of the Allows that grant."""

    allowed: Truth
    policy_type: str
    sids: frozenset[str] = frozenset()


def passes(closeness: int, limits: Mapping[str, Truth], *, foreign: bool) -> Truth:
    """Say whether a grant of the resource's owner passes what limits the caller."""
    if foreign or closeness == HERSELF:
        return True
    session = limits.get("session", True)
    if closeness == EVERYONE:
        return True if session else None
    return every((limits.get("boundary", True), session)) if closeness in (ROLE, PERHAPS) else False


def foreign_or_not(question: Asked) -> list[bool]:
    """Say whether the resource belongs to another account; both when its account is unknown."""
    request = question.request
    account = who(request.principal).account
    if not account:
        return [False]
    if request.resource_account is None and "resource:account" in question.unknown:
        return [False, True]
    parts = request.resource.split(":", 5)
    owner = request.resource_account or (parts[4] if len(parts) == 6 else "")
    return [owner not in ("", account)]
