"""
From JSON to a policy document, or to an error that names the place.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NoReturn

from guardedbedrock.iam.arns import PARTS
from guardedbedrock.iam.conditions import Condition, parse_operator
from guardedbedrock.iam.context import text_of
from guardedbedrock.iam.documents import (
    DEFAULT_VERSION,
    VARIABLES_SINCE,
    Object,
    PolicyDocument,
    PolicyType,
    Source,
    Statement,
    load_json,
)
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.principals import PrincipalElement

_DOCUMENT: Final = ("Version", "Id", "Statement")
_STATEMENT: Final = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_PRINCIPALS: Final = ("AWS", "Service", "Federated", "CanonicalUser")
_WITH_PRINCIPAL: Final = ("resource", "rcp", "endpoint")
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
    return _Reader(policy_type, name).document(data, arn)


def _fits(document: PolicyDocument, policy_type: PolicyType) -> None:
    """Refuse a document that was read as another type: without its Principal it would grant to everyone."""
    wanted = policy_type in _WITH_PRINCIPAL
    for index, statement in enumerate(document.statements):
        if (statement.principal is not None) is not wanted:
            problem = f"has {'no' if wanted else 'a'} Principal, so it is no policy of type {policy_type}; parse it as one"
            raise PolicySyntaxError(problem, pointer=f"/Statement/{index}", file=document.name)


@dataclass(frozen=True, slots=True)
class _Reader:
    policy_type: PolicyType
    file: str | None

    def fail(self, problem: str, pointer: str) -> NoReturn:
        raise PolicySyntaxError(problem, pointer=pointer, file=self.file)

    def members(self, data: object, pointer: str, known: tuple[str, ...] | None = None) -> Mapping[str, object]:
        if not isinstance(data, Mapping):
            self.fail(f"should be an object, not {_kind(data)}", pointer)
        if isinstance(data, Object) and data.repeated is not None:
            self.fail(f"has the key `{data.repeated}` twice; keep one", pointer)
        for key in data:
            if not isinstance(key, str):
                self.fail(f"has the key {key!r}, which is no string", pointer)
            if known is not None and key not in known:
                self.fail(f"`{key}` is no element of this place; known are {', '.join(known)}", f"{pointer}/{_escape(key)}")
        return data

    def document(self, data: object, arn: str | None) -> PolicyDocument:
        body = self.members(data, "", _DOCUMENT)
        version = body.get("Version", DEFAULT_VERSION)
        if version not in (VARIABLES_SINCE, DEFAULT_VERSION):
            self.fail(f"should be `{VARIABLES_SINCE}` or `{DEFAULT_VERSION}`", "/Version")
        if "Statement" not in body:
            self.fail("has no Statement", "")
        given = body["Statement"]
        if given == []:
            self.fail("is empty; write at least one statement", "/Statement")
        one = isinstance(given, Mapping)
        statements = [given] if one else self.array(given, "/Statement")
        pointers = ["/Statement" if one else f"/Statement/{i}" for i in range(len(statements))]
        read = tuple(self.statement(*pair) for pair in zip(statements, pointers, strict=True))
        self.distinct(read, pointers)
        identifier = self.text(body["Id"], "/Id") if "Id" in body else None
        return PolicyDocument(read, version, identifier, self.file, arn)

    def distinct(self, statements: tuple[Statement, ...], pointers: list[str]) -> None:
        seen: set[str] = set()
        for statement, pointer in zip(statements, pointers, strict=True):
            if statement.sid and statement.sid in seen:
                self.fail(f"the Sid `{statement.sid}` stands twice; Sids are unique within a policy", f"{pointer}/Sid")
            seen.add(statement.sid or "")

    def statement(self, data: object, pointer: str) -> Statement:
        body = self.members(data, pointer, _STATEMENT)
        effect = body.get("Effect")
        if effect not in ("Allow", "Deny"):
            self.fail("should be `Allow` or `Deny`", f"{pointer}/Effect")
        action, actions = self.one_of(body, "Action", pointer, self.action)
        resource, resources = self.one_of(body, "Resource", pointer, self.resource)
        return Statement(
            effect=effect,
            actions=actions,
            resources=resources,
            conditions=self.conditions(body.get("Condition", {}), f"{pointer}/Condition"),
            principal=self.principal(body, pointer),
            not_action=action == "NotAction",
            not_resource=resource == "NotResource",
            not_principal="NotPrincipal" in body,
            sid=self.sid(body, pointer),
        )

    def sid(self, body: Mapping[str, object], pointer: str) -> str | None:
        if "Sid" not in body:
            return None
        sid = self.text(body["Sid"], f"{pointer}/Sid")
        if self.policy_type in _PLAIN_SID and sid and not (sid.isascii() and sid.isalnum()):
            self.fail("may hold only letters and digits", f"{pointer}/Sid")
        return sid or None

    def one_of(
        self, body: Mapping[str, object], name: str, pointer: str, check: Callable[[str, str], None]
    ) -> tuple[str, tuple[str, ...]]:
        """Read an element or its negation, of which exactly one must stand there."""
        present = [key for key in (name, f"Not{name}") if key in body]
        if len(present) != 1:
            self.fail(f"needs either {name} or Not{name}{', not both' if present else ''}", pointer)
        key = present[0]
        texts = self.texts(body[key], f"{pointer}/{key}")
        for text, place in texts:
            check(text, place)
        return key, tuple(text for text, _ in texts)

    def action(self, text: str, pointer: str) -> None:
        service, colon, name = text.partition(":")
        if text != "*" and not (service and colon and name and ":" not in name):
            self.fail(f"`{text}` is no action; write `service:Action` or `*`", pointer)

    def resource(self, text: str, pointer: str) -> None:
        short = text.count(":") < len(PARTS) - 1 and not text.endswith("*")
        if text != "*" and (not text.startswith("arn:") or short):
            self.fail(f"`{text}` is no ARN; write `arn:partition:service:region:account:resource` or `*`", pointer)

    def principal(self, body: Mapping[str, object], pointer: str) -> PrincipalElement | None:
        present = [key for key in ("Principal", "NotPrincipal") if key in body]
        wanted = self.policy_type in _WITH_PRINCIPAL
        if present and not wanted:
            self.fail(f"a policy of type {self.policy_type} has no {present[0]}; remove it", f"{pointer}/{present[0]}")
        if not wanted:
            return None
        if len(present) != 1:
            self.fail(f"needs either Principal or NotPrincipal{', not both' if present else ''}", pointer)
        place = f"{pointer}/{present[0]}"
        given = body[present[0]]
        if self.policy_type == "rcp" and present == ["NotPrincipal"]:
            self.fail("a resource control policy has no NotPrincipal; write Principal", place)
        if given in ("*", {"AWS": "*"}):
            return (("AWS", "*"),)
        members = self.members(given, place, _PRINCIPALS)
        named = [(kind, text) for kind, v in members.items() for text, _ in self.texts(v, f"{place}/{kind}")]
        if self.policy_type == "rcp":
            self.fail('should be `"*"`: a resource control policy applies to everyone', place)
        return tuple(named)

    def conditions(self, data: object, pointer: str) -> tuple[Condition, ...]:
        lines: list[Condition] = []
        for name, block in self.members(data, pointer).items():
            place = f"{pointer}/{_escape(name)}"
            if parse_operator(name) is None:
                self.fail(f"`{name}` is no condition operator", place)
            for key, given in self.members(block, place).items():
                lines.append(Condition(name, key, self.values(given, f"{place}/{_escape(key)}")))
        return tuple(lines)

    def values(self, data: object, pointer: str) -> tuple[str, ...]:
        items = data if isinstance(data, list | tuple) else [data]
        for index, item in enumerate(items):
            if not isinstance(item, str | bool | int | float | Decimal):
                place = f"{pointer}/{index}" if items is data else pointer
                self.fail(f"should be a string, number or Boolean, not {_kind(item)}", place)
        return tuple(text_of(item) for item in items)

    def texts(self, data: object, pointer: str) -> list[tuple[str, str]]:
        """Read one text or an array of them, each with its place."""
        if isinstance(data, str):
            return [(data, pointer)]
        items = self.array(data, pointer)
        return [(self.text(item, f"{pointer}/{index}"), f"{pointer}/{index}") for index, item in enumerate(items)]

    def array(self, data: object, pointer: str) -> list[object]:
        if not isinstance(data, list | tuple):
            self.fail(f"should be an array, not {_kind(data)}", pointer)
        return list(data)

    def text(self, data: object, pointer: str) -> str:
        if not isinstance(data, str):
            self.fail(f"should be a string, not {_kind(data)}", pointer)
        return data


def _kind(data: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a Boolean", type(None): "null"}
    return next((name for kind, name in names.items() if isinstance(data, kind)), "a number")


def _escape(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
