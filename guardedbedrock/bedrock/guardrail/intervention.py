"""
The actions of a guardrail on a call, as the reply shows them.

Masking counts as an intervention; the filter of a model (``content_filtered``) does not. What a guardrail only
detects (a filter in detect mode, automated reasoning) is recorded as a finding. Matched text never enters a record.
Source: Bedrock User Guide, "Use a guardrail"; Bedrock API Reference, "GuardrailAssessment".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.bedrock.parameters import as_mapping

Action: TypeAlias = Literal["blocked", "masked", "detected"]
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
_REASONING: Final = "automatedReasoningPolicy"
_REASONS: Final[tuple[tuple[str, Action], ...]] = (("blocked", "blocked"), ("masked", "masked"))
_SIDES: Final[Mapping[str, Side]] = {
    "inputAssessment": "INPUT",
    "inputAssessments": "INPUT",
    "outputAssessments": "OUTPUT",
    "input": "INPUT",
    "outputs": "OUTPUT",
}
_UNSIDED: Final = "assessments"
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
class GuardrailFinding:
    """
    Something that a guardrail found.

    Args:
        policy: The policy of the guardrail, such as ``contentPolicy``.
        name: Its category, topic, entity type or automated reasoning result, such as ``HATE``; ``""`` for a custom word, which is
            itself matched text.
        action: ``blocked``, ``masked``, or ``detected`` (found, and nothing was done about it).
        source: ``INPUT`` or ``OUTPUT``; None if unknown.
    """

    policy: str
    name: str
    action: Action
    source: Side | None = None

    def __str__(self) -> str:
        return f"{self.policy} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Intervention:
    """
    The actions and detections of a guardrail on a call.

    Everything except the operation is known only if the reply shows it; replies to model calls do so with a ``trace``.

    Args:
        operation: Name of the operation.
        reason: The message of the service, such as ``Guardrail blocked.``.
        action: ``blocked`` (a message replaces the text), ``masked`` (matches were replaced), ``detected`` (the guardrail only
            reported findings, and the text is unchanged), or None if unknown.
        policies: The policies of the guardrail that intervened, such as ``wordPolicy``.
        sources: Where they intervened: ``INPUT``, ``OUTPUT``.
        guardrail: ID of the guardrail.
        version: Its version.
        coverage: How much of the text it evaluated.
        text_units: Text units that were charged, by meter, such as ``wordPolicyUnits``.
        findings: Everything that the guardrail found, whether it acted on it or not.
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
    findings: tuple[GuardrailFinding, ...] = ()

    @property
    def is_detect_only(self) -> bool:
        """Whether the guardrail changed nothing."""
        return self.action == "detected"

    @property
    def detected(self) -> tuple[GuardrailFinding, ...]:
        """The findings that the guardrail did not act on."""
        return tuple(finding for finding in self.findings if finding.action == "detected")


class GuardrailTrace(NamedTuple):
    """
    The facts about the guardrail in a reply, or in a part of one.

    Args:
        intervened: Whether the guardrail intervened; None if the reply does not say.
        trace: Assessments in any of the shapes that the service uses; None if there are none.
    """

    intervened: bool | None = None
    trace: Mapping[str, Any] | None = None

    def __or__(self, later: GuardrailTrace) -> GuardrailTrace:
        """Combine the facts of an earlier and a later part of a reply; assessments of both count."""
        intervened = later.intervened if self.intervened is None else self.intervened or bool(later.intervened)
        if self.trace is None or later.trace is None:
            return GuardrailTrace(intervened, self.trace if later.trace is None else later.trace)
        return GuardrailTrace(intervened, {**self.trace, **later.trace, **_assessments_of_both(self.trace, later.trace)})


NO_TRACE: Final = GuardrailTrace()


