"""Explanations of decisions: their text, and that they agree with the engine."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from harness import casefiles
from harness.strategies import SCENARIOS, UNKNOWN_SCENARIOS, Scenario, examples
from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock import iam
from guardedbedrock.iam.decision.explanation import NAMES
from guardedbedrock.iam.decision.grounds import PlanGrounds
from guardedbedrock.iam.decision.phrases import condition_phrase

CASES: Final = Path(__file__).with_name("explanations.json")
EXPLAINED: Final = [pytest.param(case, id=case["id"]) for case in json.loads(CASES.read_text("utf-8"))]
ENGINE_CASES: Final = casefiles.params(casefiles.CASES / "iam.json", casefiles.CASES / "iam")


def decide(case: casefiles.Case) -> iam.Decision:
    """Decide the request of a case."""
    asked = dict(case["request"])
    asked["resource_account"] = asked.pop("resourceAccount", None)
    return iam.PolicySet(**case["policies"]).evaluate(iam.Request(**asked))


def meet(answers: list[bool | None]) -> bool | None:
    """Join answers with Kleene's AND."""
    return False if False in answers else None if None in answers else True


def check_statements(decision: iam.Decision, explanation: iam.Explanation) -> None:
    """Compare every explained statement with the engine."""
    assert isinstance(decision.grounds, PlanGrounds)
    plan = decision.grounds.plan
    assert [group.policy_type for group in explanation.groups] == [policy_type for policy_type, _ in plan.groups]
    for group, (_, near) in zip(explanation.groups, plan.groups, strict=True):
        allows = [one.applies for one in group.statements if one.statement.effect == "Allow"]
        assert group.allows is (True if group.waived or True in allows else None if None in allows else False)
        assert [one.statement for one in group.statements] == [compiled.reference for compiled in near]
        assert [one.applies for one in group.statements] == [compiled.applies(decision.request) for compiled in near]
        for one in group.statements:
            assert one.applies is meet([element.holds for element in one.elements])
            assert bool(one.failing) is (one.applies is False)
            degrees = one.statement.effect == "Allow" and group.policy_type == "resource"
            for element in one.elements:
                check_element(element)
                noted = element.holds is None or (element.operator == "NotPrincipal" and "boundary" in (element.note or ""))
                assert degrees or element.element != "principal" or bool(element.note) is noted


def check_element(element: iam.ExplainedElement) -> None:
    """Compare the values of an element with its answer."""
    value = element.request
    assert (value.state == "present") is bool(value.values)
    if element.holds is None:
        assert element.note or "unknown" in {value.state, *(variable.state for variable in element.variables)}
    elif element.element == "condition":
        surprises = value.state == "unknown" or (value.state == "absent" and element.holds and element.operator != "Null")
        several = len(value.values) > 1 and ":" not in element.operator and element.operator != "Null"
        assert bool(element.note) is bool(surprises or several)


def check(decision: iam.Decision) -> None:
    """Compare an explanation with its decision."""
    explanation = decision.explain()
    check_statements(decision, explanation)
    text = str(explanation)
    determining = [one.statement for group in explanation.groups for one in group.statements if one.determining]
    assert determining == list(decision.statements)
    for reference in determining:
        assert reference.name in explanation.reason + " ".join(explanation.details)
        assert f"{reference.name}: {reference.effect} " in text
    if decision.outcome == "implicitDeny":
        assert explanation.reason.startswith(f"no {NAMES[decision.policy_type or 'identity']} ")
    for key in decision.hangs_on:
        assert key in explanation.reason
    assert explanation.outcome == decision.outcome
    assert explanation.policy_type == decision.policy_type
    assert json.loads(json.dumps(explanation.as_data())) == explanation.as_data()
    check_summary(explanation)


def check_summary(explanation: iam.Explanation) -> None:
    """Check that the nearest statement and the summary fit the outcome."""
    nearest, summary = explanation.nearest, explanation.summary()
    assert summary
    if nearest is None:
        assert explanation.outcome != "explicitDeny"
        return
    assert nearest in [one for group in explanation.groups for one in group.statements]
    assert nearest.applies is {"implicitDeny": False, "indeterminate": None}.get(explanation.outcome, True)
    if explanation.outcome == "indeterminate":
        assert all(key in summary for key in explanation.hangs_on)
        assert all(reason in summary for reason in explanation.reasons)
    else:
        assert nearest.determining is (explanation.outcome != "implicitDeny")
        assert summary == nearest.sentence()
        assert summary.startswith(nearest.statement.label)
    if explanation.outcome == "implicitDeny":
        assert all(element.requirement in summary for element in nearest.failing)


