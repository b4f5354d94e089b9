"""The actions that a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from guardedbedrock.bedrock import reference
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.policies import Placed, ProofPolicies
from guardedbedrock.iam.matching.patterns import compile_pattern

_OTHER: Final = "other-service:OtherAction"
"""An action of no service that a policy names."""


def actions_of(pattern: str) -> Sequence[str]:
    """
    Return the actions that a pattern stands for.

    Raises:
        ConfigurationError: The pattern covers no action that this version knows, or is not `SERVICE:ACTION`.
    """
    if "*" not in pattern and "?" not in pattern:
        known = reference.actions().get(pattern.lower())
        # A misspelt action is allowed by no policy, so that "never" would be proved for it.
        if known is None and (_is_bedrock(pattern) or ":" not in pattern):
            near = get_close_matches(pattern.lower(), reference.actions(), n=1)
            advice = f"did you mean `{reference.actions()[near[0]].name}`?" if near else "write it like bedrock:InvokeModel"
            raise ConfigurationError(f"this version knows no action `{pattern}`; {advice}")
        return (known.name if known else pattern,)
    matches = compile_pattern(pattern.lower())
    found = [action.name for name, action in reference.actions().items() if matches(name)]
    if not found:
        raise ConfigurationError(f"no action that this version knows matches `{pattern}`; name one action")
    return found


def covered_actions(placed: Placed) -> Sequence[str]:
    """Return the known actions that a statement covers, and an action for each of its patterns of other services."""
    statement = placed.statement
    matchers = [compile_pattern(pattern.lower()) for pattern in statement.actions]
    others = [one for one in (*map(_sample, statement.actions), _OTHER) if not _is_bedrock(one) and ":" in one]
    names = {**{one.lower(): one for one in others}, **{name: one.name for name, one in reference.actions().items()}}
    return [action for name, action in names.items() if any(matches(name) for matches in matchers) is not statement.not_action]


def _sample(pattern: str) -> str:
    """Return an action that a pattern matches; its wildcard contains the colon if the pattern does not."""
    return pattern.replace("*", "*" if ":" in pattern else "other-service:Other", 1).replace("*", "Sample").replace("?", "x")


def _is_bedrock(action: str) -> bool:
    return action.lower().startswith(reference.PREFIX)


def distinguished_actions(old: ProofPolicies, new: ProofPolicies) -> Sequence[str]:
    """Return one action for each set of actions that the policies treat alike."""
    placed = (*old.statements(), *new.statements())
    matchers = {pattern: compile_pattern(pattern.lower()) for one in placed for pattern in one.statement.actions}
    named = [one for one in matchers if "*" not in one and "?" not in one]
    samples = [_sample(pattern) for pattern in matchers]
    every = {name.lower(): name for name in (*(a.name for a in reference.actions().values()), *samples, *named, _OTHER)}
    chosen: dict[object, str] = {}
    for lower, name in every.items():
        known = reference.actions().get(lower)
        if known is None and lower.startswith(reference.PREFIX) and name not in named:
            continue
        alike = (
            tuple(matches(lower) for matches in matchers.values()),
            known and (known.types, known.keys),
        )
        chosen.setdefault(alike, known.name if known else name)
    return list(chosen.values())


def unknown_actions(old: ProofPolicies, new: ProofPolicies) -> Sequence[str]:
    """Return the Bedrock actions that the policies name and this version does not know."""
    named = {pattern for one in (*old.statements(), *new.statements()) for pattern in one.statement.actions}
    exact = sorted(one for one in named if "*" not in one and "?" not in one)
    return [one for one in exact if _is_bedrock(one) and one.lower() not in reference.actions()]
