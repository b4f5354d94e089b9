"""The authorizations of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guardedbedrock import ConfigurationError, Guardrail
from guardedbedrock.bedrock import AUTHORIZERS, OPERATIONS, Caller, Inventory, authorizations
from guardedbedrock.bedrock.authorization.vocabulary import check_guardrail_id
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.context import UNKNOWN

ROLE = "arn:aws:iam::123456789012:role/App"
US = "arn:aws:bedrock:us-east-1"
GUARDRAIL = f"{US}:123456789012:guardrail/abc123def456"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
NAMED = {"guardrailConfig": {"guardrailIdentifier": GUARDRAIL, "guardrailVersion": "3"}}
INVOKE, APPLY = "bedrock:InvokeModel", "bedrock:ApplyGuardrail"
APPLIED = (APPLY, GUARDRAIL)
SYSTEM_TOOL = {"tools": [{"systemTool": {"name": "nova_grounding"}}]}


def ask(operation: str, params: dict[str, Any], caller: Caller | None = None, **options: Any) -> list[Any]:
    """Return the IAM requests of a call."""
    return list(authorizations(OPERATIONS[operation], params, caller or Caller(ROLE, "us-east-1"), **options).requests)


@pytest.mark.parametrize(
    ("operation", "params", "asked"),
    [
        ("Converse", {"modelId": HAIKU}, [(INVOKE, f"{US}::foundation-model/{HAIKU}")]),
        ("Converse", {"modelId": HAIKU, **NAMED}, [(INVOKE, f"{US}::foundation-model/{HAIKU}"), APPLIED]),
        ("ConverseStream", {"modelId": HAIKU}, [("bedrock:InvokeModelWithResponseStream", f"{US}::foundation-model/{HAIKU}")]),
        (
            "InvokeModel",
            {"modelId": HAIKU, "guardrailIdentifier": "abc123def456", "guardrailVersion": "3"},
            [(INVOKE, f"{US}::foundation-model/{HAIKU}"), APPLIED],
        ),
        (
            "InvokeModelWithResponseStream",
            {"modelId": f"arn:aws:bedrock:eu-west-1::foundation-model/{HAIKU}"},
            [("bedrock:InvokeModelWithResponseStream", f"arn:aws:bedrock:eu-west-1::foundation-model/{HAIKU}")],
        ),
        (
            "Converse",
            {"modelId": f"us.{HAIKU}"},
            [
                (INVOKE, f"{US}:123456789012:inference-profile/us.{HAIKU}"),
                (INVOKE, f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"),
                (INVOKE, f"arn:aws:bedrock:us-west-2::foundation-model/{HAIKU}"),
            ],
        ),
        (
            "Converse",
            {"modelId": "xx.anthropic.claude-new"},
            [
                (INVOKE, f"{US}:123456789012:inference-profile/xx.anthropic.claude-new"),
                (INVOKE, "arn:aws:bedrock:*::foundation-model/anthropic.claude-new"),
            ],
        ),
        (
            "Converse",
            {"modelId": "zai.glm-4.7"},
            [(INVOKE, f"{US}::foundation-model/zai.glm-4.7")],
        ),
        (
            "Converse",
            {"modelId": f"global.{HAIKU}"},
            [
                (INVOKE, f"{US}:123456789012:inference-profile/global.{HAIKU}"),
                (INVOKE, f"{US}::foundation-model/{HAIKU}"),
                (INVOKE, f"arn:aws:bedrock:::foundation-model/{HAIKU}"),
            ],
        ),
        (
            "Converse",
            {"modelId": f"{US}:123456789012:application-inference-profile/p1"},
            [(INVOKE, f"{US}:123456789012:application-inference-profile/p1"), (INVOKE, "arn:aws:bedrock:*::foundation-model/*")],
        ),
        (
            "InvokeModel",
            {"modelId": f"{US}:123456789012:provisioned-model/p1"},
            [(INVOKE, f"{US}:123456789012:provisioned-model/p1")],
        ),
        (
            "StartAsyncInvoke",
            {"modelId": HAIKU},
            [(INVOKE, f"{US}::foundation-model/{HAIKU}"), (INVOKE, f"{US}:123456789012:async-invoke/*")],
        ),
        (
            "GetAsyncInvoke",
            {"invocationArn": f"{US}:123456789012:async-invoke/j"},
            [("bedrock:GetAsyncInvoke", f"{US}:123456789012:async-invoke/j")],
        ),
        ("ListAsyncInvokes", {}, [("bedrock:ListAsyncInvokes", "*")]),
        ("ApplyGuardrail", {"guardrailIdentifier": "abc123def456", "guardrailVersion": "3"}, [APPLIED]),
        ("InvokeGuardrailChecks", {}, [("bedrock:InvokeGuardrailChecks", "*")]),
        ("CountTokens", {"modelId": HAIKU}, [("bedrock:CountTokens", f"{US}::foundation-model/{HAIKU}")]),
        ("CreateGuardrail", {"name": "n"}, [("bedrock:CreateGuardrail", f"{US}:123456789012:guardrail/*")]),
        (
            "CreateGuardrail",
            {"name": "n", "tags": [{"key": "Project", "value": "x"}]},
            [
                ("bedrock:CreateGuardrail", f"{US}:123456789012:guardrail/*"),
                ("bedrock:TagResource", f"{US}:123456789012:guardrail/*"),
            ],
        ),
        ("UpdateGuardrail", {"guardrailIdentifier": GUARDRAIL}, [("bedrock:UpdateGuardrail", GUARDRAIL)]),
        ("ListGuardrails", {}, [("bedrock:ListGuardrails", "*")]),
        ("TagResource", {"resourceARN": GUARDRAIL, "tags": []}, [("bedrock:TagResource", GUARDRAIL)]),
    ],
)
def test_a_call_requires_what_aws_authorizes(operation: str, params: dict[str, Any], asked: list[tuple[str, str]]) -> None:
    """Each action on each resource, in the order in which AWS evaluates them."""
    assert [(request.action, request.resource) for request in ask(operation, params)] == asked


@pytest.mark.parametrize(("version", "key"), [("3", f"{GUARDRAIL}:3"), ("DRAFT", GUARDRAIL)])
def test_guardrail_identifier_is_in_the_context_of_the_model_only(version: str, key: str) -> None:
    """The key is the ARN and the version, or the ARN alone for DRAFT; ApplyGuardrail does not carry it."""
    params = {"modelId": HAIKU, "guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": version}}

    invoke, apply = ask("Converse", params)

    assert invoke.context["bedrock:GuardrailIdentifier"] == key
    assert "bedrock:GuardrailIdentifier" not in apply.context


def test_without_a_guardrail_guardrail_identifier_is_known_to_be_absent() -> None:
    """A Deny with a negated operator matches because the key is absent."""
    (request,) = ask("Converse", {"modelId": HAIKU})

    assert "bedrock:GuardrailIdentifier" not in request.context
    assert "bedrock:GuardrailIdentifier" not in request.unknown


def test_a_geographic_profile_sets_its_arn_on_its_models_and_leaves_the_region_unknown() -> None:
    """AWS chooses the region that a geographic profile routes to."""
    profile, behind = ask("Converse", {"modelId": "us.anthropic.claude-new", **NAMED})[:2]

    assert behind.context["bedrock:InferenceProfileArn"] == profile.resource
    assert {"resource:region", "aws:RequestedRegion"} <= set(behind.unknown)
    assert "aws:RequestedRegion" not in behind.context
    assert "bedrock:GuardrailIdentifier" in profile.unknown


APPLICATION = f"{US}:123456789012:application-inference-profile/abc"
NOVA = "amazon.nova-lite-v1:0"


def model_arn(region: str, model: str = NOVA) -> str:
    """Return the ARN of a foundation model."""
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


@pytest.mark.parametrize(
    ("profiles", "models"),
    [
        ({APPLICATION: (NOVA,)}, [(model_arn("us-east-1"), "us-east-1")]),
        (
            {APPLICATION: (f"us.{NOVA}",)},
            [(model_arn(region), region) for region in ("us-east-1", "us-east-2", "us-west-2")],
        ),
        (
            {APPLICATION: (f"{US}:123456789012:inference-profile/us.{NOVA}",)},
            [(model_arn(region), region) for region in ("us-east-1", "us-east-2", "us-west-2")],
        ),
        (
            {APPLICATION: (f"global.{NOVA}",)},
            [(model_arn("us-east-1"), "us-east-1"), (model_arn(""), "unspecified")],
        ),
        ({APPLICATION: ("us.acme.new-v1:0",)}, [(model_arn("*", "acme.new-v1:0"), UNKNOWN)]),
        (
            {APPLICATION: (f"us.{NOVA}",), f"us.{NOVA}": (model_arn("us-west-1"),)},
            [(model_arn("us-west-1"), "us-west-1")],
        ),
        ({APPLICATION: (APPLICATION,)}, [(model_arn("*", "*"), UNKNOWN)]),
    ],
)
def test_an_application_profile_of_a_system_profile_is_authorized_on_the_models(
    profiles: dict[str, tuple[str, ...]], models: list[tuple[str, Any]]
) -> None:
    """The system-defined profile itself is not authorized, and the key shows the application profile."""
    profile, *asked = ask("Converse", {"modelId": APPLICATION}, inventory=Inventory(resolved_models=profiles))

    assert profile.resource == APPLICATION
    assert [(one.resource, one.facts["aws:requestedregion"]) for one in asked] == models
    assert {one.context["bedrock:InferenceProfileArn"] for one in asked} == {APPLICATION}


@pytest.mark.parametrize("own", [f"us.{NOVA}", f"{US}:123456789012:inference-profile/us.{NOVA}"])
def test_a_profile_that_names_itself_has_the_documented_models(own: str) -> None:
    asked = ask("Converse", {"modelId": f"us.{NOVA}"}, inventory=Inventory(resolved_models={f"us.{NOVA}": (own,)}))

    assert [one.resource for one in asked[1:]] == [model_arn(region) for region in ("us-east-1", "us-east-2", "us-west-2")]


@pytest.mark.parametrize(
    ("model", "resource"),
    [
        ("mx.acme.model-v1:0", "arn:aws:bedrock:*:*:*"),
        ("acme.model-v1.5:0", "arn:aws:bedrock:*:*:*"),
        ("acme.model-v1:0", model_arn("us-east-1", "acme.model-v1:0")),
        ("anthropic.claude-5.1", model_arn("us-east-1", "anthropic.claude-5.1")),
        ("throughput", f"{US}:123456789012:*"),
    ],
)
def test_a_name_that_may_be_a_model_or_a_profile_is_unknown(model: str, resource: str) -> None:
    """A first label that is neither a provider nor a geography tells nothing if two more follow."""
    assert [one.resource for one in ask("Converse", {"modelId": model})] == [resource]


def test_a_name_of_an_unknown_kind_whose_models_are_configured_is_a_profile() -> None:
    name, model = "mx.acme.model-v1:0", model_arn("mx-central-1", "acme.model-v1:0")

    asked = ask("Converse", {"modelId": name}, inventory=Inventory(resolved_models={name: (model,)}))

    assert [one.resource for one in asked] == [f"{US}:123456789012:inference-profile/{name}", model]


def test_a_listed_model_whose_name_has_an_unknown_form_is_a_foundation_model() -> None:
    name, model = "us.acme.x", "newco.model-1.5-v1:0"

    asked = ask("Converse", {"modelId": name}, inventory=Inventory(resolved_models={name: (model,)}))

    assert [one.resource for one in asked] == [f"{US}:123456789012:inference-profile/{name}", model_arn("us-east-1", model)]


@pytest.mark.parametrize("kind", ["foundation-model", "inference-profile"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_a_policy_on_one_kind_decides_nothing_about_a_name_of_an_unknown_kind(effect: str, kind: str) -> None:
    every = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    one = {"Effect": effect, "Action": "bedrock:*", "Resource": f"arn:aws:bedrock:*:*:{kind}/*"}
    policies = PolicySet(identity={"Version": "2012-10-17", "Statement": [every, one] if effect == "Deny" else [one]})

    asked = authorizations(OPERATIONS["Converse"], {"modelId": "mx.acme.model-v1:0"}, Caller(ROLE, "us-east-1"))

    assert asked.outcome(tuple(map(policies.evaluate, asked.requests))) == "indeterminate"


def test_tokens_of_a_name_of_an_unknown_kind_are_counted_on_an_unknown_model() -> None:
    (asked,) = ask("CountTokens", {"modelId": "mx.acme.model-v1:0"})

    assert asked.resource == model_arn("*", "*")


@pytest.mark.parametrize("key", ["aws:RequestedRegion", "AWS:REQUESTEDREGION", "aws:requestedregion"])
@pytest.mark.parametrize(
    ("model", "regions"),
    [
        (f"global.{HAIKU}", ["eu-west-1", "us-east-1", "unspecified"]),
        (f"us.{HAIKU}", ["eu-west-1", "us-east-1", "us-west-2"]),
        ("us.anthropic.claude-new", ["eu-west-1", UNKNOWN]),
        (HAIKU, ["eu-west-1"]),
    ],
)
def test_the_region_of_an_authorization_overrides_a_configured_one_in_any_case(key: str, model: str, regions: list[Any]) -> None:
    """Names of context keys ignore case."""
    asked = ask("Converse", {"modelId": model}, Caller(ROLE, "us-east-1", context={key: "eu-west-1"}))

    assert [request.facts["aws:requestedregion"] for request in asked] == regions


@pytest.mark.parametrize("key", ["bedrock:ServiceTier", "BEDROCK:SERVICETIER"])
def test_a_configured_service_tier_is_known_in_any_case(key: str) -> None:
    (request,) = ask("Converse", {"modelId": HAIKU}, Caller(ROLE, "us-east-1", context={key: "flex"}))

    assert request.facts["bedrock:servicetier"] == "flex"


def test_a_global_profile_also_requires_the_model_in_the_unspecified_region() -> None:
    """AWS sets `aws:RequestedRegion` to `unspecified` for it."""
    regions = [request.context["aws:RequestedRegion"] for request in ask("Converse", {"modelId": f"global.{HAIKU}"})]

    assert regions == ["us-east-1", "us-east-1", "unspecified"]


def test_the_articles_vocabulary_requires_one_action_for_a_guarded_model_call() -> None:
    """With a guardrail, the action on the guardrail is the only authorization; without one, AWS's actions are required."""
    authorizer, caller = AUTHORIZERS["invoke-with-guardrail"], Caller(ROLE, "us-east-1")

    (guarded,) = authorizer(OPERATIONS["Converse"], {"modelId": HAIKU, **NAMED}, caller).requests
    (bare,) = authorizer(OPERATIONS["Converse"], {"modelId": HAIKU}, caller).requests

    assert (guarded.action, guarded.resource) == ("bedrock:InvokeModelWithGuardrail", GUARDRAIL)
    assert guarded.context["bedrock:GuardrailIdentifier"] == f"{GUARDRAIL}:3"
    assert bare.action == INVOKE