@pytest.mark.parametrize("case", EXPLAINED)
def test_explanation_text_and_summary(case: casefiles.Case) -> None:
    """The text and the summary of an explanation."""
    explanation = decide(case).explain()

    assert explanation.summary() == " ".join(case["summary"])
    assert str(explanation).split("\n") == case["text"]


@pytest.mark.parametrize("case", [*ENGINE_CASES, *EXPLAINED])
def test_explanations_of_cases_agree_with_the_engine(case: casefiles.Case) -> None:
    """Statements, elements, determining statements and the reason agree with the decision."""
    check(decide(case))


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(SCENARIOS, UNKNOWN_SCENARIOS))
def test_explanations_of_random_policies_agree_with_the_engine(scenario: Scenario) -> None:
    """Statements, elements, determining statements and the reason agree with the decision."""
    check(scenario.decide())


@pytest.mark.parametrize("case", EXPLAINED)
def test_pickled_and_copied_decisions_keep_their_explanation(case: casefiles.Case) -> None:
    """Pickling and copying change neither the explanation of a decision nor an explanation alone."""
    decision = decide(case)

    explanation = decision.explain()

    twin = pickle.loads(pickle.dumps(decision))  # noqa: S301 - our own bytes
    for other in (twin, copy.deepcopy(decision), copy.deepcopy(twin)):
        assert other.explain() == explanation
    assert pickle.loads(pickle.dumps(explanation)) == explanation  # noqa: S301 - our own bytes


def test_explanation_as_data() -> None:
    """The data has every field under its name, in JSON types, and the summary."""
    use = {"Sid": "Use", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    conditioned = {**use, "Condition": {"StringEquals": {"k:a": "${aws:username}"}}}
    policies = {"identity": {"Version": "2012-10-17", "Statement": conditioned}}
    request = {"principal": "arn:aws:iam::111122223333:role/App", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}

    data = decide({"policies": policies, "request": request}).explain().as_data()

    (group,) = data.pop("groups")
    (statement,) = group.pop("statements")
    statement_data = copy.deepcopy(statement)
    resource, condition = statement.pop("elements")
    assert data == {
        "summary": "statement `Use` allows this only when `k:a` is `${aws:username}`; the request has no `k:a`",
        "outcome": "implicitDeny",
        "policy_type": "identity",
        "nearest": statement_data,
        **request,
        "reason": "no identity-based policy allows `s3:GetObject` on b/k",
        "details": ["the Allow statement of that policy type that names the action does not apply"],
        "hangs_on": [],
        "hangs_on_is_exact": True,
        "reasons": [],
    }
    nothing: dict[str, Any] = dict.fromkeys(("level", "levels", "waived", "closest"))
    assert group == {"policy_type": "identity", "allows": False, **nothing}
    reference = {"policy_type": "identity", "policy": "identity[0]", "index": 0, "sid": "Use", "policy_arn": None}
    assert statement == {"statement": {**reference, "effect": "Allow"}, "applies": False, "determining": False}
    assert resource["request"] == {"name": "resource", "state": "present", "values": ["arn:aws:s3:::b/k"]}
    assert condition == {
        "element": "condition",
        "operator": "StringEquals",
        "policy": ["${aws:username}"],
        "request": {"name": "k:a", "state": "absent", "values": []},
        "holds": False,
        "note": None,
        "variables": [{"name": "aws:username", "state": "absent", "values": []}],
    }


@pytest.mark.parametrize(
    ("named", "closest"),
    [
        ("bedrock:InvokeModelWithGuardrail", "bedrock:InvokeModelWithGuardrail"),
        ("BEDROCK:InvokeModle", "BEDROCK:InvokeModle"),
        ("bedrok:InvokeModel", "bedrok:InvokeModel"),
        (["bedrock:InvokeM", "bedrock:InvokeModl", "bedrock:Invok"], "bedrock:InvokeModl"),
        ("s3:GetObject", None),
        ([], None),
    ],
)
def test_the_closest_action_is_named(named: Any, closest: str | None) -> None:
    """The explanation names a similar action as the policy spells it, unless none is similar or an Allow names the action."""
    allow = {"Effect": "Allow", "Action": named, "Resource": "*"}
    deny = {**allow, "Effect": "Deny", "Action": "bedrock:InvokeMode"}
    others = [deny, {"Effect": "Allow", "NotAction": ["bedrock:InvokeMode", "bedrock:*"], "Resource": "*"}]
    request = {"principal": "arn:aws:iam::111122223333:role/App", "action": "bedrock:InvokeModel", "resource": "*"}

    lacking = decide({"policies": {"identity": {"Statement": [allow, *others]}}, "request": request}).explain()
    granted = {"Statement": [allow, {**allow, "Action": "*", "Resource": "arn:aws:s3:::b"}]}
    named_too = decide({"policies": {"identity": granted}, "request": request}).explain()

    assert lacking.groups[0].closest == closest
    assert any(f"`{closest}`" in detail for detail in lacking.details) is (closest is not None)
    assert named_too.groups[0].closest is None


@pytest.mark.parametrize("case", EXPLAINED[3:4])
def test_records_of_an_explanation_are_frozen(case: casefiles.Case) -> None:
    """No field of a record can be set."""
    explanation = decide(case).explain()
    group = explanation.groups[0]
    element = group.statements[0].elements[0]

    for record in (explanation, group, group.statements[0], element, element.request):
        for field in dataclasses.fields(record):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, None)