def _assessments_of_both(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """List the assessments that two parts of a reply have of one side; a part that repeats the one before adds none."""
    both: dict[str, Any] = {}
    for side in (*_SIDES, _UNSIDED):
        if side in earlier and side in later:
            first, second = _listed(earlier[side]), _listed(later[side])
            both[side] = first if first[-len(second) :] == second else [*first, *second]
    return both


def _listed(assessments: Any) -> list[Any]:
    return assessments if isinstance(assessments, list) else [assessments]


class _Assessed(NamedTuple):
    source: Side | None
    guardrail: str | None
    assessment: Mapping[str, Any]


def read_intervention(operation: str, shown: GuardrailTrace) -> Intervention | None:
    """
    Read what a guardrail did; None if it did not intervene and detected nothing.

    A finding that blocked or masked is an intervention even if the reply does not say that the guardrail intervened.
    """
    if not shown.intervened and not shown.trace:
        return None
    trace = shown.trace or {}
    assessed = tuple(_assessed(trace))
    found = [(one, finding) for one in assessed for finding in _findings(one)]
    acted = [(one, finding) for one, finding in found if finding.action != "detected"]
    if not shown.intervened and not found:
        return None
    reason = trace.get("actionReason")
    deciding = acted or found
    named = _named(deciding[0][0] if deciding else assessed[0]) if assessed else (None, None)
    is_detect_only = not shown.intervened and not acted
    return Intervention(
        operation=operation,
        reason=reason if isinstance(reason, str) else None,
        action="detected" if is_detect_only else _action({finding.action for _, finding in acted}, reason),
        policies=tuple(dict.fromkeys(finding.policy for _, finding in acted)),
        sources=tuple(dict.fromkeys(finding.source for _, finding in acted if finding.source)),
        guardrail=named[0],
        version=named[1],
        coverage=_coverage(assessed),
        text_units=_units(assessed),
        findings=tuple(finding for _, finding in found),
    )


def with_sent_guardrail(found: Intervention, identifier: str | None, version: str | None) -> Intervention:
    """
    Complete an intervention with the guardrail that was sent, if the reply names no other one.

    Args:
        found: The intervention.
        identifier: ID or ARN of the guardrail that was sent.
        version: Its version.
    """
    guardrail = identifier.rpartition("/")[2] if identifier else None
    if guardrail is None or found.guardrail not in (None, guardrail):
        return found
    return replace(found, guardrail=guardrail, version=found.version or version)


def _assessed(trace: Mapping[str, Any]) -> Iterator[_Assessed]:
    for side, source in _SIDES.items():
        yield from _flat(trace.get(side), source, None)
    yield from _flat(trace.get(_UNSIDED), trace.get("source"), None)


def _flat(found: Any, source: Side | None, guardrail: str | None) -> Iterator[_Assessed]:
    """Find the assessments in nested maps of guardrail IDs and lists; each operation nests them differently."""
    if isinstance(found, list):
        for each in found:
            yield from _flat(each, source, guardrail)
    elif isinstance(found, Mapping) and not _OF_AN_ASSESSMENT.isdisjoint(found):
        yield _Assessed(source, guardrail, found)
    elif isinstance(found, Mapping):
        for name, each in found.items():
            yield from _flat(each, source, str(name))


def _findings(one: _Assessed) -> Iterator[GuardrailFinding]:
    for policy in POLICY_KINDS:
        for findings in as_mapping(one.assessment.get(policy)).values():
            for finding in map(as_mapping, findings if isinstance(findings, list) else ()):
                if policy == _REASONING:
                    # A union: its only member is named after the result, such as ``valid`` or ``invalid``. It never acts.
                    yield from (GuardrailFinding(policy, str(result), "detected", one.source) for result in finding)
                elif (action := _action_of(finding)) is not None:
                    yield GuardrailFinding(policy, _name_of(finding), action, one.source)


def _action_of(finding: Mapping[str, Any]) -> Action | None:
    action = _ACTIONS.get(str(finding.get("action")))
    return "detected" if action is None and finding.get("detected") is True else action


def _name_of(finding: Mapping[str, Any]) -> str:
    """Name a finding by its label, never by its match."""
    label = finding.get("name") or finding.get("type")
    return label if isinstance(label, str) else ""


def _action(actions: set[Action], reason: Any) -> Action | None:
    """Return the strongest action of the findings; without findings, the action that the message names."""
    if actions:
        return "blocked" if "blocked" in actions else "masked"
    message = reason.lower() if isinstance(reason, str) else ""
    return next((action for word, action in _REASONS if word in message), None)


def _named(one: _Assessed) -> tuple[str | None, str | None]:
    details = as_mapping(one.assessment.get("appliedGuardrailDetails"))
    return details.get("guardrailId") or one.guardrail, details.get("guardrailVersion")


def _coverage(assessed: tuple[_Assessed, ...]) -> Coverage | None:
    metrics = [as_mapping(one.assessment.get("invocationMetrics")) for one in assessed]
    texts = [as_mapping(as_mapping(each.get("guardrailCoverage")).get("textCharacters")) for each in metrics]
    known = [text for text in texts if text]
    return Coverage(*(sum(_number(text.get(key)) for text in known) for key in ("guarded", "total"))) if known else None


def _units(assessed: tuple[_Assessed, ...]) -> dict[str, int]:
    units: dict[str, int] = {}
    for one in assessed:
        for meter, count in as_mapping(as_mapping(one.assessment.get("invocationMetrics")).get("usage")).items():
            if _number(count):
                units[meter] = units.get(meter, 0) + _number(count)
    return units


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
