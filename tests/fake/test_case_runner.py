"""Cases: valid fields, results, and errors with their location."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import casefiles

from guardedbedrock import ConfigurationError, PolicySyntaxError
from guardedbedrock.testing import cases

ALLOW = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
PRINCIPAL = "arn:aws:iam::123456789012:role/App"

REQUEST = {"principal": PRINCIPAL, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
CALL = {"operation": "Converse", "region": "us-east-1", "params": {"modelId": "acme.tiny-v1"}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def asking(**changes: Any) -> dict[str, Any]:
    """Return a case with a request, which passes. A field that is None is left out."""
    case = {
        "id": "a",
        "policies": {"identity": [policy(ALLOW)]},
        "request": REQUEST,
        "expect": {"decision": "allowed", "determining": ["Read"]},
    }
    return {key: value for key, value in (case | changes).items() if value is not None}


def calling(operation: str = "Converse", params: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a case with a call, which passes."""
    given = {"modelId": "acme.tiny-v1"} if params is None else params
    case = {
        "id": "a",
        "policies": {"identity": [policy({"Sid": "All", "Effect": "Allow", "Action": "bedrock:*", "Resource": "*"})]},
        "principal": PRINCIPAL,
        "guardrails": [{"arn": GUARDRAIL, "version": "1"}],
        "call": {"operation": operation, "region": "us-east-1", "params": given},
        "expect": {"decision": "allowed"},
    }
    return {key: value for key, value in (case | changes).items() if value is not None}


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def one(tmp_path: Path, case: dict[str, Any]) -> cases.Result:
    (loaded,) = cases.load(write(tmp_path / "cases.json", [case]))
    assert isinstance(loaded, cases.Case)
    return cases.run(loaded)


