"""
Well-formed requests: the form of a request that AWS could receive. Without it, a witness could be a request that cannot exist.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; IAM User Guide, "AWS global
condition context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.caller import PRINCIPAL_TYPES
from guardedbedrock.governance.proof.logic.cells import Cells
from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys, canonical_key
from guardedbedrock.governance.proof.logic.formulas import (
    RESOURCE,
    Choice,
    Formula,
    InCells,
    Matches,
    Present,
    Repeat,
    Shaped,
    StringShape,
    UnknownString,
    Used,
    conjoin,
    disjoin,
    implies,
    negate,
)
from guardedbedrock.governance.proof.logic.keys import ALWAYS_PRESENT, ARNS, BOOLEANS, TIME
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.solving.solver import Solution
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching import values
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, Tokens, join, tokenize
from guardedbedrock.iam.matching.principals import identify, role_arn_patterns

GUARDRAIL: Final = "bedrock:guardrailidentifier"
"""The actions that let a model generate; every other inference operation requires one of them."""

NOT_THE_MODEL: Final = frozenset(
    {"inference-profile", "application-inference-profile", "prompt-router", "default-prompt-router", "project"}
)
"""Resource types of `INFERENCE` that are authorized in addition to the model, which decides."""

_LOWER: Final = ("a", "z")
_DIGIT: Final = ("0", "9")
_NAME: Final = Repeat((_LOWER, ("A", "Z"), _DIGIT, ("-", "/"), ("_", "_")), 1)
_WORD: Final = Repeat((_LOWER, ("A", "Z"), _DIGIT, ("-", "."), ("_", "_")), 1)
_VERSION: Final = Repeat((_DIGIT,), 1, 4)
_VARIANT: Final = Repeat((_LOWER, _DIGIT), 1, 8)
_MODEL_ID: Final[StringShape] = (_WORD, Choice((("",), (":", _VERSION), (":", _VERSION, ":", _VARIANT))))
"""A model ID or a profile ID, such as ``anthropic.claude-v2:1:200k``. Names of other types have no colon."""
_NAMED_BY_MODEL_ID: Final = frozenset({"foundation-model", "inference-profile"})
_PARTITION: Final = Choice((("aws",), ("aws-cn",), ("aws-us-gov",)))
REGION: Final[StringShape] = (Repeat((_LOWER, _DIGIT, ("-", "-")), 1),)
"""More strings than there are Regions, because AWS adds Regions. A witness gets a usual Region if possible."""
_DIGITS: Final = Repeat((_DIGIT,), 1)
_SEGMENT: Final = Repeat(((" ", "9"), (";", "~")), 0)
_ANY_STRING: Final = Repeat(((" ", "~"),), 0)
_ARN: Final[StringShape] = ("arn:", _SEGMENT, ":", _SEGMENT, ":", _SEGMENT, ":", _SEGMENT, ":", _ANY_STRING)
_ACCOUNT_DIGITS: Final = 12
_KMS_KEY: Final[Tokens] = join(("arn:", ANY_BUT_COLON, ":kms:", ANY_BUT_COLON, ":", ANY_BUT_COLON, ":key/", ANY))
"""Only the actions of KMS are authorized on a key, and its key policy must allow them."""


@dataclass(frozen=True, slots=True)
class _Shapes:
    """
    The shapes of some strings.

    Args:
        partition: A partition.
        region: A Region.
        name: Name of a resource.
        guardrail: A value of ``bedrock:GuardrailIdentifier``.
    """

    partition: StringShape
    region: StringShape
    name: StringShape
    guardrail: StringShape


_ALLOWED_SHAPES: Final = _Shapes(
    partition=(_PARTITION,),
    region=REGION,
    name=(_NAME,),
    guardrail=(
        "arn:",
        _PARTITION,
        ":bedrock:",
        *REGION,
        ":",
        _DIGITS,
        ":guardrail/",
        Repeat((_LOWER, _DIGIT), 1),
        Choice((("",), (":", _DIGITS))),
    ),
)
_USUAL: Final = _Shapes(
    partition=("aws",),
    region=("us-east-1",),
    name=(Repeat((_LOWER, _DIGIT, ("-", ".")), 0), Repeat((_LOWER, _DIGIT), 1, 1)),
    guardrail=(
        "arn:aws:bedrock:us-east-1:123456789012:guardrail/",
        Repeat((_LOWER, _DIGIT), 1),
        Choice((("",), (":", Repeat((("1", "9"),), 1, 1)))),
    ),
)


@dataclass(frozen=True, slots=True)
class RequestClass:
    """
    The requests of one part of a question.

    Args:
        action: The action.
        types: Resource types; None for every type of the action. With an empty set, no resource matches.
        resource: The resource, if it is fixed.
        fixed: Keys with their values; None for a key that is absent.
        patterns: Patterns, one of which the resource matches; empty for no limit.
        account: Account of the resource; ``""`` for resources whose ARN names no account.
        foreign: Whether `account` differs from the account of the principal.
        lists: Keys with several values.
        partly_known: Keys whose value is known in part, with patterns; the value matches one of the patterns.
        resource_account: Account that owns `resource`, if its ARN does not contain it.
    """

    action: str
    types: frozenset[str] | None = None
    resource: str | None = None
    fixed: Mapping[str, str | None] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    account: str = ""
    foreign: bool = False
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    partly_known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resource_account: str | None = None


def principal_keys(principal: str) -> dict[str, str | None]:
    """Return the keys that AWS derives from a principal."""
    found, parts = identify(principal), split(principal)
    keys: dict[str, str | None] = {
        "aws:PrincipalAccount": found.account or None,
        "aws:PrincipalIsAWSService": "true" if found.kind == "service" else "false",
        "aws:username": principal.rpartition("/")[2] if found.kind == "user" else None,
    }
    if found.kind in PRINCIPAL_TYPES:
        keys["aws:PrincipalType"] = PRINCIPAL_TYPES[found.kind]
    if parts is not None and found.kind != "assumed-role":
        keys["aws:PrincipalArn"] = principal
    return keys


def principal_patterns(principal: str) -> dict[str, tuple[str, ...]]:
    """Return the keys whose value is known in part: the ARN of a session does not contain the path of its role."""
    found = identify(principal)
    return {"aws:PrincipalArn": role_arn_patterns(found)} if found.kind == "assumed-role" else {}


def shape_of_resource(request_class: RequestClass) -> Shaped | None:
    """Return the shape of the resources of a class of requests; None if the resource is fixed, or if there can be none."""
    if request_class.resource is not None:
        return None
    return _resource_shape(request_class.action.lower(), types_in(request_class), request_class.account, request_class.foreign)


@lru_cache(maxsize=4096)  # keyed by all arguments: each question asks for every action and type
def _resource_shape(action: str, types: tuple[str, ...] | None, account: str, foreign: bool) -> Shaped | None:  # noqa: FBT001
    named: StringShape = ("arn:", _SEGMENT, ":", _SEGMENT, ":", _SEGMENT, f":{account}:", _ANY_STRING)
    if types is not None:
        options = tuple(_shape_of(one, account, _ALLOWED_SHAPES) for one in types)
    elif action in reference.actions():
        options = () if foreign else (("*",),)
    else:
        options = (named,) if account else (named, ("*",))
    if not options:
        return None
    return Shaped(RESOURCE, options[0] if len(options) == 1 else (Choice(options),))


def known_shapes(keys: ComparedKeys) -> dict[UnknownString, Shaped]:
    """Return the shapes that the values of keys have in every request with the key."""
    string = UnknownString(GUARDRAIL)
    return {string: Shaped(string, _ALLOWED_SHAPES.guardrail)} if GUARDRAIL in keys.slots else {}


def usual_shapes(request_class: RequestClass) -> dict[UnknownString, StringShape]:
    """Return shapes of strings that make a witness easy to read: a usual Region, model and guardrail."""
    shapes = {UnknownString(GUARDRAIL): _USUAL.guardrail, UnknownString("aws:requestedregion"): _USUAL.region}
    types = types_in(request_class)
    return shapes if not types else {**shapes, RESOURCE: _shape_of(types[0], request_class.account, _USUAL)}


def well_formed(request_class: RequestClass, keys: ComparedKeys) -> Formula:
    """
    Return the formula for the requests that AWS could receive, in a class of requests.

    Args:
        request_class: The class of requests.
        keys: How the keys are modelled.
    """
    parts = (_resource(request_class), _keys(request_class, keys), _fixed(request_class, keys), _in_part(request_class, keys))
    return conjoin(formula for part in parts for formula in part)


def _resource(request_class: RequestClass) -> Iterator[Formula]:
    if request_class.resource is not None:
        yield Matches(RESOURCE, tuple(filter(None, (request_class.resource,))))
        return
    yield shape_of_resource(request_class) or False
    if request_class.action.lower() not in reference.actions() and not request_class.action.lower().startswith("kms:"):
        yield negate(Matches(RESOURCE, _KMS_KEY))
    if request_class.patterns:
        yield disjoin(Matches(RESOURCE, tokenize(pattern)) for pattern in request_class.patterns)


def types_in(request_class: RequestClass) -> tuple[str, ...] | None:
    """Return the resource types of a class's action in its account, foundation models first; None if it has no types."""
    known = reference.actions().get(request_class.action.lower())
    if request_class.resource is not None or known is None or not known.types:
        return None
    types = known.types if request_class.types is None else request_class.types & known.types
    return tuple(sorted((one for one in types if _fits(one, request_class)), key=lambda one: (one != "foundation-model", one)))


