"""
Hints for denials that the preflight decided: which statement came nearest, what it requires, what the call carries, what to fix.

A hint never suggests a change that would weaken the policies. If a statement grants the action under a condition that failed, the
hint names the condition and not the grant, and says how the call can meet it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from guardedbedrock.bedrock.actions import APPLY, INFERENCE, is_guardrail_key
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.errors.dead_conditions import dead_conditions
from guardedbedrock.bedrock.errors.hints import hint_for, owner_of
from guardedbedrock.bedrock.errors.policy_mistakes import PolicyMistake, subject
from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.explanation import ExplainedElement, ExplainedGroup, ExplainedStatement, Explanation
from guardedbedrock.iam.engine.outcomes import StatementRef
from guardedbedrock.iam.matching.conditions import parse_operator
from guardedbedrock.iam.matching.patterns import compile_pattern

_MOST_VALUES: Final = 3
_PHRASES: Final = {
    "StringEquals": ("is", "is not"),
    "StringEqualsIgnoreCase": ("is", "is not"),
    "StringLike": ("matches", "does not match"),
    "ArnEquals": ("matches", "does not match"),
    "ArnLike": ("matches", "does not match"),
    "Bool": ("is", "is not"),
}
"""Operator to the verb of a condition with it, and the verb of the negated condition."""
_LITERAL: Final = {
    "StringEquals": "`StringLike`",
    "StringEqualsIgnoreCase": "`StringLike`",
    "StringNotEquals": "`StringNotLike`",
    "StringNotEqualsIgnoreCase": "`StringNotLike`",
}
"""Operator that compares strings literally to the one that compares patterns."""


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
    """Return the Allow that fails on the fewest elements; among equals, one that fails on conditions only."""
    allows = [one for one in group.statements if one.statement.effect == "Allow" and one.failing]
    return min(allows, key=lambda one: (len(one.failing), any(e.element != "condition" for e in one.failing)), default=None)


def _requirement(nearest: ExplainedStatement, action: str) -> str:
    """Return one sentence: what the failing elements require, what the call has, and how to fix it."""
    requirements = [_required(element) for element in nearest.failing]
    found = [text for element in nearest.failing if (text := _found(element))]
    advice = [_advice(element, nearest.statement, action) for element in nearest.failing]
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
        only = "only a change of that statement could allow it"
        fix = f"call another model; {only}" if _spares_models(explained, action) else only
        return f"{who} has no condition and denies `{action}` on this resource; {fix}"
    found = dict.fromkeys(text for element in conditions if (text := _found(element)))
    advice = dict.fromkeys(_advice(element, explained.statement, action) for element in conditions)
    clauses = " and ".join(_denied_if(element) for element in conditions)
    return f"{who} denies `{action}` {clauses}; {' and '.join(found)}: {'; '.join(advice)}"


def _spares_models(denying: ExplainedStatement, action: str) -> bool:
    """Return whether a Deny of a model action names resources, so that it may not deny the call of another model."""
    return action in INFERENCE and any(one.element == "resource" and one.policy != ("*",) for one in denying.elements)


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


def _denies_unless(element: ExplainedElement) -> bool:
    """Return whether a condition of a Deny is an exception: ``StringNotEquals`` denies unless the values are equal."""
    parsed = parse_operator(element.operator)
    return parsed is not None and parsed[1].negated and not parsed[0]


def _denied_if(element: ExplainedElement) -> str:
    if _denies_unless(element):
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
    if is_guardrail_key(request.name):
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


_EXAMPLE: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"


def _split(value: str | None) -> tuple[str, str]:
    """Split a value of the key into the ARN and the version: digits, a wildcard, or ``""`` for the working draft."""
    head, separator, version = (value or "").rpartition(":")
    is_version = bool(separator) and (version.isdecimal() or version in ("*", "?"))
    return (head, version) if is_version else (value or "", "")


def _same(values: tuple[str, ...], value: str | None) -> list[str]:
    """Return the values of the policy that name the guardrail of the call, in any version."""
    arn = _split(value)[0]
    return [one for one in values if compile_pattern(_split(one)[0])(arn)]


def _is_bare_id(value: str) -> bool:
    return not value.startswith(("arn:", "*", "${"))


def _wants_arn(values: tuple[str, ...], value: str | None) -> bool:
    """Return whether every value is a guardrail ID, or one is the ID of the call's guardrail."""
    ids = [_split(one)[0] for one in values if _is_bare_id(one)]
    return bool(ids) and (len(ids) == len(values) or _split(value)[0].rpartition("/")[2] in ids)


