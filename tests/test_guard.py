"""`Guard`: the settings that it accepts and rejects, and `simulate`, which evaluates a call without sending it."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import DENIED_MODEL, HR, MODEL, POLICIES, POLICY, PUBLIC, ROLE, WEAK, ask

from guardedbedrock import (
    Authorization,
    ConfigurationError,
    Guard,
    Guardrail,
    GuardrailNotApprovedError,
    PolicySyntaxError,
    PreflightUnavailableError,
    UnguardableOperationError,
    Verdict,
    iam,
)
from guardedbedrock.stages.authorize import denial
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from pathlib import Path

CONVERSE: Final = ask("converse")
MODEL_ARN: Final = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
NAMED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
LOOSE: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/G-HR-Compliance", version="1")
EUROPE: Final = Guardrail("arn:aws:bedrock:eu-west-1:123456789012:guardrail/europe000001", version="1", name="europe")


def guard(**options: Any) -> Guard:
    """Create a guard without listeners."""
    return Guard(**{"guardrails": [HR, PUBLIC], "policies": POLICIES, "principal": ROLE, "listeners": (), **options})


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """Write a policy document."""
    return {"Version": "2012-10-17", "Statement": [*statements]}


MISTAKES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no-guardrail": ({"guardrails": []}, "no guardrail is configured"),
    "mode": ({"mode": "Enforce"}, "mode"),
    "on-unapproved": ({"on_unapproved": "Refuse"}, "on_unapproved"),
    "on-indeterminate": ({"on_indeterminate": "deny"}, "on_indeterminate"),
    "on-intervention": ({"on_intervention": "error"}, "on_intervention"),
    "vocabulary": ({"vocabulary": "AWS"}, "vocabulary"),
    "id-that-aws-refuses": ({"guardrails": [LOOSE]}, "G-HR-Compliance"),
    "same-name-twice": ({"guardrails": [HR, Guardrail(HR.arn, version="4", name="hr")]}, "hr"),
    "policies-without-principal": ({"principal": None}, "principal"),
    "principal-that-is-no-arn": ({"principal": "HRBotServiceRole"}, "principal"),
    "guardable-operation": ({"allow_unguarded": ["Converse"]}, "allow_unguarded"),
    "unknown-operation": ({"allow_unguarded": ["Convers"]}, "allow_unguarded"),
    "retry-table": ({"retry": {"attempts": 5}}, "retry: must be a RetryPolicy"),
    "retry-off": ({"retry": False}, "retry: must be a RetryPolicy"),
    "audit-table": ({"audit": {"file": "a.jsonl"}}, "audit: must be an Audit"),
    "audit-empty": ({"audit": {}}, "audit: must be an Audit"),
    "listeners-that-are-a-number": ({"listeners": 5}, "listeners: must be a list"),
    "listeners-that-are-a-string": ({"listeners": "ab"}, "listeners: must be a list"),
    "clock": ({"clock": 5}, "clock: must be a function"),
    "missing-file": ({"policies": "no/such/policy.json"}, "policy.json"),
}


@pytest.mark.parametrize(("options", "told"), MISTAKES.values(), ids=MISTAKES)
def test_an_invalid_setting_is_a_configuration_error(options: dict[str, Any], told: str) -> None:
    """The error names the setting; the guard never ignores a setting."""
    with pytest.raises(ConfigurationError, match=told):
        guard(**options)


def test_an_invalid_policy_is_rejected(tmp_path: Path) -> None:
    """A Deny statement that cannot be parsed is never skipped."""
    path = tmp_path / "hr.json"
    path.write_text(json.dumps(document({"Effect": "deny", "Action": "*", "Resource": "*"})), "utf-8")

    with pytest.raises(PolicySyntaxError, match="/Statement/0/Effect"):
        guard(policies=path)


@pytest.mark.parametrize("how", ["text", "path", "glob", "list", "mapping", "set"])
def test_policies_come_as_documents_or_as_files(how: str, tmp_path: Path) -> None:
    """A file, a glob, a list, a mapping of policy types, or a set that was read before: the decision is the same."""
    path = tmp_path / "hr.json"
    path.write_text(json.dumps(POLICY), "utf-8")
    ways = {
        "text": str(path),
        "path": path,
        "glob": str(tmp_path / "*.json"),
        "list": [path],
        "mapping": {"identity": [path]},
        "set": POLICIES,
    }

    guarded = guard(policies=ways[how])

    assert guarded.simulate("Converse", CONVERSE).decision == "allowed"
    assert guarded.simulate("Converse", ask("converse", model=DENIED_MODEL)).decision == "explicitDeny"


def test_the_articles_vocabulary_accepts_the_articles_ids() -> None:
    """With `bedrock:InvokeModelWithGuardrail`, guardrail IDs that AWS would reject are accepted."""
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModelWithGuardrail", "Resource": LOOSE.arn}
    guarded = guard(
        guardrails=[LOOSE], vocabulary="invoke-with-guardrail", policies=iam.PolicySet(identity=[document(statement)])
    )

    verdict = guarded.simulate("Converse", CONVERSE)

    assert [one.request.action for one in verdict.authorizations] == ["bedrock:InvokeModelWithGuardrail"]
    assert verdict.decision == "allowed"


def test_a_simulation_returns_the_verdict_and_sends_nothing() -> None:
    """The verdict has the decision, authorizations with their requests, the guardrail, and the parameters that would be sent."""
    params = copy.deepcopy(CONVERSE)

    verdict = guard().simulate("Converse", params, region_name="us-east-1")

    assert isinstance(verdict, Verdict)
    assert all(isinstance(one, Authorization) for one in verdict.authorizations)
    asked = [(one.request.principal, one.request.action, one.request.resource) for one in verdict.authorizations]
    assert asked == [(ROLE, "bedrock:InvokeModel", MODEL_ARN), (ROLE, "bedrock:ApplyGuardrail", HR.arn)]
    assert verdict.authorizations[0].request.context["bedrock:GuardrailIdentifier"] == HR.key
    assert (verdict.decision, verdict.denied, verdict.hangs_on) == ("allowed", None, ())
    assert verdict.guardrail == HR
    assert verdict.params == {**CONVERSE, "guardrailConfig": NAMED}
    assert params == CONVERSE


SESSION: Final = "arn:aws:sts::123456789012:assumed-role/App/session"
ADMINS: Final = "arn:aws:iam::123456789012:role/teams/admins/App"
EXEMPT: Final = document(
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {
        "Effect": "Deny",
        "Action": "bedrock:InvokeModel",
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/teams/admins/*"}},
    },
)


@pytest.mark.parametrize(
    ("role_arn", "decision"),
    [(None, "indeterminate"), (ADMINS, "allowed"), ("arn:aws:iam::123456789012:role/App", "explicitDeny")],
)
def test_the_path_of_a_role_is_known_if_it_is_configured(role_arn: str | None, decision: str) -> None:
    """A session ARN does not contain the path, and an SCP may exempt roles by it."""
    policies = {"identity": [POLICY], "scp": [[EXEMPT]]}

    assert guard(policies=policies, principal=SESSION, role_arn=role_arn).simulate("Converse", CONVERSE).decision == decision


@pytest.mark.parametrize(
    ("principal", "context", "decision"),
    [
        (SESSION, {}, "indeterminate"),
        (SESSION, {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:chat"}, "allowed"),
        (SESSION, {"lambda:SourceFunctionArn": []}, "implicitDeny"),
        ("arn:aws:iam::123456789012:user/ada", {}, "implicitDeny"),
    ],
)
def test_a_key_of_the_credentials_is_unknown_for_a_session_unless_it_is_configured(
    principal: str, context: dict[str, Any], decision: str
) -> None:
    """An empty list states that the key is absent. The credentials of a user do not have it."""
    of_a_function = {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:123456789012:function:*"}}
    policies = {"identity": [document({"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": of_a_function})]}

    verdict = guard(policies=policies, principal=principal, context=context).simulate("Converse", CONVERSE)

    assert verdict.decision == decision


@pytest.mark.parametrize(
    "caller", [SESSION.replace("App", "Other"), "arn:aws:iam::123456789012:user/ada", SESSION.replace("1234", "9234")]
)
def test_a_call_is_not_sent_if_the_caller_is_no_session_of_the_configured_role(
    caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another role's ARN the verdict would be wrong."""
    monkeypatch.setattr("guardedbedrock.aws.sources.identity.CallerIdentity.__call__", lambda _: caller)

    with pytest.raises(PreflightUnavailableError, match=f"role_arn: `{caller}` is not a session of that role"):
        guard(principal="caller", role_arn=ADMINS).simulate("Converse", CONVERSE)


