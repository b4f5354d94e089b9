"""
Why a decision is what it is, as records and as text for a terminal.

A statement is near when its Action or NotAction covers the action. `guardedbedrock.iam.explain.build` fills the records in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.engine.decisions import Outcome, StatementRef
from guardedbedrock.iam.language.documents import PolicyType

State: TypeAlias = Literal["present", "absent", "unknown"]
Element: TypeAlias = Literal["principal", "resource", "condition"]

NAMES: Final[dict[PolicyType, str]] = {
    "rcp": "resource control policy",
    "scp": "service control policy",
    "endpoint": "VPC endpoint policy",
    "resource": "resource-based policy",
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
}
"""What AWS calls one policy of each type."""

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """
    What a request has for something that a policy compares.

    Args:
        name: Context key as the policy spells it; ``principal`` or ``resource`` for these.
        state: ``present``, ``absent``, or ``unknown`` where nobody here knows it.
        values: Several of a multivalued key, none unless it is present.
    """

    name: str
    state: State
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.state != "present":
            return {"absent": "absent", "unknown": "not known"}[self.state]
        return ", ".join(value or '""' for value in self.values)


@dataclass(frozen=True, slots=True)
class ExplainedElement:
    """
    One element of a statement, or one line of its Condition.

    Args:
        element: ``principal``, ``resource`` or ``condition``.
        operator: Condition operator; else the element's name, such as ``NotResource``.
        policy: What the policy has there.
        request: What the request has there.
        holds: True, False, or None when that hangs on what is unknown.
        note: What the values do not show by themselves.
        variables: Values of the policy variables that `policy` reads.
    """

    element: Element
    operator: str
    policy: tuple[str, ...]
    request: ExplainedValue
    holds: Truth
    note: str | None = None
    variables: tuple[ExplainedValue, ...] = ()

    def lines(self) -> Iterator[str]:
        """Write it for a terminal."""
        yield f"Condition {self.operator} {self.request.name}" if self.element == "condition" else self.operator
        shown = [value or '""' for value in self.policy[:_SHOWN]] or ["nothing"]
        yield from (f"  policy: {value}" for value in shown)
        if len(self.policy) > _SHOWN:
            yield f"  policy: and {len(self.policy) - _SHOWN} more"
        yield from (f"  ${{{variable.name}}}: {variable}" for variable in self.variables)
        if self.element == "principal" or not self.note:
            yield f"  request: {self.request}"
            yield from [f"  note: {self.note}"] if self.note else []
        else:
            yield f"  request: {self.request}, {self.note}"


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """
    A statement that covers the action.

    Args:
        statement: Which it is.
        applies: True, False, or None when that hangs on what is unknown.
        determining: Whether it makes the outcome what it is.
        elements: All its elements but the action, those that hold too.
    """

    statement: StatementRef
    applies: Truth
    determining: bool
    elements: tuple[ExplainedElement, ...]

    @property
    def failing(self) -> tuple[ExplainedElement, ...]:
        """The elements that surely do not hold; all of them, and none of a statement that applies or may apply."""
        return tuple(element for element in self.elements if element.holds is False)

    def lines(self) -> Iterator[str]:
        """Write it for a terminal, with the elements that matter."""
        applies = {True: "applies", False: "does not apply", None: "may apply"}[self.applies]
        effect = self.statement.effect
        word = {"Allow": "grants", "Deny": "denies"}[effect] if self.determining else applies
        yield f"{name(self.statement)}: {effect} {word}"
        for element in self.elements:
            fired = element.element == "condition" and effect == "Deny" and self.applies
            noted = (
                element.element == "principal" and element.note and self.applies and (effect == "Deny" or not self.determining)
            )
            if element.holds is not True or fired or noted:
                yield from _indented(element.lines())


@dataclass(frozen=True, slots=True)
class ExplainedGroup:
    """
    All policies of one type or, for organizations, of one level.

    Args:
        policy_type: The type.
        allows: Whether a statement allows, or whether none need: of an RCP (allow-all is always attached), of a waived group.
        level: Counted from 1, the root of the organization; None where there are no levels.
        levels: How many levels there are.
        waived: Why nothing of it needs to allow, if that is so.
        closest: Of a group in which no Allow names the action: the action named there that is most like it.
        statements: Those that cover the action, in their order.
    """

    policy_type: PolicyType
    allows: Truth
    level: int | None
    levels: int | None
    waived: str | None
    closest: str | None
    statements: tuple[ExplainedStatement, ...]

    @property
    def name(self) -> str:
        """What to call it: ``service control policy at level 1 of 3, counted from the root``."""
        where = f" at level {self.level} of {self.levels}, counted from the root" if self.level else ""
        return f"{NAMES[self.policy_type]}{where}"

    def lines(self) -> Iterator[str]:
        """Write it for a terminal."""
        allows = {True: "allows", False: "does not allow", None: "may allow"}[self.allows]
        denies = any(s.determining and s.statement.effect == "Deny" for s in self.statements)
        nothing = "" if self.statements else ", no statement names the action"
        level = f", level {self.level} of {self.levels}" if self.level else ""
        yield f"{NAMES[self.policy_type]}{level}: {'denies' if denies else self.waived or allows}{nothing}"
        for statement in self.statements:
            yield from _indented(statement.lines())


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why a decision is what it is; ``str()`` writes it for a terminal.

    Args:
        outcome: As in the decision.
        policy_type: As in the decision.
        principal: Who asked.
        action: For what.
        resource: On what.
        reason: The reason as one sentence: of an implicit deny the first thing that is missing.
        details: More on the reason, a clause each.
        hangs_on: As in the decision.
        groups: The policies in play, in the order in which AWS names them.
    """

    outcome: Outcome
    policy_type: PolicyType | None
    principal: str
    action: str
    resource: str
    reason: str
    details: tuple[str, ...]
    hangs_on: tuple[str, ...]
    groups: tuple[ExplainedGroup, ...]

    def __str__(self) -> str:
        blocks = (line for group in self.groups for line in group.lines())
        return "\n".join((self.outcome, *_indented((self.reason, *self.details)), *blocks))

    def as_data(self) -> dict[str, Any]:
        """Give it as what JSON can hold, under the names of the fields."""
        data: dict[str, Any] = _data(self)
        return data


def name(statement: StatementRef) -> str:
    """Name a statement by its policy and its Sid, or its place."""
    return f"{statement.policy} statement {statement.sid or statement.index}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _data(record: object) -> Any:
    if is_dataclass(record):
        return {field.name: _data(getattr(record, field.name)) for field in fields(record)}
    return [_data(one) for one in record] if isinstance(record, tuple) else record
