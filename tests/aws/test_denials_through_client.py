"""Denials as an application receives them: exception classes, attributes, pickles."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from harness.clients import DENIED_MODEL, HR, MODEL, PUBLIC, ROLE, Recorder, ask, denial

from guardedbedrock import (
    AccessDeniedError,
    ExplicitDenyError,
    GuardedBedrockError,
    ImplicitDenyError,
    ModelAccessError,
    PolicyDeniedError,
    RefusedError,
    errors,
    iam,
)
from guardedbedrock.core.events import DeniedByAws, PreflightDecided, PreflightDiverged

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make


MODEL_ARN: Final = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
SESSION: Final = "arn:aws:sts::123456789012:assumed-role/HRBotServiceRole/one"
SENTENCE: Final = f"User: {SESSION} is not authorized to perform: bedrock:InvokeModel on resource: {MODEL_ARN}"
SCP: Final = f"{SENTENCE} with an explicit deny in a service control policy"
NOTHING: Final = iam.PolicySet(identity=[])
ONLY_MODEL: Final = iam.PolicySet(
    identity=[{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": "*"}}]
)


def test_preflight_denial_is_caught_by_every_exception_class(harness: Make) -> None:
    env = harness()
    error = denial(env, modelId=DENIED_MODEL)

    for name in (ExplicitDenyError, PolicyDeniedError, AccessDeniedError, GuardedBedrockError, ClientError):
        assert isinstance(error, name)
    assert isinstance(error, env.client.exceptions.AccessDeniedException)
    assert not isinstance(error, RefusedError)


def test_preflight_denial_has_the_message_of_aws(harness: Make) -> None:
    env = harness()
    error = denial(env, modelId=DENIED_MODEL)

    resource = f"arn:aws:bedrock:us-east-1::foundation-model/{DENIED_MODEL}"
    sentence = f"User: {ROLE} is not authorized to perform: bedrock:InvokeModel on resource: {resource}"
    assert error.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": f"{sentence} with an explicit deny in an identity-based policy",
    }
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error.operation_name == "Converse"
    assert str(error).startswith("An error occurred (AccessDeniedException) when calling the Converse operation: User: ")
    assert (error.principal, error.action, error.resource) == (ROLE, "bedrock:InvokeModel", resource)
    assert (error.policy_type, error.simulated, error.request_id) == ("identity", True, "")
    assert error.__cause__ is None
    assert env.fake.requests == []


def test_preflight_denial_names_authorizations_and_statements(harness: Make) -> None:
    error = denial(harness(), modelId=DENIED_MODEL)

    asked = {one.request.action: one.decision for one in error.authorizations}
    assert {action: decision.outcome for action, decision in asked.items()} == {
        "bedrock:InvokeModel": "explicitDeny",
        "bedrock:ApplyGuardrail": "allowed",
    }
    assert [statement.sid for statement in asked["bedrock:InvokeModel"].statements] == ["NoOpus"]


def test_call_without_apply_guardrail_permission_is_denied(harness: Make) -> None:
    env = harness(policies=ONLY_MODEL)
    error = denial(env)

    assert type(error).__mro__[1] is ImplicitDenyError
    assert (error.action, error.resource) == ("bedrock:ApplyGuardrail", HR.arn)
    assert str(error.hint).startswith(f"grant `bedrock:ApplyGuardrail` on `{HR.arn}`")
    assert error.__notes__ == [error.hint]
    assert env.fake.requests == []


@pytest.mark.parametrize("policies", [NOTHING, ONLY_MODEL], ids=["nothing", "only-the-model"])
@pytest.mark.parametrize("simulated", [True, False])
def test_preflight_and_aws_denials_have_equal_attributes(harness: Make, policies: iam.PolicySet, simulated: Any) -> None:
    options: dict[str, Any] = {"policies": policies} if simulated else {"fake": {"policies": policies, "principal": ROLE}}
    guarded = {} if simulated else {"policies": None}
    env = harness(**{**guarded, **options, "fake": {"guardrails": [], **options.get("fake", {})}})
    error = denial(env)

    action, resource = ("bedrock:ApplyGuardrail", HR.arn) if policies is ONLY_MODEL else ("bedrock:InvokeModel", MODEL_ARN)
    assert type(error).__mro__[1] is ImplicitDenyError
    assert (error.principal, error.action, error.resource, error.policy_type) == (ROLE, action, resource, "identity")
    assert error.simulated is simulated
    assert len(env.fake.requests) == (0 if simulated else 1)


def test_denial_by_aws_is_typed_and_keeps_its_cause(harness: Make) -> None:
    env = harness(policies=None)
    env.fake.deny_next(SCP)
    error = denial(env)

    assert type(error).__mro__[1] is ExplicitDenyError
    assert (error.policy_type, error.principal, error.simulated) == ("scp", SESSION, False)
    assert isinstance(error, env.client.exceptions.AccessDeniedException)
    assert isinstance(error.__cause__, env.client.exceptions.AccessDeniedException)
    assert not isinstance(error.__cause__, GuardedBedrockError)
    assert error.response == error.__cause__.response
    assert error.request_id == env.fake.requests[0].request_id
    assert error.authorizations == ()


def test_denial_of_an_allowed_call_is_reported_as_divergence(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.fake.deny_next(SCP)
    error = denial(env)

    heard = recorder.last
    assert [one.decision.outcome for one in error.authorizations] == ["allowed", "allowed"]
    assert heard.of(DeniedByAws) == [DeniedByAws(error)]
    assert heard.of(PreflightDiverged) == [PreflightDiverged(heard.of(PreflightDecided)[0].verdict, error)]
    assert heard.closed == [error]


@pytest.mark.parametrize(
    ("options", "decision"),
    [({"policies": None}, "allowed"), ({"mode": "report", "policies": NOTHING}, "implicitDeny")],
    ids=["no-policies", "denied-as-well"],
)
def test_denial_of_an_indeterminate_call_is_not_a_divergence(harness: Make, options: dict[str, Any], decision: str) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder], **options)
    env.fake.deny_next(SCP)
    denial(env)

    assert recorder.last.of(PreflightDecided)[0].verdict.decision == decision
    assert len(recorder.last.of(DeniedByAws)) == 1
    assert recorder.last.of(PreflightDiverged) == []


def test_missing_model_access_is_not_a_policy_denial(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.fake.fail_next(403, "AccessDeniedException", "You don't have access to the model with the specified model ID.")
    error = denial(env)

    assert isinstance(error, ModelAccessError)
    assert isinstance(error, env.client.exceptions.AccessDeniedException)
    assert not isinstance(error, PolicyDeniedError)
    assert (len(recorder.last.of(DeniedByAws)), recorder.last.of(PreflightDiverged)) == (1, [])


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "ValidationException"), (404, "ResourceNotFoundException"), (403, "UnrecognizedClientException")],
)
def test_other_service_errors_are_botocores(harness: Make, status: int, code: str) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.fake.fail_next(status, code, "no")

    with pytest.raises(ClientError) as answered:
        env.client.converse(**ask("converse"))

    assert not isinstance(answered.value, GuardedBedrockError)
    assert answered.value.response["Error"]["Code"] == code
    assert recorder.last.closed == [answered.value]


def unguarded(env: Harness) -> AccessDeniedError:
    """Make a call that the guard refuses."""
    return denial(env, guardrailConfig={"guardrailIdentifier": PUBLIC.arn, "guardrailVersion": "9"})


def by_aws(env: Harness) -> AccessDeniedError:
    """Make a call that AWS denies although the preflight allowed it."""
    env.fake.deny_next(SCP)
    return denial(env)


def by_preflight(env: Harness) -> AccessDeniedError:
    """Make a call that the preflight denies."""
    return denial(env, modelId=DENIED_MODEL)


@pytest.mark.parametrize("deny", [unguarded, by_aws, by_preflight])
def test_denial_can_be_pickled(harness: Make, deny: Callable[[Harness], AccessDeniedError]) -> None:
    error = deny(harness())

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the same line

    assert type(copy) is getattr(errors, type(error).__name__)
    assert isinstance(error, type(copy))
    assert copy.__dict__ == error.__dict__
    assert (str(copy), copy.args) == (str(error), error.args)
    assert [str(one.decision.message()) for one in copy.authorizations] == [
        str(one.decision.message()) for one in error.authorizations
    ]


def test_clients_have_separate_exception_classes(harness: Make) -> None:
    one, other = harness(), boto3.Session().client("bedrock-runtime", "us-east-1")
    error = denial(one, modelId=DENIED_MODEL)

    assert isinstance(error, one.client.exceptions.AccessDeniedException)
    assert not isinstance(error, other.exceptions.AccessDeniedException)