def rejection(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        cases.load(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "case", cases.load(casefiles.CASES / "calls.json", casefiles.CASES / "iam.json"), ids=lambda case: case.id
)
def test_the_projects_own_cases_pass(case: cases.Case) -> None:
    assert cases.run(case).differences == {}


def test_there_are_twenty_calls() -> None:
    loaded = cases.load(casefiles.CASES / "calls.json")

    assert [isinstance(case, cases.Case) and case.call is not None for case in loaded] == [True] * 20


@pytest.mark.parametrize(
    ("expect", "different"),
    [
        ({"decision": "allowed"}, set()),
        ({"decision": "explicitDeny"}, {"decision"}),
        ({"decision": "allowed", "determining": ["Other"]}, {"determining"}),
        ({"decision": "allowed", "determining": []}, {"determining"}),
        ({"decision": "allowed", "policyType": "identity"}, set()),
        ({"decision": "allowed", "policyType": "scp"}, {"policyType"}),
        ({"decision": "allowed", "hangsOn": []}, set()),
        ({"decision": "allowed", "hangsOn": ["aws:SourceIp"]}, {"hangsOn"}),
    ],
)
def test_everything_that_a_case_expects_is_compared(tmp_path: Path, expect: dict[str, Any], different: set[str]) -> None:
    result = one(tmp_path, asking(expect=expect))

    assert set(result.differences) == different
    assert result.passed is not bool(different)


def test_names_of_unresolved_keys_ignore_case(tmp_path: Path) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/Team": "x"}}
    case = asking(
        policies={"identity": [policy(ALLOW | {"Condition": condition})]},
        request={"principal": PRINCIPAL, "action": "s3:GetObject", "resource": "*", "unknown": ["aws:PrincipalTag/Team"]},
        expect={"decision": "indeterminate", "hangsOn": ["AWS:principaltag/team"]},
    )

    assert one(tmp_path, case).passed


def test_the_order_of_determining_statements_does_not_matter_and_one_without_sid_counts_as_none(tmp_path: Path) -> None:
    nameless = {key: value for key, value in ALLOW.items() if key != "Sid"}
    documents = [policy(ALLOW, ALLOW | {"Sid": "Also"}, nameless)]

    result = one(
        tmp_path, asking(policies={"identity": documents}, expect={"decision": "allowed", "determining": ["Also", "Read"]})
    )

    assert result.passed
    assert result.determining == {"Also", "Read"}


@pytest.mark.parametrize(
    ("case", "key"),
    [
        pytest.param(calling(), f"{GUARDRAIL}:1", id="injected"),
        pytest.param(calling("InvokeModel"), f"{GUARDRAIL}:1", id="injected into headers"),
        pytest.param(
            calling(params={"modelId": "m.x", "guardrailConfig": {"guardrailIdentifier": "zzz", "guardrailVersion": "9"}}),
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/zzz:9",
            id="the call's own is kept",
        ),
        pytest.param(calling(guardrails=None), None, id="none to inject"),
    ],
)
def test_the_first_guardrail_is_injected_if_the_call_names_none(tmp_path: Path, case: dict[str, Any], key: str | None) -> None:
    result = one(tmp_path, case)

    assert result.authorizations[0].request.context.get("bedrock:GuardrailIdentifier") == key


def test_a_guardrail_of_another_region_is_not_injected(tmp_path: Path) -> None:
    """AWS rejects it: guardrails are regional."""
    elsewhere = {"arn": GUARDRAIL.replace("us-east-1", "eu-west-1"), "version": "1"}

    result = one(tmp_path, calling(guardrails=[elsewhere]))

    assert result.authorizations[0].request.context.get("bedrock:GuardrailIdentifier") is None


def test_the_first_of_two_guardrails_is_injected(tmp_path: Path) -> None:
    second = {"arn": GUARDRAIL.replace("abc", "xyz"), "version": "2"}

    result = one(tmp_path, calling(guardrails=[{"arn": GUARDRAIL, "version": "DRAFT"}, second]))

    assert result.authorizations[0].request.context["bedrock:GuardrailIdentifier"] == GUARDRAIL


def test_the_first_denial_decides_a_call_even_after_an_indeterminate_decision(tmp_path: Path) -> None:
    by_address = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    invoke = {"Sid": "Invoke", "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", "Condition": by_address}
    expect = {"decision": "implicitDeny", "policyType": "identity", "hangsOn": []}

    result = one(tmp_path, calling(policies={"identity": [policy(invoke)]}, expect=expect))

    assert result.passed, result.differences
    assert [answer.outcome for answer in result.authorizations] == ["indeterminate", "implicitDeny"]


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        pytest.param(asking(note=""), "case `a`: unknown field `note`", id="stray field"),
        pytest.param(asking(expct={}), "did you mean `expect`?", id="misspelt field"),
        pytest.param(asking(vocabulary="aws"), "unknown field `vocabulary`", id="field of a call in a request"),
        pytest.param(asking(expect=None), "case `a`: the field `expect` is missing", id="missing field"),
        pytest.param(asking(request=None), "case `a`: has neither `request` nor `call`", id="neither request nor call"),
        pytest.param(asking(call={}), "case `a`: has both `request` and `call`", id="request and call"),
        pytest.param(asking(id=None), "case number 1: the field `id` is missing", id="no id"),
        pytest.param(asking(id=7), "case number 1 at /id: expected a string, got a number", id="id of another type"),
        pytest.param(asking(id=""), "case number 1 at /id: must not be empty", id="empty id"),
        pytest.param(asking(why=["x"]), "at /why: expected a string, got an array", id="why of another type"),
        pytest.param("x", "case number 1: expected an object, got a string", id="text for a case"),
        pytest.param(None, "case number 1: expected an object, got null", id="null for a case"),
        pytest.param(asking(request="r"), "at /request: expected an object", id="text for request"),
        pytest.param(
            asking(request={"principal": PRINCIPAL, "action": "a:B"}),
            "at /request: the field `resource` is missing",
            id="no resource",
        ),
        pytest.param(
            asking(request=REQUEST | {"context": {"k": [{}]}}),
            "at /request/context/k/0: expected a string, number or Boolean, got an object",
            id="object in the context",
        ),
        pytest.param(
            asking(request=REQUEST | {"unknown": "aws:SourceIp"}),
            "at /request/unknown: expected an array",
            id="text for unknown",
        ),
        pytest.param(asking(policies={"idenity": []}), "at /policies: unknown field `idenity`; did you mean", id="policy type"),
        pytest.param(asking(policies={"identity": {}}), "at /policies/identity: expected an array", id="policies no array"),
        pytest.param(asking(policies={"identity": ["{}"]}), "at /policies/identity/0: expected an object", id="policy as text"),
        pytest.param(asking(policies={"scp": [policy(ALLOW)]}), "at /policies/scp/0: expected an array", id="SCP without levels"),
        pytest.param(asking(expect={"decision": "allow"}), "at /expect/decision: `allow` is not one of", id="bad decision word"),
        pytest.param(asking(expect={"decision": "Allowed"}), "did you mean `allowed`?", id="decision in another case"),
        pytest.param(asking(expect={"decision": "allowed", "by": "x"}), "at /expect: unknown field `by`", id="stray in expect"),
        pytest.param(
            asking(expect={"decision": "allowed", "determining": "Read"}), "/expect/determining: expected", id="text for Sids"
        ),
        pytest.param(
            asking(expect={"decision": "allowed", "policyType": "x"}), "/expect/policyType: `x` is not one of", id="policy type"
        ),
        pytest.param(
            calling("convers"),
            "at /call/operation: `convers` is not an operation of Bedrock; did you mean `Converse`?",
            id="misspelt operation",
        ),
        pytest.param(
            calling("invoke_model"),
            "`invoke_model` is not an operation of Bedrock; did you mean `InvokeModel`?",
            id="method name",
        ),
        pytest.param(
            calling("xyz"),
            "`xyz` is not an operation of Bedrock; write its name in the API, such as `Converse`",
            id="unknown operation",
        ),
        pytest.param(
            calling(call=CALL | {"bearer": "x"}),
            'at /call/bearer: `x` is not one of "", SHORT_TERM, LONG_TERM, unknown',
            id="bearer",
        ),
        pytest.param(
            asking(policies={}),
            "at /policies: has no policies; for a principal without policies, write `identity` with an empty array",
            id="no policies",
        ),
        pytest.param(asking(policies={"scp": []}), "at /policies: has no policies; for", id="no levels"),
        pytest.param(
            calling(call=CALL | {"service": "bedrock"}),
            "at /call/service: `bedrock` does not have the operation Converse; set it to `bedrock-runtime`, or remove it",
            id="operation of another service",
        ),
        pytest.param(
            calling(call=CALL | {"operation": "PutResourcePolicy", "service": "bedrock-runtime"}),
            "set it to `bedrock` or `bedrock-agent`, or remove it",
            id="operation of two other services",
        ),
        pytest.param(
            calling(call=CALL | {"region": "us-esat-1"}), "at /call/region: `us-esat-1` is not the name of a Region;", id="Region"
        ),
        pytest.param(calling(principal="nope"), "at /principal: `nope` is not the ARN of a user, role,", id="caller"),
        pytest.param(
            calling(principal="lambda.amazonaws.com"),
            "at /principal: `lambda.amazonaws.com` is not the ARN",
            id="service as caller",
        ),
        pytest.param(
            calling(principal="arn:aws:iam::1:role/App"), "at /principal: `arn:aws:iam::1:role/App` is not the ARN", id="account"
        ),
        pytest.param(
            calling(params={"modelId": ""}), "at /call/params: `modelId` is empty; Converse requires it", id="empty model"
        ),
        pytest.param(
            calling(params={"modelId": "m", "guardrailConfg": {}}),
            "at /call/params: unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?",
            id="unknown parameter",
        ),
        pytest.param(
            calling(context={"aws:SourceIp": "10.0.0.1", "AWS:sourceip": "10.0.0.2"}),
            "at /context: `aws:SourceIp` and `AWS:sourceip` are the same context key; remove one",
            id="context key twice",
        ),
        pytest.param(
            calling(params={"modelId": "m", "messages": "hi"}),
            "at /call/params: `messages` is of type `str`; Converse accepts `list` or `tuple` there",
            id="type of a parameter that no policy reads",
        ),
        pytest.param(
            asking(request=REQUEST | {"action": "bedrock:DeleteGuardrial"}),
            "at /request/action: names `bedrock:DeleteGuardrial`, an action that does not exist; did you mean",
            id="misspelt action",
        ),
        pytest.param(
            asking(request=REQUEST | {"action": "bedrok:InvokeModel"}),
            "at /request/action: the IAM prefix of every Bedrock service is `bedrock:`; write `bedrock:InvokeModel`",
            id="misspelt prefix",
        ),
        pytest.param(
            asking(request=REQUEST | {"context": {"bedrock:GuardrailIdentifer": "x"}}),
            "at /request/context: `bedrock:GuardrailIdentifer` is not a known condition key; did you mean",
            id="misspelt condition key",
        ),
        pytest.param(
            asking(request=REQUEST | {"unknown": ["bedrock:GuardrailIdentifer"]}),
            "at /request/unknown/0: `bedrock:GuardrailIdentifer` is not a known condition key; did you mean",
            id="misspelt unknown key",
        ),
        pytest.param(
            asking(request=REQUEST | {"principal": "nope"}), "at /request/principal: `nope` is not a principal", id="principal"
        ),
        pytest.param(
            asking(request=REQUEST | {"action": "bedrock:*"}), "at /request/action: `bedrock:*` is not one action;", id="actions"
        ),
        pytest.param(
            asking(request=REQUEST | {"action": "InvokeModel"}), "at /request/action: `InvokeModel` is not one", id="no prefix"
        ),
        pytest.param(
            asking(request=REQUEST | {"resource": "foundation-model/x"}),
            "at /request/resource: `foundation-model/x` is not an ARN; write it as",
            id="resource without the start of its ARN",
        ),
        pytest.param(asking(request=REQUEST | {"resource": "x"}), "at /request/resource: `x` is not an ARN", id="resource"),
        pytest.param(
            asking(request=REQUEST | {"context": {"aws:SourceIp": "10.0.0.1"}, "unknown": ["aws:userid", "AWS:sourceip"]}),
            "at /request/unknown/1: `AWS:sourceip` has a value in `context`; remove it here or there",
            id="key known and unknown",
        ),
        pytest.param(calling(vocabulary="AWS"), "at /vocabulary: `AWS` is not one of", id="unknown vocabulary"),
        pytest.param(calling(principal=None), "the field `principal` is missing", id="no principal"),
        pytest.param(calling(params={}), "at /call/params: `modelId` is missing; Converse requires it", id="no model"),
        pytest.param(
            calling(params={"modelId": 5}), "at /call/params: `modelId` is of type `int`; Converse accepts `str`", id="model type"
        ),
        pytest.param(
            calling(guardrails=[{"arn": GUARDRAIL}]), "at /guardrails/0: the field `version` is missing", id="no version"
        ),
        pytest.param(
            calling(guardrails=[{"arn": "x", "version": "1"}]), "at /guardrails/0: guardrail `x` is not the ARN", id="bad ARN"
        ),
        pytest.param(
            calling(guardrails=[{"arn": GUARDRAIL.replace("abc", "G-"), "version": "1"}]),
            "at /guardrails/0: guardrail ID `G-123def456`: AWS accepts only lower-case letters and digits",
            id="ID of the other vocabulary",
        ),
    ],
)
def test_an_invalid_case_is_rejected_with_its_location(tmp_path: Path, case: object, problem: str) -> None:
    path = write(tmp_path / "cases.json", [case])

    said = rejection(path)

    assert said.startswith(f"{path}: case ")
    assert problem in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::123456789012:saml-provider/Example",
        "accounts.google.com",
        "lambda.amazonaws.com",
        "anonymous",
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
    ],
)
def test_a_request_has_any_principal_of_iam(tmp_path: Path, principal: str) -> None:
    result = one(tmp_path, asking(request=REQUEST | {"principal": principal}))

    assert result.authorizations[0].request.principal == principal


