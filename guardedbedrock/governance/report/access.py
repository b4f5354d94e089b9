"""The access report as data: every principal, model and guardrail situation, decided by the policy engine."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.bedrock import AuthorizationSet, find_operation
from guardedbedrock.bedrock.authorization.cross_account import caller_side
from guardedbedrock.bedrock.guardrail.guardrail import identifier_key
from guardedbedrock.bedrock.resources.enforced_guardrails import is_enforced
from guardedbedrock.bedrock.resources.models import Resource, kind_of, resources
from guardedbedrock.governance.lint.checks.governance_rules import MANAGEMENT
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions.forbidden_requests import guardrail_required
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.governance.report.alike import Alike, texts_of
from guardedbedrock.governance.report.scope import Model, Scope, Situation, Subject
from guardedbedrock.iam import Decision, Outcome, PolicySet, PolicyType

OPERATIONS: Final = ("Converse", "ConverseStream")
SCHEMA: Final = "guardedbedrock.access-report"
VERSION: Final = 1
ASSUMPTIONS: Final = (
    (
        "The report evaluates Converse (bedrock:InvokeModel) and ConverseStream (bedrock:InvokeModelWithResponseStream). "
        "InvokeModel and InvokeModelWithResponseStream need the same authorizations."
    ),
    "Agents, flows, batch jobs and bedrock-mantle are not part of the report.",
    "Calls go directly to Bedrock over TLS, signed with SigV4, without a session policy and without a VPC endpoint policy.",
    (
        "A context key that the snapshot or the configuration does not give is unknown. A decision that depends on it is "
        "indeterminate."
    ),
    "A principal that may change IAM policies can give itself more access than the report shows.",
    "Another guardrail is represented by a guardrail of this account that no policy names.",
    "A column that is named by a pattern is evaluated with one sample model that matches the pattern.",
)
_SERVICE: Final = "bedrock-runtime"
_CONTROL: Final = "bedrock"
_MOST_STATEMENTS: Final = 4
_LONGEST: Final = 1200

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CallDecision:
    """
    The decision on one operation, without its explanation.

    Args:
        outcome: The decision.
        policy_type: The policy type that decides; None if several decide, or none.
        depends_on: Unknown context keys that an indeterminate decision depends on.
    """

    outcome: Outcome
    policy_type: PolicyType | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """
    A decision with its explanation, in which placeholders stand for the model and the guardrail.

    Equal decisions of many models have equal records. The placeholders are those of `fill`.

    Args:
        verdict: The decision.
        action: The IAM action that the explanation is about.
        resource: Its resource.
        summary: The reason, in one sentence.
        statements: The statements that decide or come closest: policy type, effect, and what the statement requires.
        remarks: What the decision does not show.
    """

    verdict: CallDecision
    action: str = ""
    resource: str = ""
    summary: str = ""
    statements: tuple[tuple[PolicyType, str, str], ...] = ()
    remarks: tuple[str, ...] = ()


Cell = tuple[Explained, ...]
"""One decision for each of `OPERATIONS`."""


@dataclass(frozen=True, slots=True)
class Change:
    """
    An action that changes guardrails, and that a principal may do.

    Args:
        action: The IAM action.
        outcome: ``allowed`` or ``indeterminate``.
        guardrails: ARNs of the guardrails; ``()`` for an action without one.
        depends_on: Unknown context keys of an indeterminate decision.
    """

    action: str
    outcome: Outcome
    guardrails: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """
    The answer to "is every model call denied unless it carries an approved guardrail?".

    Args:
        answer: ``proved``, ``refuted`` or ``unknown``.
        reason: Why it is unknown, or the request that refutes it.
    """

    answer: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """
    Principals whose decisions are alike.

    Args:
        principals: Their ARNs. The explanations are those of the first one.
        cells: For each situation one cell for each model; None where the Region does not have the model.
        changes: What they may do to guardrails.
        proof: The proof about their policies; None without a solver.
    """

    principals: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    changes: tuple[Change, ...] = ()
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class AccessReport:
    """
    The access report.

    Args:
        scope: What the report is about.
        rows: The rows; those that can call most without a guardrail come first.
    """

    scope: Scope
    rows: tuple[Row, ...]
    situations: tuple[Situation, ...] = field(default=())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the report presumes, in sentences."""
        reason = "--no-proof was given" if is_available() else "guardedbedrock[proof] is not installed"
        solver = () if any(row.proof for row in self.rows) else (f"No proof was made: {reason}.",)
        return (*self.scope.assumptions, *ASSUMPTIONS, *solver)

    def unguarded(self, outcome: Outcome) -> int:
        """Count the principals with a call without a guardrail that is decided so."""
        return sum(len(row.principals) for row in self.rows if count_unguarded(row, self.situations, outcome))

    @property
    def undecided(self) -> int:
        """The number of principals with no call that is surely allowed without a guardrail, and at least one undecided."""
        return sum(
            len(row.principals)
            for row in self.rows
            if not count_unguarded(row, self.situations, "allowed") and count_unguarded(row, self.situations, "indeterminate")
        )


