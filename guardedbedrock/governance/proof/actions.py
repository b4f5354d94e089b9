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
    """Return the known actions that a statement covers, and the other actions that it names."""
    statement = placed.statement
    matchers = [compile_pattern(pattern.lower()) for pattern in statement.actions]
    covers = {name: any(matches(name) for matches in matchers) is not statement.not_action for name in reference.actions()}
    found = [reference.actions()[name].name for name, covered in covers.items() if covered]
    if not statement.not_action:
        found += [one for one in statement.actions if "*" not in one and "?" not in one and not _is_bedrock(one)]
    return found


def names_only_bedrock(placed: Placed) -> bool:
    """Return whether a statement covers Bedrock's actions alone."""
    return not placed.statement.not_action and all(_is_bedrock(pattern) for pattern in placed.statement.actions)


def _is_bedrock(action: str) -> bool:
    return action.lower().startswith(reference.PREFIX)


def distinguished_actions(old: ProofPolicies, new: ProofPolicies) -> Sequence[str]:
    """Return one action for each set of actions that the policies treat alike."""
    placed = (*old.statements(), *new.statements())
    matchers = {pattern: compile_pattern(pattern.lower()) for one in placed for pattern in one.statement.actions}
    named = [one for one in matchers if "*" not in one and "?" not in one]
    samples = [pattern.replace("*", "Sample").replace("?", "x") for pattern in matchers]
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
