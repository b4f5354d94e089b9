"""Sensitive information filters: entity types and regexes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.resources.pii import PII

if TYPE_CHECKING:
    from guardedbedrock.testing.assessment.assessed_content import AssessedContent
    from guardedbedrock.testing.resources.guardrail import FakeGuardrail

_ACTIONS: Final = {"block": "BLOCKED", "anonymize": "ANONYMIZED"}


def assess_sensitive_information(guardrail: FakeGuardrail, content: AssessedContent, *, full: bool) -> dict[str, Any]:
    """Report every match. With `full`, also report entity types without a match; AWS does not report such regexes."""
    found: dict[str, list[dict[str, Any]]] = {"piiEntities": [], "regexes": []}
    for kind, pattern, action, group in _rules(guardrail):
        label = {"type": kind} if group == "piiEntities" else {"name": kind, "regex": pattern.pattern}
        matches = [text[start:end] for text in content.texts for start, end in _spans(pattern, text)]
        found[group] += ({"match": match, "action": action, "detected": True, **label} for match in matches)
        if full and not matches and group == "piiEntities":
            found[group].append({"match": "", "action": "NONE", "detected": False, **label})
    return found


def mask(guardrail: FakeGuardrail, text: str) -> str:
    """Replace each match that the guardrail anonymizes with its name, for example ``{EMAIL}``."""
    for kind, pattern, action, _ in _rules(guardrail):
        if action == "ANONYMIZED":
            text = _replaced(pattern, text, f"{{{kind}}}")
    return text


def _replaced(pattern: re.Pattern[str], text: str, replacement: str) -> str:
    end_of_last, result = 0, ""
    for start, end in _spans(pattern, text):
        result, end_of_last = result + text[end_of_last:start] + replacement, end
    return result + text[end_of_last:]


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield the span of each match, or of its group ``it`` if the pattern has one."""
    for match in pattern.finditer(text):
        yield match.span("it" if "it" in pattern.groupindex else 0)


def _rules(guardrail: FakeGuardrail) -> Iterator[tuple[str, re.Pattern[str], str, str]]:
    for kind, handling in guardrail.pii.items():
        yield kind, PII[kind], _action(guardrail, kind, handling), "piiEntities"
    for name, (expression, handling) in guardrail.expressions.items():
        yield name, re.compile(expression), _action(guardrail, name, handling), "regexes"


def _action(guardrail: FakeGuardrail, name: str, handling: str) -> str:
    return "NONE" if name in guardrail.detect_only else _ACTIONS[handling]