def build(
    scope: Scope, *, proof: bool = True, timeout: float = 5.0, progress: Progress = lambda _done, _total: None
) -> AccessReport:
    """
    Evaluate everything in a scope.

    Args:
        scope: What to evaluate.
        proof: Whether to ask the solver too, if cvc5 is installed.
        timeout: Limit of the solver for each part of a proof, in seconds.
        progress: Called with the number of evaluated groups of principals, and of all groups.
    """
    calls = _Calls(scope)
    situations = calls.situations
    rows: dict[object, tuple[list[str], Row]] = {}
    for number, subject in enumerate(scope.subjects):
        matrix = _Matrix(scope, subject, calls)
        found = tuple(matrix.verdicts())
        changes = tuple(_changes(scope, subject, matrix.guardrails_alike()))
        answer = _prove(scope, subject, timeout) if proof and is_available() else None
        key = found, changes, answer
        if key not in rows:
            rows[key] = [], Row(subject.principals, matrix.explained(), changes, answer)
        rows[key][0].extend(subject.principals)
        progress(number + 1, len(scope.subjects))
    merged = [Row(tuple(names), row.cells, row.changes, row.proof) for names, row in rows.values()]
    merged.sort(
        key=lambda row: (*(-count_unguarded(row, situations, one) for one in ("allowed", "indeterminate")), row.principals)
    )
    return AccessReport(scope, tuple(merged), situations)


def count_unguarded(row: Row, situations: Sequence[Situation], outcome: Outcome) -> int:
    """Count the models and Regions that a row can call without a guardrail by at least one operation."""
    unguarded = [cells for situation, cells in zip(situations, row.cells, strict=True) if situation.kind == "none"]
    return sum(any(one.verdict.outcome == outcome for one in cell or ()) for cells in unguarded for cell in cells)


# -- model calls ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Decided:
    """The decisions on one model in one situation, one for each of `OPERATIONS`."""

    situation: Situation
    model: Model
    calls: tuple[tuple[CallDecision, AuthorizationSet, tuple[Decision, ...]], ...]


class _Calls:
    """
    The model calls of a report: which models exist in which situation, and under which names policies see them.

    The same for every subject, so that it is made once.
    """

    def __init__(self, scope: Scope) -> None:
        self.situations = scope.situations
        self._scope = scope
        self._guardrails = Alike([_guardrail_names(one, scope) for one in self.situations])
        self._models = {}
        for region in scope.regions if scope.subjects else ():
            caller = scope.subjects[0].caller(region)
            found = [resources(model.id, caller, scope.inventory) for model in scope.models]
            shapes = [
                (_shape(model, listed), _enforced_on(model, region, scope))
                for model, listed in zip(scope.models, found, strict=True)
            ]
            self._models[region] = shapes, Alike([[one.arn for one in listed] for listed in found])

    def classes(self, policies: PolicySet) -> tuple[list[Hashable], dict[str, list[Hashable]]]:
        """
        Return what policies tell apart.

        Returns:
            A key for each situation, and for each Region a key for each model. Calls with equal keys are decided alike.
        """
        texts = texts_of(policies)
        reads_tags = any(key.startswith("aws:resourcetag/") for key in policies.reads)
        situations: list[Hashable] = [
            (
                one.region,
                one.kind == "none",
                signature,
                _tags_of(one, self._scope) if reads_tags else (),
                _effects_of(one, self._scope),
            )
            for one, signature in zip(self.situations, self._guardrails.signatures(texts), strict=True)
        ]
        models: dict[str, list[Hashable]] = {
            region: list(zip(shapes, alike.signatures(texts), strict=True)) for region, (shapes, alike) in self._models.items()
        }
        return situations, models


