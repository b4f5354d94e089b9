"""`Decision.hangs_on`: the keys that an indeterminate decision depends on."""

from __future__ import annotations

from itertools import islice, product
from typing import Any, Final

import pytest
from harness.strategies import (
    PARTS,
    POLICY_SETS,
    UNKNOWN_REQUESTS,
    UNKNOWN_SCENARIOS,
    Json,
    Scenario,
    examples,
    with_values,
)
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from iam import oracle

from guardedbedrock import iam
from guardedbedrock.iam.decision.grounds import PlanGrounds
from guardedbedrock.iam.engine import authorizer
from guardedbedrock.iam.engine.formula import FormulaBuilder, Leaf, PartialFormula, leaves_of
from guardedbedrock.iam.engine.sample_values import of_key, of_part

CASES: Final = 20_000
SHARDS: Final = 10
REQUESTS_EACH: Final = 5
MAX_COMBINATIONS: Final = 400
MAX_KEYS: Final = 4
CALLER: Final = "arn:aws:iam::111122223333:user/alice"
GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"


def builder_of(decision: iam.Decision) -> FormulaBuilder:
    """Return a builder of the formulas of a decision."""
    assert isinstance(decision.grounds, PlanGrounds)
    return FormulaBuilder(decision.grounds.plan, decision.request)


def samples_of(decision: iam.Decision) -> dict[str, tuple[Any, ...]]:
    """Return sample values for every unknown key, in lower case, that an undecided element reads."""
    builder = builder_of(decision)
    readers: dict[str, list[Leaf]] = {}
    for leaf in leaves_of(builder.forbids(), builder.permits()):
        for key in leaf.keys:
            readers.setdefault(key.lower(), []).append(leaf)
    return {
        key: of_part(PARTS.index(key.removeprefix("resource:")), leaves, decision.request)
        if key.startswith("resource:")
        else of_key(leaves, decision.request)
        for key, leaves in sorted(readers.items())
    }


def known_request(request: iam.Request, values: dict[str, Any]) -> iam.Request:
    """Copy a request with values for unknown keys and parts; no key stays unknown."""
    parts = request.resource.split(":", 5)
    context = dict(request.context)
    for name, value in values.items():
        if not name.startswith("resource:"):
            context[name] = value
        elif len(parts) == len(PARTS):
            parts[PARTS.index(name.removeprefix("resource:"))] = value
    return iam.Request(request.principal, request.action, ":".join(parts), context, resource_account=request.resource_account)


def can_change(key: str, scenario: Scenario, samples: dict[str, tuple[Any, ...]]) -> bool:
    """Return whether two values of a key give different outcomes in the second engine, for some values of the other keys."""
    second = oracle.Oracle(scenario.policies)
    others = {other: values for other, values in samples.items() if other != key}
    for chosen in islice(product(*others.values()), MAX_COMBINATIONS):
        values = dict(zip(others, chosen, strict=True))
        requests = (known_request(scenario.request, {**values, key: value}) for value in samples[key])
        if len({second.evaluate(request).outcome for request in requests}) > 1:
            return True
    return False


def test_each_named_key_can_change_the_outcome() -> None:
    """The second engine gives two outcomes for two values of the key, if the decision calls its keys exact."""
    confirmed: list[str] = []

    @settings(max_examples=examples(1800))
    @given(UNKNOWN_SCENARIOS)
    def check(scenario: Scenario) -> None:
        decision = scenario.decide()
        samples = samples_of(decision) if decision.hangs_on_is_exact and decision.hangs_on else {}
        for name in decision.hangs_on if len(samples) <= MAX_KEYS else ():
            if samples:
                assert can_change(name.lower(), scenario, samples), name
                confirmed.append(name)

    check()
    assert len(confirmed) >= 20


@settings(max_examples=examples(1500))
@given(UNKNOWN_SCENARIOS, st.data())
def test_no_other_key_can_change_the_outcome(scenario: Scenario, data: st.DataObject) -> None:
    """Two requests that agree on the named keys have one outcome, whatever the other unknown keys are."""
    decision = scenario.decide()
    if decision.outcome != "indeterminate":
        return
    named = {key.lower() for key in decision.hangs_on}
    one, two = (with_values(scenario, data).request for _ in range(2))

    second = scenario.asking(mixed(one, two, named)).decide()

    assert scenario.asking(one).decide().outcome == second.outcome


