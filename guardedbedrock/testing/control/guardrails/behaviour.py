"""Converts the configuration of a guardrail, created with the control plane, to a `FakeGuardrail`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.guardrail import FakeGuardrail
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardedbedrock.testing.resources.guardrail import Handling
    from guardedbedrock.testing.wire import ApiParams

_Side: TypeAlias = Literal["input", "output"]

_HANDLINGS: Final[Mapping[str, Handling]] = {"BLOCK": "block", "ANONYMIZE": "anonymize"}


def to_fake_guardrail(arn: str, configuration: ApiParams) -> FakeGuardrail:
    """
    Return the fake guardrail for the DRAFT of a configuration.

    A topic is detected by its name and its examples, a content category by `CONTENT_WORDS`, grounding by the words that a
    response shares with its source. Automated reasoning detects nothing.

    Args:
        arn: ARN of the guardrail.
        configuration: The configuration, as GetGuardrail returns it.

    Raises:
        ServiceError: ``ValidationException`` (400) for an invalid regular expression.
    """
    inputs, outputs = (_fields(configuration, side) for side in ("input", "output"))
    try:
        answers = FakeGuardrail(arn, "DRAFT", **outputs) if outputs != inputs else None
        return FakeGuardrail(arn, "DRAFT", **inputs, answers=answers)
    except ConfigurationError as error:
        raise ServiceError.invalid(str(error)) from error


def _fields(configuration: ApiParams, side: _Side) -> dict[str, Any]:
    topics = list(_enabled(configuration, "topicPolicy", "topics", side))
    words = list(_enabled(configuration, "wordPolicy", "words", side))
    managed = list(_enabled(configuration, "wordPolicy", "managedWordLists", side))
    filters = list(_enabled(configuration, "contentPolicy", "filters", side))
    entities = list(_enabled(configuration, "sensitiveInformationPolicy", "piiEntities", side))
    regexes = list(_enabled(configuration, "sensitiveInformationPolicy", "regexes", side))
    grounding = list(_enabled(configuration, "contextualGroundingPolicy", "filters", side))
    named = (*topics, *words, *managed, *filters, *entities, *regexes, *grounding)
    return {
        "name": configuration["name"],
        "denied_words": tuple(word["text"] for word, _ in words),
        "denied_topics": {topic["name"]: (topic["name"], *topic.get("examples", ())) for topic, _ in topics},
        "content": {entry["type"]: entry[f"{side}Strength"] for entry, _ in filters},
        "managed_words": tuple(entry["type"] for entry, _ in managed),
        "pii": {entity["type"]: handling for entity, handling in entities},
        "regexes": {regex["name"]: (regex["pattern"], handling) for regex, handling in regexes},
        "grounding": {entry["type"]: entry["threshold"] for entry, _ in grounding},
        "detect_only": frozenset(_name(entry) for entry, _ in named if _action(entry, side) == "NONE"),
        "blocked_input": configuration["blockedInputMessaging"],
        "blocked_output": configuration["blockedOutputsMessaging"],
    }


def _enabled(configuration: ApiParams, policy: str, part: str, side: _Side) -> Iterator[tuple[Mapping[str, Any], Handling]]:
    """Yield the entries that are enabled for one side, with their handling. ``detect_only`` later overrides the handling."""
    for entry in configuration.get(policy, {}).get(part, ()):
        if entry.get(f"{side}Enabled", True) and entry.get("enabled", True):
            yield entry, _HANDLINGS.get(_action(entry, side), "block")


def _action(entry: Mapping[str, Any], side: _Side) -> str:
    return str(entry.get(f"{side}Action", entry.get("action", "BLOCK")))


def _name(entry: Mapping[str, Any]) -> str:
    return str(next(entry[key] for key in ("name", "text", "type") if key in entry))