def _fits(resource_type: str, request_class: RequestClass) -> bool:
    """Return whether a type's ARN names an account exactly if the class of requests does."""
    return ("${Account}" in reference.resource_arns()[resource_type]) is bool(request_class.account)


def _shape_of(resource_type: str, account: str, given: _Shapes) -> StringShape:
    """Return the shape of a resource type's ARNs in an account."""
    named: Mapping[str, StringShape] = {"${Partition}": given.partition, "${Region}": given.region, "${Account}": (account,)}
    parts: list[str | Repeat | Choice] = []
    for piece in re.split(r"(\$\{\w+\})", reference.resource_arns()[resource_type]):
        if piece in named:
            parts += named[piece]
        elif piece:
            name = _MODEL_ID if resource_type in _NAMED_BY_MODEL_ID and given is _ALLOWED_SHAPES else given.name
            parts += name if piece.startswith("${") else (piece,)
    return tuple(parts)


def accounts(policies: Iterable[ProofPolicies], *, every: bool = False) -> Iterator[tuple[str, bool]]:
    """
    Yield the accounts that policies can tell apart, each with whether it is foreign to the principal.

    1. no account
    2. the principal's account
    3. ``aws``, if a resource pattern names it
    4. every other account that a resource pattern names, and one that none names: only if there is a resource-based policy,
       without which another account's resource is not reachable

    Args:
        policies: The policies.
        every: Whether other accounts are yielded even without a resource-based policy.
    """
    listed = tuple(policies)
    own = identify(listed[0].principal).account
    yield "", False
    if own:
        yield own, False
    patterns = {pattern for one in listed for placed in one.statements() for pattern in placed.statement.resources}
    segments = {parts[4] for pattern in patterns if len(parts := pattern.split(":", 5)) > 4}  # noqa: PLR2004  # an ARN
    if "aws" in segments:
        yield "aws", False  # AWS owns the resource, so that identity-based policies alone decide
    named = {segment.replace("*", "0").replace("?", "0").ljust(_ACCOUNT_DIGITS, "0") for segment in segments if segment}
    if not every and all(one.resource is None for one in listed):
        return
    for account in sorted(one for one in named | {"999999999999"} if one != own and one.isdecimal()):
        yield account, bool(own)  # a principal without an account, such as an AWS service, is not foreign to any


