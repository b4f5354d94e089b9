"""What a guardrail that was made over the control plane does in the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.guardrails import FakeGuardrail
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardedbedrock.testing.guardrails import Handling
    from guardedbedrock.testing.wire import Params

_Side: TypeAlias = Literal["input", "output"]

_HANDLINGS: Final[Mapping[str, Handling]] = {"BLOCK": "block", "ANONYMIZE": "anonymize"}


def behaviour(arn: str, shown: Params) -> FakeGuardrail:
    """
    Make the fake guardrail of a configuration's DRAFT.

    A topic is found by its name and its examples, a category of content by the words of `CONTENT_WORDS`, grounding by the words
    that an answer shares with its source. Automated reasoning finds nothing.

    Args:
        arn: The guardrail's.
        shown: Its configuration, as GetGuardrail shows it.

    Raises:
        ServiceError: ``ValidationException`` (400) for a regular expression that is none.
    """
    asked, answered = (_fields(shown, side) for side in ("input", "output"))
    try:
        answers = FakeGuardrail(arn, "DRAFT", **answered) if answered != asked else None
        return FakeGuardrail(arn, "DRAFT", **asked, answers=answers)
    except ConfigurationError as error:
        raise ServiceError.invalid(str(error)) from error


def _fields(shown: Params, side: _Side) -> dict[str, Any]:
    topics = list(_acting(shown, "topicPolicy", "topics", side))
    words = list(_acting(shown, "wordPolicy", "words", side))
    managed = list(_acting(shown, "wordPolicy", "managedWordLists", side))
    filters = list(_acting(shown, "contentPolicy", "filters", side))
    entities = list(_acting(shown, "sensitiveInformationPolicy", "piiEntities", side))
    regexes = list(_acting(shown, "sensitiveInformationPolicy", "regexes", side))
    grounding = list(_acting(shown, "contextualGroundingPolicy", "filters", side))
    named = (*topics, *words, *managed, *filters, *entities, *regexes, *grounding)
    return {
        "name": shown["name"],
        "denied_words": tuple(word["text"] for word, _ in words),
        "denied_topics": {topic["name"]: (topic["name"], *topic.get("examples", ())) for topic, _ in topics},
        "content": {entry["type"]: entry[f"{side}Strength"] for entry, _ in filters},
        "managed_words": tuple(entry["type"] for entry, _ in managed),
        "pii": {entity["type"]: handling for entity, handling in entities},
        "regexes": {regex["name"]: (regex["pattern"], handling) for regex, handling in regexes},
        "grounding": {entry["type"]: entry["threshold"] for entry, _ in grounding},
        "detect_only": frozenset(_name(entry) for entry, _ in named if _action(entry, side) == "NONE"),
        "blocked_input": shown["blockedInputMessaging"],
        "blocked_output": shown["blockedOutputsMessaging"],
    }


def _acting(shown: Params, policy: str, part: str, side: _Side) -> Iterator[tuple[Mapping[str, Any], Handling]]:
    """Yield the entries that look at one side, each with how it acts; one that only detects would block."""
    for entry in shown.get(policy, {}).get(part, ()):
        if entry.get(f"{side}Enabled", True) and entry.get("enabled", True):
            yield entry, _HANDLINGS.get(_action(entry, side), "block")


def _action(entry: Mapping[str, Any], side: _Side) -> str:
    return str(entry.get(f"{side}Action", entry.get("action", "BLOCK")))


def _name(entry: Mapping[str, Any]) -> str:
    return str(next(entry[key] for key in ("name", "text", "type") if key in entry))
