"""Puts the policies together: what is found, what is done about it, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.content import content
from guardedbedrock.testing.assessment.grounding import grounding
from guardedbedrock.testing.assessment.scene import Scene
from guardedbedrock.testing.assessment.sensitive import mask, sensitive
from guardedbedrock.testing.assessment.words import topics, words
from guardedbedrock.testing.witnessed import Witnessed, witness

if TYPE_CHECKING:
    from guardedbedrock.testing.guardrails import FakeGuardrail

_POLICIES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "topicPolicy": topics,
    "contentPolicy": content,
    "wordPolicy": words,
    "sensitiveInformationPolicy": sensitive,
    "contextualGroundingPolicy": grounding,
}
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


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What is told about an assessment beside its findings.

    Args:
        total: Characters in the whole request, where some of it was not to be assessed; None is all of it.
        images: Images in the whole request; None is as many as are assessed.
        full: Tell of what was not found, too.
        origins: Who wants the guardrail to run, as Bedrock spells it.
        own: Whether it is the account's own.
    """

    total: int | None = None
    images: int | None = None
    full: bool = False
    origins: tuple[str, ...] = ("REQUEST",)
    own: bool = True


_PLAIN: Final = Scope()


def assess(guardrail: FakeGuardrail, scene: Scene, scope: Scope = _PLAIN) -> Assessed:
    """Hold texts against a guardrail, and tell whoever watches the request of it."""
    found = examine(guardrail, scene, scope)
    witness(Witnessed(guardrail.identifier, guardrail.version, scene.source, found.action, found.assessment))
    return found


def examine(guardrail: FakeGuardrail, scene: Scene, scope: Scope = _PLAIN) -> Assessed:
    """Hold texts against a guardrail; which of its two messages stands for a block, the scene says."""
    guardrail = guardrail.on(scene.source)
    policies = {name: run(guardrail, scene, full=scope.full) for name, run in _POLICIES.items()}
    found = {name: policy for name, policy in policies.items() if any(policy.values())}
    actions = {entry["action"] for policy in found.values() for entries in policy.values() for entry in entries}
    action = next((name for name in ("BLOCKED", "ANONYMIZED") if name in actions), "NONE")
    details = {"invocationMetrics": _metrics(guardrail, scene, scope), "appliedGuardrailDetails": _details(guardrail, scope)}
    return Assessed(action, _outcome(guardrail, scene, action), {**found, **details})


def _outcome(guardrail: FakeGuardrail, scene: Scene, action: str) -> tuple[str, ...]:
    if action == "BLOCKED":
        return (guardrail.message(scene.source),)
    return tuple(mask(guardrail, text) for text in scene.texts)


def _metrics(guardrail: FakeGuardrail, scene: Scene, scope: Scope) -> dict[str, Any]:
    guarded = sum(map(len, scene.texts))
    coverage = {"textCharacters": {"guarded": guarded, "total": guarded if scope.total is None else scope.total}}
    images = scene.images if scope.images is None else scope.images
    if images:
        coverage["images"] = {"guarded": scene.images, "total": images}
    return {
        "guardrailProcessingLatency": 1 + guarded // _UNIT,
        "usage": _usage(guardrail, scene, -(-guarded // _UNIT)),
        "guardrailCoverage": coverage,
    }


def _usage(guardrail: FakeGuardrail, scene: Scene, units: int) -> Mapping[str, int]:
    held = sum(map(len, (*scene.sources, *scene.queries)))
    grounded = guardrail.grounding and scene.source == "OUTPUT" and held
    return {
        "topicPolicyUnits": units if guardrail.denied_topics else 0,
        "contentPolicyUnits": units if guardrail.content else 0,
        "wordPolicyUnits": units if guardrail.denied_words or guardrail.managed_words else 0,
        "sensitiveInformationPolicyUnits": units if guardrail.pii else 0,
        "sensitiveInformationPolicyFreeUnits": units if guardrail.regexes else 0,
        "contextualGroundingPolicyUnits": units - (-held // _UNIT) if grounded else 0,
        **({"contentPolicyImageUnits": scene.images} if guardrail.content and scene.images else {}),
    }


def _details(guardrail: FakeGuardrail, scope: Scope) -> dict[str, Any]:
    return {
        "guardrailId": guardrail.id,
        "guardrailVersion": guardrail.version,
        "guardrailArn": guardrail.identifier,
        "guardrailOrigin": list(scope.origins),
        "guardrailOwnership": "SELF" if scope.own else "CROSS_ACCOUNT",
    }


def unmasked(found: Assessed, texts: tuple[str, ...]) -> Assessed:
    """Take the masks off again, where a stream leaves before it is assessed: what was to be masked is only reported."""
    if found.action != "ANONYMIZED":
        return found
    policy = found.assessment["sensitiveInformationPolicy"]
    only = {name: [entry | {"action": "NONE"} for entry in entries] for name, entries in policy.items()}
    return replace(found, action="NONE", texts=texts, assessment=found.assessment | {"sensitiveInformationPolicy": only})