def _guardrail_names(situation: Situation, scope: Scope) -> tuple[str, ...]:
    if situation.guardrail is None:
        return ()
    return situation.guardrail.arn, situation.guardrail.key, scope.inventory.profiles.get(situation.guardrail.arn, "")


def _tags_of(situation: Situation, scope: Scope) -> Hashable:
    tags = scope.inventory.tags.get(situation.guardrail.arn) if situation.guardrail else None
    return None if tags is None else tuple(sorted(tags.items()))


def _effects_of(situation: Situation, scope: Scope) -> Hashable:
    """Return what makes a call with this guardrail need other authorizations."""
    arn = situation.guardrail.arn if situation.guardrail else ""
    account = arn.split(":")[4] if arn else ""
    return scope.inventory.profiles.get(arn), any(one.arn == arn for one in scope.inventory.enforced), account


def _enforced_on(model: Model, region: str, scope: Scope) -> Hashable:
    """Return whether each enforced guardrail of a Region is enforced on a model."""
    return tuple(is_enforced(one, model.id, scope.inventory) for one in scope.inventory.enforced if one.region == region)


def _shape(model: Model, found: Sequence[Resource]) -> Hashable:
    """Return everything of the authorizations of a model except the names in its ARNs."""
    base = _base_of(model)

    def unnamed(text: str) -> str:
        text = text.replace(model.id, "{model}")
        return text.replace(base, "{base model}") if base else text

    facts = (
        (
            unnamed(one.arn),
            unnamed(one.one_of),
            one.action,
            one.undocumented,
            one.unknown,
            unnamed(repr(sorted(one.context.items()))),
        )
        for one in found
    )
    return model.regions, bool(base), tuple(facts)