def _keys(request_class: RequestClass, keys: ComparedKeys) -> Iterator[Formula]:
    is_known = request_class.action.lower() in reference.actions()
    for key in (*keys.cells, *keys.slots):
        if key in ALWAYS_PRESENT:
            yield Present(key)
        if is_known and not carries(request_class.action, key):
            yield negate(Present(key))
        for slot in range(2, keys.slots.get(key, 0)):
            yield implies(Used(key, slot), Used(key, slot - 1))
        for slot in range(1, keys.slots.get(key, 0)):
            # A key with several values has no empty value, so a set of several strings is never an empty set.
            yield implies(
                Used(key, slot), negate(disjoin((Matches(UnknownString(key), ()), Matches(UnknownString(key, slot), ()))))
            )
        for slot in range(keys.slots.get(key, 0)):
            yield implies(Present(key), _value_of(key, UnknownString(key, slot)))


def _value_of(key: str, string: UnknownString) -> Formula:
    if key in BOOLEANS:
        return disjoin((Matches(string, ("true",)), Matches(string, ("false",))))
    if key == GUARDRAIL:
        return Shaped(string, _ALLOWED_SHAPES.guardrail)
    if key in ARNS:
        return Shaped(string, _ARN)
    if key == "aws:requestedregion":
        return Shaped(string, _ALLOWED_SHAPES.region)
    return True


