"""The matrix of one group of principals: the decision on each model in each situation, and its explanation."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from guardedbedrock.bedrock import AuthorizationSet, find_operation
from guardedbedrock.bedrock.authorization.cross_account import caller_side
from guardedbedrock.governance.report.call_classes import CallClasses
from guardedbedrock.governance.report.placeholders import value_replacer
from guardedbedrock.governance.report.records import OPERATIONS, CallDecision, Cell, ExplainedDecision
from guardedbedrock.governance.report.scope import PrincipalGroup, ReportedModel, Scope, Situation
from guardedbedrock.iam import Decision, Outcome, PolicyType

_SERVICE: Final = "bedrock-runtime"
_MOST_STATEMENTS: Final = 4
_LONGEST: Final = 1200


@dataclass(frozen=True, slots=True)
class _Decided:
    """The decisions on one model in one situation, one for each of `OPERATIONS`."""

    situation: Situation
    model: ReportedModel
    calls: tuple[tuple[CallDecision, AuthorizationSet, tuple[Decision, ...]], ...]


class Matrix:
    """
    The decisions of one group of principals, kept until it is known whether a row needs their explanation.

    Args:
        scope: What the report is about.
        group: The group.
        calls: The model calls of the report. Only one call of each class is evaluated.
    """

    def __init__(self, scope: Scope, group: PrincipalGroup, calls: CallClasses) -> None:
        self._scope, self._group, self._calls = scope, group, calls
        self._advisory = () if scope.rcp_applies else ("rcp",)
        self._callers = {region: group.caller(region) for region in scope.regions}
        situations, models = calls.classes(group.policies)
        self._situations = situations
        self._decided: dict[Hashable, _Decided] = {}
        self._keys: list[list[Hashable | None]] = [
            [
                (in_situation, of_model) if _exists(model, situation) else None
                for model, of_model in zip(scope.models, models[situation.region], strict=True)
            ]
            for situation, in_situation in zip(calls.situations, situations, strict=True)
        ]
        for situation, keys in zip(calls.situations, self._keys, strict=True):
            for model, key in zip(scope.models, keys, strict=True):
                if key is not None and key not in self._decided:
                    self._decided[key] = _Decided(
                        situation, model, tuple(self._decide(one, situation, model) for one in OPERATIONS)
                    )

    def verdicts(self) -> Iterator[tuple[tuple[CallDecision, ...] | None, ...]]:
        """Yield the decisions on all models in each situation."""
        found = {key: tuple(verdict for verdict, _, _ in decided.calls) for key, decided in self._decided.items()}
        for keys in self._keys:
            yield tuple(None if key is None else found[key] for key in keys)

    def guardrail_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the ARNs of the approved guardrails; those that the policies cannot tell apart are one group."""
        found: dict[Hashable, dict[str, None]] = {}
        for situation, key in zip(self._calls.situations, self._situations, strict=True):
            if situation.kind == "approved" and situation.guardrail is not None:
                found.setdefault(key, {})[situation.guardrail.arn] = None
        return tuple(map(tuple, found.values()))

    def explained(self) -> tuple[tuple[Cell | None, ...], ...]:
        """Explain every decision."""
        found: dict[Hashable, Cell] = {
            key: tuple(self._explain(decided.situation, decided.model, *one) for one in decided.calls)
            for key, decided in self._decided.items()
        }
        return tuple(tuple(None if key is None else found[key] for key in keys) for keys in self._keys)

    def _decide(
        self, name: str, situation: Situation, model: ReportedModel
    ) -> tuple[CallDecision, AuthorizationSet, tuple[Decision, ...]]:
        operation = find_operation(_SERVICE, name)
        params: Mapping[str, Any] = {"modelId": model.id}
        if situation.guardrail is not None and operation.location is not None:
            params = operation.location.put(params, situation.guardrail.arn, situation.guardrail.version)
        policies = self._group.policies
        required = self._scope.authorizer(operation, params, self._callers[situation.region], self._scope.inventory)
        required = caller_side(required, policies)
        decisions = tuple([policies.evaluate(request) for request in required.requests])
        outcome = required.outcome(decisions, self._advisory)
        if outcome == "allowed" and self._scope.unread.get(situation.region):
            outcome = "indeterminate"
        return CallDecision(outcome, *_basis(outcome, required, decisions, self._advisory)), required, decisions

    def _explain(
        self,
        situation: Situation,
        model: ReportedModel,
        verdict: CallDecision,
        required: AuthorizationSet,
        decisions: tuple[Decision, ...],
    ) -> ExplainedDecision:
        decision = _decisive(verdict.outcome, required, decisions, self._advisory)
        explanation = decision.explain()
        statements = [one for group in explanation.groups for one in group.statements]
        open_ones = explanation.outcome == "indeterminate"
        shown = [
            one for one in statements if one.determining or one == explanation.nearest or (open_ones and one.applies is None)
        ]
        replace = value_replacer(situation, model)
        remarks: list[str] = []
        if verdict.outcome == "indeterminate":
            remarks += (*required.remarks(decisions, self._advisory), *self._scope.unread.get(situation.region, ()))
        return ExplainedDecision(
            verdict,
            decision.request.action,
            replace(decision.request.resource),
            replace(_shorten(explanation.summary())),
            tuple(
                (one.statement.policy_type, one.statement.effect, replace(_shorten(f"{one.statement.name}: {one.sentence()}")))
                for one in shown[:_MOST_STATEMENTS]
            ),
            tuple(replace(_shorten(one)) for one in remarks),
        )


def _exists(model: ReportedModel, situation: Situation) -> bool:
    return not model.regions or situation.region in model.regions


def _basis(
    outcome: Outcome, required: AuthorizationSet, decisions: tuple[Decision, ...], advisory: Sequence[str]
) -> tuple[PolicyType | None, tuple[str, ...]]:
    if outcome == "indeterminate":
        return None, tuple(sorted({key for decision in decisions for key in decision.hangs_on}))
    return _decisive(outcome, required, decisions, advisory).policy_type, ()


def _decisive(outcome: Outcome, required: AuthorizationSet, decisions: tuple[Decision, ...], advisory: Sequence[str]) -> Decision:
    """Return the decision that explains the outcome: the first denial, else the first that is open, else the first."""
    first = required.first_denied(decisions, advisory)
    if first is not None:
        return decisions[first]
    wanted = ("indeterminate", "implicitDeny", "explicitDeny") if outcome == "indeterminate" else ()
    return next((one for kind in wanted for one in decisions if one.outcome == kind), decisions[0])


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
