"""Models that take no guardrail: the table, the setting `unsupported_models`, and the backstop policy."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import ConfigurationError, Guard, Guardrail, UnguardableOperationError
from guardedbedrock.bedrock import OPERATIONS, Caller, Inventory, authorizations
from guardedbedrock.bedrock.resources.unsupported_models import UNSUPPORTED_MODELS, sendable_patterns, unsupported_kind
from guardedbedrock.iam import PolicySet, Request

ARN: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"
ROLE: Final = "arn:aws:iam::111122223333:role/App"
APPLICATION: Final = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/p1"
TITAN: Final = "amazon.titan-embed-text-v2:0"
CHAT: Final = "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (TITAN, "embedding"),
        ("amazon.titan-embed-image-v1", "embedding"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "embedding"),
        ("cohere.embed-multilingual-v3", "embedding"),
        ("us.cohere.embed-v4:0", "embedding"),
        ("arn:aws:bedrock:us-east-1:111122223333:inference-profile/global.cohere.embed-v4:0", "embedding"),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN}", "embedding"),
        ("amazon.rerank-v1:0", "rerank"),
        ("cohere.rerank-v3-5:0", "rerank"),
        ("amazon.nova-sonic-v1:0", "speech"),
        ("amazon.nova-2-sonic-v1:0", "speech"),
        ("luma.ray-v2:0", "video"),
        ("acme.embed-1", "configured"),
        (APPLICATION, "embedding"),
        (CHAT, None),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", None),
        ("mixed", None),
        (f"arn:aws:bedrock:us-east-1:111122223333:imported-model/{TITAN}", None),
        (f"arn:aws:bedrock:us-east-1:111122223333:custom-model/{TITAN}", None),
        (f"anthropic.claude-v2/{TITAN}", None),
        (f"{TITAN}/../{CHAT}", None),
        (f"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2/{TITAN}", None),
        (f"xamazon.titan-embed-{CHAT}", None),
        ("", None),
        (None, None),
    ],
)
def test_unsupported_kind(model: str | None, expected: str | None) -> None:
    """A profile takes no guardrail only if none of its models does; other ARNs and paths never match."""
    resolved = {APPLICATION: (TITAN, "cohere.embed-v4:0"), "mixed": (TITAN, CHAT)}

    assert unsupported_kind(model, ("acme.*",), resolved) == expected


def guard(**options: Any) -> Guard:
    """Create a guard with one approved guardrail."""
    return Guard(guardrails=[Guardrail(ARN, "3")], **options)


def simulate(model: str, operation: str = "InvokeModel", **options: Any) -> Any:
    """Simulate a call to a model."""
    return guard(**options).simulate(operation, {"modelId": model, "body": b"{}"})


def test_an_embedding_is_sent_without_a_guardrail_by_default() -> None:
    """A chat call of the same guard has the guardrail."""
    assert simulate(TITAN).guardrail is None
    assert "guardrailIdentifier" not in simulate(TITAN).params
    assert simulate(CHAT).params["guardrailIdentifier"] == ARN


def test_a_configured_model_is_sent_without_a_guardrail() -> None:
    """The setting adds patterns to the table."""
    assert simulate("acme.embed-1", models_without_guardrail=["acme.embed-*"]).guardrail is None
    assert simulate("acme.chat-1", models_without_guardrail=["acme.embed-*"]).guardrail is not None


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (TITAN, {"unsupported_models": "refuse"}),
        ("acme.embed-1", {"unsupported_models": "refuse", "models_without_guardrail": ["acme.embed-*"]}),
        ("luma.ray-v2:0", {}),
        ("amazon.nova-sonic-v1:0", {"unsupported_models": "refuse"}),
    ],
)
def test_a_model_without_guardrail_is_refused(model: str, options: dict[str, Any]) -> None:
    """A model that generates content is always refused; `refuse` also refuses embeddings."""
    with pytest.raises(UnguardableOperationError, match="takes no guardrail") as refused:
        simulate(model, **options)

    assert "models_without_guardrail" in str(refused.value.hint)


def test_an_embedding_that_names_an_approved_guardrail_keeps_it() -> None:
    """AWS does not document whether it accepts the guardrail, so the caller decides."""
    params = {"modelId": TITAN, "body": b"{}", "guardrailIdentifier": ARN, "guardrailVersion": "3"}

    assert guard().simulate("InvokeModel", params).params["guardrailIdentifier"] == ARN


def test_the_backstop_rejects_an_unknown_value_for_api_keys() -> None:
    with pytest.raises(ConfigurationError, match="`shortterm` is not a value; did you mean `short-term`"):
        guard().backstop_policy(api_keys="shortterm")  # type: ignore[arg-type]


def test_the_backstop_leaves_out_exactly_the_models_that_are_sent() -> None:
    """Embeddings and configured models are allowed, chat and speech models are denied."""
    policy = guard(models_without_guardrail=["acme.embed-*"]).backstop_policy()
    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    policies = PolicySet(identity=[policy, allow])

    def outcome(model: str) -> str:
        resource = f"arn:aws:bedrock:us-east-1::foundation-model/{model}"
        return policies.evaluate(Request(ROLE, "bedrock:InvokeModel", resource)).outcome

    sent = (TITAN, "cohere.rerank-v3-5:0", "amazon.nova-2-multimodal-embeddings-v1:0", "acme.embed-1")
    assert {model: outcome(model) for model in sent} == dict.fromkeys(sent, "allowed")
    denied = (CHAT, "amazon.nova-sonic-v1:0", "luma.ray-v2:0", "acme.chat-1")
    assert {model: outcome(model) for model in denied} == dict.fromkeys(denied, "explicitDeny")


def test_the_backstop_of_refuse_leaves_out_no_model() -> None:
    """Without calls to unsupported models, the Deny has no exceptions for models."""
    policy = guard(unsupported_models="refuse").backstop_policy()

    assert [one for one in policy["Statement"][0]["NotResource"] if "foundation-model" in one] == []


def test_sendable_patterns_are_the_models_that_generate_nothing() -> None:
    """Each pattern of the table is either sendable or always refused."""
    expected = {pattern for pattern, kind in UNSUPPORTED_MODELS.items() if kind in ("embedding", "rerank")}

    assert set(sendable_patterns(())) == expected


@pytest.mark.parametrize("model", ["us.amazon.nova-lite-v1:0", APPLICATION])
@pytest.mark.parametrize(
    ("setting", "present", "unknown"), [("unknown", False, True), ("present", True, False), ("absent", False, False)]
)
def test_guardrail_on_profiles(model: str, setting: Any, present: bool, unknown: bool) -> None:  # noqa: FBT001
    """The setting decides about the authorization of the profile; the one of its model always carries the guardrail."""
    params = {"modelId": model, "guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "3"}}
    key = "bedrock:GuardrailIdentifier"

    profile, behind = authorizations(
        OPERATIONS["Converse"], params, Caller(ROLE, "us-east-1"), Inventory(guardrail_on_profiles=setting)
    ).requests[:2]

    assert (profile.context.get(key) == f"{ARN}:3", key in profile.unknown) == (present, unknown)
    assert behind.context[key] == f"{ARN}:3"


@pytest.mark.parametrize(
    ("setting", "expected"), [("unknown", "indeterminate"), ("present", "allowed"), ("absent", "implicitDeny")]
)
def test_guardrail_on_profiles_decides_the_verdict(setting: Any, expected: str) -> None:
    """An Allow with a condition on the guardrail covers the profile only if AWS sets the key there."""
    allow = {
        "Effect": "Allow",
        "Action": "bedrock:InvokeModel",
        "Resource": "*",
        "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:3"}},
    }
    apply = {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": ARN}
    policies = PolicySet(identity=[{"Version": "2012-10-17", "Statement": [allow, apply]}])

    verdict = guard(policies=policies, principal=ROLE, guardrail_on_profiles=setting).simulate(
        "Converse", {"modelId": "us.amazon.nova-lite-v1:0"}
    )

    assert verdict.decision == expected