def test_request_tags_are_context_keys() -> None:
    """`aws:TagKeys` lists the tag keys, and each tag has its own `aws:RequestTag` key."""
    request = ask("CreateGuardrail", {"tags": [{"key": "Project", "value": "x"}, {"key": "Team", "value": "y"}]})[0]

    assert request.context["aws:TagKeys"] == ["Project", "Team"]
    assert request.context["aws:RequestTag/Project"] == "x"


@pytest.mark.parametrize(("tags", "known"), [({}, False), ({GUARDRAIL: {"Environment": "prod"}}, True)])
def test_guardrail_tags_are_unknown_unless_the_inventory_has_them(tags: dict[str, dict[str, str]], known: bool) -> None:  # noqa: FBT001
    """Missing knowledge of tags does not mean that there are none."""
    apply = ask("Converse", {"modelId": HAIKU, **NAMED}, inventory=Inventory(tags=tags))[-1]

    assert (apply.context.get("aws:ResourceTag/Environment") == "prod") == known
    assert ("aws:ResourceTag/*" in apply.unknown) != known


def test_the_time_is_unknown_until_it_is_set() -> None:
    """`AuthorizationSet.at` sets it."""
    untold = ask("ListGuardrails", {})[0]
    asked = authorizations(OPERATIONS["ListGuardrails"], {}, Caller(ROLE, "us-east-1"))
    (told,) = asked.at(datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert {"aws:CurrentTime", "aws:EpochTime"} <= set(untold.unknown)
    assert told.context["aws:CurrentTime"] == "2026-11-23T12:00:00Z"
    assert told.context["aws:EpochTime"] == "1795435200"
    assert "aws:CurrentTime" not in told.unknown


@pytest.mark.parametrize(
    ("principal", "context"),
    [
        (
            "arn:aws:iam::123456789012:user/division/alice",
            {
                "aws:PrincipalArn": "arn:aws:iam::123456789012:user/division/alice",
                "aws:PrincipalType": "User",
                "aws:username": "alice",
            },
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/App/s1",
            {"aws:PrincipalArn": None, "aws:PrincipalType": "AssumedRole", "aws:username": None},
        ),
        (ROLE, {"aws:PrincipalArn": ROLE, "aws:PrincipalAccount": "123456789012", "aws:username": None}),
        ("arn:aws-us-gov:iam::123456789012:root", {"aws:PrincipalType": "Account"}),
    ],
)
def test_context_keys_follow_from_the_principal(principal: str, context: dict[str, str | None]) -> None:
    """The ARN of a session does not contain the path of its role; only a user has a username."""
    (request,) = ask("ListGuardrails", {}, Caller(principal, "us-east-1"))

    assert {key: request.context.get(key) for key in context} == context


def test_configured_context_keys_are_known() -> None:
    """A configured key overrides the derived one, in any case."""
    caller = Caller(ROLE, "us-east-1", context={"aws:SourceVpce": "vpce-1", "AWS:PRINCIPALORGID": "o-1"})

    (request,) = ask("ListGuardrails", {}, caller)

    assert request.context["aws:SourceVpce"] == "vpce-1"
    assert not {"aws:SourceVpce", "aws:PrincipalOrgID"} & set(request.unknown)
    assert "aws:SourceIp" in request.unknown


@pytest.mark.parametrize(
    ("arn", "version", "fragment"),
    [
        ("abc123def456", "1", "is not the ARN of a guardrail"),
        (f"{GUARDRAIL}:1", "1", "without the version"),
        (f"{US}:123456789012:foundation-model/x", "1", "is not the ARN of a guardrail"),
        ("arn:aws:bedrock:::guardrail/abc", "1", "is not the ARN of a guardrail"),
        ("arn:aws:bedrock:us-esat-1:123456789012:guardrail/abc", "1", "`us-esat-1` is not the name of a Region"),
        (GUARDRAIL, "", "has no usable version"),
        (GUARDRAIL, "0", "has no usable version"),
        (GUARDRAIL, "01", "has no usable version"),
        (GUARDRAIL, "draft", "has no usable version"),
        (GUARDRAIL, "123456789", "has no usable version"),
        (GUARDRAIL, "٣", "has no usable version"),
    ],
)
def test_guardrail_rejects_an_arn_or_version_that_aws_rejects(arn: str, version: str, fragment: str) -> None:
    """The message says what to write."""
    with pytest.raises(ConfigurationError, match=fragment):
        Guardrail(arn, version)


def test_check_guardrail_id_accepts_an_id_of_the_article_only_in_its_vocabulary() -> None:
    """AWS accepts lower-case letters and digits only."""
    guardrail = Guardrail(f"{US}:123456789012:guardrail/G-HR-Compliance", "1")

    check_guardrail_id(guardrail, "invoke-with-guardrail")
    with pytest.raises(ConfigurationError, match="AWS accepts only lower-case letters and digits"):
        check_guardrail_id(guardrail, "aws")