class _Matrix:
    """The decisions of one subject, kept until it is known whether a row needs their explanation."""

    def __init__(self, scope: Scope, subject: Subject, calls: _Calls) -> None:
        self._scope, self._subject, self._calls = scope, subject, calls
        self._advisory = () if scope.rcp_applies else ("rcp",)
        self._callers = {region: subject.caller(region) for region in scope.regions}
        situations, models = calls.classes(subject.policies)
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
        """Yield the verdicts of each situation."""
        found = {key: tuple(verdict for verdict, _, _ in decided.calls) for key, decided in self._decided.items()}
        for keys in self._keys:
            yield tuple(None if key is None else found[key] for key in keys)

    def guardrails_alike(self) -> tuple[tuple[str, ...], ...]:
        """Return the ARNs of the approved guardrails; those that the policies cannot tell apart are together."""
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
        self, name: str, situation: Situation, model: Model
    ) -> tuple[CallDecision, AuthorizationSet, tuple[Decision, ...]]:
        operation = find_operation(_SERVICE, name)
        params: Mapping[str, Any] = {"modelId": model.id}
        if situation.guardrail is not None and operation.location is not None:
            params = operation.location.put(params, situation.guardrail.arn, situation.guardrail.version)
        policies = self._subject.policies
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
        model: Model,
        verdict: CallDecision,
        required: AuthorizationSet,
        decisions: tuple[Decision, ...],
    ) -> Explained:
        decision = _decisive(verdict.outcome, required, decisions, self._advisory)
        explanation = decision.explain()
        statements = [one for group in explanation.groups for one in group.statements]
        open_ones = explanation.outcome == "indeterminate"
        shown = [
            one for one in statements if one.determining or one == explanation.nearest or (open_ones and one.applies is None)
        ]
        replace = _placeholders(situation, model)
        remarks: list[str] = []
        if verdict.outcome == "indeterminate":
            remarks += (*required.remarks(decisions, self._advisory), *self._scope.unread.get(situation.region, ()))
        return Explained(
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


def _exists(model: Model, situation: Situation) -> bool:
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


PLACEHOLDERS: Final = ("{model}", "{base model}", "{guardrail}", "{guardrail ARN}")


def values_of(situation: Situation, model: Model) -> tuple[str, ...]:
    """Return the values of the `PLACEHOLDERS`; ``""`` for one that is not used."""
    guardrail = situation.guardrail
    return (
        model.id,
        _base_of(model),
        *((identifier_key(guardrail.arn, guardrail.version), guardrail.arn) if guardrail else ("", "")),
    )


def _base_of(model: Model) -> str:
    """Return the model that a system-defined profile routes to; ``""`` for other models."""
    return model.id.rpartition("/")[2].partition(".")[2] if kind_of(model.id) == "inference-profile" else ""


def fill(text: str, situation: Situation, model: Model) -> str:
    """Replace the placeholders of an explanation."""
    for placeholder, value in zip(PLACEHOLDERS, values_of(situation, model), strict=True):
        text = text.replace(placeholder, value) if value else text
    return text


def _placeholders(situation: Situation, model: Model) -> Callable[[str], str]:
    """Return the reverse of `fill`."""
    pairs = [(value, name) for name, value in zip(PLACEHOLDERS, values_of(situation, model), strict=True) if value]

    def replace(text: str) -> str:
        for value, name in pairs:
            text = text.replace(value, name)
        return text

    return replace


# -- changes of guardrails, and the proof -----------------------------------------------------------------------------


def _changes(scope: Scope, subject: Subject, alike: Sequence[tuple[str, ...]]) -> Iterator[Change]:
    """Yield the changes of guardrails that are allowed or indeterminate; guardrails that are `alike` are evaluated once."""
    order = {one.arn: number for number, one in enumerate(scope.guardrails)}
    for action, sample in MANAGEMENT.items():
        operation = find_operation(_CONTROL, action.partition(":")[2])
        found: dict[tuple[Outcome, tuple[str, ...]], set[str]] = {}
        on_guardrails = [(arns, arns[0].split(":")[3]) for arns in alike]
        for arns, region in on_guardrails if sample != "*" else [((), region) for region in scope.regions]:
            params = {"guardrailIdentifier": arns[0]} if arns else {}
            required = scope.authorizer(operation, params, subject.caller(region), scope.inventory)
            required = caller_side(required, subject.policies)
            decisions = tuple(subject.policies.evaluate(request) for request in required.requests)
            outcome = required.outcome(decisions, () if scope.rcp_applies else ("rcp",))
            if outcome in ("allowed", "indeterminate"):
                keys = {key for decision in decisions for key in decision.hangs_on} if outcome == "indeterminate" else ()
                found.setdefault((outcome, tuple(sorted(keys))), set()).update(arns)
        for (outcome, keys_of_it), names in found.items():
            yield Change(action, outcome, tuple(sorted(names, key=order.__getitem__)), keys_of_it)


def _prove(scope: Scope, subject: Subject, timeout: float) -> Proof:
    approved = tuple(one.key for one in scope.guardrails)
    policies = ProofPolicies.of(subject.identity, subject.principals[0], rcp_applies=scope.rcp_applies)
    answer = guardrail_required(policies, approved, Options(timeout=timeout))
    if answer.witness is None:
        return Proof(answer.answer, answer.reason)
    guardrail = next(
        (value for key, value in answer.witness.context.items() if key.lower() == "bedrock:guardrailidentifier"), None
    )
    carries = f"with the guardrail {guardrail}" if guardrail else "without a guardrail"
    return Proof(answer.answer, f"{answer.witness.action} on {answer.witness.resource} {carries} is allowed")
