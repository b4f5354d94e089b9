"""Denials in one line: by every policy type, in this process, by AWS, and where the two differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from botocore.exceptions import ClientError

from guardedbedrock import AccessDeniedError, ConfigurationError, ImplicitDenyError, ModelAccessError
from guardedbedrock.core.events import PreflightDiverged
from guardedbedrock.iam import POLICY_TYPES
from guardedbedrock.iam.decision import sentences
from guardedbedrock.testing import DENIALS
from guardedbedrock.testing.denials.mutable_policies import actions_of

if TYPE_CHECKING:
    from guardedbedrock.core.events import Event
    from guardedbedrock.core.records import Call
    from guardedbedrock.guard import Guard
    from guardedbedrock.pytest_plugin.server import BedrockServer

OPUS = "anthropic.claude-3-opus-20240229-v1:0"
HERE = [name for name in POLICY_TYPES if name != "rcp"]
"""Policy types whose denials the guard treats as certain."""


def denial_of(client: Any, ask: dict[str, Any]) -> Any:
    """Make the call and catch its denial."""
    with pytest.raises(client.exceptions.AccessDeniedException) as caught:
        client.converse(**ask)
    return caught


@pytest.mark.parametrize("by", HERE)
def test_a_guarded_client_is_denied_before_sending(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any], by: Any
) -> None:
    guardedbedrock_server.deny("Converse", by=by)

    caught = denial_of(guardedbedrock_client, ask)

    error = guardedbedrock_server.assert_denied(
        caught, policy_type=by, action="bedrock:InvokeModel", resource=ask["modelId"], explicit=True, where="here"
    )
    assert sentences.REASONS[by][1] in str(error)
    guardedbedrock_server.calls.assert_nothing_sent()


@pytest.mark.parametrize("by", POLICY_TYPES)
def test_a_plain_client_is_denied_by_the_server(
    guardedbedrock_server: BedrockServer, plain: Any, ask: dict[str, Any], by: Any
) -> None:
    guardedbedrock_server.deny("Converse", by=by)

    caught = denial_of(plain, ask)

    assert not isinstance(caught.value, AccessDeniedError)
    error = guardedbedrock_server.assert_denied(caught, policy_type=by, explicit=True, where="aws")
    assert sentences.REASONS[by][1] in str(error)
    guardedbedrock_server.calls.assert_sent(1, "Converse")


@pytest.mark.parametrize("by", POLICY_TYPES)
def test_a_denial_by_aws_only_reaches_the_server(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any], by: Any
) -> None:
    guardedbedrock_server.deny("Converse", by=by, where="aws")

    caught = denial_of(guardedbedrock_client, ask)

    guardedbedrock_server.assert_denied(caught, policy_type=by, where="aws")
    guardedbedrock_server.calls.assert_sent(1)


@pytest.mark.parametrize("by", HERE)
def test_a_denial_by_the_guard_only_leaves_plain_clients_alone(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, plain: Any, ask: dict[str, Any], by: Any
) -> None:
    guardedbedrock_server.deny("Converse", by=by, where="here")

    caught = denial_of(guardedbedrock_client, ask)

    guardedbedrock_server.assert_denied(caught, policy_type=by, where="here")
    assert plain.converse(**ask)["stopReason"] == "end_turn"
    guardedbedrock_server.calls.assert_sent(1)


@pytest.mark.parametrize("where", ["both", "aws", "here"])
@pytest.mark.parametrize("by", ["identity", "boundary", "session", "scp", "endpoint"])
def test_an_implicit_denial(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any], by: Any, where: Any
) -> None:
    guardedbedrock_server.deny("Converse", by=f"{by}-implicit", where=where)

    caught = denial_of(guardedbedrock_client, ask)

    side: Literal["here", "aws"] = "aws" if where == "aws" else "here"
    error = guardedbedrock_server.assert_denied(caught, policy_type=by, explicit=False, where=side)
    assert isinstance(error, ImplicitDenyError)
    assert (sentences.REASONS[by][0] or "").format(action="bedrock:InvokeModel") in str(error)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_denial_of_some_models_leaves_the_others(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any], *, explicit: bool
) -> None:
    guardedbedrock_server.deny("Converse", by="scp" if explicit else "scp-implicit", resource="*claude-3-opus*")

    assert guardedbedrock_client.converse(**ask)["stopReason"] == "end_turn"
    denied = denial_of(guardedbedrock_client, ask | {"modelId": OPUS})
    guardedbedrock_server.assert_denied(denied, resource=OPUS, explicit=explicit)


def test_a_denial_applies_to_every_operation_with_the_same_action(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    """InvokeModel and Converse need the same action; ConverseStream needs another one."""
    guardedbedrock_server.deny("Converse")

    with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException):
        guardedbedrock_client.invoke_model(modelId=ask["modelId"], body=b"{}")
    assert "stream" in guardedbedrock_client.converse_stream(**ask)


@pytest.mark.parametrize("name", DENIALS)
def test_every_denial_of_the_catalogue(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, plain: Any, ask: dict[str, Any], name: str
) -> None:
    """A plain client gets AWS's message each time; a guarded client is denied before sending if a policy denies."""
    guardedbedrock_server.deny("Converse", by=name)
    denial = DENIALS[name]

    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            plain.converse(**ask)
        answered = caught.value.response
        assert (answered["Error"]["Code"], answered["ResponseMetadata"]["HTTPStatusCode"]) == (denial.code, denial.status)
        assert answered["Error"]["Message"] == denial.message.format(
            principal=guardedbedrock_server.setup.principal,
            action="bedrock:InvokeModel",
            resource=f"arn:aws:bedrock:us-east-1::foundation-model/{ask['modelId']}",
        )
    with pytest.raises(ClientError):
        guardedbedrock_client.converse(**ask)
    here = denial.denies_by_policy and denial.policy_type != "rcp"
    guardedbedrock_server.calls.assert_sent(2 if here else 3)


