"""What a guardrail that was made over the control plane does in the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.guardrails import FakeGuardrail
from guardedbedrock.testing.pii import PII
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

    Words, topics, regexes and the personal data that the fake has patterns for are found. A topic is found by its name and its
    examples. Content filters, contextual grounding, automated reasoning and managed word lists find nothing.

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
    topics = _acting(shown, "topicPolicy", "topics", side)
    words = _acting(shown, "wordPolicy", "words", side)
    entities = _acting(shown, "sensitiveInformationPolicy", "piiEntities", side)
    regexes = _acting(shown, "sensitiveInformationPolicy", "regexes", side)
    return {
        "name": shown["name"],
        "denied_words": tuple(word["text"] for word, _ in words),
        "denied_topics": {topic["name"]: (topic["name"], *topic.get("examples", ())) for topic, _ in topics},
        "pii": {entity["type"]: handling for entity, handling in entities if entity["type"] in PII},
        "regexes": {regex["name"]: (regex["pattern"], handling) for regex, handling in regexes},
        "blocked_input": shown["blockedInputMessaging"],
        "blocked_output": shown["blockedOutputsMessaging"],
    }


def _acting(shown: Params, policy: str, part: str, side: _Side) -> Iterator[tuple[Mapping[str, Any], Handling]]:
    """Yield the entries that act on one side, each with how; ``NONE`` detects only, which the fake leaves out."""
    for entry in shown.get(policy, {}).get(part, ()):
        action = entry.get(f"{side}Action", entry.get("action", "BLOCK"))
        if action in _HANDLINGS and entry.get(f"{side}Enabled", True):
            yield entry, _HANDLINGS[action]
