"""
The explanation of a decision: records for programs, text for a terminal.

`guardedbedrock.iam.decision.explain` creates the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.iam.decision.phrases import alternatives, condition_phrase, joined, listing
from guardedbedrock.iam.engine.outcomes import Outcome, StatementRef
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.context import Truth

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
"""The name that AWS gives to a policy of each type."""

_MAX_VALUES: Final = 5


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """
    The value of the request for an element of a policy.

    Args:
        name: Context key as the policy spells it; ``principal`` or ``resource`` for these elements.
        state: ``present``, ``absent``, or ``unknown``.
        values: The values of a present key: one, or several of a multivalued key.
    """

    name: str
    state: State
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join(value or '""' for value in self.values) if self.state == "present" else self.state


@dataclass(frozen=True, slots=True)
class ExplainedElement:
    """
    One element of a statement, or one line of its Condition.

    Args:
        element: ``principal``, ``resource`` or ``condition``.
        operator: Condition operator; for other elements their name, such as ``NotResource``.
        policy: What the policy has.
        request: What the request has.
        holds: True, False, or None if that depends on an unknown value or on a rule that AWS does not document.
        note: What the values alone do not show.
        variables: Values of the policy variables that `policy` reads.
    """

    element: Element
    operator: str
    policy: tuple[str, ...]
    request: ExplainedValue
    holds: Truth
    note: str | None = None
    variables: tuple[ExplainedValue, ...] = ()

    @property
    def requirement(self) -> str:
        """The requirement of the policy, as a part of a sentence: ``when `k` is `v` ``, ``on `arn` `` or ``for `arn` ``."""
        if self.element == "condition":
            variables = [f"`${{{one.name}}}` is `{one}`" for one in self.variables if one.state == "present"]
            phrase = condition_phrase(self.operator, self.request.name, self.policy)
            return f"{phrase} ({joined(variables)})" if variables else phrase
        preposition = "on" if self.element == "resource" else "for"
        if self.operator.startswith("Not"):
            return f"{preposition} every {self.element} except {listing(self.policy)}"
        return f"{preposition} {alternatives(self.policy)}"

    @property
    def found(self) -> str:
        """The value of the request, as a part of a sentence: ``the request has `v` ``."""
        if self.element == "resource":
            return f"the request is for `{self.request}`"
        if self.element == "principal":
            return f"the caller is `{self.request}`"
        if self.request.state == "present":
            return f"the request has `{self.request}`"
        state = "has no" if self.request.state == "absent" else "has an unknown"
        return f"the request {state} `{self.request.name}`"

    @property
    def found_for_key(self) -> str:
        """As `found`, with the name of the context key."""
        is_value = self.element == "condition" and self.request.state == "present"
        return f"{self.found} for `{self.request.name}`" if is_value else self.found

    def lines(self) -> Iterator[str]:
        """Yield the element as text for a terminal."""
        yield f"Condition {self.operator} {self.request.name}" if self.element == "condition" else self.operator
        values = [value or '""' for value in self.policy[:_MAX_VALUES]] or ["no value"]
        yield from (f"  policy: {value}" for value in values)
        if len(self.policy) > _MAX_VALUES:
            yield f"  policy: and {len(self.policy) - _MAX_VALUES} more"
        yield from (f"  ${{{variable.name}}}: {variable}" for variable in self.variables)
        yield f"  request: {self.request}"
        if self.note:
            yield f"  note: {self.note}"


@dataclass(frozen=True, slots=True)
class ExplainedStatement:
    """
    A statement that covers the action.

    Args:
        statement: Reference to the statement.
        applies: True, False, or None if that depends on an unknown value or on a rule that AWS does not document.
        determining: Whether the statement determines the outcome.
        elements: All its elements except the action, including those that hold.
    """

    statement: StatementRef
    applies: Truth
    determining: bool
    elements: tuple[ExplainedElement, ...]

    @property
    def failing(self) -> tuple[ExplainedElement, ...]:
        """The elements that certainly do not hold. A statement that applies or may apply has none."""
        return tuple(element for element in self.elements if element.holds is False)

    @property
    def deciding(self) -> tuple[ExplainedElement, ...]:
        """
        The elements that decide whether the statement applies.

        1. If it does not apply: those that fail.
        2. If it may apply: those that are undecided.
        3. If it applies: all that do not match every request.
        """
        if self.applies is not True:
            return tuple(element for element in self.elements if element.holds is self.applies)
        return tuple(element for element in self.elements if element.policy not in (("*",), ("AWS *",)))

    def sentence(self) -> str:
        """Return one sentence that says what the statement requires, and what the request has."""
        verb = "allows" if self.statement.effect == "Allow" else "denies"
        only = "" if self.statement.effect == "Deny" or self.applies else " only"
        conditions = [element for element in self.deciding if element.element == "condition"]
        others = [element for element in self.deciding if element.element != "condition"]
        requirements = [element.requirement for element in others]
        requirements += [f"when {joined(element.requirement for element in conditions)}"] if conditions else []
        if not requirements:
            return f"{self.statement.label} {verb} this on every resource, without a condition"
        # Show the value of the request only if it differs from the policy.
        shown = self.deciding if self.applies is not True else conditions or others
        is_ambiguous = len({element.request.name for element in conditions}) > 1
        found = joined(element.found_for_key if is_ambiguous else element.found for element in shown)
        return f"{self.statement.label} {verb} this{only} {' '.join(requirements)}; {found}"

    def lines(self) -> Iterator[str]:
        """Yield the statement, and the elements that decide about it, as text for a terminal."""
        effect = self.statement.effect
        if self.determining:
            verb = "applies and grants" if effect == "Allow" else "applies and decides"
        else:
            verb = {True: "applies", False: "does not apply", None: "may apply"}[self.applies]
        yield f"{self.statement.name}: {effect} {verb}"
        for element in self.elements:
            if element.holds is not True or self._shows(element):
                yield from _indented(element.lines())

    def _shows(self, element: ExplainedElement) -> bool:
        """Return whether an element that holds is worth showing: what a Deny matched, and a principal that needs a note."""
        if not self.applies:
            return False
        is_deny = self.statement.effect == "Deny"
        if element.element == "condition":
            return is_deny
        return element.element == "principal" and element.note is not None and (is_deny or not self.determining)


@dataclass(frozen=True, slots=True)
class ExplainedGroup:
    """
    All policies of one type or, for an organization, of one level.

    Args:
        policy_type: The type.
        allows: Whether a statement allows. True if no Allow is required (`waived`).
        level: Counted from 1, the root of the organization; None for types without levels.
        levels: The number of levels.
        waived: Why no Allow is required, if that is so.
        closest: If no Allow names the action: the most similar action that one names.
        statements: The statements that cover the action, in their order.
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
        """For example ``service control policy at level 2 of 3 (level 1 is the root)``."""
        level = f" at level {self.level} of {self.levels} (level 1 is the root)" if self.level else ""
        return f"{NAMES[self.policy_type]}{level}"

    def lines(self) -> Iterator[str]:
        """Yield the group as text for a terminal."""
        allows = {True: "allows", False: "does not allow", None: "may allow"}[self.allows]
        denies = any(s.determining and s.statement.effect == "Deny" for s in self.statements)
        no_statement = "" if self.statements else ", no statement names the action"
        level = f", level {self.level} of {self.levels}" if self.level else ""
        yield f"{NAMES[self.policy_type]}{level}: {'denies' if denies else self.waived or allows}{no_statement}"
        for statement in self.statements:
            yield from _indented(statement.lines())


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why a decision is what it is. ``str()`` returns text for a terminal.

    Args:
        outcome: As in the decision.
        policy_type: As in the decision.
        nearest: The statement that decides. Of an implicit deny: the Allow with the fewest failing elements. Of an indeterminate
            decision: the first that may apply. None if no statement names the action.
        principal: ARN of the caller.
        action: The requested action.
        resource: The requested resource.
        reason: The reason in one sentence; of an implicit deny the first policy type that does not allow.
        details: More about the reason, one clause each.
        hangs_on: As in the decision.
        hangs_on_is_exact: As in the decision.
        reasons: As in the decision.
        groups: The policies, in the order in which AWS names them.
    """

    outcome: Outcome
    policy_type: PolicyType | None
    nearest: ExplainedStatement | None
    principal: str
    action: str
    resource: str
    reason: str
    details: tuple[str, ...]
    hangs_on: tuple[str, ...]
    hangs_on_is_exact: bool
    reasons: tuple[str, ...]
    groups: tuple[ExplainedGroup, ...]

    def __str__(self) -> str:
        blocks = (line for group in self.groups for line in group.lines())
        return "\n".join((self.outcome, *_indented((self.reason, *self.details)), *blocks))

    def summary(self) -> str:
        """
        Return one sentence that says which statement decides, what the policy requires and what the request has.

        For example: "statement `InvokeGuarded` allows this only when `bedrock:GuardrailIdentifier` is `...:3`; the request has
        `...:2`". Without such a statement, the sentence says what is missing.
        """
        if self.outcome == "indeterminate":
            return "; ".join((*self._dependence(), *self.reasons))
        if self.nearest is not None:
            return self.nearest.sentence()
        return "; ".join((self.reason, *self.details))

    def _dependence(self) -> Iterator[str]:
        if self.hangs_on:
            depends = "depends" if self.hangs_on_is_exact else "may depend"
            are = "is" if len(self.hangs_on) == 1 else "are"
            yield f"the decision {depends} on {joined(f'`{key}`' for key in self.hangs_on)}, which {are} unknown"

    def as_data(self) -> dict[str, Any]:
        """Return the explanation as data for JSON, under the names of the fields, with the ``summary``."""
        return {"summary": self.summary(), **_data(self)}


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _data(record: object) -> Any:
    if is_dataclass(record):
        return {field.name: _data(getattr(record, field.name)) for field in fields(record)}
    return [_data(item) for item in record] if isinstance(record, tuple) else record
