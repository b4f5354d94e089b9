"""Classification of AWS's denials; the cases are in `tests/data/denials.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import casefiles

from guardedbedrock import errors
from guardedbedrock.bedrock.errors.classify import MODEL_ACCESS_STATES, classify
from guardedbedrock.bedrock.errors.hints import hint_for
from guardedbedrock.iam.decision.sentences import REASONS

PATH = Path(__file__).parents[1] / "data" / "denials.json"
FIELDS = {"id", "why", "source", "code", "status", "message", "expect"}
EXPECT = {"class", "policy_type", "explicit", "principal", "action", "resource", "policy_arn"}
EXPLICIT = {"ExplicitDenyError": True, "ImplicitDenyError": False, "PolicyDeniedError": None}
ROLE = "arn:aws:sts::123456789012:assumed-role/HRBot/session"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"


def load(text: str) -> dict[str, dict[str, Any]]:
    """Read the cases by id; an unknown or missing field, a repeated id or an empty file is an error."""
    cases: dict[str, dict[str, Any]] = {}
    for case in casefiles.parse(text):
        assert set(case) == FIELDS, f"{case.get('id')}: {set(case) ^ FIELDS}"
        assert set(case["expect"]) == EXPECT, f"{case['id']}: {set(case['expect']) ^ EXPECT}"
        assert case["id"] not in cases, f"repeated id {case['id']}"
        cases[case["id"]] = case
    assert cases, "no cases"
    return cases


CASES = load(PATH.read_text("utf-8"))


def response(code: str, message: str, status: int = 403) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"}}


def answered(case: dict[str, Any]) -> dict[str, Any]:
    return response(case["code"], case["message"], case["status"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_classify_returns_the_typed_error(case: dict[str, Any]) -> None:
    """The class is the most specific one, and the fields come from the sentence."""
    expect = case["expect"]

    error = classify(answered(case), "Converse")

    assert expect["class"] == (error and type(error).__name__)
    fields = ("policy_type", "principal", "action", "resource", "policy_arn")
    assert {field: expect[field] for field in fields} == {field: getattr(error, field, None) for field in fields} or error is None
    assert expect["class"] not in EXPLICIT or EXPLICIT[expect["class"]] is expect["explicit"]


@pytest.mark.parametrize("case", [case for case in CASES.values() if case["expect"]["class"]], ids=lambda case: case["id"])
def test_a_typed_error_keeps_the_response_of_aws(case: dict[str, Any]) -> None:
    """Code, status, message and request ID are those of AWS."""
    error = classify(answered(case), "Converse")

    assert error is not None
    assert answered(case) == error.response
    assert f"An error occurred ({case['code']}) when calling the Converse operation: {case['message']}" == str(error)
    assert (case["message"], "Converse", "r-1", False) == (error.message, error.operation_name, error.request_id, error.simulated)
    assert bool(error.hint) == (type(error) is not errors.AccessDeniedError)


def test_every_model_access_state_has_a_case() -> None:
    """No row is untested, and no row is hidden by an earlier one."""
    used = set()
    for case in CASES.values():
        error = classify(answered(case), "Converse")
        fit = next(
            (state for state in MODEL_ACCESS_STATES if case["code"] in state.codes and case["message"].startswith(state.opening)),
            None,
        )
        assert fit is None or (error is not None and error.hint == fit.hint)
        used.add(fit)

    assert set() == set(MODEL_ACCESS_STATES) - used


@pytest.mark.parametrize("answer", [{}, {"Error": None}, {"Error": {}, "ResponseMetadata": None}, {"Error": {"Code": None}}])
def test_a_response_without_an_error_code_is_not_a_denial(answer: dict[str, Any]) -> None:
    """A response that botocore could not parse is not classified."""
    assert classify(answer, "Converse") is None


def test_a_denial_without_a_message_is_still_a_denial() -> None:
    """Some denials have only a code."""
    error = classify({"Error": {"Code": "AccessDeniedException"}}, "Converse")

    assert type(error) is errors.AccessDeniedError
    assert error.request_id == ""


def test_hint_names_principal_action_and_policy() -> None:
    """The hint uses the principal and the policy that AWS named."""
    error = classify(answered(CASES["bedrock/scp-explicit-arn-prefixed"]), "Converse")

    assert error is not None
    assert error.hint == (
        "no Allow can override an explicit deny: send a call to which the Deny for `bedrock:InvokeModel` on"
        " `arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0` does not apply; the Deny is in a service control policy"
        " above this account (ask the organization's administrator),"
        " `arn:aws:organizations::123456789012:policy/o-mo5jvcl5j0/service_control_policy/p-kux2m48e`"
    )


@pytest.mark.parametrize(
    ("policy_type", "where"),
    [
        ("identity", "in an identity-based policy of role `HRBot`"),
        ("boundary", "in the permissions boundary of role `HRBot`"),
        ("session", "in the session policy that was passed when the session of role `HRBot` was created"),
        ("scp", "ask the organization's administrator: every level above this account needs a service control policy"),
        ("rcp", "ask the organization's administrator: the resource control policies"),
        ("endpoint", "for role `HRBot` in the policy of the VPC endpoint"),
        ("resource", "for role `HRBot` in the resource-based policy"),
        (None, "AWS did not name the policy"),
    ],
)
def test_hint_of_an_implicit_deny_names_action_and_policy_type(policy_type: str | None, where: str) -> None:
    """Each policy type has another owner, whom the hint names."""
    hint = hint_for("bedrock:ApplyGuardrail", GUARDRAIL, policy_type, explicit=False, principal=ROLE)

    assert where in hint
    assert f"`bedrock:ApplyGuardrail` on `{GUARDRAIL}` (the guardrail ARN without version)" in hint or policy_type == "scp"


@pytest.mark.parametrize("policy_type", [None, *REASONS])
def test_hint_of_an_explicit_deny_never_suggests_a_grant(policy_type: str | None) -> None:
    """An Allow cannot override a Deny."""
    hint = hint_for("bedrock:InvokeModel", None, policy_type, explicit=True)

    assert hint.startswith("no Allow can override an explicit deny: send a call to which the Deny for ")
    assert "`bedrock:InvokeModel` on the resource of the call" in hint
    assert "grant" not in hint
    assert "change" not in hint


@pytest.mark.parametrize(
    ("principal", "name"),
    [
        (ROLE, "role `HRBot`"),
        ("arn:aws:iam::123456789012:role/service/HRBot", "role `HRBot`"),
        ("arn:aws:iam::123456789012:user/team/alice", "user `alice`"),
        ("arn:aws:iam::123456789012:root", "the caller"),
        ("cloud_user", "the caller"),
        (None, "the caller"),
    ],
)
def test_hint_names_the_role_or_user(principal: str | None, name: str) -> None:
    """Policies are attached to the role, not to its session."""
    hint = hint_for("bedrock:CountTokens", "*", "identity", explicit=False, principal=principal)

    assert hint == f"grant `bedrock:CountTokens` on `*` in an identity-based policy of {name}"


@pytest.mark.parametrize("policy_type", [None, *REASONS])
@pytest.mark.parametrize("action", ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"])
def test_hint_to_allow_a_model_action_warns_about_the_guardrail_condition(action: str, policy_type: str | None) -> None:
    """AWS does not say that an Allow exists whose condition failed; another Allow would open unguarded calls."""
    hint = hint_for(action, "*", policy_type, explicit=False, principal=ROLE)

    assert "if a statement allows it already, this call does not meet the condition of that statement: fix the call" in hint
    assert hint.endswith("do not allow the action without `bedrock:GuardrailIdentifier`")


def test_hint_of_a_deny_that_acts_through_the_endpoint_policy_names_the_scp_and_its_owner() -> None:
    """The ARN is that of the service control policy, so the endpoint policy is not where the Deny is."""
    error = classify(answered(CASES["noise/endpoint-through-scp-arn"]), "Converse")

    assert error is not None
    assert str(error.hint).endswith(
        "does not apply; the Deny is in a service control policy above this account (ask the organization's administrator),"
        " `arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd`, and takes effect"
        " through the policy of the VPC endpoint that the call goes through"
    )


def test_hint_of_a_marketplace_denial_names_both_marketplace_actions() -> None:
    """It names both even if the message of AWS names one."""
    error = classify(answered(CASES["model/marketplace-hybrid"]), "ConverseStream")

    assert error is not None
    assert "`aws-marketplace:Subscribe`" in str(error.hint)
    assert "`aws-marketplace:ViewSubscriptions`" in str(error.hint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "no cases"),
        (json.dumps([{**CASES["plain/no-text"], "stray": 1}]), "stray"),
        (json.dumps([CASES["plain/no-text"]] * 2), "repeated id plain/no-text"),
        (json.dumps([{**CASES["plain/no-text"], "expect": {"class": None}}]), "plain/no-text: .*action"),
    ],
)
def test_the_loader_rejects_malformed_cases(text: str, complaint: str) -> None:
    """A case that is not read cannot pass silently."""
    with pytest.raises(AssertionError, match=complaint):
        load(text)
