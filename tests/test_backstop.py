"""The backstop policy: the fake with this policy denies calls that bypass the guard."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from harness.bypass import METHODS
from harness.clients import HR, MODEL, PUBLIC, ROLE, S3, WEAK, ask, read

from guardedbedrock import ConfigurationError, ExplicitDenyError, Guard, Guardrail, iam
from guardedbedrock.bedrock import OPERATIONS, Caller, Inventory, authorizations
from guardedbedrock.bedrock.operations import TABLE
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALLOW: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DRAFT: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/draft0000001", version="DRAFT", name="draft")
IRISH: Final = Guardrail("arn:aws:bedrock:eu-west-1:123456789012:guardrail/irish0000001", version="7", name="irish")
APPROVED: Final = (HR, DRAFT, IRISH)
OTHERS: Final = {
    "none": None,
    "another": (WEAK["guardrailIdentifier"], "1"),
    "another that exists": (PUBLIC.arn, "1"),
    "another version": (HR.arn, "2"),
    "the draft of a numbered one": (HR.arn, "DRAFT"),
    "a number of a draft": (DRAFT.arn, "1"),
}


def guard(*guardrails: Guardrail, **options: Any) -> Guard:
    """Create a guard."""
    return Guard(guardrails=guardrails or APPROVED, listeners=(), allow_draft=True, **options)


def params(method: str, named: tuple[str, str] | None) -> dict[str, Any]:
    """Return the parameters of a call with a guardrail, or without one."""
    if named is None:
        return ask(method)
    both = dict(zip(("guardrailIdentifier", "guardrailVersion"), named, strict=True))
    return {**ask(method), **({"guardrailConfig": both} if method.startswith("converse") else both)}


@pytest.fixture(name="plain")
def make_plain() -> Iterator[Callable[..., Any]]:
    """Create plain clients of a fake with the backstop policy."""
    with ExitStack() as stack:

        def made(**options: Any) -> Any:
            policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy(**options)])
            shelf = [FakeGuardrail(g.arn, version=g.version) for g in (HR, PUBLIC, DRAFT)]
            shelf += [
                FakeGuardrail(HR.arn, version="2"),
                FakeGuardrail(DRAFT.arn, version="1"),
                FakeGuardrail("weak00000001", version="1"),
            ]
            fake = stack.enter_context(FakeBedrock(guardrails=shelf, policies=policies, principal=ROLE))
            client = boto3.client("bedrock-runtime", **fake.client_kwargs())
            stack.callback(client.close)
            return client

        yield made


@pytest.mark.parametrize("named", [(HR.arn, "3"), (HR.id, "3"), (DRAFT.arn, "DRAFT")], ids=["ARN", "ID", "DRAFT"])
@pytest.mark.parametrize("method", METHODS)
def test_a_call_with_an_approved_guardrail_is_allowed(plain: Callable[..., Any], method: str, named: tuple[str, str]) -> None:
    """The guardrail and the version must both be approved."""
    assert read(getattr(plain(), method)(**params(method, named)))


@pytest.mark.parametrize("named", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("method", METHODS)
def test_other_calls_are_denied(plain: Callable[..., Any], method: str, named: tuple[str, str] | None) -> None:
    """AWS returns an explicit deny."""
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        getattr(plain(), method)(**params(method, named))


def test_a_batch_job_is_denied(plain: Callable[..., Any]) -> None:
    """It cannot carry a guardrail and is authorized as a model call."""
    with pytest.raises(ClientError, match="explicit deny"):
        plain().start_async_invoke(modelId=MODEL, modelInput={}, outputDataConfig=S3)


def test_calls_without_inference_are_allowed(plain: Callable[..., Any]) -> None:
    """Counting tokens, listing, and applying a guardrail do not call a model."""
    client = plain(api_keys="deny", deny_indirect=True)

    client.list_async_invokes()
    client.apply_guardrail(**WEAK, source="INPUT", content=[{"text": {"text": "hello"}}])
    assert client.count_tokens(modelId=MODEL, input={"converse": {"messages": ask("converse")["messages"]}})["inputTokens"]


MODELS: Final = {
    "a foundation model": MODEL,
    "a profile of a geography": f"us.{MODEL}",
    "a global profile": f"global.{MODEL}",
    "an application profile": "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
    "provisioned throughput": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
    "an imported model": "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl",
    "a deployment": "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl",
}
PROFILES: Final = {MODELS["an application profile"]: (MODEL,)}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_backstop_covers_every_kind_of_model(model: str) -> None:
    """A profile is left out of the Deny, because its models are authorized too and deny an unguarded call."""
    policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy()])
    guarded = guard(policies=policies, principal=ROLE, profiles=PROFILES).simulate("Converse", ask("converse", model=model))
    bare = authorizations(
        OPERATIONS["Converse"], ask("converse", model=model), Caller(ROLE, "us-east-1"), Inventory(resolved_models=PROFILES)
    )
    denied = [asked.request for asked in bare.authorizations if policies.evaluate(asked.request).outcome == "explicitDeny"]

    assert guarded.decision == "allowed"
    assert denied
    assert not any("inference-profile/" in request.resource for request in denied)


@pytest.mark.parametrize(("region", "named"), [("eu-west-1", IRISH), ("us-east-1", HR)])
def test_guardrails_of_several_regions_are_in_one_list(region: str, named: Guardrail) -> None:
    """AWS rejects a guardrail of another region itself."""
    policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy()])
    made = guard(policies=policies, principal=ROLE)

    verdict = made.simulate("ConverseStream", ask("converse"), region_name=region)

    assert (verdict.decision, verdict.guardrail) == ("allowed", named)


OPTIONS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    "by default": ({}, {"bedrock-mantle:CreateInference": "explicitDeny", "bedrock:InvokeAgent": "allowed"}),
    "mantle allowed": ({"allow_mantle": True}, {"bedrock-mantle:CreateInference": "allowed"}),
    "indirect calls denied": (
        {"deny_indirect": True},
        {
            "bedrock:InvokeAgent": "explicitDeny",
            "bedrock:CreateModelInvocationJob": "explicitDeny",
            "bedrock:GetGuardrail": "allowed",
            "bedrock:Retrieve": "allowed",
        },
    ),
}


def test_backstop_denies_every_operation_that_makes_aws_call_models() -> None:
    """The actions are those of the table of operations: indirect inference, and what needs a guardrail beside model calls."""
    policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy(deny_indirect=True)])
    building = {"CreateAgent", "CreateFlow", "Retrieve", "UpdateAgent", "UpdateFlow"}
    rows = [row for row in TABLE if row.service != "bedrock-runtime" and (row.indirect or row.needs_guardrail)]
    actions = {row.required_actions[0].iam_action for row in rows if row.name not in building}

    assert {action for action in actions if policies.evaluate(iam.Request(ROLE, action, "*")).outcome != "explicitDeny"} == set()


@pytest.mark.parametrize(("options", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_backstop_options_add_statements(options: dict[str, Any], expected: dict[str, str]) -> None:
    """Mantle, indirect inference and API keys are other routes to a model."""
    policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy(**options)])

    found = {action: policies.evaluate(iam.Request(ROLE, action, "*")).outcome for action in expected}

    assert found == expected


@pytest.mark.parametrize(
    ("api_keys", "short", "long"),
    [("allow", "allowed", "allowed"), ("short-term", "allowed", "explicitDeny"), ("deny", "explicitDeny", "explicitDeny")],
)
def test_backstop_denies_api_keys_by_kind(api_keys: Any, short: str, long: str) -> None:
    """The statement tests `bedrock:BearerTokenType`."""
    policies = iam.PolicySet(identity=[ALLOW, guard().backstop_policy(api_keys=api_keys)])

    def outcome(kind: str) -> str:
        context = {"bedrock:BearerTokenType": kind}
        return policies.evaluate(iam.Request(ROLE, "bedrock:CallWithBearerToken", "*", context)).outcome

    assert (outcome("SHORT_TERM"), outcome("LONG_TERM")) == (short, long)


@pytest.mark.parametrize("policy_type", ["identity", "boundary", "scp"])
def test_backstop_fits_the_size_limit(policy_type: Any) -> None:
    """A few dozen guardrails fit; the linter finds a policy that is too long."""
    many = [Guardrail(HR.arn.replace("abc123def456", f"many{number:08}"), version="1") for number in range(90)]
    every: dict[str, Any] = {"api_keys": "deny", "deny_indirect": True}

    assert iam.findings(guard(*many[:40]).backstop_policy(**every), policy_type) == ()
    assert [finding.code for finding in iam.findings(guard(*many).backstop_policy(**every), policy_type)] == ["policy-size"]


def test_backstop_leaves_out_profiles_of_the_guardrails_partition() -> None:
    """The ARNs of profiles have the partition of the guardrail."""
    gov = Guardrail("arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123def456", version="1")

    statement = guard(gov).backstop_policy()["Statement"][0]

    assert all(pattern.startswith("arn:aws-us-gov:bedrock:*:") for pattern in statement["NotResource"])


def test_backstop_requires_an_approved_guardrail() -> None:
    """Without one, the policy would deny every call."""
    with pytest.raises(ConfigurationError, match="would deny every call"):
        Guard(guardrails=(), mode="off").backstop_policy()


def test_backstop_rejects_a_guardrail_id_that_aws_rejects() -> None:
    """AWS accepts lower-case letters and digits only."""
    modelled = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/G-HR", version="1")

    with pytest.raises(ConfigurationError, match="AWS accepts only lower-case letters and digits"):
        guard(modelled, vocabulary="invoke-with-guardrail").backstop_policy()


def test_backstop_is_a_json_policy_that_the_guard_can_load() -> None:
    """The guard denies with it as AWS does."""
    policy = json.loads(json.dumps(guard().backstop_policy()))
    made = guard(HR, policies=iam.PolicySet(identity=[ALLOW, policy]), principal=ROLE, allow_unguarded=["StartAsyncInvoke"])

    client: Any = made.client("bedrock-runtime", region_name="us-east-1")
    with pytest.raises(ExplicitDenyError):
        client.start_async_invoke(modelId=MODEL, modelInput={}, outputDataConfig=S3)