def test_a_printed_verdict_is_one_line() -> None:
    """It has the decision, the guardrail, and the reason if there is one."""
    unknown = document(
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    )
    open_policies = iam.PolicySet(identity=[unknown])

    assert str(guard().simulate("Converse", CONVERSE)) == "allowed (guardrail hr, version 3)"
    assert str(guard().simulate("Converse", ask("converse", model=DENIED_MODEL))) == (
        f"explicitDeny (guardrail hr, version 3): User: {ROLE} is not authorized to perform: bedrock:InvokeModel on resource: "
        f"arn:aws:bedrock:us-east-1::foundation-model/{DENIED_MODEL} with an explicit deny in an identity-based policy"
    )
    assert str(guard(policies=open_policies).simulate("Converse", CONVERSE)) == (
        "indeterminate (guardrail hr, version 3): depends on aws:MultiFactorAuthPresent"
    )


def test_a_simulation_of_a_denied_call_names_the_statement() -> None:
    """The first denial is the one that AWS would send."""
    verdict = guard().simulate("ConverseStream", ask("converse", model=DENIED_MODEL))

    assert verdict.decision == "explicitDeny"
    assert verdict.denied == verdict.authorizations[0]
    assert [statement.sid for statement in verdict.authorizations[0].decision.statements] == ["NoOpus"]


