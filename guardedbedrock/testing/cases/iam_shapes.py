"""Shapes of the IAM values in case files. A value that no request to AWS has would test nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.bedrock.call_checks import unknown_operation
from guardedbedrock.bedrock.errors.policy_mistakes import mistaken_action, mistaken_key
from guardedbedrock.bedrock.names import REGION_FIX, is_region
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.testing.cases import shapes
from guardedbedrock.testing.cases.shapes import Location, Shape

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_OTHER_PRINCIPAL: Final = re.compile(r"anonymous|[0-9a-f]{64}|[^:]+\.[^:]+")
"""An anonymous caller, the canonical ID of an account, a service or an identity provider."""


def caller(value: object, location: Location) -> None:
    """The ARN of a principal that can call Bedrock."""
    shapes.name(value, location)
    principal = identify(str(value))
    if principal.kind in ("other", "service") or not _ACCOUNT.fullmatch(principal.account):
        location.fail(
            f"`{value}` is not the ARN of a user, role, session or account root; write it as `arn:aws:iam::ACCOUNT:role/NAME`"
        )


def principal(value: object, location: Location) -> None:
    """The principal of a request."""
    shapes.name(value, location)
    if split(str(value)) is None and not _OTHER_PRINCIPAL.fullmatch(str(value)):
        location.fail(
            f"`{value}` is not a principal; write its ARN, the name of a service such as `lambda.amazonaws.com`, or `anonymous`"
        )


def action(value: object, location: Location) -> None:
    """The action of a request: exactly one."""
    shapes.name(value, location)
    if not _ACTION.fullmatch(str(value)):
        location.fail(f"`{value}` is not one action; write it as `bedrock:InvokeModel`, without wildcards")
    problem = mistaken_action(str(value))
    if problem:
        location.fail(problem)


def resource(value: object, location: Location) -> None:
    """The resource of a request."""
    shapes.name(value, location)
    if value != "*" and split(str(value)) is None:
        location.fail(
            f"`{value}` is not an ARN; write it as `arn:aws:bedrock:us-east-1::foundation-model/ID`, or `*` for an action "
            "without a resource"
        )


def operation(value: object, location: Location) -> None:
    """The name of an operation in the API."""
    shapes.name(value, location)
    if value not in OPERATIONS:
        location.fail(unknown_operation(str(value)))


def region(value: object, location: Location) -> None:
    """The Region of a client."""
    shapes.name(value, location)
    if not is_region(str(value)):
        location.fail(f"`{value}` is not the name of a Region; {REGION_FIX}")


def context(value: object, location: Location) -> None:
    """Context keys with their values. The names ignore case."""
    shapes.object_of(shapes.context_value)(value, location)
    _check_keys(value, location)


def assumptions(value: object, location: Location) -> None:
    """Context keys with one value each. The names ignore case."""
    shapes.object_of(shapes.text)(value, location)
    _check_keys(value, location)


def _check_keys(value: object, location: Location) -> None:
    spellings: dict[str, str] = {}
    for key in value if isinstance(value, Mapping) else ():
        other = spellings.setdefault(key.lower(), key)
        if other != key:
            location.fail(f"`{other}` and `{key}` are the same context key; remove one")
        problem = mistaken_key(key)
        if problem:
            location.fail(problem)


def request(fields: Shape) -> Shape:
    """A request, in which no key is both known and unknown."""

    def check(value: Any, location: Location) -> None:
        fields(value, location)
        known = {key.lower() for key in value.get("context", {})}
        for index, key in enumerate(value.get("unknown", ())):
            if key.lower() in known:
                (location / "unknown" / index).fail(f"`{key}` has a value in `context`; remove it here or there")
            problem = mistaken_key(key)
            if problem:
                (location / "unknown" / index).fail(problem)

    return check
