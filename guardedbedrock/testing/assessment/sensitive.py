"""Sensitive information: found by patterns, blocked, or masked by the name of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.scene import Scene
from guardedbedrock.testing.pii import PII

if TYPE_CHECKING:
    from guardedbedrock.testing.guardrails import FakeGuardrail

_ACTIONS: Final = {"block": "BLOCKED", "anonymize": "ANONYMIZED"}


def sensitive(guardrail: FakeGuardrail, scene: Scene, *, full: bool) -> dict[str, Any]:
    """Report every match; asked for all, each kind that was not found too, as AWS does for entities and not for regexes."""
    found: dict[str, list[dict[str, Any]]] = {"piiEntities": [], "regexes": []}
    for kind, pattern, action, group in _rules(guardrail):
        label = {"type": kind} if group == "piiEntities" else {"name": kind, "regex": pattern.pattern}
        matches = [text[start:end] for text in scene.texts for start, end in _spans(pattern, text)]
        found[group] += ({"match": match, "action": action, "detected": True, **label} for match in matches)
        if full and not matches and group == "piiEntities":
            found[group].append({"match": "", "action": "NONE", "detected": False, **label})
    return found


def mask(guardrail: FakeGuardrail, text: str) -> str:
    """Replace what the guardrail anonymizes by its kind, as in ``{EMAIL}``."""
    for kind, pattern, action, _ in _rules(guardrail):
        if action == "ANONYMIZED":
            text = _replaced(pattern, text, f"{{{kind}}}")
    return text


def _replaced(pattern: re.Pattern[str], text: str, by: str) -> str:
    rest, out = 0, ""
    for start, end in _spans(pattern, text):
        out, rest = out + text[rest:start] + by, end
    return out + text[rest:]


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches, or where its group ``it`` does, which is for words that only lead up to it."""
    for match in pattern.finditer(text):
        yield match.span("it" if "it" in pattern.groupindex else 0)


def _rules(guardrail: FakeGuardrail) -> Iterator[tuple[str, re.Pattern[str], str, str]]:
    for kind, handling in guardrail.pii.items():
        yield kind, PII[kind], _action(guardrail, kind, handling), "piiEntities"
    for name, (expression, handling) in guardrail.expressions.items():
        yield name, re.compile(expression), _action(guardrail, name, handling), "regexes"


def _action(guardrail: FakeGuardrail, name: str, handling: str) -> str:
    return "NONE" if name in guardrail.detect_only else _ACTIONS[handling]
