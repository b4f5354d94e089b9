"""Ask the proof about a small case, and compare the answer with every request that its policies can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from harness.enumeration import ALWAYS, Enumeration, resources_of
from harness.small_policies import ACTIONS, APPROVED, INVOKE, STREAM, Case

from guardedbedrock.bedrock import reference
from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import PlacedStatement, ProofPolicies
from guardedbedrock.governance.proof.questions import (
    always_allowed,
    equivalent,
    guardrail_required,
    never,
    no_new_access,
    unreachable,
)
from guardedbedrock.iam import PolicySet, Request
from guardedbedrock.iam.matching.patterns import compile_pattern

KEY: Final = "bedrock:guardrailidentifier"
NOT_MODELS: Final = ("inference-profile", "prompt-router", "project")
"""Ends of the names of resource types that reach no model by themselves."""
OPTIONS: Final = Options(timeout=2.0)


@dataclass(frozen=True)
class Check:
    """
    An answer that was compared.

    Args:
        answer: The answer of the proof.
        tried: How many requests were evaluated.
        problem: What is wrong with the answer; ``""`` if it is right.
        open_requests: Requests for which the engine has no certain decision.
        is_alone: Whether the witness was confirmed and no other request shows the opposite: enumeration lacks the values of the
            witness, such as one spelling of a string that is compared without case.
    """

    answer: Answer
    tried: int
    problem: str
    open_requests: int
    is_alone: bool = False


class _Tried:
    """Counts requests, and remembers one that surely shows the opposite and one that may."""

    def __init__(self) -> None:
        self.number = self.open = 0
        self.shown: Request | None = None
        self.possible: Request | None = None

    def add(self, request: Request, *, shows: bool, may_show: bool, is_open: bool) -> None:
        self.number += 1
        self.open += is_open
        if shows and self.shown is None:
            self.shown = request
        if may_show and self.possible is None:
            self.possible = request


def check(case: Case) -> Check:
    """Ask the question of a case, and compare the answer."""
    policies = ProofPolicies.of(PolicySet(**case.policies), case.principal, rcp_applies=True)
    if case.question == "unreachable":
        return _check_statements(policies, case)
    answer = _ask(case, policies)
    tried = _Tried()
    for request, shows, may_show, is_open in _requests(case, policies, answer):
        tried.add(request, shows=shows, may_show=may_show, is_open=is_open)
        if tried.shown is not None and answer.answer == "refuted":
            break
    is_alone = answer.answer == "refuted" and tried.shown is None
    return Check(answer, tried.number, _problem(case, answer, tried), tried.open, is_alone)


def _problem(case: Case, answer: Answer, tried: _Tried) -> str:
    if "defect" in answer.reason:
        return answer.reason
    if answer.answer == "proved":
        return "" if tried.possible is None else f"proved, but {tried.possible} shows the opposite"
    if answer.answer == "unknown":
        return ""
    if answer.witness is None or not _is_confirmed(case, answer.witness):
        return f"a new policy set does not confirm {answer.witness}"
    return ""


def _ask(case: Case, policies: ProofPolicies) -> Answer:
    if case.question == "guardrail-required":
        return guardrail_required(policies, [APPROVED], OPTIONS)
    if case.question == "always-allowed":
        return always_allowed(policies, [_call(case)], OPTIONS)
    if case.question == "never":
        return never(policies, case.actions[0], when=case.when, options=OPTIONS)
    older = ProofPolicies.of(PolicySet(**case.older), case.principal, rcp_applies=True)
    compare = no_new_access if case.question == "no-new-access" else equivalent
    return compare(older, policies, OPTIONS)


def _call(case: Case) -> Request:
    action = case.actions[0]
    resources = resources_of(action)
    return Request(case.principal, action, resources[case.number % len(resources)], case.when, case.unknown)


def _is_confirmed(case: Case, witness: Request) -> bool:
    """Evaluate a witness with policy sets that the proof has not seen."""
    outcome = PolicySet(**case.policies).evaluate(witness).outcome
    context = {key.lower(): value for key, value in witness.context.items()}
    if case.question == "always-allowed":
        return outcome in ("implicitDeny", "explicitDeny")
    if case.question == "never":
        return outcome == "allowed" and all(context[key.lower()] == value for key, value in case.when.items())
    if case.question == "guardrail-required":
        return outcome == "allowed" and context.get(KEY) != APPROVED
    before = PolicySet(**case.older).evaluate(witness).outcome
    gained = outcome == "allowed" and before in ("implicitDeny", "explicitDeny")
    lost = before == "allowed" and outcome in ("implicitDeny", "explicitDeny")
    return gained or (lost and case.question == "equivalent")


def _requests(case: Case, policies: ProofPolicies, answer: Answer) -> Iterator[tuple[Request, bool, bool, bool]]:
    """Yield each request, whether it surely shows the opposite, whether it may, and whether a decision is uncertain."""
    now = policies.policy_set()
    if case.question == "always-allowed":
        call = _call(case)
        absent = set(now.reads) - {"aws:username"} - {key.lower() for key in case.unknown} - ALWAYS
        for request in Enumeration((now,), case.principal).requests(call.action, (call.resource,), case.when, absent):
            decision = now.evaluate(request)
            yield request, decision.is_denied, decision.outcome != "allowed", decision.outcome == "indeterminate"
    elif case.question in ("never", "guardrail-required"):
        requires = case.question == "guardrail-required"
        enumeration = Enumeration((now,), case.principal, ((KEY, APPROVED),) if requires else ())
        for action in (INVOKE, STREAM) if requires else case.actions[:1]:
            resources = resources_of(action, models_of(action)) if requires else _resources(action, answer)
            for request in enumeration.requests(action, resources, case.when):
                if not requires or request.context.get(KEY) != APPROVED:
                    decision = now.evaluate(request)
                    yield request, decision.outcome == "allowed", not decision.is_denied, decision.outcome == "indeterminate"
    else:
        yield from _differences(case, now, answer)


def _resources(action: str, answer: Answer) -> tuple[str, ...]:
    """Return the resources of an action. Resources of a service that this version does not know have many more forms."""
    is_known = action.lower() in reference.actions()
    shown = () if is_known or answer.witness is None else (answer.witness.resource,)
    return tuple(dict.fromkeys((*resources_of(action), *shown)))


def models_of(action: str) -> tuple[str, ...]:
    """Return the resource types of an action that are models."""
    return tuple(sorted(one for one in reference.actions()[action.lower()].types if not one.endswith(NOT_MODELS)))


def _differences(case: Case, now: PolicySet, answer: Answer) -> Iterator[tuple[Request, bool, bool, bool]]:
    before = PolicySet(**case.older)
    enumeration = Enumeration((before, now), case.principal)
    shown = () if answer.witness is None else (answer.witness.action,)
    others = (ACTIONS[case.number % len(ACTIONS)], "iam:GetRole")
    for action in dict.fromkeys((*shown, *case.actions, *others)):
        for request in enumeration.requests(action, _resources(action, answer)):
            old, new = before.evaluate(request), now.evaluate(request)
            pairs = [(old, new), (new, old)] if case.question == "equivalent" else [(old, new)]
            shows = any(one.is_denied and two.outcome == "allowed" for one, two in pairs)
            may_show = any(one.outcome != "allowed" and not two.is_denied for one, two in pairs)
            yield request, shows, may_show, "indeterminate" in (old.outcome, new.outcome)


def _check_statements(policies: ProofPolicies, case: Case) -> Check:
    answer = unreachable(policies, OPTIONS)
    named = {(one.policy, one.index): one.reason for one in answer.statements}
    tried, problem = 0, ""
    for placed in policies.statements():
        if answer.answer == "unknown" and (placed.policy, placed.index) in named:
            continue
        is_named = (placed.policy, placed.index) in named
        used, is_reached = _reach(placed, case, every=not is_named)
        tried += used
        if is_reached is is_named:
            problem = f"{placed.policy} statement {placed.index} is {'reached' if is_reached else 'not reached'}"
    return Check(answer, tried, problem, 0)


def _reach(placed: PlacedStatement, case: Case, *, every: bool) -> tuple[int, bool]:
    """
    Return how many requests were tried, and whether the statement applies to one of them, or may.

    A Deny that applies denies. With everything else allowed, one that may apply leaves the decision open.
    """
    kind = "identity" if placed.statement.principal is None else "resource"
    statement = {**_raw(case, placed), "Effect": "Deny"}
    document: Any = {**({"Version": placed.document.version} if placed.document.version else {}), "Statement": [statement]}
    allowed: Any = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    others: dict[str, Any] = {"boundary": [allowed]} if case.policies.get("boundary") else {}
    types = {"identity": [document, allowed]} if kind == "identity" else {"identity": [allowed], "resource": [document]}
    alone = PolicySet(**{**others, **types})
    only = PolicySet(identity=[document]) if kind == "identity" else PolicySet(resource=[document])
    tried = 0
    for action in _actions(placed, every=every):
        for request in Enumeration((only,), case.principal).requests(action, resources_of(action)):
            tried += 1
            decision = alone.evaluate(request)
            if decision.outcome == "indeterminate" or (decision.outcome, decision.policy_type) == ("explicitDeny", kind):
                return tried, True
    return tried, False


def _actions(placed: PlacedStatement, *, every: bool) -> Iterator[str]:
    """Yield the actions of the cases, and every other action that a pattern covers."""
    yield from (*ACTIONS, "iam:GetRole")
    matchers = [compile_pattern(pattern.lower()) for pattern in placed.statement.actions]
    for name, action in reference.actions().items() if every else ():
        if any(matches(name) for matches in matchers) is not placed.statement.not_action:
            yield action.name


def _raw(case: Case, placed: PlacedStatement) -> dict[str, Any]:
    """Return the statement as JSON."""
    given = case.policies[placed.policy_type]
    levels = given if placed.policy_type in ("scp", "rcp") else [given]
    for number, level in enumerate(levels):
        for position, document in enumerate(level):
            label = (
                f"{placed.policy_type}[{number}][{position}]"
                if placed.policy_type in ("scp", "rcp")
                else f"{placed.policy_type}[{position}]"
            )
            if label == placed.policy:
                return dict(document["Statement"][placed.index])
    raise LookupError(placed.policy)
