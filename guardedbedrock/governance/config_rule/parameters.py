"""
The parameters of the rule.

Every parameter is text, as AWS Config sends it. Without a parameter the strictest default applies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

STRENGTHS: Final = ("NONE", "LOW", "MEDIUM", "HIGH")
SCOPES: Final = ("guardrails", "roles", "users", "scps")
_KNOWN: Final = ("RequiredTags", "AllowedTagValues", "ApprovedGuardrails", "MinimumStrength", "Scope", "UnusedDays")


_GUARDRAIL: Final = re.compile(r"arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d{12}:guardrail/[a-z0-9]+(?::[1-9]\d{0,7})?", re.ASCII)
_DAYS: Final = re.compile(r"[0-9]{1,9}")
_MOST_DAYS: Final = 3_650


class ParameterError(Exception):
    """A parameter is unknown or has a value that is not allowed."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    The parameters.

    Args:
        required_tags: Keys of tags that a guardrail must have.
        allowed_values: Tag key to the values that are allowed; a key that is missing here allows every value.
        approved: Values of ``bedrock:GuardrailIdentifier`` that count as approved; if empty, no guardrail is approved.
        minimum_strength: Lowest strength of every content filter.
        scope: What to evaluate.
        unused_days: Days without use after which a principal with access to Bedrock is reported.
    """

    required_tags: tuple[str, ...] = ("Team",)
    allowed_values: Mapping[str, tuple[str, ...]] | None = None
    approved: tuple[str, ...] = ()
    minimum_strength: str = "HIGH"
    scope: tuple[str, ...] = SCOPES
    unused_days: int = 90


def read_parameters(given: Mapping[str, Any]) -> Parameters:
    """
    Read the parameters of an event.

    Args:
        given: ``RequiredTags`` ``Team,CostCenter``; ``AllowedTagValues`` ``Team=hr|finance;Stage=prod``; ``ApprovedGuardrails``
            ``ARN:VERSION,ARN:VERSION``; ``MinimumStrength`` ``HIGH``; ``Scope`` ``guardrails,roles``; ``UnusedDays`` ``90``.

    Raises:
        ParameterError: A parameter is unknown or has a value that is not allowed.
    """
    unknown = sorted(set(given) - set(_KNOWN))
    if unknown:
        raise ParameterError(f"{unknown[0]}: unknown parameter; the parameters are {', '.join(_KNOWN)}")
    strength = str(given.get("MinimumStrength", "HIGH")).upper()
    if strength not in STRENGTHS:
        raise ParameterError(f"MinimumStrength: `{strength}` is not one of {', '.join(STRENGTHS)}")
    scope = _split(given.get("Scope"), ",") or SCOPES
    wrong = [one for one in scope if one not in SCOPES]
    if wrong:
        raise ParameterError(f"Scope: `{wrong[0]}` is not one of {', '.join(SCOPES)}")
    days = str(given.get("UnusedDays", "90"))
    if not _DAYS.fullmatch(days) or int(days) > _MOST_DAYS:
        raise ParameterError(f"UnusedDays: `{days}` is not a number of days from 0 to {_MOST_DAYS}")
    approved = _split(given.get("ApprovedGuardrails"), ",")
    malformed = [one for one in approved if not _GUARDRAIL.fullmatch(one)]
    if malformed:
        fix = "write arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID:VERSION, without :VERSION for the draft"
        raise ParameterError(f"ApprovedGuardrails: `{malformed[0]}` is not a value of bedrock:GuardrailIdentifier; {fix}")
    required = _split(given.get("RequiredTags"), ",") if "RequiredTags" in given else ("Team",)
    return Parameters(required, _values(given), approved, strength, scope, int(days))


def _values(given: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    allowed = {}
    for entry in _split(given.get("AllowedTagValues"), ";"):
        key, equals, values = entry.partition("=")
        if not equals:
            raise ParameterError(f"AllowedTagValues: `{entry}` is not KEY=VALUE|VALUE")
        allowed[key.strip()] = _split(values, "|")
    return allowed


def _split(text: Any, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text or "").split(separator) if part.strip())
