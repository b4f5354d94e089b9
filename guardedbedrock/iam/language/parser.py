"""
Parse a policy document, or raise an error that gives the location of what is wrong.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

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
from guardedbedrock.iam.language.grammar import (
    COMPLETED_IN,
    check_action,
    check_completed_resource,
    check_principal,
    check_resource,
)
from guardedbedrock.iam.matching.conditions import Condition, parse_operator
from guardedbedrock.iam.matching.context import text_of
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
_WITH_PRINCIPAL: Final = ("resource", "rcp", "endpoint")
_WITH_ALPHANUMERIC_SID: Final = ("identity", "boundary", "session")
_ARRAYS: Final = (list, tuple)
_SCALARS: Final = (bool, int, float, Decimal)
ResultT = TypeVar("ResultT")


def parse(
    source: Source, policy_type: PolicyType = "identity", *, name: str | None = None, arn: str | None = None
) -> PolicyDocument:
    """
    Parse a policy document.

    Args:
        source: JSON text, a JSON object, or a `PolicyDocument`, which is returned with `name` and `arn` filled in.
        policy_type: Selects the allowed elements. Resource-based, endpoint and resource control policies require Principal or
            NotPrincipal; the other types do not allow them.
        name: Name that errors and decisions show: a policy name or a file.
        arn: ARN of a managed policy, an SCP or an RCP.

    Raises:
        PolicySyntaxError: AWS would reject the document, or its meaning is ambiguous. The error has the file and a JSON pointer.
    """
    if isinstance(source, PolicyDocument):
        _check_policy_type(source, policy_type)
        return replace(source, name=source.name or name, arn=source.arn or arn)
    data = load_json(source, file=name) if isinstance(source, str) else source
    try:
        return _document(data, policy_type, name, arn)
    except _Invalid as invalid:
        raise PolicySyntaxError(invalid.problem, pointer=invalid.pointer, file=name) from None


def _check_policy_type(document: PolicyDocument, policy_type: PolicyType) -> None:
    """Reject a document that was parsed as another type: without its Principal, for example, it would grant to everyone."""
    required = policy_type in _WITH_PRINCIPAL
    for index, statement in enumerate(document.statements):
        element = "NotResource" if statement.not_resource else "Resource"
        try:
            _at(element, _texts, statement.resources, _check_resource_of(policy_type))
            _check_rcp(statement, policy_type)
        except _Invalid as invalid:
            raise PolicySyntaxError(invalid.problem, pointer=f"/Statement/{index}{invalid.pointer}", file=document.name) from None
        if (statement.principal is not None) is not required:
            has, other = ("no", "add one") if required else ("a", "remove it")
            problem = f"has {has} Principal, but was given as a policy of type {policy_type}; {other}, or change the type"
            raise PolicySyntaxError(problem, pointer=f"/Statement/{index}", file=document.name)


class _Invalid(Exception):  # noqa: N818  # caught in this module
    """
    Something invalid.

    Args:
        problem: What is wrong and how to fix it.
        keys: Path to it from the value that was read, outermost key first. Callers insert the keys above.
    """

    def __init__(self, problem: str, *keys: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = list(keys)

    @property
    def pointer(self) -> str:
        keys = (str(key).replace("~", "~0").replace("/", "~1") for key in self.path)
        return "".join(f"/{key}" for key in keys)


def _at(key: str | int, read: Callable[..., ResultT], *arguments: object) -> ResultT:
    """Call a reader; if it finds something invalid, add the key to its location."""
    try:
        return read(*arguments)
    except _Invalid as invalid:
        invalid.path.insert(0, key)
        raise


def _document(data: object, policy_type: PolicyType, name: str | None, arn: str | None) -> PolicyDocument:
    body = _members(data, _DOCUMENT)
    version = body.get("Version", DEFAULT_VERSION)
    if version not in (VARIABLES_SINCE, DEFAULT_VERSION):
        raise _Invalid(f"should be `{VARIABLES_SINCE}` or `{DEFAULT_VERSION}`", "Version")
    if "Statement" not in body:
        raise _Invalid("Statement is missing; add at least one statement")
    statements = _at("Statement", _statements, body["Statement"], policy_type)
    identifier = _at("Id", _text, body["Id"]) if "Id" in body else None
    return PolicyDocument(statements, str(version), identifier, name, arn)


def _statements(data: object, policy_type: PolicyType) -> tuple[Statement, ...]:
    if isinstance(data, Mapping):
        return (_statement(data, policy_type),)
    items = _array(data)
    if not items:
        raise _Invalid("is empty; add at least one statement")
    statements = tuple(_at(index, _statement, item, policy_type) for index, item in enumerate(items))
    _check_sids_are_unique(statements)
    return statements


def _check_sids_are_unique(statements: tuple[Statement, ...]) -> None:
    seen: set[str] = set()
    for index, statement in enumerate(statements):
        if statement.sid in seen:
            raise _Invalid(f"the Sid `{statement.sid}` is used twice; Sids must be unique within a policy", index, "Sid")
        if statement.sid:
            seen.add(statement.sid)


def _statement(data: object, policy_type: PolicyType) -> Statement:
    body = _members(data, _STATEMENT)
    effect = body.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _Invalid("should be `Allow` or `Deny`", "Effect")
    action, resource = _either(body, "Action", "NotAction"), _either(body, "Resource", "NotResource")
    principal = _principal(body, policy_type)
    statement = Statement(
        effect=effect,
        actions=_at(action, _texts, body[action], check_action),
        resources=_at(resource, _texts, body[resource], _check_resource_of(policy_type)),
        conditions=_at("Condition", _conditions, body["Condition"]) if "Condition" in body else (),
        principal=principal,
        not_action=action == "NotAction",
        not_resource=resource == "NotResource",
        not_principal=principal is not None and "NotPrincipal" in body,
        sid=_at("Sid", _sid, body["Sid"], policy_type) if "Sid" in body else None,
    )
    _check_rcp(statement, policy_type)
    return statement


def _check_resource_of(policy_type: PolicyType) -> Callable[[str], str | None]:
    return check_completed_resource if policy_type in COMPLETED_IN else check_resource


def _check_rcp(statement: Statement, policy_type: PolicyType) -> None:
    """Reject what a resource control policy must not contain. Source: AWS Organizations User Guide, "RCP syntax"."""
    if policy_type != "rcp":
        return
    if statement.not_action:
        raise _Invalid("is not allowed in a resource control policy; list the actions in Action", "NotAction")
    if statement.effect == "Allow" and not _allows_everything(statement):
        raise _Invalid("should be `Deny`: the only Allow of a resource control policy is that of RCPFullAWSAccess", "Effect")


def _allows_everything(statement: Statement) -> bool:
    return statement.actions == statement.resources == ("*",) and not (statement.not_resource or statement.conditions)


def _sid(data: object, policy_type: PolicyType) -> str | None:
    sid = _text(data)
    if sid and policy_type in _WITH_ALPHANUMERIC_SID and not (sid.isascii() and sid.isalnum()):
        raise _Invalid("may contain only letters and digits")
    return sid or None


def _either(body: Mapping[str, object], name: str, negation: str) -> str:
    """Return which of an element and its negation is present; exactly one is required."""
    if (name in body) is (negation in body):
        raise _Invalid(f"needs either {name} or {negation}{', not both' if name in body else ''}")
    return name if name in body else negation


def _principal(body: Mapping[str, object], policy_type: PolicyType) -> PrincipalElement | None:
    present = [key for key in ("Principal", "NotPrincipal") if key in body]
    if policy_type not in _WITH_PRINCIPAL:
        if present:
            raise _Invalid(f"is not allowed in a policy of type {policy_type}; remove it", present[0])
        return None
    if len(present) != 1:
        raise _Invalid(f"needs either Principal or NotPrincipal{', not both' if present else ''}")
    if policy_type == "rcp" and (present[0] == "NotPrincipal" or body["Principal"] not in _EVERYONE):
        raise _Invalid('write `"Principal": "*"`: a resource control policy applies to every principal', present[0])
    return _at(present[0], _principal_element, body[present[0]])


def _principal_element(data: object) -> PrincipalElement:
    if data in _EVERYONE:
        return (("AWS", "*"),)
    members = _members(data, _PRINCIPALS)
    if not members:
        raise _Invalid("names no principal; write `*` or at least one of AWS, CanonicalUser, Federated and Service")
    return tuple((kind, text) for kind, texts in members.items() for text in _at(kind, _principals, kind, texts))


def _principals(kind: str, data: object) -> tuple[str, ...]:
    """Read the values of one type of principal. The names of services, providers and canonical users have no documented form."""
    return _texts(data, check_principal) if kind == "AWS" else _texts(data)


def _conditions(data: object) -> tuple[Condition, ...]:
    lines: list[Condition] = []
    for operator, block in _members(data).items():
        if parse_operator(operator) is None:
            raise _Invalid(f"`{operator}` is not a condition operator", operator)
        lines += _at(operator, _condition_lines, operator, block)
    return tuple(lines)


def _condition_lines(operator: str, block: object) -> list[Condition]:
    return [Condition(operator, key, _at(key, _values, values)) for key, values in _members(block).items()]


def _values(data: object) -> tuple[str, ...]:
    if isinstance(data, str):
        return (data,)
    if not isinstance(data, _ARRAYS):
        return (_value(data),)
    return tuple([item if isinstance(item, str) else _at(index, _value, item) for index, item in enumerate(data)])


def _value(data: object) -> str:
    if not isinstance(data, _SCALARS):
        raise _Invalid(f"should be a string, number or Boolean, not {_json_type(data)}")
    text = text_of(data)
    if not isinstance(data, bool) and text.strip("-.0123456789"):
        raise _Invalid("is a number out of range")
    return text


def _members(data: object, known: frozenset[str] | None = None) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise _Invalid(f"should be an object, not {_json_type(data)}")
    if isinstance(data, Object) and data.repeated is not None:
        raise _Invalid(f"has the key `{data.repeated}` twice; keep one")
    for key in data:
        if not isinstance(key, str):
            raise _Invalid(f"has a key that is {_json_type(key)}; keys must be strings")
        if known is not None and key not in known:
            raise _Invalid(f"`{key}` is not an element of this object; known are {', '.join(sorted(known))}", key)
    return data


def _texts(data: object, check: Callable[[str], str | None] = lambda _: None) -> tuple[str, ...]:
    """Read one string or an array of strings. An empty array is valid, and matches nothing."""
    if isinstance(data, str):
        problem = check(data)
        if problem:
            raise _Invalid(problem)
        return (data,)
    items = tuple(_array(data))
    for index, item in enumerate(items):
        problem = check(item) if isinstance(item, str) else f"should be a string, not {_json_type(item)}"
        if problem:
            raise _Invalid(problem, index)
    return items


def _array(data: object) -> Sequence[Any]:
    if not isinstance(data, _ARRAYS):
        raise _Invalid(f"should be an array, not {_json_type(data)}")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise _Invalid(f"should be a string, not {_json_type(data)}")
    return data


def _json_type(data: object) -> str:
    return next((name for kind, name in _JSON_TYPES.items() if isinstance(data, kind)), f"a {type(data).__name__}")


_JSON_TYPES: Final[dict[type, str]] = {
    Mapping: "an object",
    list: "an array",
    str: "a string",
    bool: "a Boolean",
    type(None): "null",
    int: "a number",
    float: "a number",
    Decimal: "a number",
}
