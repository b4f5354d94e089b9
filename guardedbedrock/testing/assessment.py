"""
Assesses texts by a guardrail and reports as Bedrock does.

A block replaces everything by one message; a mask replaces each match by its kind, as in ``{EMAIL}``. Both are interventions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.testing.pii import PII
from guardedbedrock.testing.witnessed import Witnessed, witness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from guardedbedrock.testing.guardrails import FakeGuardrail

Source: TypeAlias = Literal["INPUT", "OUTPUT"]

_ACTIONS: Final = {"block": "BLOCKED", "anonymize": "ANONYMIZED"}
_REASONS: Final = {"BLOCKED": "Guardrail blocked.", "ANONYMIZED": "Guardrail masked.", "NONE": "No action."}
_UNIT: Final = 1000  # characters in one text unit


@dataclass(frozen=True, slots=True)
class Assessed:
    """
    What a guardrail makes of some texts.

    Args:
        action: ``BLOCKED``, ``ANONYMIZED`` or ``NONE``, the strongest of all findings.
        texts: What goes on: the texts themselves, the masked texts, or the one message for a block.
        assessment: Bedrock's ``GuardrailAssessment``.
    """

    action: str
    texts: tuple[str, ...]
    assessment: dict[str, Any]

    @property
    def blocked(self) -> bool:
        """Whether the texts went no further."""
        return self.action == "BLOCKED"

    @property
    def intervened(self) -> bool:
        """Whether the texts were blocked or changed."""
        return self.action != "NONE"

    @property
    def reason(self) -> str:
        """Bedrock's ``actionReason``."""
        return _REASONS[self.action]


def assess(
    guardrail: FakeGuardrail,
    texts: Sequence[str],
    source: Source,
    *,
    total: int | None = None,
    full: bool = False,
) -> Assessed:
    """
    Hold texts against a guardrail.

    Args:
        guardrail: The guardrail.
        texts: What is assessed.
        source: Which of the guardrail's two messages stands for a block.
        total: Characters in the whole request, where some of it was not to be assessed.
        full: Name topics that were not found, too.
    """
    if source == "OUTPUT" and guardrail.answers:
        guardrail = guardrail.answers
    policies = {"topicPolicy": _topics(guardrail, texts, full=full), "wordPolicy": _words(guardrail, texts)}
    policies["sensitiveInformationPolicy"] = _sensitive(guardrail, texts)
    found = {name: policy for name, policy in policies.items() if any(policy.values())}
    actions = {entry["action"] for policy in found.values() for entries in policy.values() for entry in entries}
    action = next((name for name in ("BLOCKED", "ANONYMIZED") if name in actions), "NONE")
    details = {"invocationMetrics": _metrics(guardrail, texts, total), "appliedGuardrailDetails": _details(guardrail)}
    witness(Witnessed(guardrail.identifier, guardrail.version, source, action, {**found, **details}))
    return Assessed(action, _outcome(guardrail, texts, source, action), {**found, **details})


def _outcome(guardrail: FakeGuardrail, texts: Sequence[str], source: Source, action: str) -> tuple[str, ...]:
    if action == "BLOCKED":
        return (guardrail.blocked_input if source == "INPUT" else guardrail.blocked_output,)
    return tuple(mask(guardrail, text) for text in texts)


def mask(guardrail: FakeGuardrail, text: str) -> str:
    """Replace what the guardrail anonymizes by its kind."""
    for kind, pattern, action, _ in _rules(guardrail):
        if action == "ANONYMIZED":
            text = pattern.sub(f"{{{kind}}}".replace("\\", r"\\"), text)
    return text


def _rules(guardrail: FakeGuardrail) -> Iterator[tuple[str, re.Pattern[str], str, str]]:
    for kind, handling in guardrail.pii.items():
        yield kind, PII[kind], _ACTIONS[handling], "piiEntities"
    for name, (expression, handling) in guardrail.expressions.items():
        yield name, re.compile(expression), _ACTIONS[handling], "regexes"


def _sensitive(guardrail: FakeGuardrail, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"piiEntities": [], "regexes": []}
    for kind, pattern, action, group in _rules(guardrail):
        label = {"type": kind} if group == "piiEntities" else {"name": kind, "regex": pattern.pattern}
        matches = (match.group() for text in texts for match in pattern.finditer(text))
        found[group] += ({"match": match, "action": action, "detected": True, **label} for match in matches)
    return found


def _words(guardrail: FakeGuardrail, texts: Sequence[str]) -> dict[str, Any]:
    found = [word for word in guardrail.denied_words if _says(texts, [word])]
    return {
        "customWords": [{"match": word, "action": "BLOCKED", "detected": True} for word in found],
        "managedWordLists": [],
    }


def _topics(guardrail: FakeGuardrail, texts: Sequence[str], *, full: bool) -> dict[str, Any]:
    found = {name: _says(texts, words) for name, words in guardrail.denied_topics.items()}
    return {
        "topics": [
            {"name": name, "type": "DENY", "action": "BLOCKED" if detected else "NONE", "detected": detected}
            for name, detected in found.items()
            if detected or full
        ],
    }


def _says(texts: Sequence[str], phrases: Iterable[str]) -> bool:
    return any(_phrase(phrase).search(text) for phrase in phrases for text in texts)


@cache
def _phrase(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)


def _metrics(guardrail: FakeGuardrail, texts: Sequence[str], total: int | None) -> dict[str, Any]:
    guarded = sum(map(len, texts))
    coverage = {"guarded": guarded, "total": guarded if total is None else total}
    return {
        "guardrailProcessingLatency": 1 + guarded // _UNIT,
        "usage": _usage(guardrail, -(-guarded // _UNIT)),
        "guardrailCoverage": {"textCharacters": coverage},
    }


def _usage(guardrail: FakeGuardrail, units: int) -> Mapping[str, int]:
    return {
        "topicPolicyUnits": units if guardrail.denied_topics else 0,
        "contentPolicyUnits": 0,
        "wordPolicyUnits": units if guardrail.denied_words else 0,
        "sensitiveInformationPolicyUnits": units if guardrail.pii else 0,
        "sensitiveInformationPolicyFreeUnits": units if guardrail.regexes else 0,
        "contextualGroundingPolicyUnits": 0,
    }


def _details(guardrail: FakeGuardrail) -> dict[str, Any]:
    return {
        "guardrailId": guardrail.id,
        "guardrailVersion": guardrail.version,
        "guardrailArn": guardrail.identifier,
        "guardrailOrigin": ["REQUEST"],
        "guardrailOwnership": "SELF",
    }
