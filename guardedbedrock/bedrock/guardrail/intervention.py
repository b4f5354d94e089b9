"""
What a guardrail did to a call, as the reply shows it.

Masking counts as an intervention; the filter of a model (``content_filtered``) does not. Matched text never enters a record.
Source: Bedrock User Guide, "Use a guardrail"; Bedrock API Reference, "GuardrailAssessment".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Action: TypeAlias = Literal["blocked", "masked"]
Side: TypeAlias = Literal["INPUT", "OUTPUT"]

POLICY_KINDS: Final = (
    "topicPolicy",
    "contentPolicy",
    "wordPolicy",
    "sensitiveInformationPolicy",
    "contextualGroundingPolicy",
    "automatedReasoningPolicy",
)
"""The policies of a guardrail, by their names in an assessment."""

_ACTIONS: Final[Mapping[str, Action]] = {"BLOCKED": "blocked", "ANONYMIZED": "masked"}
_REASONS: Final[tuple[tuple[str, Action], ...]] = (("blocked", "blocked"), ("masked", "masked"))
_SIDES: Final[Mapping[str, Side]] = {
    "inputAssessment": "INPUT",
    "outputAssessments": "OUTPUT",
    "input": "INPUT",
    "outputs": "OUTPUT",
}
_OF_AN_ASSESSMENT: Final = frozenset({*POLICY_KINDS, "invocationMetrics", "appliedGuardrailDetails"})


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    How much of the text a guardrail evaluated, prompt and reply together.

    Args:
        guarded: Characters that were evaluated.
        total: All characters.
    """

    guarded: int
    total: int


@dataclass(frozen=True, slots=True)
class Intervention:
    """
    What a guardrail did to a call.

    Everything except the operation is known only if the reply shows it; replies to model calls do so with a ``trace``.

    Args:
        operation: Name of the operation.
        reason: The message of the service, such as ``Guardrail blocked.``.
        action: ``blocked`` (a message replaces the text), ``masked`` (matches were replaced), or None if unknown.
        policies: The policies of the guardrail that intervened, such as ``wordPolicy``.
        sources: Where they intervened: ``INPUT``, ``OUTPUT``.
        guardrail: ID of the guardrail.
        version: Its version.
        coverage: How much of the text it evaluated.
        text_units: Text units that were charged, by meter, such as ``wordPolicyUnits``.
    """

    operation: str
    reason: str | None = None
    action: Action | None = None
    policies: tuple[str, ...] = ()
    sources: tuple[Side, ...] = ()
    guardrail: str | None = None
    version: str | None = None
    coverage: Coverage | None = None
    text_units: Mapping[str, int] = field(default_factory=dict)


class GuardrailTrace(NamedTuple):
    """
    What a reply, or a part of one, shows of its guardrail.

    Args:
        intervened: Whether the guardrail intervened; None if the reply does not say.
        trace: Assessments in any of the shapes that the service uses; None if there are none.
    """

    intervened: bool | None = None
    trace: Mapping[str, Any] | None = None

    def __or__(self, later: GuardrailTrace) -> GuardrailTrace:
        intervened = later.intervened if self.intervened is None else self.intervened or bool(later.intervened)
        return GuardrailTrace(intervened, self.trace if later.trace is None else later.trace)


NO_TRACE: Final = GuardrailTrace()


class _Assessed(NamedTuple):
    source: Side
    guardrail: str | None
    assessment: Mapping[str, Any]


def read_intervention(operation: str, shown: GuardrailTrace) -> Intervention | None:
    """
    Read what a guardrail did; None if it did not intervene.

    A finding that blocked or masked is an intervention even if the reply does not say that the guardrail intervened.
    """
    if not shown.intervened and not shown.trace:
        return None
    trace = shown.trace or {}
    assessed = tuple(_assessed(trace))
    found = [(one, kind, action) for one in assessed for kind, action in _acted(one.assessment)]
    if not shown.intervened and not found:
        return None
    reason = trace.get("actionReason")
    named = _named(found[0][0] if found else assessed[0]) if assessed else (None, None)
    return Intervention(
        operation=operation,
        reason=reason if isinstance(reason, str) else None,
        action=_action({action for _, _, action in found}, reason),
        policies=tuple(dict.fromkeys(kind for _, kind, _ in found)),
        sources=tuple(dict.fromkeys(one.source for one, _, _ in found)),
        guardrail=named[0],
        version=named[1],
        coverage=_coverage(assessed),
        text_units=_units(assessed),
    )


def _assessed(trace: Mapping[str, Any]) -> Iterator[_Assessed]:
    for side, source in _SIDES.items():
        yield from _flat(trace.get(side), source, None)
    whole = trace.get("source", "INPUT")
    yield from _flat(trace.get("assessments"), whole, None)


def _flat(found: Any, source: Side, guardrail: str | None) -> Iterator[_Assessed]:
    """Find the assessments in nested maps of guardrail IDs and lists; each operation nests them differently."""
    if isinstance(found, list):
        for each in found:
            yield from _flat(each, source, guardrail)
    elif isinstance(found, Mapping) and not _OF_AN_ASSESSMENT.isdisjoint(found):
        yield _Assessed(source, guardrail, found)
    elif isinstance(found, Mapping):
        for name, each in found.items():
            yield from _flat(each, source, str(name))


def _acted(assessment: Mapping[str, Any]) -> Iterator[tuple[str, Action]]:
    for kind in POLICY_KINDS:
        for findings in _mapping(assessment.get(kind)).values():
            for finding in findings if isinstance(findings, list) else ():
                action = _ACTIONS.get(str(_mapping(finding).get("action")))
                if action:
                    yield kind, action


def _action(actions: set[Action], reason: Any) -> Action | None:
    """Give the strongest action of the findings; without findings, the action that the message names."""
    if actions:
        return "blocked" if "blocked" in actions else "masked"
    message = reason.lower() if isinstance(reason, str) else ""
    return next((action for word, action in _REASONS if word in message), None)


def _named(one: _Assessed) -> tuple[str | None, str | None]:
    details = _mapping(one.assessment.get("appliedGuardrailDetails"))
    return details.get("guardrailId") or one.guardrail, details.get("guardrailVersion")


def _coverage(assessed: tuple[_Assessed, ...]) -> Coverage | None:
    metrics = [_mapping(one.assessment.get("invocationMetrics")) for one in assessed]
    texts = [_mapping(_mapping(each.get("guardrailCoverage")).get("textCharacters")) for each in metrics]
    known = [text for text in texts if text]
    return Coverage(*(sum(_number(text.get(key)) for text in known) for key in ("guarded", "total"))) if known else None


def _units(assessed: tuple[_Assessed, ...]) -> dict[str, int]:
    units: dict[str, int] = {}
    for one in assessed:
        for meter, count in _mapping(_mapping(one.assessment.get("invocationMetrics")).get("usage")).items():
            if _number(count):
                units[meter] = units.get(meter, 0) + _number(count)
    return units


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