def test_deciding_does_not_load_explanations() -> None:
    """Importing the engine does not load the modules that explain; the name `Explanation` loads the records only."""
    modules = "explain", "explanation", "phrases"
    names = ["difflib", *(f"guardedbedrock.iam.decision.{module}" for module in modules)]
    loaded = f"[m for m in {names} if m in sys.modules]"
    probe = f"import sys; from guardedbedrock import iam; print({loaded}); iam.Explanation; print({loaded})"

    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split("\n")  # noqa: S603

    assert printed[:2] == ["[]", str(names[2:])]


def test_other_names_do_not_load_late() -> None:
    """A name that is not public raises AttributeError, even if a module that loads late has it."""
    for name in ("Explain", "NAMES", "Nonsense"):
        with pytest.raises(AttributeError, match=f"module 'guardedbedrock.iam' has no attribute '{name}'"):
            getattr(iam, name)


GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"


def explained(effect: str = "Allow", *, context: dict[str, object], **elements: Any) -> iam.Explanation:
    """Explain the decision of one statement, with a second one that allows everything beside a Deny."""
    statement = {"Sid": "InvokeGuarded", "Effect": effect, "Action": "bedrock:InvokeModel", "Resource": "*", **elements}
    everything = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement, *([everything] if effect == "Deny" else [])]}
    model = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
    request = iam.Request("arn:aws:iam::111122223333:role/App", "bedrock:InvokeModel", model, context)
    return iam.PolicySet(identity=document).evaluate(request).explain()


