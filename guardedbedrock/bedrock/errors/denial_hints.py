"""
Hints for denials that the preflight decided: which statement came nearest, what it requires, what the call carries, what to fix.

A hint never suggests a grant that would weaken the policies. If a statement grants the action under a condition that failed, the
hint names the condition and not the grant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.errors.dead_conditions import dead_conditions
from guardedbedrock.bedrock.errors.hints import hint_for, owner_of
from guardedbedrock.bedrock.errors.policy_mistakes import INVOKE, STREAM, PolicyMistake, subject
from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.explanation import ExplainedElement, ExplainedGroup, ExplainedStatement, Explanation
from guardedbedrock.iam.engine.outcomes import StatementRef
from guardedbedrock.iam.matching.conditions import parse_operator

_GUARDRAIL_KEY: Final = "bedrock:guardrailidentifier"
_MOST_VALUES: Final = 3
_PHRASES: Final = {
    "StringEquals": ("is", "is not"),
    "StringEqualsIgnoreCase": ("is", "is not"),
    "StringLike": ("matches", "does not match"),
    "ArnEquals": ("matches", "does not match"),
    "ArnLike": ("matches", "does not match"),
    "Bool": ("is", "is not"),
}
"""Operator to how a condition on it reads, and how its negation reads."""


def denial_hint(decision: Decision, mistakes: Iterable[PolicyMistake] = ()) -> str:
    """
    Return the hint for a denied decision.

    Args:
        decision: A decision that denies.
        mistakes: The mistakes of the policies; those that concern the denied action are added.
    """
    relevant = [mistake for mistake in mistakes if mistake.concerns(decision.request.action)]
    explanation = decision.explain()
    if decision.outcome == "explicitDeny":
        parts = _explicit(decision, explanation)
        relevant = [mistake for mistake in relevant if mistake.statement.effect == "Deny"]
    else:
        relevant = [mistake for mistake in relevant if mistake.statement.effect == "Allow"]
        parts = _implicit(decision, explanation, has_mistakes=bool(relevant))
    return "; ".join(dict.fromkeys([*parts, *dead_conditions(decision), *(mistake.text for mistake in relevant)]))


def _implicit(decision: Decision, explanation: Explanation, *, has_mistakes: bool) -> Iterator[str]:
    request = decision.request
    group = next((one for one in explanation.groups if one.policy_type == decision.policy_type and one.allows is False), None)
    nearest = None if group is None else _nearest(group)
    if nearest is None and has_mistakes:
        return  # the mistake is in the statement that should grant the action; a second grant would lack its conditions
    if nearest is None:
        yield hint_for(request.action, request.resource, decision.policy_type, explicit=False, principal=request.principal)
        return
    yield f"{subject(nearest.statement)} allows `{request.action}` only {_requirement(nearest, request.action)}"


def _nearest(group: ExplainedGroup) -> ExplainedStatement | None:
    """Return the Allow that fails on the fewest elements; of equals, one that fails on a condition and not on the resource."""
    allows = [one for one in group.statements if one.statement.effect == "Allow" and one.failing]
    return min(allows, key=lambda one: (len(one.failing), any(e.element != "condition" for e in one.failing)), default=None)


def _requirement(nearest: ExplainedStatement, action: str) -> str:
    """Return one sentence: what the failing elements require, what the call has, and how to fix it."""
    requirements = [_required(element) for element in nearest.failing]
    found = [text for element in nearest.failing if (text := _found(element))]
    advice = [_advice(element, action) for element in nearest.failing]
    return f"{' and '.join(requirements)}; {' and '.join(dict.fromkeys(found))}: {'; '.join(dict.fromkeys(advice))}"


def _explicit(decision: Decision, explanation: Explanation) -> Iterator[str]:
    request = decision.request
    denies = [
        statement
        for group in explanation.groups
        for statement in group.statements
        if statement.determining and statement.statement.effect == "Deny"
    ]
    if not denies:
        yield hint_for(request.action, request.resource, decision.policy_type, explicit=True, policy_arn=decision.policy_arn)
        return
    yield "no Allow can override an explicit deny"
    yield from (_deny(statement, request.action) for statement in denies)


def _deny(explained: ExplainedStatement, action: str) -> str:
    conditions = [element for element in explained.elements if element.element == "condition"]
    who = f"{subject(explained.statement)}{_owner(explained.statement)}"
    if not conditions:
        fix = "call another model, or change that statement" if _spares_models(explained, action) else "change that statement"
        return f"{who} has no condition and denies `{action}` on this resource; {fix}"
    found = dict.fromkeys(text for element in conditions if (text := _found(element)))
    advice = dict.fromkeys(_advice(element, action) for element in conditions)
    clauses = " and ".join(_denied_if(element) for element in conditions)
    return f"{who} denies `{action}` {clauses}; {' and '.join(found)}: {'; '.join(advice)}"


def _spares_models(denying: ExplainedStatement, action: str) -> bool:
    """Return whether a Deny of a model action names resources, so that it may not deny the call of another model."""
    return action in (INVOKE, STREAM) and any(one.element == "resource" and one.policy != ("*",) for one in denying.elements)


def _owner(statement: StatementRef) -> str:
    arn = f" `{statement.policy_arn}`" if statement.policy_arn else ""
    owner = owner_of(statement.policy_type)
    return f"{arn} ({owner})" if owner else arn


def _phrase(element: ExplainedElement, *, negate: bool) -> str:
    """Write a condition, or its negation, as a clause without the key."""
    parsed = parse_operator(element.operator)
    values = _values(element.policy)
    if parsed is None:
        return f"satisfies {element.operator} {values}"
    quantifier, operator, _ = parsed
    if operator.name == "Null":
        is_absent = (element.policy[0].lower() == "true") is not negate
        return "is absent" if is_absent else "is present"
    name = operator.name.replace("Not", "")
    if quantifier or name not in _PHRASES:
        return f"{'does not satisfy' if negate else 'satisfies'} {element.operator} {values}"
    return f"{_PHRASES[name][operator.negated is not negate]} {values}"


def _values(values: tuple[str, ...]) -> str:
    shown = " or ".join(f"`{value}`" for value in values[:_MOST_VALUES]) or "no value"
    return f"{shown} or {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else shown


def _required(element: ExplainedElement) -> str:
    if element.element == "condition":
        return f"if `{element.request.name}` {_phrase(element, negate=False)}"
    if element.element == "principal":
        return "for other principals"
    values = _values(element.policy)
    return f"on resources other than {values}" if element.operator == "NotResource" else f"on {values}"


def _denied_if(element: ExplainedElement) -> str:
    parsed = parse_operator(element.operator)
    if parsed is not None and parsed[1].negated and not parsed[0]:
        return f"unless `{element.request.name}` {_phrase(element, negate=True)}"
    return f"if `{element.request.name}` {_phrase(element, negate=False)}"


def _found(element: ExplainedElement) -> str:
    request = element.request
    if element.element == "principal":
        return f"the caller is `{request}`"
    if element.element == "resource":
        return f"the call uses `{request}`"
    if request.state == "present":
        return f"the call carries `{request}`"
    if request.name.lower() == _GUARDRAIL_KEY:
        return "the call carries no guardrail"
    return f"`{request.name}` is {request.state}"


class GuardrailRule(NamedTuple):
    """
    One frequent mistake with ``bedrock:GuardrailIdentifier``.

    Args:
        name: Name of the rule.
        matches: Says whether the rule applies to the values of the policy and the value of the call (None if it is absent).
        advice: The fix, from the same arguments.
        example: Value in the policy and value of the call, for which the rule applies.
    """

    name: str
    matches: Callable[[tuple[str, ...], str | None], bool]
    advice: Callable[[tuple[str, ...], str | None], str]
    example: tuple[str, str | None]


def _arn(value: str | None) -> str:
    """Return the ARN of a value of the key, without the version."""
    head, separator, version = (value or "").rpartition(":")
    return head if separator and version.isdecimal() else value or ""


def _version(value: str | None) -> str:
    version = (value or "").rpartition(":")[2]
    return version if version.isdecimal() else "DRAFT"


def _same(values: tuple[str, ...], value: str | None) -> list[str]:
    return [one for one in values if _arn(one) == _arn(value)]


_EXAMPLE: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"

GUARDRAIL_RULES: Final = (
    GuardrailRule(
        "bare-id",
        lambda values, _: any(not value.startswith(("arn:", "*", "${")) for value in values),
        lambda _, value: (
            "write the ARN and the version in the condition, such as "
            f"`{value or f'{_EXAMPLE}:1'}`; a guardrail ID alone never matches"
        ),
        ("abc", f"{_EXAMPLE}:2"),
    ),
    GuardrailRule(
        "no-guardrail",
        lambda _, value: value is None,
        lambda _values, _: "send an approved guardrail with the call",
        (f"{_EXAMPLE}:3", None),
    ),
    GuardrailRule(
        "draft",
        lambda values, value: _version(value) == "DRAFT" and bool(_same(values, value)),
        lambda values, value: (
            "the call uses the working draft, whose key is the ARN without a version: approve version "
            f"{_version(_same(values, value)[0])}"
        ),
        (f"{_EXAMPLE}:3", _EXAMPLE),
    ),
    GuardrailRule(
        "arn-without-version",
        lambda values, value: _version(value) != "DRAFT" and value is not None and _arn(value) in values,
        lambda _, value: f"an ARN without a version matches only the working draft; write `{value}` in the condition",
        (_EXAMPLE, f"{_EXAMPLE}:2"),
    ),
    GuardrailRule(
        "other-version",
        lambda values, value: bool(_same(values, value)),
        lambda values, value: (
            f"approve version {' or '.join(_version(one) for one in _same(values, value))}, or change the condition"
        ),
        (f"{_EXAMPLE}:3", f"{_EXAMPLE}:2"),
    ),
    GuardrailRule(
        "other-guardrail",
        lambda _values, _: True,
        lambda _values, _: "approve the guardrail of the condition, or change the condition",
        (f"{_EXAMPLE}:3", "arn:aws:bedrock:us-east-1:111122223333:guardrail/xyz:3"),
    ),
)
"""The first rule that applies gives the advice."""


def _advice(element: ExplainedElement, action: str) -> str:
    if element.element == "principal":
        return "name the caller in the policy, if it may have access"
    if element.element == "resource":
        return "add the resource to that statement, so that its conditions apply to it too"
    if not carries(action, element.request.name):
        if element.request.name.lower() == _GUARDRAIL_KEY and action.lower() == "bedrock:applyguardrail":
            return f"`{action}` never carries this key: give it a separate statement, and keep the condition on the model actions"
        return f"`{action}` never carries this key: test a key that it carries instead"
    if element.request.name.lower() != _GUARDRAIL_KEY:
        return "meet the condition, or change it"
    value = element.request.values[0] if element.request.values else None
    parsed = parse_operator(element.operator)
    if parsed is not None and parsed[1].name == "Null" and value is not None:
        return "meet the condition, or change it"
    policy = () if parsed is not None and parsed[1].name == "Null" else element.policy
    return next(rule for rule in GUARDRAIL_RULES if rule.matches(policy, value)).advice(policy, value)
