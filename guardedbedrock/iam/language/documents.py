"""
The records of a policy document, and JSON loading that detects repeated keys.

A document is parsed completely or rejected with a JSON pointer. An invalid statement is never skipped.
Source: IAM User Guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.matching.conditions import Condition
from guardedbedrock.iam.matching.context import LARGEST_EXPONENT
from guardedbedrock.iam.matching.principals import PrincipalElement

if TYPE_CHECKING:
    from json import JSONDecodeError

PolicyType: TypeAlias = Literal["identity", "boundary", "session", "scp", "rcp", "endpoint", "resource"]
"""Type of a policy: identity-based, permissions boundary, session, SCP, RCP, VPC endpoint, or resource-based."""
POLICY_TYPES: Final[tuple[PolicyType, ...]] = get_args(PolicyType)
"""Every policy type."""
VARIABLES_SINCE: Final = "2012-10-17"
DEFAULT_VERSION: Final = "2008-10-17"


class Statement(NamedTuple):
    """
    One statement of a policy.

    Args:
        effect: ``Allow`` or ``Deny``.
        actions: Patterns of Action, or of NotAction if `not_action`.
        resources: Patterns of Resource, or of NotResource if `not_resource`.
        conditions: The lines of all condition blocks, joined by AND.
        principal: Principal, or NotPrincipal if `not_principal`. None for a policy type without this element.
        sid: Statement ID, if it has one.
    """

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    principal: PrincipalElement | None = None
    not_action: bool = False
    not_resource: bool = False
    not_principal: bool = False
    sid: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """
    A parsed policy document.

    Args:
        statements: The statements in their order.
        version: ``2012-10-17`` or ``2008-10-17``. A document without Version has ``2008-10-17``, which has no variables.
        id: The Id element.
        name: Name that decisions show: a policy name or a file.
        arn: ARN of a managed policy, an SCP or an RCP.
    """

    statements: tuple[Statement, ...]
    version: str = DEFAULT_VERSION
    id: str | None = None
    name: str | None = None
    arn: str | None = None


Source: TypeAlias = PolicyDocument | Mapping[str, object] | str
"""How a policy can be given: a parsed document, a JSON object, or JSON text."""


class Object(dict[str, object]):
    """A JSON object that remembers a key that occurred twice; Python's `json` would silently drop the first one."""

    repeated: str | None = None


def load_json(text: str, *, file: str | None = None) -> object:
    """
    Load JSON text. An object with a repeated key becomes an `Object` whose `repeated` names the key.

    Raises:
        PolicySyntaxError: The text is not valid JSON. The message gives line and column.
    """
    import json  # noqa: PLC0415  # imports slowly, and most policies are given as objects

    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_no_constant)
    except RecursionError:
        raise PolicySyntaxError("is nested too deeply for a policy", file=file) from None
    except json.JSONDecodeError as error:
        raise PolicySyntaxError(f"is not valid JSON: {_json_problem(error)}", file=file) from None
    except ValueError as error:
        raise PolicySyntaxError(f"is not valid JSON: {error}", file=file) from None


def repeated_key(value: object) -> str | None:
    """Find a key that an object of `load_json` has twice, at any depth: the value that was dropped may be a Deny."""
    if isinstance(value, Object) and value.repeated is not None:
        return value.repeated
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((key for key in map(repeated_key, children) if key is not None), None)


def _json_problem(error: JSONDecodeError) -> str:
    before = error.doc[: error.pos].rstrip()
    if before.endswith(",") and error.doc[error.pos : error.pos + 1] in ("}", "]"):
        # Python points at the bracket; the mistake is the comma before it.
        return f"trailing comma in line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10)) - 1}; remove it"
    return f"{error.msg.lower()} in line {error.lineno}, column {error.colno}"


def _object(pairs: Iterable[tuple[str, object]]) -> Object:
    result = Object()
    for key, value in pairs:
        if key in result:
            result.repeated = key
        result[key] = value
    return result


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python limits the digits
        raise ValueError(f"the number `{text[:32]}...` is out of range") from None


def _number(text: str) -> Decimal:
    """Parse a number exactly. A number with a huge exponent is rejected: writing it out would exhaust the memory."""
    number: Decimal | None
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = None
    if number is None or not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ValueError(f"the number `{text[:32]}` is out of range")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"`{name}` is not a JSON value")