@pytest.mark.parametrize(
    ("condition", "requirement"),
    [
        ({"StringEquals": {"k:a": "x"}}, "`k:a` is `x`"),
        ({"StringEqualsIgnoreCase": {"k:a": "x"}}, "`k:a` is, ignoring case, `x`"),
        ({"StringEquals": {"k:a": ["x", "y"]}}, "`k:a` is one of `x`, `y`"),
        ({"StringEquals": {"k:a": ["p", "q", "r", "s", "t"]}}, "`k:a` is one of `p`, `q`, `r` and 2 more"),
        ({"StringEquals": {"k:a": []}}, "`k:a` is one of no value"),
        ({"StringLike": {"k:a": "x*"}}, "`k:a` matches `x*`"),
        ({"StringLike": {"k:a": "x"}}, "`k:a` is `x`"),
        ({"NumericLessThan": {"k:a": 3}}, "`k:a` is less than `3`"),
        ({"NumericGreaterThanEquals": {"k:a": 20}}, "`k:a` is at least `20`"),
        ({"DateGreaterThan": {"k:a": "2030-01-01T00:00:00Z"}}, "`k:a` is after `2030-01-01T00:00:00Z`"),
        ({"IpAddress": {"k:a": "10.0.0.0/8"}}, "`k:a` is in `10.0.0.0/8`"),
        ({"Bool": {"k:a": True}}, "`k:a` is `true`"),
        ({"Null": {"k:a": True}}, "`k:a` is absent"),
        ({"ForAnyValue:StringEquals": {"k:a": "x"}}, "a value of `k:a` is `x`"),
        ({"ForAllValues:StringEquals": {"k:a": "x"}}, "every value of `k:a` is `x`"),
        ({"StringEqualsIfExists": {"k:a": "x"}}, "`k:a` is `x` (or is absent)"),
        ({"StringEquals": {"k:a": "${k:b}"}}, "`k:a` is `${k:b}` (`${k:b}` is `z`)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_failing_condition_is_required_in_words(condition: dict[str, Any], requirement: str) -> None:
    """The summary names statement, requirement and value; the key has a value that fails each of the conditions."""
    summary = explained(Condition=condition, context={"k:a": "11", "k:b": "z"}).summary()

    assert summary == f"statement `InvokeGuarded` allows this only when {requirement}; the request has `11`"


def test_a_failing_arn_condition_is_required_in_words() -> None:
    """The request has an ARN, because AWS documents no result for another value."""
    summary = explained(Condition={"ArnLike": {"k:a": "arn:aws:s3:::?"}}, context={"k:a": "arn:aws:s3:::bb"}).summary()

    requirement = "`k:a` matches `arn:aws:s3:::?`"
    assert summary == f"statement `InvokeGuarded` allows this only when {requirement}; the request has `arn:aws:s3:::bb`"


@pytest.mark.parametrize(
    ("condition", "requirement"),
    [
        ({"StringNotEquals": {"k:a": "x"}}, "`k:a` is not `x`"),
        ({"StringNotEqualsIgnoreCase": {"k:a": "x"}}, "`k:a` is not, ignoring case, `x`"),
        ({"StringNotLike": {"k:a": ["x", "y*"]}}, "`k:a` does not match one of `x`, `y*`"),
        ({"NumericNotEquals": {"k:a": 3}}, "`k:a` is not `3`"),
        ({"NotIpAddress": {"k:a": "10.0.0.0/8"}}, "`k:a` is not in `10.0.0.0/8`"),
        ({"Null": {"k:a": False}}, "`k:a` is present"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_matching_deny_is_explained_in_words(condition: dict[str, Any], requirement: str) -> None:
    """The summary of an explicit deny names what the Deny matched."""
    summary = explained("Deny", Condition=condition, context={"k:a": "11"}).summary()

    assert summary == f"statement `InvokeGuarded` denies this when {requirement}; the request has `11`"


def test_every_operator_has_words() -> None:
    """A requirement can be written for each condition operator, with each prefix and suffix."""
    for name in iam.OPERATORS:
        prefixes, suffixes = (("",), ("",)) if name == "Null" else (("", "ForAnyValue:", "ForAllValues:"), ("", "IfExists"))
        forms = [f"{prefix}{name}{suffix}" for prefix in prefixes for suffix in suffixes]
        assert all("`k:a`" in condition_phrase(form, "k:a", ["x"]) for form in forms)


@pytest.mark.parametrize(
    ("context", "found"),
    [
        ({"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:2"}, f"the request has `{GUARDRAIL}:2`"),
        ({}, "the request has no `bedrock:GuardrailIdentifier`"),
    ],
    ids=["another-version", "no-guardrail"],
)
def test_the_nearest_statement_of_a_guarded_call(context: dict[str, object], found: str) -> None:
    """The summary names the approved version and what the call carries; the data has the same."""
    condition = {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:3"}}

    explanation = explained(Condition=condition, context=context)

    requirement = f"`bedrock:GuardrailIdentifier` is `{GUARDRAIL}:3`"
    assert explanation.summary() == f"statement `InvokeGuarded` allows this only when {requirement}; {found}"
    assert explanation.nearest is not None
    (element,) = explanation.nearest.failing
    assert (element.operator, element.policy, element.request.values) == (
        "StringEquals",
        (f"{GUARDRAIL}:3",),
        tuple(context.values()),
    )


def test_the_statement_that_fails_on_conditions_only_is_nearest() -> None:
    """A statement for another resource is farther away, even if fewer of its elements fail."""
    blocks: list[dict[str, Any]] = [
        {"Sid": "Elsewhere", "Resource": "arn:aws:bedrock:us-east-1::foundation-model/other"},
        {"Sid": "TwoKeys", "Resource": "*", "Condition": {"StringEquals": {"k:a": "x", "k:b": "y"}}},
        {"Sid": "OneKey", "Resource": "*", "Condition": {"StringEquals": {"k:a": "x", "k:c": "z"}}},
    ]
    statements = [{"Effect": "Allow", "Action": "bedrock:*", **block} for block in blocks]
    model = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
    request = iam.Request("arn:aws:iam::111122223333:role/App", "bedrock:InvokeModel", model, {"k:c": "z", "k:b": "n"})

    explanation = iam.PolicySet(identity={"Version": "2012-10-17", "Statement": statements}).evaluate(request).explain()

    assert explanation.nearest is not None
    assert explanation.nearest.statement.sid == "OneKey"
    assert explanation.summary() == "statement `OneKey` allows this only when `k:a` is `x`; the request has no `k:a`"


def test_several_failing_elements_are_all_named() -> None:
    """Each value is named with its key."""
    condition = {"StringEquals": {"k:a": "x", "k:b": "y"}}

    summary = explained(Condition=condition, context={"k:a": "1"}, Resource="arn:aws:s3:::b").summary()

    assert summary == (
        "statement `InvokeGuarded` allows this only on `arn:aws:s3:::b` when `k:a` is `x` and `k:b` is `y`;"
        " the request is for `arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0`,"
        " the request has `1` for `k:a` and the request has no `k:b`"
    )
