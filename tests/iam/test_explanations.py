"""Explanations: what they say, and that it is what the engine does."""

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
from guardedbedrock.iam.engine.grounds import PlanGrounds
from guardedbedrock.iam.explain.model import NAMES

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
    """Hold every near statement against what the engine says of it."""
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
    """Hold what an element says of its values against its answer."""
    value = element.request
    assert (value.state == "present") is bool(value.values)
    if element.holds is None:
        assert element.note or "unknown" in {value.state, *(variable.state for variable in element.variables)}
    elif element.element == "condition":
        surprises = value.state == "unknown" or (value.state == "absent" and element.holds and element.operator != "Null")
        several = len(value.values) > 1 and ":" not in element.operator and element.operator != "Null"
        assert bool(element.note) is bool(surprises or several)


def check(decision: iam.Decision) -> None:
    """Hold an explanation against its decision."""
    explanation = decision.explain()
    check_statements(decision, explanation)
    text = str(explanation)
    determining = [one.statement for group in explanation.groups for one in group.statements if one.determining]
    assert determining == list(decision.statements)
    for reference in determining:
        name = f"{reference.policy} statement {reference.sid or reference.index}"
        assert name in explanation.reason + " ".join(explanation.details)
        assert f"{name}: {reference.effect} " in text
    if decision.outcome == "implicitDeny":
        assert explanation.reason.startswith(f"no {NAMES[decision.policy_type or 'identity']} ")
    for key in decision.hangs_on:
        assert key in explanation.reason
    assert explanation.outcome == decision.outcome
    assert explanation.policy_type == decision.policy_type
    assert json.loads(json.dumps(explanation.as_data())) == explanation.as_data()


@pytest.mark.parametrize("case", EXPLAINED)
def test_an_explanation_reads_as_it_should(case: casefiles.Case) -> None:
    """The whole text of a decision's explanation."""
    explanation = decide(case).explain()

    assert str(explanation).split("\n") == case["text"]


@pytest.mark.parametrize("case", [*ENGINE_CASES, *EXPLAINED])
def test_an_explanation_says_what_the_engine_does(case: casefiles.Case) -> None:
    """Statements, elements, determining statements and the reason agree with the decision."""
    check(decide(case))


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(SCENARIOS, UNKNOWN_SCENARIOS))
def test_an_explanation_of_whatever_policies_says_what_the_engine_does(scenario: Scenario) -> None:
    """The same of random policies."""
    check(scenario.decide())


@pytest.mark.parametrize("case", EXPLAINED)
def test_a_decision_keeps_its_explanation(case: casefiles.Case) -> None:
    """Pickled or copied, once or twice, a decision explains itself as before; so does the explanation travel alone."""
    decision = decide(case)

    explanation = decision.explain()

    twin = pickle.loads(pickle.dumps(decision))  # noqa: S301 - our own bytes
    for other in (twin, copy.deepcopy(decision), copy.deepcopy(twin)):
        assert other.explain() == explanation
    assert pickle.loads(pickle.dumps(explanation)) == explanation  # noqa: S301 - our own bytes


def test_an_explanation_is_data_too() -> None:
    """Every field under its name, in plain JSON types."""
    use = {"Sid": "Use", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    conditioned = {**use, "Condition": {"StringEquals": {"k:a": "${aws:username}"}}}
    policies = {"identity": {"Version": "2012-10-17", "Statement": conditioned}}
    request = {"principal": "arn:aws:iam::111122223333:role/App", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}

    data = decide({"policies": policies, "request": request}).explain().as_data()

    (group,) = data.pop("groups")
    (statement,) = group.pop("statements")
    resource, condition = statement.pop("elements")
    assert data == {
        "outcome": "implicitDeny",
        "policy_type": "identity",
        **request,
        "reason": "no identity-based policy allows `s3:GetObject` on b/k",
        "details": ["the Allow statement of that policy type that names the action does not apply"],
        "hangs_on": [],
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
    """As the policy spells it; none where nothing is like the one that is asked for, or where an Allow names it."""
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
def test_a_record_of_an_explanation_is_frozen(case: casefiles.Case) -> None:
    """No field of it can be set."""
    explanation = decide(case).explain()
    group = explanation.groups[0]
    element = group.statements[0].elements[0]

    for record in (explanation, group, group.statements[0], element, element.request):
        for field in dataclasses.fields(record):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, None)


def test_who_asks_for_no_explanation_does_not_load_them() -> None:
    """The engine decides without the modules that explain."""
    loaded = "sorted(m for m in sys.modules if m.startswith('guardedbedrock.iam.expla') or m == 'difflib')"
    probe = f"import sys; from guardedbedrock import iam; print({loaded}); iam.Explanation; print({loaded})"

    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split("\n")  # noqa: S603

    assert printed[:2] == ["[]", "['guardedbedrock.iam.explain', 'guardedbedrock.iam.explain.model']"]


def test_the_engine_has_no_other_late_names() -> None:
    """A name that is not public fails, even where it stands in the module that loads late."""
    for name in ("Explain", "NAMES", "Nonsense"):
        with pytest.raises(AttributeError, match=f"module 'guardedbedrock.iam' has no attribute '{name}'"):
            getattr(iam, name)
