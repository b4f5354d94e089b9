"""InvokeGuardrailChecks: scores text without a guardrail. It never blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.resources.pii import PII

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import ApiParams

_PATTERNS: Final = {
    "VIOLENCE": r"kill|bomb|murder|weapon",
    "HATE": r"hate|vermin|subhuman",
    "SEXUAL": r"sex|porn|nude",
    "MISCONDUCT": r"steal|hack|launder|fraud",
    "INSULTS": r"idiot|stupid|moron",
    "JAILBREAK": r"jailbreak|pretend you have no rules|developer mode",
    "PROMPT_INJECTION": r"ignore (?:all|your|the) (?:previous )?instructions|disregard (?:all|your|the)",
    "PROMPT_LEAKAGE": r"system prompt|reveal your instructions",
}
"""Category to the pattern that gives it a score of 0.9; otherwise its score is 0."""

_UNIT: Final = 1000  # characters in one text unit


def check(params: ApiParams) -> ApiParams:
    """Return the response: one entry for each requested category, and one for each match of an entity type."""
    checks = params["checks"]
    texts = [block["text"] for message in params["messages"] for block in message["content"] if "text" in block]
    units = {"textUnits": -(-sum(map(len, texts)) // _UNIT)}
    results: dict[str, Any] = {
        name: {"results": [_severity(entry["category"], texts) for entry in checks[name]["categories"]]}
        for name in ("contentFilter", "promptAttack")
        if name in checks
    }
    if "sensitiveInformation" in checks:
        kinds = [entry["type"] for entry in checks["sensitiveInformation"]["entities"]]
        results["sensitiveInformation"] = {"results": list(_sensitive(kinds, params["messages"]))}
    return {"results": results, "usage": dict.fromkeys(results, units)}


def _severity(category: str, texts: list[str]) -> dict[str, Any]:
    sign = re.compile(rf"\b(?:{_PATTERNS[category]})\b", re.IGNORECASE)
    return {"category": category, "severityScore": 0.9 if any(map(sign.search, texts)) else 0.0}


def _sensitive(kinds: list[str], messages: list[ApiParams]) -> Iterator[dict[str, Any]]:
    for location, text in _blocks(messages):
        for kind in kinds:
            for found in PII[kind].finditer(text) if kind in PII else ():
                yield {
                    "type": kind,
                    "confidenceScore": 0.9,
                    "beginOffset": found.start(),
                    "endOffset": found.end(),
                    **location,
                }


def _blocks(messages: list[ApiParams]) -> Iterator[tuple[dict[str, int], str]]:
    for message_index, message in enumerate(messages):
        for content_index, block in enumerate(message["content"]):
            yield {"messageIndex": message_index, "contentIndex": content_index}, block.get("text", "")
