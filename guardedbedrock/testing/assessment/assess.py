"""Assesses content with all policies of a guardrail, and computes action, outputs, usage and coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.assessment_log import LoggedAssessment, log_assessment
from guardedbedrock.testing.assessment.content_filters import assess_content
from guardedbedrock.testing.assessment.grounding import assess_grounding
from guardedbedrock.testing.assessment.sensitive_information import assess_sensitive_information, mask
from guardedbedrock.testing.assessment.words_and_topics import assess_topics, assess_words

if TYPE_CHECKING:
    from guardedbedrock.testing.assessment.assessed_content import AssessedContent
    from guardedbedrock.testing.resources.guardrail import FakeGuardrail

_POLICIES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "topicPolicy": assess_topics,
    "contentPolicy": assess_content,
    "wordPolicy": assess_words,
    "sensitiveInformationPolicy": assess_sensitive_information,
    "contextualGroundingPolicy": assess_grounding,
}
_REASONS: Final = {"BLOCKED": "Guardrail blocked.", "ANONYMIZED": "Guardrail masked.", "NONE": "No action."}
_TEXT_UNIT: Final = 1000  # characters


@dataclass(frozen=True, slots=True)
class AssessmentResult:
    """
    The result of an assessment.

    Args:
        action: ``BLOCKED``, ``ANONYMIZED`` or ``NONE``, the strongest of all findings.
        texts: The texts to continue with: unchanged, masked, or the one message of a block.
        assessment: Bedrock's ``GuardrailAssessment``.
    """

    action: str
    texts: tuple[str, ...]
    assessment: dict[str, Any]

    @property
    def blocked(self) -> bool:
        """Whether the texts were blocked."""
        return self.action == "BLOCKED"

    @property
    def intervened(self) -> bool:
        """Whether the texts were blocked or masked."""
        return self.action != "NONE"

    @property
    def reason(self) -> str:
        """Bedrock's ``actionReason``."""
        return _REASONS[self.action]


@dataclass(frozen=True, slots=True)
class AssessmentScope:
    """
    The facts that an assessment reports in addition to its findings.

    Args:
        total: Characters in the whole request; None if all of them are assessed.
        images: Images in the whole request; None if all of them are assessed.
        full: Report filters without a match, too.
        origins: Bedrock's ``guardrailOrigin``.
        own: Whether the guardrail belongs to the account of the fake.
    """

    total: int | None = None
    images: int | None = None
    full: bool = False
    origins: tuple[str, ...] = ("REQUEST",)
    own: bool = True


_DEFAULT_SCOPE: Final = AssessmentScope()


def assess(guardrail: FakeGuardrail, content: AssessedContent, scope: AssessmentScope = _DEFAULT_SCOPE) -> AssessmentResult:
    """Assess content and log the result."""
    result = assess_unlogged(guardrail, content, scope)
    version, source = guardrail.version, content.source
    log_assessment(LoggedAssessment(guardrail.identifier, version, source, result.action, result.assessment))
    return result


def assess_unlogged(
    guardrail: FakeGuardrail, content: AssessedContent, scope: AssessmentScope = _DEFAULT_SCOPE
) -> AssessmentResult:
    """Assess content."""
    guardrail = guardrail.for_source(content.source)
    policies = {name: assess_policy(guardrail, content, full=scope.full) for name, assess_policy in _POLICIES.items()}
    found = {name: policy for name, policy in policies.items() if any(policy.values())}
    actions = {entry["action"] for policy in found.values() for entries in policy.values() for entry in entries}
    action = next((name for name in ("BLOCKED", "ANONYMIZED") if name in actions), "NONE")
    details = {"invocationMetrics": _metrics(guardrail, content, scope), "appliedGuardrailDetails": _details(guardrail, scope)}
    return AssessmentResult(action, _output_texts(guardrail, content, action), {**found, **details})


def _output_texts(guardrail: FakeGuardrail, content: AssessedContent, action: str) -> tuple[str, ...]:
    if action == "BLOCKED":
        return (guardrail.message(content.source),)
    return tuple(mask(guardrail, text) for text in content.texts)


def _metrics(guardrail: FakeGuardrail, content: AssessedContent, scope: AssessmentScope) -> dict[str, Any]:
    guarded = sum(map(len, content.texts))
    coverage = {"textCharacters": {"guarded": guarded, "total": guarded if scope.total is None else scope.total}}
    images = content.images if scope.images is None else scope.images
    if images:
        coverage["images"] = {"guarded": content.images, "total": images}
    return {
        "guardrailProcessingLatency": 1 + guarded // _TEXT_UNIT,
        "usage": _usage(guardrail, content, -(-guarded // _TEXT_UNIT)),
        "guardrailCoverage": coverage,
    }


def _usage(guardrail: FakeGuardrail, content: AssessedContent, units: int) -> Mapping[str, int]:
    references = sum(map(len, (*content.sources, *content.queries)))
    grounded = guardrail.grounding and content.source == "OUTPUT" and references
    return {
        "topicPolicyUnits": units if guardrail.denied_topics else 0,
        "contentPolicyUnits": units if guardrail.content else 0,
        "wordPolicyUnits": units if guardrail.denied_words or guardrail.managed_words else 0,
        "sensitiveInformationPolicyUnits": units if guardrail.pii else 0,
        "sensitiveInformationPolicyFreeUnits": units if guardrail.regexes else 0,
        "contextualGroundingPolicyUnits": units - (-references // _TEXT_UNIT) if grounded else 0,
        **({"contentPolicyImageUnits": content.images} if guardrail.content and content.images else {}),
    }


def _details(guardrail: FakeGuardrail, scope: AssessmentScope) -> dict[str, Any]:
    return {
        "guardrailId": guardrail.id,
        "guardrailVersion": guardrail.version,
        "guardrailArn": guardrail.identifier,
        "guardrailOrigin": list(scope.origins),
        "guardrailOwnership": "SELF" if scope.own else "CROSS_ACCOUNT",
    }


def without_masks(result: AssessmentResult, texts: tuple[str, ...]) -> AssessmentResult:
    """Return the result of an asynchronous stream: it is sent before the assessment, so that masks are only reported."""
    if result.action != "ANONYMIZED":
        return result
    policy = result.assessment["sensitiveInformationPolicy"]
    reported = {name: [entry | {"action": "NONE"} for entry in entries] for name, entries in policy.items()}
    return replace(result, action="NONE", texts=texts, assessment=result.assessment | {"sensitiveInformationPolicy": reported})
