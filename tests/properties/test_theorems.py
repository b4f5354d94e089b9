"""What is true of every policy set, whatever it says."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import pytest
from harness.strategies import (
    DOCUMENTS,
    LEVELS,
    ROOT,
    SCENARIOS,
    SERVICE_LINKED,
    UNKNOWN_SCENARIOS,
    VALUES_OF,
    WITH_PRINCIPAL,
    Json,
    Scenario,
    examples,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guardedbedrock import iam

RANK: Final = {"explicitDeny": 0, "implicitDeny": 0, "indeterminate": 1, "allowed": 2}
SHUFFLES: Final = st.integers(0, 2**32 - 1).map(random.Random)
MODEL_ACCESS_STATES: Final = ("identity", "boundary", "session", "scp", "endpoint")
LEARNED_PARTS: Final = ("us-east-1", "eu-west-1", "111122223333", "444455556666", "x", "")
LEARNED_NAMES: Final = ("guardrail/g", "acme.tiny-v1:0", "foundation-model/acme.tiny-v1:0", "x", "a-v1:0:300k", "")
PARTS: Final = ("arn", "partition", "service", "region", "account", "id")


def added(policies: Json, policy_type: str, document: Json) -> Json:
    """Add a document to those of a type; for organizations as a level of its own."""
    return {**policies, policy_type: [*policies.get(policy_type, []), [document] if policy_type in LEVELS else document]}


def everything(policy_type: str, effect: str) -> Json:
    """Make a document of one statement about everything."""
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
    """Name the determining statements."""
    return {statement.sid for statement in decision.statements}


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(100))
@given(scenario=SCENARIOS)
def test_an_explicit_deny_beats_every_allow(scenario: Scenario, policy_type: str) -> None:
    """A Deny of everything, in whatever policy, denies explicitly and is among the determining statements."""
    assume(scenario.request.principal != SERVICE_LINKED or policy_type not in LEVELS)

    decision = scenario.having(added(scenario.policies, policy_type, everything(policy_type, "Deny"))).decide()

    assert decision.outcome == "explicitDeny"
    assert "Added" in sids(decision)


@settings(max_examples=examples(300))
@given(SCENARIOS)
def test_nothing_is_allowed_by_default(scenario: Scenario) -> None:
    """Without an Allow everyone is denied but the root user, who needs none."""
    denies = mapped({"identity": [], **scenario.policies}, denying)

    decision = scenario.having(denies).decide()

    assert decision.is_denied or scenario.request.principal == ROOT


@settings(max_examples=examples(300))
@given(SCENARIOS, SHUFFLES)
def test_order_does_not_matter(scenario: Scenario, order: random.Random) -> None:
    """Statements, policies and levels may stand in any order."""

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
    """A policy attached twice, or a level that stands twice, is as good as one."""
    twice = {policy_type: [*given, *given] for policy_type, given in scenario.policies.items()}

    before, after = scenario.decide(), scenario.having(twice).decide()

    assert (before.outcome, before.policy_type, sids(before)) == (after.outcome, after.policy_type, sids(after))


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(150))
@given(scenario=SCENARIOS, data=st.data())
def test_adding_a_deny_never_allows_more(scenario: Scenario, data: st.DataObject, policy_type: str) -> None:
    """One more policy that only denies leaves the answer, or makes it worse."""
    document = mapped(data.draw(DOCUMENTS[policy_type]), denying)

    before, after = scenario.decide(), scenario.having(added(scenario.policies, policy_type, document)).decide()

    assert RANK[after.outcome] <= RANK[before.outcome]


@pytest.mark.parametrize("policy_type", MODEL_ACCESS_STATES)
@settings(max_examples=examples(150))
@given(scenario=SCENARIOS, data=st.data())
def test_adding_a_gate_never_allows_more(scenario: Scenario, data: st.DataObject, policy_type: str) -> None:
    """A policy of a type that was not in play, or one more level of an organization, leaves the answer or makes it worse."""
    open_to = {kind: given for kind, given in scenario.policies.items() if kind != policy_type or kind in LEVELS}
    gated = added(open_to, policy_type, data.draw(DOCUMENTS[policy_type]))

    before, after = scenario.having(open_to).decide(), scenario.having(gated).decide()

    assert RANK[after.outcome] <= RANK[before.outcome]


@settings(max_examples=examples(250))
@given(SCENARIOS)
def test_an_allow_in_an_organization_grants_nothing(scenario: Scenario) -> None:
    """Where nothing was allowed for want of an own Allow, an SCP, an RCP or an endpoint policy does not help."""
    before = scenario.decide()
    assume(before.is_denied and before.policy_type in ("identity", "boundary", "session", "resource"))

    after = before
    for policy_type in ("scp", "rcp", "endpoint"):
        after = scenario.having(added(scenario.policies, policy_type, everything(policy_type, "Allow"))).decide()

        assert after.is_denied


def learned(scenario: Scenario, data: st.DataObject) -> Scenario:
    """Give every unknown key a value, several or none, and every unknown part of the resource a text."""
    request = scenario.request
    context, parts = dict(request.context), request.resource.split(":", 5)
    for name in sorted(request.unknown):
        if name.startswith("resource:"):
            place = PARTS.index(name.removeprefix("resource:"))
            if len(parts) == len(PARTS):
                text = data.draw(st.sampled_from(LEARNED_PARTS if place < len(PARTS) - 1 else LEARNED_NAMES))
                parts[place] = parts[place].replace("*", text) if "*" in parts[place] else text
        else:
            key = name.replace("*", "x")
            if key not in context:
                values = VALUES_OF[key]
                context[key] = data.draw(st.sampled_from((None, *values, [*values[:1]], [*values[:2]])))
    return scenario.asking(
        iam.Request(request.principal, request.action, ":".join(parts), context, resource_account=request.resource_account)
    )


@settings(max_examples=examples(800))
@given(UNKNOWN_SCENARIOS, st.data())
def test_learning_an_unknown_value_never_turns_a_sure_verdict(scenario: Scenario, data: st.DataObject) -> None:
    """What is allowed or denied for sure stays so, whatever the unknown turns out to be."""
    before = scenario.decide()

    after = learned(scenario, data).decide()

    assert after.outcome != "indeterminate" or not after.hangs_on
    if before.outcome == "allowed":
        assert after.outcome == "allowed"
        assert sids(before) <= sids(after)
    if before.outcome == "explicitDeny":
        assert after.outcome == "explicitDeny"
        assert sids(before) <= sids(after)
    if before.outcome == "implicitDeny":
        assert after.is_denied


@settings(max_examples=examples(250))
@given(UNKNOWN_SCENARIOS, st.data())
def test_an_answer_that_a_key_can_change_hangs_on_that_key(scenario: Scenario, data: st.DataObject) -> None:
    """Two requests that differ in one unknown key, one denied and one not: the answer names the key."""
    one, two = learned(scenario, data).request, learned(scenario, data).request
    for name in sorted(scenario.request.unknown):
        other = differing(one, two, name)
        first, second = scenario.asking(one).decide(), scenario.asking(other).decide()
        if "indeterminate" not in (first.outcome, second.outcome) and first.is_denied is not second.is_denied:
            assert name.replace("*", "x").lower() in {key.lower() for key in scenario.decide().hangs_on}


def differing(one: iam.Request, two: iam.Request, name: str) -> iam.Request:
    """Take one thing from another request: a key of the context, or a part of the resource."""
    kind, _, part = name.partition(":")
    if kind != "resource":
        key = name.replace("*", "x")
        return copied(one, context={**one.context, key: two.context.get(key)})
    parts, others = one.resource.split(":", 5), two.resource.split(":", 5)
    place = PARTS.index(part)
    return copied(one, resource=":".join([*parts[:place], *others[place : place + 1], *parts[place + 1 :]]))


def copied(request: iam.Request, **changes: Json) -> iam.Request:
    """Copy a request with changes."""
    fields = {"principal": request.principal, "action": request.action, "resource": request.resource, "context": request.context}
    return iam.Request(**{**fields, "resource_account": request.resource_account, **changes})
