"""Parameters that the policies or `on_indirect` were evaluated for, and that a handler adds or changes afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import HR, MODEL, ROLE, ask

from guardedbedrock import Guard, GuardrailTamperedError, UnguardableOperationError, iam

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

ALLOW: Final = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
ALLOW_ALL: Final = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": ALLOW}])


def denying(keys: dict[str, str]) -> iam.PolicySet:
    """Return policies that allow everything except model calls with these values of context keys."""
    deny = {**ALLOW, "Effect": "Deny", "Action": "bedrock:InvokeModel*", "Condition": {"StringEquals": keys}}
    return iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [ALLOW, deny]}])


DENY_PRIORITY: Final = denying({"bedrock:ServiceTier": "priority"})
OPEN: Final = denying({"bedrock:ServiceTier": "priority", "aws:PrincipalTag/team": "x"})
TIER_HEADER: Final = "X-Amzn-Bedrock-Service-Tier"
ALIAS: Final = "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT12345/ALIAS12345"
INLINE: Final = {"foundationModel": MODEL, "instruction": "x" * 50, "sessionId": "s1", "inputText": "hi"}
COLLABORATORS: Final = {
    "agentCollaboration": "SUPERVISOR",
    "collaboratorConfigurations": [{"collaboratorName": "c", "collaboratorInstruction": "d", "agentAliasArn": ALIAS}],
}


def with_tier(params: dict[str, Any], model: Any, **_: Any) -> None:
    params["serviceTier"] = {"type": "priority"} if model.name.startswith("Converse") else "priority"


def test_parameter_for_which_a_policy_denies_the_call_is_refused(harness: Make) -> None:
    env = harness(policies=DENY_PRIORITY)
    on(env, "provide-client-params", with_tier)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("event", ["before-sign", "before-send"])
def test_header_for_which_a_policy_denies_the_call_is_refused(harness: Make, event: str) -> None:
    env = harness(policies=DENY_PRIORITY)
    on(env, event, lambda request, **_: request.headers.__setitem__(TIER_HEADER, "priority"))

    assert try_all(env, METHODS[2:]) == len(METHODS[2:])
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("policies", [ALLOW_ALL, None], ids=["allowed", "no policies"])
def test_parameter_that_no_policy_denies_is_sent(harness: Make, policies: Any) -> None:
    env = harness(policies=policies)
    on(env, "provide-client-params", with_tier)

    assert try_all(env) == 0
    assert [request.params["serviceTier"] for request in env.fake.requests][:1] == [{"type": "priority"}]
    assert len(env.fake.requests) == len(METHODS)
    assert unguarded(env.fake) == []


def test_parameter_that_leaves_the_decision_open_is_refused_under_on_indeterminate_refuse(harness: Make) -> None:
    env = harness(policies=OPEN, on_indeterminate="refuse")
    on(env, "provide-client-params", with_tier)

    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**ask("converse"), serviceTier={"type": "default"})
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_parameter_that_leaves_the_decision_open_is_sent_under_on_indeterminate_send(harness: Make) -> None:
    env = harness(policies=OPEN)
    on(env, "provide-client-params", with_tier)

    env.client.converse(**ask("converse"), serviceTier={"type": "default"})

    assert unguarded(env.fake) == []
    assert [request.params["serviceTier"] for request in env.fake.requests] == [{"type": "priority"}]


def _with_agent(params: dict[str, Any], **_: Any) -> None:
    params["definition"]["nodes"].append({"name": "a", "type": "Agent", "configuration": {"agent": {"agentAliasArn": ALIAS}}})


PROMPT: Final = {
    "sourceConfiguration": {
        "inline": {"modelId": MODEL, "templateType": "TEXT", "templateConfiguration": {"text": {"text": "hi"}}},
    }
}
FLOW: Final = {
    "name": "f",
    "executionRoleArn": "arn:aws:iam::123456789012:role/x",
    "definition": {"nodes": [{"name": "p", "type": "Prompt", "configuration": {"prompt": PROMPT}}], "connections": []},
}
INDIRECT: Final[dict[str, tuple[str, str, dict[str, Any], Callable[..., None]]]] = {
    "collaborators": (
        "bedrock-agent-runtime",
        "invoke_inline_agent",
        INLINE,
        lambda params, **_: params.update(COLLABORATORS),
    ),
    "a node": ("bedrock-agent", "create_flow", FLOW, _with_agent),
}


@pytest.mark.parametrize(("service", "method", "params", "add"), INDIRECT.values(), ids=INDIRECT)
def test_what_aws_makes_call_models_and_was_not_checked_is_refused(
    harness: Make, service: str, method: str, params: dict[str, Any], add: Callable[..., None]
) -> None:
    env = harness()
    guard = Guard(guardrails=[HR], principal=ROLE, on_indirect="refuse", listeners=())
    client = guard.client(service, **env.fake.client_kwargs())
    client.meta.events.register("provide-client-params", add)

    with pytest.raises(GuardrailTamperedError, match="makes AWS call other models"):
        getattr(client, method)(**params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_collaborators_of_the_caller_are_refused_before_the_gate(harness: Make) -> None:
    env = harness()
    guard = Guard(guardrails=[HR], principal=ROLE, on_indirect="refuse", listeners=())

    with pytest.raises(UnguardableOperationError):
        guard.client("bedrock-agent-runtime", **env.fake.client_kwargs()).invoke_inline_agent(**INLINE, **COLLABORATORS)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_tier_of_the_caller_is_evaluated(harness: Make) -> None:
    env = harness(policies=ALLOW_ALL)

    env.client.converse(**ask("converse"), serviceTier={"type": "priority"})
    env.client.invoke_model(**ask("invoke_model"), serviceTier="priority")

    assert unguarded(env.fake) == []
    assert len(env.fake.requests) == 2
