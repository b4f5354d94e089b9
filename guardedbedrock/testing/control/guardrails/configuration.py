"""The configuration of a guardrail, as GetGuardrail returns it: from a request, or from a `FakeGuardrail`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.resources.word_lists import strengths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.testing.resources.guardrail import FakeGuardrail
    from guardedbedrock.testing.wire import ApiParams

_COPIED: Final = ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
_MAX_EXAMPLES: Final = 5
_MAX_EXAMPLE: Final = 100  # characters
_MAX_DEFINITION: Final = 200  # characters


def from_request(params: ApiParams, region: str, account: str) -> ApiParams:
    """
    Return the configuration that CreateGuardrail or UpdateGuardrail requests.

    The members of a response are named as those of a request, without ``Config``.

    Args:
        params: Parameters of the request.
        region: Region of short identifiers.
        account: Account of short identifiers.
    """
    region_account = f"{region}:{account}"
    policies = {
        name.removesuffix("Config"): {part.removesuffix("Config"): value for part, value in config.items()}
        for name, config in params.items()
        if name.endswith("PolicyConfig")
    }
    return {
        **{name: params[name] for name in _COPIED if name in params},
        **policies,
        **_cross_region(params.get("crossRegionConfig"), region_account),
        **_key(params.get("kmsKeyId", ""), region_account),
    }


def _cross_region(config: Mapping[str, str] | None, region_account: str) -> ApiParams:
    if config is None:
        return {}
    name = config["guardrailProfileIdentifier"].rpartition("/")[2]
    arn = f"arn:aws:bedrock:{region_account}:guardrail-profile/{name}"
    return {"crossRegionDetails": {"guardrailProfileId": name, "guardrailProfileArn": arn}}


def _key(key: str, region_account: str) -> ApiParams:
    """Return the ARN of the KMS key, if the request has a key ID or an ARN. The fake knows no aliases."""
    if not key or "alias/" in key:
        return {}
    return {"kmsKeyArn": key if key.startswith("arn:") else f"arn:aws:kms:{region_account}:key/{key}"}


def from_fake_guardrail(guardrail: FakeGuardrail) -> ApiParams:
    """Return the configuration of a fake guardrail."""
    policies = {
        "wordPolicy": {
            "words": [{"text": word, **_actions(guardrail, word)} for word in guardrail.denied_words],
            "managedWordLists": [{"type": name, **_actions(guardrail, name)} for name in guardrail.managed_words],
        },
        "topicPolicy": {"topics": [_topic(guardrail, *topic) for topic in guardrail.denied_topics.items()]},
        "contentPolicy": {"filters": [_filter(guardrail, name) for name in guardrail.content]},
        "sensitiveInformationPolicy": _sensitive(guardrail),
        "contextualGroundingPolicy": {"filters": [_grounding(guardrail, *entry) for entry in guardrail.grounding.items()]},
    }
    filled = {name: {part: entries for part, entries in policy.items() if entries} for name, policy in policies.items()}
    return {
        "name": guardrail.name or guardrail.id,
        "blockedInputMessaging": guardrail.blocked_input,
        "blockedOutputsMessaging": guardrail.blocked_output,
        **{name: policy for name, policy in filled.items() if policy},
    }


def _actions(guardrail: FakeGuardrail, name: str) -> dict[str, str]:
    return dict.fromkeys(("inputAction", "outputAction"), "NONE") if name in guardrail.detect_only else {}


def _filter(guardrail: FakeGuardrail, name: str) -> dict[str, Any]:
    inputs, outputs = strengths(guardrail.content[name])
    return {"type": name, "inputStrength": inputs, "outputStrength": outputs, **_actions(guardrail, name)}


def _sensitive(guardrail: FakeGuardrail) -> dict[str, list[dict[str, Any]]]:
    def action(name: str, handling: str) -> str:
        return "NONE" if name in guardrail.detect_only else handling.upper()

    return {
        "piiEntities": [{"type": kind, "action": action(kind, handling)} for kind, handling in guardrail.pii.items()],
        "regexes": [
            {"name": name, "pattern": pattern, "action": action(name, handling)}
            for name, (pattern, handling) in guardrail.expressions.items()
        ],
    }


def _grounding(guardrail: FakeGuardrail, name: str, threshold: float) -> dict[str, Any]:
    return {"type": name, "threshold": threshold, "action": "NONE" if name in guardrail.detect_only else "BLOCK"}


def _topic(guardrail: FakeGuardrail, name: str, phrases: tuple[str, ...]) -> dict[str, Any]:
    examples = [phrase[:_MAX_EXAMPLE] for phrase in phrases[:_MAX_EXAMPLES]]
    definition = (", ".join(phrases) or name)[:_MAX_DEFINITION]
    return {"name": name, "definition": definition, "examples": examples, "type": "DENY", **_actions(guardrail, name)}
