"""The result of a replay, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from guardedbedrock.bedrock import find_operation
from guardedbedrock.governance.replay.distinct_calls.counting import CallGroup
from guardedbedrock.governance.replay.reading.files import SkippedInput
from guardedbedrock.governance.replay.verdicts import CallVerdict
from guardedbedrock.iam import Decision

DENIED: Final = ("implicitDeny", "explicitDeny")
_ORDER: Final = ("allowed", "indeterminate", "implicitDeny", "explicitDeny")
LIMITS: Final = (
    "CloudTrail does not show the guardrail of a model call. Model invocation logs show it if the trace of the call was on.",
    (
        "ApplyGuardrail, agents, flows, knowledge bases and asynchronous calls are data events: a trail without selectors for "
        "them does not contain them."
    ),
    "Calls of bedrock-mantle are data events too, and carry no guardrail.",
)


@dataclass(slots=True)
class ChangedAuthorization:
    """
    An authorization that the new policies decide differently.

    Args:
        principal: ARN of the principal.
        operation: Operation of the first such call.
        action: IAM action.
        resource: ARN of the resource.
        before: Decision under the baseline; without a baseline what the record shows, ``allowed`` or ``denied``.
        after: Decision under the new policies.
        count: How many calls.
        first: Time of the first call, ISO 8601.
        last: Time of the last call.
        example: Event ID of the first call.
        explanation: The reason for the decision of the new policies on the first call.
    """

    principal: str
    operation: str
    action: str
    resource: str
    before: str
    after: str
    count: int
    first: str
    last: str
    example: str
    explanation: str

    @property
    def is_newly_denied(self) -> bool:
        """Whether the new policies deny a request that was not denied before."""
        return self.after in DENIED and self.before not in (*DENIED, "denied")


@dataclass(slots=True)
class Divergence:
    """
    Calls whose recorded result differs from the baseline's verdict: the policies or the facts are incomplete.

    Args:
        principal: ARN of the principal.
        operation: Name of the operation.
        model: The model that the calls name; ``""`` if they name none.
        recorded: ``allowed`` or ``denied``.
        verdict: The decision under the baseline.
        count: How many calls.
        first: Time of the first call, ISO 8601.
        last: Time of the last call.
        example: Event ID of the first call.
        explanation: The reason for the verdict of the baseline.
    """

    principal: str
    operation: str
    model: str
    recorded: str
    verdict: str
    count: int
    first: str
    last: str
    example: str
    explanation: str


@dataclass(slots=True)
class Impact:
    """
    The calls of one principal that are newly denied.

    Args:
        principal: ARN of the principal.
        count: How many calls.
        operations: The operations that they call, sorted.
        models: The models that they name, sorted.
        first: Time of the first call, ISO 8601.
        last: Time of the last call.
        example: Event ID of the first call.
        explanation: Why the first call is denied.
    """

    principal: str
    count: int
    operations: list[str]
    models: list[str]
    first: str
    last: str
    example: str
    explanation: str


@dataclass(slots=True)
class UndecidedCalls:
    """
    Calls that the new policies leave open for a reason other than an unknown key.

    Args:
        reason: Why, in words.
        count: How many calls.
        example: Event ID of the first.
    """

    reason: str
    count: int
    example: str


@dataclass(slots=True)
class ReplayReport:
    """
    The result of a replay.

    Args:
        events: Records that were read.
        bedrock: Calls of Bedrock that are left after removing copies and applying addenda.
        distinct: How many of them are distinct.
        mantle: Calls of ``bedrock-mantle``, which no guardrail covers.
        outcomes: Calls by decision under the new policies.
        impact: Principals with newly denied calls, those with most calls first.
        changes: Authorizations that are decided differently, newly denied ones first.
        divergences: Calls whose record differs from the baseline.
        undecided: Calls that cannot be decided, such as those without a principal, by reason.
        evidence: Model calls by what invocation logs show: ``guarded``, ``unguarded`` and ``none``.
        skipped: What was not replayed.
        newly_denied: How many calls are newly denied.
        limits: What trails cannot show.
    """

    events: int = 0
    bedrock: int = 0
    distinct: int = 0
    mantle: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ORDER, 0))
    impact: list[Impact] = field(default_factory=list)
    changes: list[ChangedAuthorization] = field(default_factory=list)
    divergences: list[Divergence] = field(default_factory=list)
    undecided: list[UndecidedCalls] = field(default_factory=list)
    evidence: dict[str, int] = field(default_factory=lambda: {"guarded": 0, "unguarded": 0, "none": 0})
    skipped: list[SkippedInput] = field(default_factory=list)
    newly_denied: int = 0
    limits: tuple[str, ...] = LIMITS

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        return {**asdict(self), "limits": list(self.limits)}


class Decider(Protocol):
    """Decides distinct calls, as `Judge` does."""

    def decide(self, group: CallGroup) -> CallVerdict:
        """Decide the calls of a group."""


def build(groups: Sequence[CallGroup], new: Decider, baseline: Decider | None) -> ReplayReport:
    """
    Evaluate every distinct call once, and add up the results.

    Args:
        groups: The calls, counted.
        new: Decides under the new policies.
        baseline: Decides under the old ones; None compares with what the records show.
    """
    report = ReplayReport(distinct=len({group.call for group in groups}))
    changes: dict[tuple[str, ...], ChangedAuthorization] = {}
    undecided: dict[str, UndecidedCalls] = {}
    impact: dict[str, Impact] = {}
    for group in groups:
        after = new.decide(group)
        before = baseline.decide(group) if baseline else None
        report.bedrock += group.count
        report.outcomes[after.outcome] += group.count
        if find_operation(group.call.service, group.call.operation).inference:
            report.evidence[group.evidence.kind] += group.count
        was_denied = before.is_denied if before else group.call.outcome == "denied"
        if after.is_denied and not was_denied:
            report.newly_denied += group.count
            _add_impact(impact, group, after)
        _add_changes(changes, group, before, after)
        if after.outcome == "indeterminate" and after.reason:
            undecided.setdefault(after.reason, UndecidedCalls(after.reason, 0, group.example)).count += group.count
        if before and _diverges(group.call.outcome, before):
            report.divergences.append(_divergence(group, before))
    report.impact = sorted(impact.values(), key=lambda one: (-one.count, one.principal))
    report.undecided = sorted(undecided.values(), key=lambda one: (-one.count, one.reason))
    report.changes = sorted(changes.values(), key=_weight)
    report.divergences.sort(key=lambda one: (-one.count, one.principal, one.operation, one.model))
    return report


def _add_changes(
    changes: dict[tuple[str, ...], ChangedAuthorization], group: CallGroup, before: CallVerdict | None, after: CallVerdict
) -> None:
    old = before.decisions if before and len(before.decisions) == len(after.decisions) else None
    for index, decision in enumerate(after.decisions):
        request = decision.request
        was = old[index].outcome if old else _recorded(group, before)
        if was == decision.outcome or (was == "denied" and decision.is_denied):
            continue
        key = (group.call.principal, request.action, request.resource, was, decision.outcome)
        change = changes.get(key)
        if change is None:
            changes[key] = ChangedAuthorization(
                principal=group.call.principal,
                operation=group.call.operation,
                action=request.action,
                resource=request.resource,
                before=was,
                after=decision.outcome,
                count=group.count,
                first=iso(group.first),
                last=iso(group.last),
                example=group.example,
                explanation=explanation(decision),
            )
        else:
            change.count += group.count
            first = iso(group.first)
            if (first, group.example) < (change.first, change.example):
                change.first, change.example, change.operation = first, group.example, group.call.operation
                change.explanation = explanation(decision)
            change.last = max(change.last, iso(group.last))


def _add_impact(impact: dict[str, Impact], group: CallGroup, after: CallVerdict) -> None:
    call, first, last = group.call, iso(group.first), iso(group.last)
    why = next(explanation(decision) for decision in after.decisions if decision.outcome == after.outcome)
    known = impact.setdefault(call.principal, Impact(call.principal, 0, [], [], first, last, group.example, why))
    known.count += group.count
    known.operations = sorted({*known.operations, call.operation})
    known.models = sorted({*known.models, call.model} - {""})
    if (first, group.example) < (known.first, known.example):
        known.first, known.example, known.explanation = first, group.example, why
    known.last = max(known.last, last)


def _recorded(group: CallGroup, before: CallVerdict | None) -> str:
    if before is not None:
        return before.outcome
    return "denied" if group.call.outcome == "denied" else "allowed"


def _diverges(recorded: str, baseline: CallVerdict) -> bool:
    if recorded == "denied":
        return baseline.outcome == "allowed"
    return recorded == "allowed" and baseline.is_denied


def _divergence(group: CallGroup, baseline: CallVerdict) -> Divergence:
    first = next((decision for decision in baseline.decisions if decision.is_denied), None)
    why = explanation(first) if first else "the policies allow every authorization of the call"
    return Divergence(
        principal=group.call.principal,
        operation=group.call.operation,
        model=group.call.model,
        recorded=group.call.outcome,
        verdict=baseline.outcome,
        count=group.count,
        first=iso(group.first),
        last=iso(group.last),
        example=group.example,
        explanation=why,
    )


def _weight(change: ChangedAuthorization) -> tuple[object, ...]:
    """Return the sort key: newly denied requests come first, then those that became indeterminate, then the most frequent."""
    rank = 0 if change.is_newly_denied else 1 if change.after == "indeterminate" else 2
    return (rank, -change.count, change.principal, change.action, change.resource, change.before)


def explanation(decision: Decision) -> str:
    """Return why a decision was made, in one sentence."""
    return decision.explain().summary()


def iso(second: int) -> str:
    """Write seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