def mixed(one: iam.Request, two: iam.Request, named: set[str]) -> iam.Request:
    """Take the named keys and parts from one request, and all others from another."""
    parts = [
        mine if f"resource:{part}" in named else other
        for part, mine, other in zip(PARTS, one.resource.split(":", 5), two.resource.split(":", 5), strict=False)
    ]
    mine, other = ({key.lower(): value for key, value in request.context.items()} for request in (one, two))
    context = {key: (mine if key in named else other).get(key) for key in {*mine, *other}}
    return iam.Request(one.principal, one.action, ":".join(parts), context, resource_account=one.resource_account)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sure_outcomes_stay_and_open_ones_have_keys_or_reasons(shard: int) -> None:
    """In 20,000 cases no sure outcome changes when the unknown keys become known, and no open one lacks a reason."""

    @seed(shard)
    @settings(max_examples=examples(CASES // SHARDS // REQUESTS_EACH))
    @given(POLICY_SETS, st.lists(UNKNOWN_REQUESTS, min_size=REQUESTS_EACH, max_size=REQUESTS_EACH), st.data())
    def check(documents: Json, requests: list[iam.Request], data: st.DataObject) -> None:
        policies = iam.PolicySet(**documents)
        for request in requests:
            before = policies.evaluate(request)
            after = policies.evaluate(with_values(Scenario(documents, request), data).request)
            check_outcomes(before, after)

    check()


def check_outcomes(before: iam.Decision, after: iam.Decision) -> None:
    """Compare a decision with the decision of the same request without unknown keys."""
    if before.outcome == "indeterminate":
        assert before.hangs_on or before.reasons
    else:
        assert (before.hangs_on, before.reasons) == ((), ())
        assert (before.outcome == "allowed") is (after.outcome == "allowed")
        assert before.is_denied is after.is_denied
    if after.outcome == "indeterminate":
        assert after.hangs_on == ()
        assert after.reasons


@settings(max_examples=examples(600))
@given(UNKNOWN_SCENARIOS)
def test_the_formula_decides_like_the_evaluator(scenario: Scenario) -> None:
    """A formula is True or False exactly where the evaluator is sure."""
    decision = scenario.decide()
    assert isinstance(decision.grounds, PlanGrounds)
    plan, builder = decision.grounds.plan, builder_of(decision)

    assert truth(builder.forbids()) is authorizer.forbids(plan, decision.request)[0]
    assert truth(builder.permits()) is authorizer.permits(plan, decision.request)[0]


def truth(formula: PartialFormula) -> bool | None:
    """Return the answer of a formula; None if it is undecided."""
    return formula if isinstance(formula, bool) else None


def decide(conditions: list[dict[str, Any]], unknown: list[str], **more: Any) -> iam.Decision:
    """Decide a request to a policy with one Allow for each condition block."""
    statements = [
        {"Sid": f"S{number}", "Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": condition, **more}
        for number, condition in enumerate(conditions)
    ]
    policies = iam.PolicySet(identity={"Version": "2012-10-17", "Statement": statements})
    return policies.evaluate(iam.Request(CALLER, "bedrock:ApplyGuardrail", GUARDRAIL, {"aws:PrincipalTag/team": "red"}, unknown))


@pytest.mark.parametrize("count", [1, 6, 14, 15, 50])
def test_every_key_of_one_statement_is_named(count: int) -> None:
    """However many keys must match, all of them are named, and exactly these."""
    keys = [f"aws:PrincipalTag/k{number:02}" for number in range(count)]

    decision = decide([{"StringEquals": dict.fromkeys(keys, "x")}], [*keys, "aws:SourceIp"])

    assert decision.hangs_on == tuple(keys)
    assert decision.hangs_on_is_exact
    assert decision.reasons == ()


def test_a_known_variable_is_resolved() -> None:
    """The form of attribute-based access control: the tag of the resource is unknown, the tag of the caller is known."""
    decision = decide([{"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}], ["aws:ResourceTag/team"])

    assert decision.hangs_on == ("aws:ResourceTag/team",)
    assert decision.hangs_on_is_exact


def test_an_unknown_variable_is_named_with_the_key_that_it_is_compared_with() -> None:
    """Both sides of the comparison are unknown."""
    decision = decide(
        [{"StringEquals": {"aws:ResourceTag/unit": "${aws:PrincipalTag/unit}"}}], ["aws:ResourceTag/*", "aws:PrincipalTag/unit"]
    )

    assert decision.hangs_on == ("aws:PrincipalTag/unit", "aws:ResourceTag/unit")
    assert decision.hangs_on_is_exact


def test_a_key_that_a_known_value_makes_irrelevant_is_not_named() -> None:
    """A statement that already fails, and one that another statement makes unnecessary, depend on nothing."""
    blocks = [
        {"StringEquals": {"aws:PrincipalTag/team": "blue", "k:failed": "x"}},
        {"StringEquals": {"k:first": "x"}},
        {"StringEquals": {"k:first": "x", "k:second": "y"}},
    ]

    decision = decide(blocks, ["k:failed", "k:first", "k:second"])

    assert decision.hangs_on == ("k:first",)
    assert decision.hangs_on_is_exact


def test_too_many_combinations_give_a_marked_superset() -> None:
    """Every key that can change the outcome is named, and perhaps others: the decision says so."""
    keys = [f"k:{number:02}" for number in range(30)]
    blocks = [{"StringEquals": {one: "x", other: "y"}} for one, other in zip(keys, keys[1:] + keys[:1], strict=True)]

    decision = decide(blocks, keys)

    assert decision.hangs_on == tuple(keys)
    assert not decision.hangs_on_is_exact


def test_a_contradiction_is_not_left_without_keys() -> None:
    """No value of the key changes the outcome; the decision is open all the same, and names what it reads."""
    decision = decide([{"StringEquals": {"k:a": "x"}, "StringNotEquals": {"K:A": "x"}}], ["k:a"])

    assert decision.outcome == "indeterminate"
    assert decision.hangs_on == ("k:a",)
    assert not decision.hangs_on_is_exact


def test_an_undocumented_rule_gives_a_reason() -> None:
    """AWS documents no rule for a variable before the fifth colon; the reason names statement and pattern."""
    decision = decide([{}], [], Resource="arn:aws:bedrock:${aws:PrincipalTag/team}*:111122223333:guardrail/abc")
    early = iam.PolicySet(
        identity={
            "Version": "2012-10-17",
            "Statement": {
                "Sid": "Early",
                "Effect": "Allow",
                "Action": "*",
                "Resource": "arn:aws:bedrock:${k:region}:111122223333:guardrail/abc",
            },
        }
    ).evaluate(iam.Request(CALLER, "bedrock:ApplyGuardrail", GUARDRAIL, {"k:region": "us-east-1"}))

    assert decision.outcome == "implicitDeny"
    assert decision.reasons == ()
    assert early.outcome == "indeterminate"
    assert early.hangs_on == ()
    (reason,) = early.reasons
    assert reason.startswith("identity[0] statement Early: AWS does not document whether ")
    assert "`arn:aws:bedrock:${k:region}:111122223333:guardrail/abc`" in reason
