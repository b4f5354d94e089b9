"""
From JSON to a policy document, or to an error that names the place.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from guardedbedrock.iam.engine.context import text_of
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import (
    DEFAULT_VERSION,
    VARIABLES_SINCE,
    Object,
    PolicyDocument,
    PolicyType,
    Source,
    Statement,
    load_json,
)
from guardedbedrock.iam.language.grammar import check_action, check_resource
from guardedbedrock.iam.matching.conditions import Condition, parse_operator
from guardedbedrock.iam.matching.principals import PrincipalElement

_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPALS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_EVERYONE: Final = ("*", {"AWS": "*"})
ResultT = TypeVar("ResultT")
_WITH_PRINCIPAL: Final = ("resource", "rcp", "endpoint")
_ARRAYS: Final = (list, tuple)
_SCALARS: Final = (bool, int, float, Decimal)
_PLAIN_SID: Final = ("identity", "boundary", "session")


def parse(
    source: Source, policy_type: PolicyType = "identity", *, name: str | None = None, arn: str | None = None
) -> PolicyDocument:
    """
    Read a policy document.

    Args:
        source: JSON text, a JSON object, or a document already read (which is given back).
        policy_type: Decides which elements may stand in it: Principal stands in resource-based, endpoint and resource control
            policies and must; it must not stand in the others.
        name: What to call it: a policy name or a file.
        arn: Its ARN, if it is a managed policy, an SCP or an RCP.

    Raises:
        PolicySyntaxError: AWS would refuse the document, or it cannot be read for sure; with file and JSON pointer.
    """
    if isinstance(source, PolicyDocument):
        _fits(source, policy_type)
        return replace(source, name=source.name or name, arn=source.arn or arn)
    data = load_json(source, file=name) if isinstance(source, str) else source
    try:
        return _document(data, policy_type, name, arn)
    except _Misread as misread:
        raise PolicySyntaxError(misread.problem, pointer=misread.pointer, file=name) from None


def _fits(document: PolicyDocument, policy_type: PolicyType) -> None:
    """Refuse a document that was read as another type: without its Principal it would grant to everyone."""
    wanted = policy_type in _WITH_PRINCIPAL
    for index, statement in enumerate(document.statements):
        if (statement.principal is not None) is not wanted:
            problem = f"has {'no' if wanted else 'a'} Principal, so it is no policy of type {policy_type}; parse it as one"
            raise PolicySyntaxError(problem, pointer=f"/Statement/{index}", file=document.name)


class _Misread(Exception):  # noqa: N818  # never leaves this module
    """What is wrong, and the way to it, gathered from the inside out while it passes the readers."""

    def __init__(self, problem: str, *keys: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = list(reversed(keys))

    @property
    def pointer(self) -> str:
        keys = (str(key).replace("~", "~0").replace("/", "~1") for key in reversed(self.path))
        return "".join(f"/{key}" for key in keys)


def _at(key: str | int, read: Callable[..., ResultT], *given: object) -> ResultT:
    """Read what stands under a key; the key is only written down when something is wrong there."""
    try:
        return read(*given)
    except _Misread as misread:
        misread.path.append(key)
        raise


def _document(data: object, policy_type: PolicyType, name: str | None, arn: str | None) -> PolicyDocument:
    body = _members(data, _DOCUMENT)
    version = body.get("Version", DEFAULT_VERSION)
    if version not in (VARIABLES_SINCE, DEFAULT_VERSION):
        raise _Misread(f"should be `{VARIABLES_SINCE}` or `{DEFAULT_VERSION}`", "Version")
    if "Statement" not in body:
        raise _Misread("has no Statement")
    statements = _at("Statement", _statements, body["Statement"], policy_type)
    identifier = _at("Id", _text, body["Id"]) if "Id" in body else None
    return PolicyDocument(statements, str(version), identifier, name, arn)


def _statements(data: object, policy_type: PolicyType) -> tuple[Statement, ...]:
    if isinstance(data, Mapping):
        return (_statement(data, policy_type),)
    items = _array(data)
    if not items:
        raise _Misread("is empty; write at least one statement")
    read: list[Statement] = []
    try:
        for item in items:
            read.append(_statement(item, policy_type))  # noqa: PERF401  # the length tells where it stopped
    except _Misread as misread:
        misread.path.append(len(read))
        raise
    _check_distinct([statement.sid for statement in read])
    return tuple(read)


def _check_distinct(sids: list[str | None]) -> None:
    seen: set[str] = set()
    for index, sid in enumerate(sids):
        if sid in seen:
            raise _Misread(f"the Sid `{sid}` stands twice; Sids are unique within a policy", index, "Sid")
        if sid:
            seen.add(sid)


def _statement(data: object, policy_type: PolicyType) -> Statement:
    """Read one statement; `where` is written down only when something is wrong there."""
    body = _members(data, _STATEMENT)
    effect = body.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _Misread("should be `Allow` or `Deny`", "Effect")
    action, resource = _either(body, "Action", "NotAction"), _either(body, "Resource", "NotResource")
    principal = _principal(body, policy_type)
    where = action
    try:
        actions = _texts(body[action], check_action)
        where = resource
        resources = _texts(body[resource], check_resource)
        where = "Condition"
        conditions = _conditions(body["Condition"]) if "Condition" in body else ()
        where = "Sid"
        sid = _sid(body["Sid"], policy_type) if "Sid" in body else None
    except _Misread as misread:
        misread.path.append(where)
        raise
    not_principal = principal is not None and "NotPrincipal" in body
    names = action == "NotAction", resource == "NotResource"
    return Statement(effect, actions, resources, conditions, principal, names[0], names[1], not_principal, sid)


def _sid(data: object, policy_type: PolicyType) -> str | None:
    sid = _text(data)
    if sid and policy_type in _PLAIN_SID and not (sid.isascii() and sid.isalnum()):
        raise _Misread("may hold only letters and digits")
    return sid or None


def _either(body: Mapping[str, object], name: str, negation: str) -> str:
    """Choose between an element and its negation, of which exactly one must stand there."""
    if (name in body) is (negation in body):
        raise _Misread(f"needs either {name} or {negation}{', not both' if name in body else ''}")
    return name if name in body else negation


def _principal(body: Mapping[str, object], policy_type: PolicyType) -> PrincipalElement | None:
    if policy_type not in _WITH_PRINCIPAL and "Principal" not in body and "NotPrincipal" not in body:
        return None
    present = [key for key in ("Principal", "NotPrincipal") if key in body]
    if policy_type not in _WITH_PRINCIPAL:
        raise _Misread(f"a policy of type {policy_type} has no {present[0]}; remove it", present[0])
    if len(present) != 1:
        raise _Misread(f"needs either Principal or NotPrincipal{', not both' if present else ''}")
    if policy_type == "rcp" and (present[0] == "NotPrincipal" or body["Principal"] not in _EVERYONE):
        raise _Misread('write `"Principal": "*"`: a resource control policy applies to everyone', present[0])
    return _at(present[0], _named, body[present[0]])


def _named(data: object) -> PrincipalElement:
    if data in _EVERYONE:
        return (("AWS", "*"),)
    members = _members(data, _PRINCIPALS)
    return tuple((kind, text) for kind, given in members.items() for text in _at(kind, _texts, given))


def _conditions(data: object) -> tuple[Condition, ...]:
    lines: list[Condition] = []
    for operator, block in _members(data).items():
        if parse_operator(operator) is None:
            raise _Misread(f"`{operator}` is no condition operator", operator)
        for key, given in _at(operator, _members, block).items():
            try:
                lines.append(Condition(operator, key, _values(given)))
            except _Misread as misread:
                misread.path += [key, operator]
                raise
    return tuple(lines)


def _values(data: object) -> tuple[str, ...]:
    if isinstance(data, str):
        return (data,)
    if not isinstance(data, _ARRAYS):
        return (_value(data),)
    return tuple([item if isinstance(item, str) else _at(index, _value, item) for index, item in enumerate(data)])


def _value(data: object) -> str:
    if not isinstance(data, _SCALARS):
        raise _Misread(f"should be a string, number or Boolean, not {_kind(data)}")
    text = text_of(data)
    if not isinstance(data, bool) and text.strip("-.0123456789"):
        raise _Misread("is a number out of range")
    return text


def _members(data: object, known: frozenset[str] | None = None) -> Mapping[str, object]:
    if data.__class__ is not dict and not isinstance(data, Mapping):  # the first test spares most documents the second
        raise _Misread(f"should be an object, not {_kind(data)}")
    if isinstance(data, Object) and data.repeated is not None:
        raise _Misread(f"has the key `{data.repeated}` twice; keep one")
    if known is not None and known.issuperset(data):
        return data
    for key in data:
        if not isinstance(key, str):
            raise _Misread(f"has a key that is {_kind(key)}; keys are strings")
        if known is not None and key not in known:
            raise _Misread(f"`{key}` is no element of this place; known are {', '.join(sorted(known))}", key)
    return data


def _texts(data: object, check: Callable[[str], str | None] = lambda _: None) -> tuple[str, ...]:
    """Read one text or an array of them; an empty array is legal, and matches nothing."""
    if isinstance(data, str):
        problem = check(data)
        if problem:
            raise _Misread(problem)
        return (data,)
    items = tuple(_array(data))
    for index, item in enumerate(items):
        problem = check(item) if isinstance(item, str) else f"should be a string, not {_kind(item)}"
        if problem:
            raise _Misread(problem, index)
    return items


def _array(data: object) -> Sequence[Any]:
    if not isinstance(data, _ARRAYS):
        raise _Misread(f"should be an array, not {_kind(data)}")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise _Misread(f"should be a string, not {_kind(data)}")
    return data


def _kind(data: object) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(data, kind)), f"a {type(data).__name__}")


_KINDS: Final[dict[type, str]] = {
    Mapping: "an object",
    list: "an array",
    str: "a string",
    bool: "a Boolean",
    type(None): "null",
    int: "a number",
    float: "a number",
    Decimal: "a number",
}
