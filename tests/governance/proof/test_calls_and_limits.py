"""A proof uses the known facts about a call, a principal and the limits of a question; unsatisfiable limits prove nothing."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import (
    always_allowed,
    equivalent,
    guardrail_required,
    never,
    no_new_access,
    unreachable,
)
from guardedbedrock.iam import Gap, PolicySet, Request

ALLOW: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ROLE: Final = "arn:aws:iam::123456789012:role/App"
SESSION: Final = "arn:aws:sts::123456789012:assumed-role/App/session"
OBJECT: Final = "arn:aws:s3:::bucket/key"


def policies_of(*statements: dict[str, Any], principal: str = ROLE) -> ProofPolicies:
    return ProofPolicies.of(PolicySet(identity={"Version": "2012-10-17", "Statement": list(statements)}), principal)


def allow_if(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {**ALLOW, "Condition": {operator: {key: value}}}


def ask(statement: dict[str, Any], context: dict[str, object], unknown: tuple[str, ...] = (), principal: str = ROLE) -> Answer:
    call = Request(principal, "s3:GetObject", OBJECT, context, unknown)
    return always_allowed(policies_of(statement, principal=principal), [call])


@pytest.mark.parametrize(
    ("value", "operator", "policy_value"),
    [
        (True, "Bool", "true"),
        (3, "NumericEquals", "3"),
        (2.5, "NumericLessThan", "3"),
        (["a", "b"], "ForAllValues:StringLike", ["a", "b*"]),
        (["a", "b"], "ForAnyValue:StringEquals", "b"),
        (("a",), "Null", "false"),
    ],
)
def test_a_call_has_the_values_that_it_gives(value: object, operator: str, policy_value: Any) -> None:
    statement = allow_if(operator, "k:given", policy_value)

    assert ask(statement, {"k:given": value}).answer == "proved"
    assert ask(statement, {}).answer == ("proved" if operator.startswith("ForAllValues") else "refuted")


@pytest.mark.parametrize("operator", ["ForAllValues:StringEquals", "ForAnyValue:StringEquals"])
def test_a_call_with_other_values_is_refuted_with_these_values(operator: str) -> None:
    answer = ask(allow_if(operator, "aws:CalledVia", "c"), {"aws:CalledVia": ["a", "b"]})

    assert answer.answer == "refuted"
    assert answer.witness is not None
    assert answer.witness.context["aws:CalledVia"] == ["a", "b"]


def test_several_values_without_set_prefix_are_unknown() -> None:
    answer = ask(allow_if("StringEquals", "aws:CalledVia", "a"), {"aws:CalledVia": ["a", "b"]})

    assert answer.answer == "unknown"
    assert answer.reason.startswith("no certain decision")


@pytest.mark.parametrize(
    ("key", "operator", "value"),
    [
        ("aws:RequestedRegion", "StringEquals", "us-east-1"),
        ("aws:SecureTransport", "Bool", "true"),
        ("aws:CurrentTime", "DateLessThan", "2030-01-01T00:00:00Z"),
    ],
)
def test_a_key_of_every_request_has_any_value_unless_a_call_gives_it(key: str, operator: str, value: str) -> None:
    """The key cannot be absent: no request would be left, so that everything would be proved."""
    statement = allow_if(operator, key, value)
    given = "2029-01-01T00:00:00Z" if key == "aws:CurrentTime" else value

    assert ask(statement, {}).answer == "refuted"
    assert ask(statement, {key: given}).answer == "proved"


def test_a_call_has_the_keys_of_its_principal() -> None:
    assert ask(allow_if("StringEquals", "aws:PrincipalAccount", "123456789012"), {}).answer == "proved"
    assert ask(allow_if("ArnEquals", "aws:PrincipalArn", ROLE), {}).answer == "proved"
    assert ask(allow_if("ArnEquals", "aws:PrincipalArn", ROLE), {}, principal=ROLE + "2").answer == "refuted"


def test_a_resource_that_is_known_in_part_is_unknown() -> None:
    call = Request(ROLE, "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/a", unknown=["resource:region"])

    answer = always_allowed(policies_of({**ALLOW, "Resource": "arn:aws:bedrock:us-east-1::*"}), [call])

    assert answer.answer == "unknown"
    assert answer.reason.startswith("the resource of a call is known only in part")


def test_the_role_of_a_session_is_known_except_for_its_path() -> None:
    def allows(arn: str) -> str:
        return never(policies_of(allow_if("ArnLike", "aws:PrincipalArn", arn), principal=SESSION), "s3:GetObject").answer

    assert allows(ROLE) == "refuted"
    assert allows("arn:aws:iam::123456789012:role/*/App") == "refuted"
    assert allows("arn:aws:iam::123456789012:role/Admin") == "proved"
    assert allows("arn:aws:iam::210987654321:role/App") == "proved"


NO_REQUEST: Final = "no request that AWS could receive has the values and the resource that the question gives"


@pytest.mark.parametrize(
    ("action", "resource", "when"),
    [
        ("bedrock:InvokeModel", OBJECT, {}),
        ("bedrock:InvokeModel", "*", {"aws:RequestedRegion": "US East"}),
        ("bedrock:InvokeModel", "*", {"bedrock:GuardrailIdentifier": "abc123"}),
        ("bedrock:InvokeModel", "*", {"aws:SecureTransport": "yes"}),
        ("bedrock:DeleteGuardrail", "*", {"bedrock:GuardrailIdentifier": "arn:aws:bedrock:us-east-1:123456789012:guardrail/g:1"}),
        ("bedrock:ListFoundationModels", "arn:aws:bedrock:*::foundation-model/*", {}),
        ("s3:GetObject", "*", {"aws:SourceIp": "nowhere"}),
        ("s3:GetObject", "*", {"aws:CurrentTime": "soon"}),
    ],
)
def test_never_is_not_proved_for_limits_that_no_request_meets(action: str, resource: str, when: dict[str, str]) -> None:
    conditions = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "DateLessThan": {"aws:CurrentTime": "2030-01-01"}}
    answer = never(policies_of(ALLOW, {**ALLOW, "Condition": conditions}), action, resource, when)

    assert (answer.answer, answer.reason) == ("unknown", NO_REQUEST)


def test_an_assumption_that_no_request_meets_proves_nothing() -> None:
    options = Options(assumed={"aws:RequestedRegion": "US East"})
    policies, older = policies_of(ALLOW), policies_of({**ALLOW, "Action": "s3:*"})

    assert guardrail_required(policies, [], options).reason == NO_REQUEST
    assert no_new_access(older, policies, options).reason == NO_REQUEST


def test_a_call_that_no_request_is_proves_nothing() -> None:
    statement = allow_if("StringEquals", "bedrock:GuardrailIdentifier", "arn:aws:bedrock:us-east-1:123456789012:guardrail/g:1")
    model = "arn:aws:bedrock:us-east-1::foundation-model/a"
    call = Request(ROLE, "bedrock:InvokeModel", model, {"bedrock:GuardrailIdentifier": "abc123"})

    assert always_allowed(policies_of(statement), [call]).reason == NO_REQUEST


def test_limits_that_a_request_meets_are_proved() -> None:
    answer = never(policies_of({**ALLOW, "Action": "s3:*"}), "bedrock:InvokeModel", when={"aws:RequestedRegion": "us-east-1"})

    assert answer.answer == "proved"


def test_no_account_is_foreign_to_a_service() -> None:
    """A service principal has no account, so that its own policies are enough for a resource of any account."""
    own = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": "bedrock:*"}]}
    granted = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": "bedrock:*", "Principal": "*"}]}
    service = "events.amazonaws.com"
    old = ProofPolicies.of(PolicySet(identity=own, resource=[]), service)
    new = ProofPolicies.of(PolicySet(identity=own, resource=granted), service)

    answer = no_new_access(old, new)

    assert (answer.answer, answer.reason) == ("proved", "")


def unread(name: str, *statements: dict[str, Any]) -> ProofPolicies:
    """Return policies of which the managed policy `name` could not be read."""
    gap = Gap("identity", f"the document of the policy {name} is not in the snapshot")
    identity = [{"Version": "2012-10-17", "Statement": list(statements)}] if statements else []
    return ProofPolicies.of(PolicySet(identity=identity, gaps=[gap]), ROLE)


@pytest.mark.parametrize("statements", [(), ({**ALLOW, "Action": "s3:GetObject"},)])
@pytest.mark.parametrize(
    "old", [unread("ReadOnlyAccess"), unread("AdministratorAccess"), policies_of({**ALLOW, "Action": "s3:*"})]
)
def test_a_policy_that_could_not_be_read_may_give_new_access(old: ProofPolicies, statements: tuple[dict[str, Any], ...]) -> None:
    new = unread("AdministratorAccess", *statements)

    for answer in (no_new_access(old, new), equivalent(old, new)):
        assert (answer.answer, "AdministratorAccess" in answer.reason) == ("unknown", True)
        assert any("AdministratorAccess" in assumption for assumption in answer.assumptions)


def test_the_statements_of_a_policy_that_could_not_be_read_may_be_unreachable() -> None:
    answer = unreachable(unread("AdministratorAccess", ALLOW))

    assert (answer.answer, "AdministratorAccess" in answer.reason) == ("unknown", True)


def test_a_new_management_account_is_a_change() -> None:
    """Service control policies do not apply to it."""

    def member_of(management_account: str) -> ProofPolicies:
        document = {"Version": "2012-10-17", "Statement": [ALLOW]}
        closed = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Effect": "Deny"}]}
        policies = PolicySet(identity=document, scp=[[document, closed]], management_account=management_account)
        return ProofPolicies.of(policies, ROLE)

    assert no_new_access(member_of("210987654321"), member_of("123456789012")).answer == "refuted"


def test_an_empty_session_is_a_change() -> None:
    """A federated user without a session policy has no permissions."""
    user = "arn:aws:sts::123456789012:federated-user/Ana"
    document = {"Version": "2012-10-17", "Statement": [ALLOW]}
    without = ProofPolicies.of(PolicySet(identity=document, session=[]), user)
    unlimited = ProofPolicies.of(PolicySet(identity=document), user)

    assert no_new_access(without, unlimited).answer == "refuted"


def test_the_version_of_a_policy_is_a_change() -> None:
    """Only the newer one has variables."""

    def of(version: str) -> ProofPolicies:
        statement = {**ALLOW, "Resource": "arn:aws:s3:::bucket/${aws:username}"}
        user = "arn:aws:iam::123456789012:user/Ana"
        return ProofPolicies.of(PolicySet(identity={"Version": version, "Statement": [statement]}), user)

    assert no_new_access(of("2008-10-17"), of("2012-10-17")).answer == "refuted"


def test_policies_that_are_the_same_print_what_is_assumed() -> None:
    answer = no_new_access(policies_of(ALLOW), policies_of(ALLOW), Options(assumed={"aws:RequestedRegion": "us-east-1"}))

    assert answer.answer == "proved"
    assert "aws:RequestedRegion is us-east-1" in answer.assumptions


@pytest.mark.parametrize(
    ("resource", "answer"),
    [
        ("arn:aws:bedrock:us-east-1::foundation-model/*", "proved"),
        ("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "unknown"),
    ],
)
def test_unread_policies_of_guardrails_concern_no_model(resource: str, answer: str) -> None:
    gap = Gap("resource", "not in the snapshot", "arn:*:bedrock:*:123456789012:guardrail*")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policies = ProofPolicies.of(PolicySet(identity=[{"Version": "2012-10-17", "Statement": statement}], gaps=[gap]))

    assert never(policies, "bedrock:*", resource).answer == answer


def test_policies_of_regions_that_were_not_read_are_a_matter_of_the_assumption() -> None:
    """Every recorded snapshot has such Regions."""
    gap = Gap("resource", "not in the snapshot", "arn:*:bedrock:*:123456789012:guardrail*", regions_read=("us-east-1",))
    identity = [{"Version": "2012-10-17", "Statement": {**ALLOW, "Action": "s3:*"}}]
    policies = ProofPolicies.of(PolicySet(identity=identity, gaps=[gap]))

    assert (unreachable(policies).answer, no_new_access(policies, policies).answer) == ("proved", "proved")
    answer = never(policies, "bedrock:ApplyGuardrail")
    assert (answer.answer, "no resource-based policy grants access" in answer.assumptions) == ("proved", True)