def test_a_denial_without_a_policy_has_its_own_error(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.deny("Converse", by="model-access")

    error = guardedbedrock_server.assert_denied(denial_of(guardedbedrock_client, ask), where="aws")

    assert isinstance(error, ModelAccessError)


def test_an_action_can_be_denied_with_an_irregular_message(
    guardedbedrock_server: BedrockServer, plain: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.deny("bedrock:InvokeModel", by="session-explicit-sessions")

    error = guardedbedrock_server.assert_denied(denial_of(plain, ask), policy_type="session", action="bedrock:InvokeModel")

    assert "with an explicit deny in a sessions policy" in str(error)


@pytest.mark.guardedbedrock(guardrails=["hr", "public"])
@pytest.mark.parametrize("where", ["both", "aws", "here"])
def test_a_denied_guardrail_denies_only_its_calls(
    guardedbedrock_server: BedrockServer, guardedbedrock_guard: Guard, guardedbedrock_client: Any, ask: dict[str, Any], where: Any
) -> None:
    guardedbedrock_server.deny_guardrail("hr", where=where)

    caught = denial_of(guardedbedrock_client, ask)

    side: Literal["here", "aws"] = "aws" if where == "aws" else "here"
    guardedbedrock_server.assert_denied(caught, action="bedrock:ApplyGuardrail", resource="guardrail/hr", where=side)
    with guardedbedrock_guard.using("public"):
        assert guardedbedrock_client.converse(**ask)["stopReason"] == "end_turn"


@pytest.mark.guardedbedrock(guardrails=["G-HR"], vocabulary="invoke-with-guardrail")
def test_the_vocabulary_of_the_article(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    """A guarded call needs one action, on the guardrail."""
    guardedbedrock_server.deny_guardrail("G-HR")
    denied = denial_of(guardedbedrock_client, ask)
    guardedbedrock_server.assert_denied(denied, action="bedrock:InvokeModelWithGuardrail")

    guardedbedrock_server.reset()
    guardedbedrock_server.deny("Converse", by="scp")
    guardedbedrock_server.assert_denied(denial_of(guardedbedrock_client, ask), policy_type="scp", where="here")


class EventRecorder:
    """A listener that records events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def open(self, call: Call) -> EventRecorder:  # noqa: ARG002 - it observes every call
        """Observe."""
        return self

    def enter(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""

    def on_event(self, event: Event) -> None:
        """Record the event."""
        self.events.append(event)

    def close(self, error: BaseException | None) -> None:
        """Do nothing."""


RECORDER = EventRecorder()


@pytest.mark.guardedbedrock(listeners=[RECORDER])
def test_a_denial_that_the_preflight_did_not_predict_is_an_event(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.deny("Converse", by="scp", where="aws")

    denial_of(guardedbedrock_client, ask)

    assert any(isinstance(event, PreflightDiverged) for event in RECORDER.events)


def test_reset_removes_denials(guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]) -> None:
    guardedbedrock_server.deny("Converse")
    guardedbedrock_server.reset()

    assert guardedbedrock_client.converse(**ask)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"operation": "Convers"}, "`Convers` is neither an operation"),
        ({"operation": "Converse", "by": "sco"}, "by: unknown denial 'sco'; did you mean `scp`"),
        ({"operation": "Converse", "where": "there"}, "where: unknown value 'there'; use one of both, here, aws"),
        ({"operation": "Converse", "by": "rcp", "where": "here"}, "set rcp_applies=True in the marker of the test"),
        ({"operation": "Converse", "by": "model-access", "where": "here"}, "no policy of the caller can deny in this way"),
        (
            {"operation": "Converse", "by": "account", "resource": "x"},
            "resource: `account` denies every resource; remove `resource`",
        ),
    ],
)
def test_an_invalid_denial_is_an_error(guardedbedrock_server: BedrockServer, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        guardedbedrock_server.deny(**arguments)

    assert problem in str(caught.value)


@pytest.mark.guardedbedrock(rcp_applies=True)
def test_an_rcp_denies_in_this_process_with_rcp_applies(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.deny("Converse", by="rcp", where="here")

    guardedbedrock_server.assert_denied(denial_of(guardedbedrock_client, ask), policy_type="rcp", where="here")


def test_denying_an_unknown_guardrail_is_an_error(guardedbedrock_server: BedrockServer) -> None:
    with pytest.raises(ConfigurationError, match="guardrail: the test has no guardrail `hr`; known guardrails are default"):
        guardedbedrock_server.deny_guardrail("hr")


def test_actions_of_an_operation_or_an_action() -> None:
    assert actions_of("Converse") == ("bedrock:InvokeModel", "bedrock:InvokeModelWithGuardrail")
    assert actions_of("ApplyGuardrail") == ("bedrock:ApplyGuardrail",)
    assert actions_of("bedrock:Get*") == ("bedrock:Get*",)


def raised(error: Exception) -> Any:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught


@pytest.mark.parametrize(
    ("held", "problem"),
    [
        ({"policy_type": "scp"}, "expected policy_type 'scp', got 'identity', in ExplicitDenyError: An error occurred"),
        ({"action": "bedrock:ApplyGuardrail"}, "expected action 'bedrock:ApplyGuardrail', got 'bedrock:InvokeModel'"),
        ({"explicit": False, "where": "aws"}, "expected explicit False, got True; expected where 'aws', got 'here'"),
        (
            {"resource": OPUS},
            f"expected resource '{OPUS}', got 'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-h",
        ),
    ],
)
def test_a_failed_assertion_names_the_actual_denial(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any], held: dict[str, Any], problem: str
) -> None:
    guardedbedrock_server.deny("Converse")
    caught = denial_of(guardedbedrock_client, ask)

    with pytest.raises(AssertionError) as failed:
        guardedbedrock_server.assert_denied(caught, **held)

    assert str(failed.value).startswith(problem)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (raised(ValueError("x")), "expected a denial, got ValueError: x"),
        (
            raised(ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "Converse")),
            "expected a denial, got ClientError: An error occurred (ThrottlingException)",
        ),
        ({"output": {}}, "expected a denial, got no error but an object of type dict"),
    ],
)
def test_another_error_or_a_value_is_not_a_denial(guardedbedrock_server: BedrockServer, error: object, problem: str) -> None:
    with pytest.raises(AssertionError) as failed:
        guardedbedrock_server.assert_denied(error)

    assert str(failed.value).startswith(problem)