def _arn_of_id(values: tuple[str, ...], value: str | None) -> str:
    """
    Write the ARN for the guardrail ID in a policy.

    INVARIANT: the ID is the policy's. The ID of the call would approve the guardrail that the policy does not require.
    """
    prefix, _, call_id = (_split(value)[0] or _EXAMPLE).rpartition("/")
    ids = [_split(one) for one in values if _is_bare_id(one)]
    guardrail_id, version = next((one for one in ids if one[0] == call_id), ids[0])
    if guardrail_id == call_id:
        version = version or _split(value)[1]
    return f"{prefix}/{guardrail_id.rpartition('/')[2]}:{version or '1'}"


def _approve(values: tuple[str, ...], value: str | None) -> str:
    """Return which version to approve: those that the policy names for the guardrail of the call."""
    versions = [version for one in _same(values, value) if (version := _split(one)[1]).isdecimal()]
    return f"approve version {' or '.join(versions)}" if versions else "approve a numbered version that matches the condition"


GUARDRAIL_RULES: Final = (
    GuardrailRule(
        "bare-id",
        _wants_arn,
        lambda values, value: (
            f"write the ARN and the version in the condition, such as `{_arn_of_id(values, value)}`; "
            "a guardrail ID alone never matches"
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
        lambda values, value: not _split(value)[1] and bool(_same(values, value)),
        lambda values, value: (
            f"the call uses the working draft, whose key is the ARN without a version: {_approve(values, value)}"
        ),
        (f"{_EXAMPLE}:3", _EXAMPLE),
    ),
    GuardrailRule(
        "arn-without-version",
        lambda values, value: _same(values, value) == [_split(value)[0]],
        lambda _, value: f"an ARN without a version matches only the working draft; write `{value}` in the condition",
        (_EXAMPLE, f"{_EXAMPLE}:2"),
    ),
    GuardrailRule(
        "other-version", lambda values, value: bool(_same(values, value)), _approve, (f"{_EXAMPLE}:3", f"{_EXAMPLE}:2")
    ),
    GuardrailRule(
        "other-guardrail",
        lambda _values, _: True,
        lambda _values, _: "send the guardrail that the condition names",
        (f"{_EXAMPLE}:3", "arn:aws:bedrock:us-east-1:111122223333:guardrail/xyz:3"),
    ),
)
"""The first rule that applies determines the advice. None suggests changing which guardrail the condition requires."""


def _advice(element: ExplainedElement, statement: StatementRef, action: str) -> str:
    if element.element == "principal":
        return "name the caller in the policy, if it may have access"
    if element.element == "resource":
        if element.operator == "NotResource":
            return "use a resource that the statement does not exclude"
        return "add the resource to that statement, so that its conditions apply to it too"
    if not carries(action, element.request.name):
        if is_guardrail_key(element.request.name) and action.lower() == APPLY.lower():
            return f"`{action}` never carries this key: give it a separate statement, and keep the condition on the model actions"
        return f"`{action}` never carries this key: test a key that it carries instead"
    if is_guardrail_key(element.request.name):
        return _guardrail_advice(element, statement)
    if statement.effect == "Deny" and not _denies_unless(element):
        return "send a call that does not meet the condition"
    return "meet the condition"


def _guardrail_advice(element: ExplainedElement, statement: StatementRef) -> str:
    value = element.request.values[0] if element.request.values else None
    parsed = parse_operator(element.operator)
    policy = element.policy
    if parsed is not None and value is None and parsed[1].name == "Null":
        policy = ()
    elif parsed is not None and value is not None:
        _, operator, _ = parsed
        if operator.name == "Null":
            flipped = "false" if policy[0].lower() == "true" else "true"
            return f"the condition requires a call without a guardrail; write `{flipped}` to require one"
        if operator.negated is (statement.effect == "Allow"):
            return "send an approved guardrail that the condition does not name"
        if operator.name in _LITERAL and any("*" in one or "?" in one for one in policy):
            return f"`{operator.name}` compares `*` and `?` literally: write {_LITERAL[operator.name]} to match a pattern"
    return next(rule for rule in GUARDRAIL_RULES if rule.matches(policy, value)).advice(policy, value)