def _fixed(request_class: RequestClass, keys: ComparedKeys) -> Iterator[Formula]:
    for name, value in request_class.fixed.items():
        key = canonical_key(name)
        if value is None:
            yield negate(Present(key))
            continue
        yield Present(key)
        if key in keys.cells:
            yield _in_cell_of(key, value, keys.cells[key])
        elif key in keys.slots:
            yield Matches(UnknownString(key), (value,) if value else ())
            yield from (negate(Used(key, slot)) for slot in range(1, keys.slots[key]))


def _in_part(request_class: RequestClass, keys: ComparedKeys) -> Iterator[Formula]:
    for name, patterns in request_class.partly_known.items():
        key = canonical_key(name)
        if key in keys.slots:
            yield Present(key)
            yield disjoin(Matches(UnknownString(key), tokenize(pattern)) for pattern in patterns)


def _in_cell_of(key: str, value: str, cells: Cells) -> Formula:
    read = values.address if cells.kind == "address" else values.instant if cells.kind == "date" else values.number
    wanted: object = read(value)
    return InCells(key, cells.where(lambda sample: wanted is not None and read(sample) == wanted))


def rebuild(solution: Solution, request_class: RequestClass, keys: ComparedKeys, policies: ProofPolicies) -> Request:
    """Return the request that a solution describes."""
    context: dict[str, object] = {}
    for key, value in solution.strings.items():
        context[keys.spelling.get(key, key)] = list(value) if isinstance(value, tuple) else value
    for key, cell in solution.cells.items():
        sample = keys.cells[key].samples[cell]
        for spelling in ("aws:CurrentTime", "aws:EpochTime") if key == TIME else (keys.spelling.get(key, key),):
            context[spelling] = sample
    # A question may spell a number or a date differently than the sample of its cell.
    for name, given in request_class.fixed.items():
        key = canonical_key(name)
        if key in solution.cells and given is not None:
            for spelling in ("aws:CurrentTime", "aws:EpochTime") if key == TIME else (keys.spelling[key],):
                context[spelling] = given
    context |= {name: list(strings) for name, strings in request_class.lists.items()}
    return Request(
        principal=policies.principal,
        action=request_class.action,
        resource=request_class.resource if request_class.resource is not None else solution.resource or "*",
        context=context,
        resource_account=request_class.resource_account,
        rcp_applies=policies.rcp_applies,
    )