@pytest.mark.parametrize("model", [5, None, b"amazon.nova-lite-v1:0", ["amazon.nova-lite-v1:0"], {}], ids=repr)
@pytest.mark.parametrize("policies", [POLICIES, None], ids=["policies", "no policies"])
def test_a_model_that_is_no_string_is_not_simulated(model: object, policies: Any) -> None:
    """The message has the type of the value, and how to fix it."""
    fix = "pass the ID or ARN of a model as a string"

    with pytest.raises(ConfigurationError, match=f"^params: `modelId` is of type `{type(model).__name__}`; {fix}$"):
        guard(policies=policies).simulate("Converse", {**CONVERSE, "modelId": model})


@pytest.mark.parametrize(
    ("params", "expected"),
    [(CONVERSE, HR), ({**CONVERSE, "guardrailConfig": {"guardrailIdentifier": PUBLIC.arn}}, PUBLIC)],
    ids=["injected", "completed"],
)
def test_what_is_simulated_is_what_is_sent(params: dict[str, Any], expected: Guardrail) -> None:
    """The parameters of a verdict are those that a client then sends."""
    guarded = guard()
    with FakeBedrock(guardrails=[FakeGuardrail(one.arn, version=one.version) for one in (HR, PUBLIC)]) as fake:
        client = guarded.client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**params)
        client.close()

    verdict = guarded.simulate("Converse", params)
    assert fake.requests[0].params == verdict.params
    assert verdict.guardrail == expected


def test_a_simulation_uses_the_given_region() -> None:
    """Guardrail and resources are those of the region; unless given, it is that of the first approved guardrail."""
    both = guard(guardrails=[EUROPE, HR])

    assert both.simulate("Converse", CONVERSE).guardrail == EUROPE
    verdict = both.simulate("Converse", CONVERSE, region_name="us-east-1")
    assert verdict.guardrail == HR
    assert verdict.authorizations[0].request.resource == MODEL_ARN


def test_a_simulation_uses_the_chosen_guardrail() -> None:
    """`using` applies to simulations as it does to calls."""
    guarded = guard()

    with guarded.using("customer-facing"):
        assert guarded.simulate("Converse", CONVERSE).guardrail == PUBLIC
    assert guarded.simulate("Converse", CONVERSE).guardrail == HR


REFUSED: Final[dict[str, tuple[str, dict[str, Any], str, type[Exception]]]] = {
    "unapproved": ("Converse", {**CONVERSE, "guardrailConfig": WEAK}, "us-east-1", GuardrailNotApprovedError),
    "region": ("Converse", CONVERSE, "us-west-2", GuardrailNotApprovedError),
    "unguardable": ("StartAsyncInvoke", {"modelId": MODEL}, "us-east-1", UnguardableOperationError),
    "unknown": ("Telepathy", {}, "us-east-1", UnguardableOperationError),
}


@pytest.mark.parametrize(("operation", "params", "region", "error"), REFUSED.values(), ids=REFUSED)
def test_a_simulation_refuses_what_a_client_refuses(
    operation: str, params: dict[str, Any], region: str, error: type[Exception]
) -> None:
    """IAM is not evaluated for a call that the guard itself refuses."""
    with pytest.raises(error):
        guard().simulate(operation, params, region_name=region)


