"""Theorems about the engine, each as one property over random policy sets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest
from harness.strategies import (
    DOCUMENTS,
    LEVELS,
    ROOT,
    SCENARIOS,
    SERVICE_LINKED,
    UNKNOWN_SCENARIOS,
    WITH_PRINCIPAL,
    Json,
    Scenario,
    examples,
    with_values,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guardedbedrock import iam

RANK: Final = {"explicitDeny": 0, "implicitDeny": 0, "indeterminate": 1, "allowed": 2}
SHUFFLES: Final = st.integers(0, 2**32 - 1).map(random.Random)
REQUIRED_TYPES: Final = ("identity", "boundary", "session", "scp", "endpoint")


def added(policies: Json, policy_type: str, document: Json) -> Json:
    """Add a document to those of a type; for organizations as a separate level."""
    return {**policies, policy_type: [*policies.get(policy_type, []), [document] if policy_type in LEVELS else document]}


def everything(policy_type: str, effect: str) -> Json:
    """Return a document with one statement about every action and resource."""
    principal = {"Principal": "*"} if policy_type in WITH_PRINCIPAL else {}
    return {"Statement": {"Sid": "Added", "Effect": effect, **principal, "Action": "*", "Resource": "*"}}


def mapped(policies: Json, change: Callable[[Json], Json]) -> Json:
    """Change the list of statements of every document."""
    if isinstance(policies, list):
        return [mapped(one, change) for one in policies]
    if "Statement" in policies:
        return {**policies, "Statement": change(policies["Statement"])}
    return {policy_type: mapped(given, change) for policy_type, given in policies.items()}


def denying(statements: Json) -> Json:
    """Turn every statement into a Deny."""
    return [{**one, "Effect": "Deny"} for one in statements]


def sids(decision: iam.Decision) -> set[str | None]:
    """Return the Sids of the determining statements."""
    return {statement.sid for statement in decision.statements}


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(100))
@given(scenario=SCENARIOS)
def test_an_explicit_deny_beats_every_allow(scenario: Scenario, policy_type: str) -> None:
    """A Deny of everything, in a policy of any type, denies explicitly and is a determining statement."""
    assume(scenario.request.principal != SERVICE_LINKED or policy_type not in LEVELS)
    # SCPs do not apply to service principals, and an RCP denies for sure only where it certainly applies.
    assume(scenario.request.principal.startswith("arn:") or policy_type != "scp")
    scenario = scenario.asking(replace(scenario.request, rcp_applies=True))

    decision = scenario.having(added(scenario.policies, policy_type, everything(policy_type, "Deny"))).decide()

    assert decision.outcome == "explicitDeny"
    assert "Added" in sids(decision)


@settings(max_examples=examples(300))
@given(SCENARIOS)
def test_nothing_is_allowed_by_default(scenario: Scenario) -> None:
    """Without an Allow every caller is denied, except the root user, who needs no Allow."""
    denies = mapped({"identity": [], **scenario.policies}, denying)

    decision = scenario.having(denies).decide()

    assert decision.is_denied or scenario.request.principal == ROOT


@settings(max_examples=examples(300))
@given(SCENARIOS, SHUFFLES)
def test_order_does_not_matter(scenario: Scenario, order: random.Random) -> None:
    """The order of statements, policies and levels does not change a decision."""

    def shuffled(given: Json) -> Json:
        return order.sample(given, len(given))

    mixed = mapped(scenario.policies, shuffled)
    mixed = {
        policy_type: shuffled([shuffled(level) for level in given] if policy_type in LEVELS else given)
        for policy_type, given in shuffled(list(mixed.items()))
    }

    before, after = scenario.decide(), scenario.having(mixed).decide()

    assert (before.outcome, before.policy_type, sids(before)) == (after.outcome, after.policy_type, sids(after))
    assert before.hangs_on == after.hangs_on


@settings(max_examples=examples(300))
@given(SCENARIOS)
def test_repetition_does_not_matter(scenario: Scenario) -> None:
    """A policy that is attached twice, or a level that occurs twice, counts once."""
    twice = {policy_type: [*given, *given] for policy_type, given in scenario.policies.items()}

    before, after = scenario.decide(), scenario.having(twice).decide()

    assert (before.outcome, before.policy_type, sids(before)) == (after.outcome, after.policy_type, sids(after))


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(150))
@given(scenario=SCENARIOS, data=st.data())
def test_adding_a_deny_never_allows_more(scenario: Scenario, data: st.DataObject, policy_type: str) -> None:
    """Another policy that only denies never makes an outcome more permissive."""
    document = mapped(data.draw(DOCUMENTS[policy_type]), denying)

    before, after = scenario.decide(), scenario.having(added(scenario.policies, policy_type, document)).decide()

    assert RANK[after.outcome] <= RANK[before.outcome]


@pytest.mark.parametrize("policy_type", REQUIRED_TYPES)
@settings(max_examples=examples(150))
@given(scenario=SCENARIOS, data=st.data())
def test_adding_a_required_policy_type_never_allows_more(scenario: Scenario, data: st.DataObject, policy_type: str) -> None:
    """A policy of a new type, or another level of an organization, never makes an outcome more permissive."""
    open_to = {kind: given for kind, given in scenario.policies.items() if kind != policy_type or kind in LEVELS}
    assume(any(kind in ("identity", "resource") or given for kind, given in open_to.items()))  # no policies decide nothing
    required = added(open_to, policy_type, data.draw(DOCUMENTS[policy_type]))

    before, after = scenario.having(open_to).decide(), scenario.having(required).decide()

    assert RANK[after.outcome] <= RANK[before.outcome]


@settings(max_examples=examples(250))
@given(SCENARIOS)
def test_an_allow_in_an_organization_or_endpoint_policy_grants_nothing(scenario: Scenario) -> None:
    """If the caller has no Allow, an Allow in an SCP, an RCP or an endpoint policy does not help."""
    before = scenario.decide()
    assume(before.is_denied and before.policy_type in ("identity", "boundary", "session", "resource"))

    after = before
    for policy_type in ("scp", "rcp", "endpoint"):
        after = scenario.having(added(scenario.policies, policy_type, everything(policy_type, "Allow"))).decide()

        assert after.is_denied


@settings(max_examples=examples(800))
@given(UNKNOWN_SCENARIOS, st.data())
def test_a_value_of_an_unknown_key_never_changes_a_sure_outcome(scenario: Scenario, data: st.DataObject) -> None:
    """A sure outcome stays the same for every value of the unknown keys, and keeps its determining statements."""
    before = scenario.decide()

    after = with_values(scenario, data).decide()

    assert after.outcome != "indeterminate" or not after.hangs_on
    if before.outcome == "allowed":
        assert after.outcome == "allowed"
        assert sids(before) <= sids(after)
    if before.outcome == "explicitDeny":
        assert after.outcome == "explicitDeny"
        assert sids(before) <= sids(after)
    if before.outcome == "implicitDeny":
        assert after.is_denied
