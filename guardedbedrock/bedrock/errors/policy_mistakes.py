"""
Find the frequent mistakes of policies for Bedrock: nonexistent actions and condition keys, and forgotten streaming.

IAM accepts all of them without a warning. An Allow with such a mistake grants nothing, and a Deny denies nothing.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"Converse", "ConverseStream".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from guardedbedrock._nearest import closest
from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.actions import APPLY, INFERENCE, INVOKE, STREAM
from guardedbedrock.bedrock.operations import SERVICES, TABLE
from guardedbedrock.iam.decision.policy_set import PolicySet
from guardedbedrock.iam.engine.outcomes import StatementRef
from guardedbedrock.iam.language.documents import Statement
from guardedbedrock.iam.matching.patterns import compile_pattern

_OPERATIONS: Final = {row.name.lower(): row for row in TABLE}
PREFIXES: Final = ("bedrock", "bedrock-agentcore", "bedrock-mantle", "bedrock-websearch")
"""The prefixes of actions of the Bedrock services."""
_PREFIXES: Final = frozenset({*SERVICES, "bedrock-agent", "bedrockruntime"}) - {"bedrock"}
_INVOKE_WITH_GUARDRAIL: Final = "invokemodelwithguardrail"
_CUTOFF: Final = 0.8
_SURE: Final = 0.87
"""Below it, a key could be a new one: `bedrock:InferenceProfileId` would be like `bedrock:InferenceProfileArn`."""


@dataclass(frozen=True, slots=True)
class PolicyMistake:
    """
    One mistake of a statement.

    Args:
        statement: The statement.
        text: The mistake and the fix, in one clause.
        actions: The actions that the author probably meant, in lower case; empty if that is unknown.
        denies_nothing: The statement is a Deny that has no effect.
    """

    statement: StatementRef
    text: str
    actions: frozenset[str] = frozenset()
    denies_nothing: bool = False

    def concerns(self, action: str) -> bool:
        """Return whether the mistake may be the reason why a request for an action is decided unexpectedly."""
        return not self.actions or action.lower() in self.actions


def subject(statement: StatementRef) -> str:
    """Name a statement in a sentence."""
    name = f"statement `{statement.sid}`" if statement.sid else f"statement {statement.index}"
    return f"{name} of {statement.policy}"


def policy_mistakes(policies: PolicySet, *, has_invoke_with_guardrail: bool = False) -> tuple[PolicyMistake, ...]:
    """
    Find the mistakes of all statements.

    Args:
        policies: The policies.
        has_invoke_with_guardrail: The policies use the vocabulary of the article, which has
            ``bedrock:InvokeModelWithGuardrail``.
    """
    found: list[PolicyMistake] = []
    for policy_type, document in policies:
        for index, statement in enumerate(document.statements):
            ref = StatementRef(policy_type, document.name or "", index, statement.sid, statement.effect)
            found += _of_actions(ref, statement, has_invoke_with_guardrail=has_invoke_with_guardrail)
            found += _of_keys(ref, statement)
            if _covers_only_one(statement, policies):
                found.append(_leaves_other(ref, statement))
    return tuple(found)


def is_misspelt_prefix(prefix: str) -> bool:
    """Return whether the prefix of an action is a misspelling of ``bedrock``."""
    return prefix.lower() not in PREFIXES and closest(prefix, ("bedrock",), cutoff=_CUTOFF) is not None


def mistaken_prefix(action: str) -> str | None:
    """
    Describe the wrong prefix of an action of Bedrock; None if it may be the prefix of a service.

    >>> mistaken_prefix("bedrok:InvokeModel")
    'the IAM prefix of every Bedrock service is `bedrock:`; write `bedrock:InvokeModel`'
    """
    prefix, _, name = action.partition(":")
    if prefix.lower() not in _PREFIXES and not is_misspelt_prefix(prefix):
        return None
    return f"the IAM prefix of every Bedrock service is `bedrock:`; write `bedrock:{name}`"


def mistaken_action(action: str) -> str | None:
    """
    Describe an action that does not exist, with the one that was probably meant; None if it may exist.

    >>> mistaken_action("bedrock:DeleteGuardrial")
    'names `bedrock:DeleteGuardrial`, an action that does not exist; did you mean `bedrock:DeleteGuardrail`?'
    """
    problem = None if _name_of(action) == _INVOKE_WITH_GUARDRAIL else _problem_of(action)
    return mistaken_prefix(action) or (None if problem is None else problem[0])


def mistaken_key(key: str) -> str | None:
    """
    Describe a misspelt condition key of Bedrock; None if it may exist, or belongs to another service.

    >>> mistaken_key("bedrock:GuardrailIdentifer")
    '`bedrock:GuardrailIdentifer` is not a known condition key; did you mean `bedrock:GuardrailIdentifier`?'
    """
    meant = meant_key(key)
    return unknown_key(key, meant) if meant else None


def unknown_key(key: str, meant: str) -> str:
    """Return the sentence about a misspelt condition key."""
    return f"`{key}` is not a known condition key; did you mean `{meant}`?"


def meant_key(key: str) -> str | None:
    """Return the condition key of Bedrock that a misspelt one surely means; None for any other key, which may be a new one."""
    if not key.lower().startswith(reference.PREFIX) or key.lower() in _keys():
        return None
    near = closest(key, _keys(), cutoff=_SURE)
    return _keys()[near] if near else None


def _of_actions(ref: StatementRef, statement: Statement, *, has_invoke_with_guardrail: bool) -> Iterator[PolicyMistake]:
    found = {action: _problem_of(action) for action in statement.actions}
    if has_invoke_with_guardrail:
        found = {action: None if _name_of(action) == _INVOKE_WITH_GUARDRAIL else problem for action, problem in found.items()}
    mistaken = {action: problem for action, problem in found.items() if problem}
    denies_nothing = statement.effect == "Deny" and not statement.not_action and len(mistaken) == len(found)
    for problem, meant in mistaken.values():
        effect = "denies nothing: it " if denies_nothing else ""
        yield PolicyMistake(ref, f"{subject(ref)} {effect}{problem}", meant, denies_nothing)


def _name_of(action: str) -> str:
    return action.lower().rpartition(":")[2]


def _problem_of(action: str) -> tuple[str, frozenset[str]] | None:
    """Return the mistake of an action and the actions that its author probably meant; None if the action is sound."""
    prefix, _, name = action.lower().partition(":")
    if prefix in _PREFIXES:
        return f"names `{action}`, but the IAM prefix of every Bedrock service is `bedrock:`", frozenset()
    if prefix != "bedrock" or _exists(name):
        return None
    if name == _INVOKE_WITH_GUARDRAIL:
        meant = frozenset({INVOKE.lower(), STREAM.lower(), APPLY.lower()})
        fix = "a guarded call requires `bedrock:InvokeModel` on the model and `bedrock:ApplyGuardrail` on the guardrail"
        return f"names `{action}`, an action that does not exist; {fix}", meant
    rows = [row for operation, row in _OPERATIONS.items() if compile_pattern(name)(operation)]
    if rows:
        required = {row.name: row.required_actions[0].iam_action for row in rows}
        fix = " and ".join(f"{operation} requires `{needed}`" for operation, needed in required.items())
        return f"names `{action}`, an action that does not exist; {fix}", frozenset(map(str.lower, required.values()))
    near = closest(name, _actions(), cutoff=_CUTOFF)
    if near:
        fix = f"bedrock:{_actions()[near]}"
        return f"names `{action}`, an action that does not exist; did you mean `{fix}`?", frozenset({fix.lower()})
    return None  # an action that this version does not know may be a new one


@cache  # made once: the names follow from the reference
def _actions() -> Mapping[str, str]:
    """Return every action without its prefix, by its name in lower case; includes operations that AWS does not list yet."""
    names = {action.name.removeprefix(reference.PREFIX) for action in reference.actions().values()}
    return {name.lower(): name for name in names | {row.name for row in TABLE if row.service == "bedrock"}}


@cache  # made once, for the same reason
def _keys() -> Mapping[str, str]:
    """Return every condition key of Bedrock by its name in lower case."""
    keys = {key for action in reference.actions().values() for key in action.keys if key.startswith(reference.PREFIX)}
    return {key.lower(): key for key in keys}


@lru_cache(maxsize=1024)  # keyed by the pattern: policies repeat few action patterns
def _exists(pattern: str) -> bool:
    if not {"*", "?"} & set(pattern):
        return pattern in _actions()
    matches = compile_pattern(pattern)
    return any(matches(name) for name in _actions())


def _of_keys(ref: StatementRef, statement: Statement) -> Iterator[PolicyMistake]:
    for key in dict.fromkeys(condition.key for condition in statement.conditions):
        if key.lower().startswith("bedrock:") and key.lower() not in _keys():
            near = closest(key, _keys())
            fix = f"; did you mean `{_keys()[near]}`?" if near else ""
            yield PolicyMistake(ref, f"{subject(ref)} tests `{key}`, which is not a known condition key{fix}")


def _covers(actions: Iterable[str], action: str) -> bool:
    return any(compile_pattern(pattern.lower())(action.lower()) for pattern in actions)


def _covers_only_one(statement: Statement, policies: PolicySet) -> bool:
    """Return whether a statement covers one of the two model actions, and no statement of its effect covers the other one."""
    if statement.not_action:
        return False
    covered = [action for action in INFERENCE if _covers(statement.actions, action)]
    if len(covered) != 1:
        return False
    other = STREAM if covered[0] == INVOKE else INVOKE
    alike = (one for _, document in policies for one in document.statements if one.effect == statement.effect)
    return not any(one.not_action or _covers(one.actions, other) for one in alike)


def _leaves_other(ref: StatementRef, statement: Statement) -> PolicyMistake:
    is_invoke = _covers(statement.actions, INVOKE)
    covered, left = (INVOKE, STREAM) if is_invoke else (STREAM, INVOKE)
    calls = "ConverseStream and InvokeModelWithResponseStream" if is_invoke else "Converse and InvokeModel"
    verb, plain = ("denies", "deny") if statement.effect == "Deny" else ("allows", "allow")
    text = f"{subject(ref)} {verb} `{covered}` and not `{left}`, so it does not {plain} {calls}"
    meant = {covered, left} if statement.effect == "Deny" else {left}
    return PolicyMistake(ref, text, frozenset(action.lower() for action in meant))
