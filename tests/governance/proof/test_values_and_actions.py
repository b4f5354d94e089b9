"""Proofs about values in unusual forms, and about actions that this version does not know."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardedbedrock.governance.proof.logic.cells import cells_for
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import always_allowed, equivalent, never, no_new_access, unreachable
from guardedbedrock.iam import PolicySet, Request

ALLOW: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
PRINCIPAL: Final = "arn:aws:iam::123456789012:role/AnyRole"


def policies_of(*statements: dict[str, Any]) -> ProofPolicies:
    return ProofPolicies.of(PolicySet(identity={"Version": "2012-10-17", "Statement": list(statements)}))


def deny(condition: dict[str, Any]) -> dict[str, Any]:
    return {**ALLOW, "Effect": "Deny", "Condition": condition}


def test_two_base64_strings_of_the_same_bytes_are_equal() -> None:
    allowed = {**ALLOW, "Condition": {"BinaryEquals": {"k:bytes": "AAA="}}}

    assert never(policies_of(allowed, deny({"BinaryEquals": {"k:bytes": "AAB="}})), "s3:GetObject").answer == "proved"
    assert never(policies_of(allowed, deny({"BinaryEquals": {"k:bytes": "AQ=="}})), "s3:GetObject").answer == "refuted"


def test_a_number_in_exponent_form_leaves_the_answer_open() -> None:
    """AWS does not document whether ``1e3`` is a number."""
    above_two = {**ALLOW, "Condition": {"NumericGreaterThan": {"k:number": "2"}}}
    above_one = deny({"NumericGreaterThan": {"k:number": "1"}})

    answer = never(policies_of(above_two, above_one), "s3:GetObject")

    assert answer.answer == "unknown"
    assert "no certain decision for s3:GetObject" in answer.reason


def test_a_number_of_a_known_type_has_no_exponent_form() -> None:
    above_two = {**ALLOW, "Condition": {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "2"}}}
    above_one = deny({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "1"}})

    assert never(policies_of(above_two, above_one), "s3:GetObject").answer == "proved"


def test_an_empty_string_is_an_empty_set_for_a_number_too() -> None:
    allowed = {**ALLOW, "Condition": {"ForAllValues:NumericEquals": {"k:number": "1"}, "Null": {"k:number": "false"}}}

    answer = never(policies_of(allowed, deny({"NumericEquals": {"k:number": "1"}})), "s3:GetObject")

    assert answer.answer == "refuted"
    assert answer.witness is not None
    assert answer.witness.context["k:number"] == ""


def test_a_witness_has_the_value_that_the_question_gives() -> None:
    allowed = {**ALLOW, "Condition": {"NumericEquals": {"k:number": "1.0"}, "DateLessThan": {"aws:CurrentTime": "2030-01-01"}}}

    answer = never(policies_of(allowed), "s3:GetObject", when={"k:number": "1", "aws:CurrentTime": "2029-12-31"})

    assert answer.witness is not None
    given = {"k:number": "1", "aws:CurrentTime": "2029-12-31", "aws:EpochTime": "2029-12-31"}
    assert given.items() <= dict(answer.witness.context).items()


def test_a_set_of_several_strings_has_no_empty_one() -> None:
    call = Request(PRINCIPAL, "s3:GetObject", "arn:aws:s3:::bucket/key", unknown=["aws:CalledVia"])

    answer = always_allowed(policies_of(ALLOW, deny({"ForAnyValue:StringLike": {"aws:CalledVia": ""}})), [call])

    assert answer.answer == "proved"


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*", "s3:GetObject", ["bedrock:InvokeModel", "s3:*"], "*:*"])
def test_a_statement_about_another_service_is_reachable(action: Any) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::bucket/*"}

    assert unreachable(policies_of(statement)).answer == "proved"


@pytest.mark.parametrize("action", ["s3:*", "s3:Get*", "s3:GetObject", "*"])
def test_a_condition_that_no_request_meets_is_dead_for_every_service(action: str) -> None:
    contradiction = {"StringEquals": {"aws:PrincipalTag/a": "x"}, "Null": {"aws:PrincipalTag/a": "true"}}

    assert unreachable(policies_of(ALLOW, {**ALLOW, "Action": action, "Condition": contradiction})).answer == "refuted"


def test_not_action_reaches_other_services() -> None:
    statement = {"Effect": "Allow", "NotAction": "bedrock:*", "Resource": "*"}

    assert unreachable(policies_of(statement)).answer == "proved"


@pytest.mark.parametrize("action", ["bedrock:InvokeModels", "bedrock:Converse", "bedrock:Foo*"])
def test_a_bedrock_action_that_this_version_does_not_know_is_unknown(action: str) -> None:
    answer = unreachable(policies_of(ALLOW, {**ALLOW, "Action": action}))

    assert answer.answer == "unknown"
    assert answer.reason == f"this version knows no action that matches `{action}`"
    assert [statement.index for statement in answer.statements] == [1]


def allow(action: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("*", "refuted"),
        ("*:*", "refuted"),
        ("s3:*", "refuted"),
        ("s3:Get*", "refuted"),
        ("S3:get*", "refuted"),
        ("?3:*Tagging", "refuted"),
        ("s3:Put*", "proved"),
        ("ec2:*", "proved"),
        ("b*:*", "proved"),
        ("bedrock:*", "proved"),
    ],
)
def test_never_asks_about_other_services_too(action: str, answer: str) -> None:
    policies = policies_of(allow("s3:Get*"), {**allow("s3:*Object"), "Effect": "Deny"})

    assert never(policies, action).answer == answer


def test_never_finds_the_action_that_only_one_of_two_patterns_covers() -> None:
    policies = policies_of(allow("s3:Get*"), {**allow("s3:*Object"), "Effect": "Deny"})

    assert never(policies, "s3:GetObject").answer == "proved"
    assert never(policies, "s3:Get*Object").answer == "proved"


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ((allow("s3:Get*"), {**allow("s3:*Object"), "Effect": "Deny"}), (allow("s3:Get*"),), "refuted"),
        ((allow("s3:Get*"),), (allow("s3:Get*"), {**allow("s3:*Object"), "Effect": "Deny"}), "proved"),
        ((allow("s3:*"),), (allow(["s3:Get*", "s3:Put*"]),), "proved"),
        ((allow(["s3:Get*", "s3:*Object"]),), (allow("s3:Get*Object"),), "proved"),
        ((allow("s3:Get*Object"),), (allow(["s3:Get*", "s3:*Object"]),), "refuted"),
        ((allow("*"),), (allow("foo:Bar"),), "proved"),
        ((allow("foo:*"),), (allow("*:*"),), "refuted"),
        ((allow("*:*"),), (allow("foo:Get?"),), "proved"),
        (({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},), (allow("ec2:*"),), "proved"),
        ((allow("ec2:*"),), ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},), "refuted"),
    ],
)
def test_new_access_to_other_services_is_found(old: Any, new: Any, answer: str) -> None:
    assert no_new_access(policies_of(*old), policies_of(*new)).answer == answer


def test_other_services_are_equivalent_if_each_action_is() -> None:
    one, other = (
        policies_of(allow(["s3:Get*", "s3:GetObject"])),
        policies_of(allow("s3:G*"), {**allow("s3:*"), "Effect": "Allow"}),
    )

    assert equivalent(one, policies_of(allow("s3:get*"))).answer == "proved"
    assert equivalent(one, other).answer == "refuted"


@pytest.mark.parametrize("action", ["bedrock:BrandNew", "bedrock:Brand*"])
def test_new_bedrock_actions_are_never_proved(action: str) -> None:
    policies = policies_of(allow(action))
    reason = f"this version knows no action that matches `{action}`"

    assert no_new_access(policies_of(allow("s3:*")), policies).reason == reason
    assert never(policies, "bedrock:*").reason == reason
    assert never(policies, "*").reason == reason
    assert never(policies, "bedrock:InvokeModel").answer == "proved"


MANY_GROUPS: Final = [f"s3:*a{number}*" for number in range(300)]


def test_many_action_patterns_reach_the_time_limit() -> None:
    """Each of them can double the sets of actions that they tell apart."""
    policies, options = policies_of({**ALLOW, "Action": MANY_GROUPS}), Options(timeout=0.05)

    for answer in (never(policies, "*", options=options), no_new_access(policies_of(ALLOW), policies, options)):
        assert (answer.answer, answer.reason) == ("unknown", "the policies tell too many actions of other services apart")
    assert unreachable(policies, options).answer == "unknown"


def test_patterns_of_many_services_are_told_apart() -> None:
    """A pattern of one service covers no action of another one, so that each is tried alone."""
    old, new = (policies_of({**ALLOW, "Action": [f"s{number}:*a*" for number in range(count)]}) for count in (300, 301))

    assert no_new_access(new, old).answer == "proved"
    answer = no_new_access(old, new)
    assert answer.answer == "refuted"
    assert answer.witness is not None
    assert answer.witness.action.startswith("s300:")


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=12))
def test_networks_have_an_address_for_each_set_that_can_contain_one(given_networks: list[tuple[int, int]]) -> None:
    networks = [ip_network(f"10.0.0.{last}/{length}", strict=False) for last, length in given_networks]

    def sets(addresses: list[str]) -> set[frozenset[str]]:
        return {frozenset(str(one) for one in networks if ip_address(text) in one) for text in addresses}

    cells = cells_for("address", map(str, networks), typed=True)
    assert sets(list(cells.samples)) == sets([*(f"10.0.0.{last}" for last in range(256)), "11.0.0.0", "::"])