@pytest.mark.parametrize(("service", "member"), [("bedrock", "resourcePolicy"), ("bedrock-agent", "policy")])
def test_a_call_names_the_service_of_an_operation_that_two_services_have(tmp_path: Path, service: str, member: str) -> None:
    params = {"resourceArn": GUARDRAIL, member: "{}"}
    call = {"operation": "PutResourcePolicy", "region": "us-east-1", "service": service, "params": params}

    assert one(tmp_path, calling(call=call, expect={"decision": "allowed"})).passed


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (ALLOW | {"Condition": {"StringEqualz": {"k": "v"}}}, "policy identity[1] at /Statement/0/Condition/StringEqualz: "),
        (ALLOW | {"Principal": "*"}, "policy identity[1] at /Statement/0/Principal: "),
        ({"Effect": "Allow"}, "policy identity[1] at /Statement/0: "),
    ],
)
def test_an_invalid_policy_is_a_syntax_error_with_its_case(tmp_path: Path, statement: Any, problem: str) -> None:
    path = write(tmp_path / "cases.json", [asking(policies={"identity": [policy(ALLOW), policy(statement)]})])

    with pytest.raises(PolicySyntaxError) as caught:
        cases.load(path)

    assert str(caught.value).startswith(f"{path}: case `a`: {problem}")


def test_cases_with_the_same_policies_share_them(tmp_path: Path) -> None:
    other = asking(id="c", policies={"identity": [policy(ALLOW | {"Sid": "Other"})]})

    first, second, third = cases.load(write(tmp_path / "cases.json", [asking(), asking(id="b"), other]))

    assert first.policies is second.policies
    assert first.policies is not third.policies


def test_two_thousand_cases_take_under_five_seconds(tmp_path: Path) -> None:
    """Each case has its own policies. CPU time is measured, because the load of the machine does not affect it."""
    many = [
        asking(id=str(n), policies={"identity": [policy(ALLOW, ALLOW | {"Sid": f"S{n}"})]}, expect={"decision": "allowed"})
        for n in range(2000)
    ]
    path = write(tmp_path / "cases.json", many)
    script = "import sys; from guardedbedrock.cli import main; sys.exit(main())"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    done = subprocess.run([sys.executable, "-c", script, "test", str(path)], capture_output=True, text=True, check=False)  # noqa: S603

    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout == "2000 passed, 0 failed\n"
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 5
