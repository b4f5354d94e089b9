"""
Policy documents: what a document may hold, and the record it becomes.

A document is read whole or refused with a JSON pointer; a statement that nobody can read never vanishes.
Source: IAM User Guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from guardedbedrock.iam.engine.context import LARGEST_EXPONENT
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.matching.conditions import Condition
from guardedbedrock.iam.matching.principals import PrincipalElement

PolicyType: TypeAlias = Literal["identity", "boundary", "session", "scp", "rcp", "endpoint", "resource"]
POLICY_TYPES: Final[tuple[PolicyType, ...]] = get_args(PolicyType)
VARIABLES_SINCE: Final = "2012-10-17"
DEFAULT_VERSION: Final = "2008-10-17"


class Statement(NamedTuple):
    """
    One statement, as written.

    Args:
        effect: ``Allow`` or ``Deny``.
        actions: Patterns of Action, or of NotAction when `not_action`.
        resources: Patterns of Resource, or of NotResource when `not_resource`.
        principal: Principal, or NotPrincipal when `not_principal`; None where the policy type has none.
        conditions: The lines of all condition blocks, joined by AND.
        sid: Name, if it has one.
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
    A policy document, read.

    Args:
        statements: In their order.
        version: ``2012-10-17`` or ``2008-10-17``; a document without Version has the latter, and no policy variables.
        id: The Id element.
        name: What to call it in decisions: a policy name or a file.
        arn: Its ARN, if it is a managed policy, an SCP or an RCP.
    """

    statements: tuple[Statement, ...]
    version: str = DEFAULT_VERSION
    id: str | None = None
    name: str | None = None
    arn: str | None = None


Source: TypeAlias = PolicyDocument | Mapping[str, object] | str
"""What a policy may be given as: read already, a JSON object, or JSON text."""


class Object(dict[str, object]):
    """A JSON object that remembers which of its keys stood there twice."""

    repeated: str | None = None


def load_json(text: str, *, file: str | None = None) -> object:
    """
    Read JSON text, keeping sight of repeated keys.

    Raises:
        PolicySyntaxError: It is no JSON; the message names line and column.
    """
    import json  # noqa: PLC0415  # slow to load, and most policies come as objects

    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant)
    except RecursionError:
        raise PolicySyntaxError("is nested too deeply to be a policy", file=file) from None
    except json.JSONDecodeError as error:
        problem = f"is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}"
        raise PolicySyntaxError(problem, file=file) from None
    except ValueError as error:
        raise PolicySyntaxError(f"is no JSON: {error}", file=file) from None


def _object(pairs: Iterable[tuple[str, object]]) -> Object:
    made = Object()
    for key, value in pairs:
        if key in made:
            made.repeated = key
        made[key] = value
    return made


def _number(text: str) -> Decimal:
    """Keep a number exact; one beyond any use would fill the memory when it is written out."""
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
