"""
The same policies in Cedar, as near as its language comes, for scale.

Cedar has no wildcard in actions and no ARN, so actions and resources are strings matched with ``like``; each policy type is a
separate policy set, since Cedar has one kind of policy. Both sides parse once and decide many times.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import cedarpy

NAMED: Final = 'Principal::"p"', 'Action::"a"', 'Resource::"r"'
LINES: Final[Mapping[str, Callable[[str, Any], str]]] = {
    "StringEquals": lambda key, value: f"context.{key} == {json.dumps(value)}",
    "StringLike": lambda key, value: f"context.{key} like {json.dumps(value)}",
    "NumericLessThan": lambda key, value: f"context.{key} < {value}",
    "IpAddress": lambda key, value: f"context.{key}.isInRange(ip({json.dumps(value)}))",
    "Bool": lambda key, value: f"context.{key} == {json.dumps(value)}",
}


def contender(policies: Mapping[str, Any], request: Mapping[str, Any]) -> Callable[[], bool]:
    """Make a function that decides the request with Cedar: every policy set must permit."""
    documents = [
        given if kind not in ("scp", "rcp") else [d for level in given for d in level] for kind, given in policies.items()
    ]
    sets = [cedarpy.PolicySet.from_str("\n".join(map(_statement, _statements(given)))) for given in documents]
    resource = {"uid": {"type": "Resource", "id": "r"}, "attrs": {"arn": request["resource"]}, "parents": []}
    entities = (
        cedarpy.Entities.from_json_str(json.dumps([resource])) if hasattr(cedarpy.Entities, "from_json_str") else [resource]
    )
    context = {"action": request["action"].lower()} | {
        _name(key): _value(key, value) for key, value in request["context"].items()
    }
    asked = dict(zip(("principal", "action", "resource"), NAMED, strict=True)) | {"context": context}
    return lambda: all(cedarpy.is_authorized(asked, each, entities).allowed for each in sets)


def _statements(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [statement for document in documents for statement in document["Statement"]]


def _statement(statement: dict[str, Any]) -> str:
    negated = "NotAction" in statement
    actions = " || ".join(
        f"context.action like {json.dumps(a.lower())}" for a in _list(statement["NotAction" if negated else "Action"])
    )
    tests = [f"!({actions})" if negated else f"({actions})"]
    tests.append("(" + " || ".join(f"resource.arn like {json.dumps(r)}" for r in _list(statement["Resource"])) + ")")
    for operator, block in statement.get("Condition", {}).items():
        tests += [_line(operator, key, _list(values)) for key, values in block.items()]
    effect = "permit" if statement["Effect"] == "Allow" else "forbid"
    return f"{effect}(principal, action, resource) when {{ {' && '.join(tests)} }};"


def _line(operator: str, key: str, values: list[Any]) -> str:
    name, base = _name(key), operator.replace("Not", "")
    any_of = "(" + " || ".join(LINES[base](name, value) for value in values) + ")"
    return f"(!(context has {name}) || !{any_of})" if base != operator else f"(context has {name} && {any_of})"


def _name(key: str) -> str:
    return key.replace(":", "_").replace("/", "_")


def _value(key: str, value: str) -> Any:
    if value.isdecimal() and not key.endswith("Account"):
        return int(value)
    try:
        return {"__extn": {"fn": "ip", "arg": str(ipaddress.ip_address(value))}}
    except ValueError:
        return value


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