@pytest.mark.parametrize("operation", ["GetGuardrail", "ApplyGuardrail"])
def test_operations_without_a_model_can_be_simulated(operation: str) -> None:
    """These are operations of the control plane."""
    verdict = guard().simulate(operation, {"guardrailIdentifier": HR.id, "guardrailVersion": "3"})

    asked = [(one.request.action, one.request.resource) for one in verdict.authorizations]
    assert asked == [(f"bedrock:{operation}", HR.arn)]
    assert (verdict.decision, verdict.guardrail) == ("allowed", None)


def test_without_policies_only_the_approved_list_is_checked() -> None:
    """No policy is evaluated, so every call with an approved guardrail is allowed."""
    verdict = guard(policies=None, principal=None).simulate("Converse", ask("converse", model=DENIED_MODEL))

    assert (verdict.decision, verdict.authorizations, verdict.guardrail) == ("allowed", (), HR)


def test_the_guard_uses_the_given_clock() -> None:
    """A policy that ends at a date is evaluated at the time of the call."""
    until = {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}
    policies = iam.PolicySet(identity=[document({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": until})])
    times = iter([datetime(2029, 12, 31, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)])
    guarded = guard(policies=policies, clock=lambda: next(times))

    decisions = [guarded.simulate("Converse", CONVERSE).decision for _ in range(2)]

    assert decisions == ["allowed", "implicitDeny"]


def test_tags_of_a_guardrail_are_known_when_they_are_given() -> None:
    """A condition on `aws:ResourceTag` is decided with the tags, and indeterminate without them."""
    tagged = Guardrail(HR.arn, version="3", name="hr", tags={"team": "hr"})
    condition = {"StringEquals": {"aws:ResourceTag/team": "hr"}}
    policies = iam.PolicySet(
        identity=[
            document(
                {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"},
                {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": "*", "Condition": condition},
            )
        ]
    )

    assert guard(policies=policies, guardrails=[tagged]).simulate("Converse", CONVERSE).decision == "allowed"
    verdict = guard(policies=policies).simulate("Converse", CONVERSE)
    assert (verdict.decision, verdict.hangs_on) == ("indeterminate", ("aws:ResourceTag/team",))


@pytest.mark.parametrize(("vocabulary", "told"), [("aws", True), ("invoke-with-guardrail", False)])
def test_the_denial_of_a_policy_of_the_article_has_a_hint(vocabulary: Any, told: Any) -> None:
    """The policy grants an action that AWS does not have, so its author expects an allow."""
    statement = {"Sid": "Old", "Effect": "Allow", "Action": "bedrock:InvokeModelWithGuardrail", "Resource": PUBLIC.arn}
    guarded = guard(policies=iam.PolicySet(identity=[document(statement)]), vocabulary=vocabulary)
    verdict = guarded.simulate("Converse", CONVERSE)

    error = denial("Converse", verdict, guarded.rules)

    hint = "statement `Old` of identity[0] names `bedrock:InvokeModelWithGuardrail`, an action that does not exist"
    assert verdict.decision == "implicitDeny"
    assert (hint in str(error.hint)) is told


def test_an_allowed_verdict_has_no_denial() -> None:
    """Its message is None."""
    guarded = guard()

    with pytest.raises(LookupError):
        denial("Converse", guarded.simulate("Converse", CONVERSE), guarded.rules)


def test_settings_come_from_a_file_and_from_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code overrides the file; a setting in neither has its default."""
    monkeypatch.delenv("GUARDEDBEDROCK_CONFIG", raising=False)
    (tmp_path / "hr.json").write_text(json.dumps(POLICY), "utf-8")
    toml = tmp_path / "guardedbedrock.toml"
    toml.write_text(
        f'principal = "{ROLE}"\nmode = "report"\n[policies]\nidentity = ["hr.json"]\n'
        f'[[guardrails]]\narn = "{HR.arn}"\nversion = "3"\nname = "hr"\n',
        "utf-8",
    )

    made = Guard.from_config(toml, on_intervention="raise")

    assert made.rules.approved == (HR,)
    assert (made.rules.mode, made.rules.on_intervention, made.rules.on_unapproved) == ("report", "raise", "refuse")
    assert made.simulate("Converse", ask("converse", model=DENIED_MODEL)).decision == "explicitDeny"


def test_a_simulation_of_an_unknown_caller_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without credentials, STS cannot tell who calls."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)

    with pytest.raises(PreflightUnavailableError, match="cannot be evaluated"):
        guard(principal="caller").simulate("Converse", CONVERSE)
