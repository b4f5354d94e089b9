"""What a guardrail is configured to do, as GetGuardrail shows it: written from a request, or from a `FakeGuardrail`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.wire import Params

_SAME: Final = ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
_MOST_EXAMPLES: Final = 5
_LONGEST_EXAMPLE: Final = 100  # characters
_LONGEST_DEFINITION: Final = 200  # characters


def requested(params: Params, region: str, account: str) -> Params:
    """
    Write what CreateGuardrail or UpdateGuardrail asks for; a response names things as a request does, without ``Config``.

    Args:
        params: Of the request.
        region: Where short names stand.
        account: Whose they are.
    """
    place = f"{region}:{account}"
    policies = {
        name.removesuffix("Config"): {part.removesuffix("Config"): value for part, value in config.items()}
        for name, config in params.items()
        if name.endswith("PolicyConfig")
    }
    return {
        **{name: params[name] for name in _SAME if name in params},
        **policies,
        **_cross_region(params.get("crossRegionConfig"), place),
        **_key(params.get("kmsKeyId", ""), place),
    }


def _cross_region(config: Mapping[str, str] | None, place: str) -> Params:
    if config is None:
        return {}
    name = config["guardrailProfileIdentifier"].rpartition("/")[2]
    arn = f"arn:aws:bedrock:{place}:guardrail-profile/{name}"
    return {"crossRegionDetails": {"guardrailProfileId": name, "guardrailProfileArn": arn}}


def _key(key: str, place: str) -> Params:
    """Write the key's ARN; which key an alias means, the fake does not know."""
    if not key or "alias/" in key:
        return {}
    return {"kmsKeyArn": key if key.startswith("arn:") else f"arn:aws:kms:{place}:key/{key}"}


def given(guardrail: FakeGuardrail) -> Params:
    """Write what a fake guardrail does, as if somebody had created it."""
    words = [{"text": word} for word in guardrail.denied_words]
    topics = [_topic(name, phrases) for name, phrases in guardrail.denied_topics.items()]
    entities = [{"type": kind, "action": handling.upper()} for kind, handling in guardrail.pii.items()]
    regexes = [
        {"name": name, "pattern": pattern, "action": handling.upper()}
        for name, (pattern, handling) in guardrail.expressions.items()
    ]
    sensitive = {name: entries for name, entries in (("piiEntities", entities), ("regexes", regexes)) if entries}
    return {
        "name": guardrail.name or guardrail.id,
        "blockedInputMessaging": guardrail.blocked_input,
        "blockedOutputsMessaging": guardrail.blocked_output,
        **({"wordPolicy": {"words": words}} if words else {}),
        **({"topicPolicy": {"topics": topics}} if topics else {}),
        **({"sensitiveInformationPolicy": sensitive} if sensitive else {}),
    }


def _topic(name: str, phrases: tuple[str, ...]) -> dict[str, Any]:
    examples = [phrase[:_LONGEST_EXAMPLE] for phrase in phrases[:_MOST_EXAMPLES]]
    definition = (", ".join(phrases) or name)[:_LONGEST_DEFINITION]
    return {"name": name, "definition": definition, "examples": examples, "type": "DENY"}
