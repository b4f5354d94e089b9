"""Clients of the control plane and of agents: every call is checked, and no guardrail is added."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import OperationNotPageableError, ParamValidationError
from harness.clients import HR, ROLE, Recorder

from guardedbedrock import AccessDeniedError, ExplicitDenyError, Guard, GuardrailTamperedError, ImplicitDenyError, iam
from guardedbedrock.bedrock import operations
from guardedbedrock.core.events import PreflightDecided, UnlistedOperation
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL: Final = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
TEXTS: Final = {"blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
WORDS: Final = {"wordPolicyConfig": {"wordsConfig": [{"text": "salary"}]}}
ONLY_READ: Final = {**ALL, "Action": "bedrock:GetGuardrail"}
ONLY_CREATE: Final = {**ALL, "Action": "bedrock:CreateGuardrail"}
FIXED: Final = {"Effect": "Deny", "Action": ["bedrock:Update*", "bedrock:Delete*"], "Resource": HR.arn}
CLEAN: Final = {"key": "Project", "value": "hr"}


class Env(NamedTuple):
    """A fake, and guarded clients that call it."""

    fake: FakeBedrock
    guard: Guard
    heard: Recorder
    stack: ExitStack

    def client(self, service: str = "bedrock") -> Any:
        """Create a guarded client."""
        client = self.guard.client(service, **self.fake.client_kwargs())
        self.stack.callback(client.close)
        return client

    @property
    def arrived(self) -> list[str | None]:
        """Operations that reached the fake."""
        return [request.operation for request in self.fake.requests]


@pytest.fixture(name="make_env")
def _make_env(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with ExitStack() as stack:

        def make(*statements: dict[str, Any], **options: Any) -> Env:
            fake = stack.enter_context(FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]))
            policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}])
            heard = Recorder()
            guard = Guard(guardrails=[HR], policies=policies, principal=ROLE, listeners=[heard], **options)
            return Env(fake, guard, heard, stack)

        yield make


def test_guardrail_lifecycle_through_a_guarded_client(make_env: Any) -> None:
    env = make_env(ALL)
    client = env.client()

    arn = client.create_guardrail(name="fresh", **TEXTS, tags=[CLEAN])["guardrailArn"]
    client.update_guardrail(guardrailIdentifier=arn, name="fresh", **TEXTS, **WORDS)
    client.create_guardrail_version(guardrailIdentifier=arn)
    listed = [page["guardrails"] for page in client.get_paginator("list_guardrails").paginate()]
    client.delete_guardrail(guardrailIdentifier=arn)

    assert "fresh" in [guardrail["name"] for page in listed for guardrail in page]
    assert env.arrived == ["CreateGuardrail", "UpdateGuardrail", "CreateGuardrailVersion", "ListGuardrails", "DeleteGuardrail"]


@pytest.mark.parametrize(
    ("method", "params", "statements", "refusal"),
    [
        ("create_guardrail", {"name": "n", **TEXTS}, [ONLY_READ], (ImplicitDenyError, "CreateGuardrail")),
        ("create_guardrail", {"name": "n", **TEXTS, "tags": [CLEAN]}, [ONLY_CREATE], (ImplicitDenyError, "TagResource")),
        (
            "update_guardrail",
            {"guardrailIdentifier": HR.id, "name": "n", **TEXTS},
            [ALL, FIXED],
            (ExplicitDenyError, "UpdateGuardrail"),
        ),
        ("delete_guardrail", {"guardrailIdentifier": HR.arn}, [ALL, FIXED], (ExplicitDenyError, "DeleteGuardrail")),
        ("list_guardrails", {}, [ONLY_READ], (ImplicitDenyError, "ListGuardrails")),
    ],
)
def test_denied_management_call_is_not_sent(
    make_env: Any, method: str, params: Any, statements: list[Any], refusal: tuple[type[AccessDeniedError], str]
) -> None:
    env = make_env(*statements)
    client = env.client()

    with pytest.raises(refusal[0]) as denied:
        getattr(client, method)(**params)

    assert isinstance(denied.value, client.exceptions.AccessDeniedException)
    assert denied.value.action == f"bedrock:{refusal[1]}"
    assert env.arrived == []


def test_tag_conditions_use_the_tags_of_the_request(make_env: Any) -> None:
    tagged = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Project"]}}
    env = make_env({**ALL, "Condition": tagged})

    env.client().create_guardrail(name="n", **TEXTS, tags=[CLEAN])
    with pytest.raises(ImplicitDenyError):
        env.client().create_guardrail(name="m", **TEXTS, tags=[{"key": "Team", "value": "hr"}])

    assert env.arrived == ["CreateGuardrail"]


def test_management_requests_get_no_guardrail(make_env: Any) -> None:
    env = make_env(ALL)
    env.client().get_guardrail(guardrailIdentifier=HR.id)

    assert env.fake.requests[0].params == {"guardrailIdentifier": HR.id}


def test_guarded_management_client_is_a_boto3_client(make_env: Any) -> None:
    env = make_env(ALL)
    client = env.guard.client("bedrock", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")

    assert isinstance(client, BaseClient)
    assert type(client).__name__ == type(boto3.client("bedrock", "eu-west-1")).__name__ == "Bedrock"
    with pytest.raises(ParamValidationError):
        env.client().create_guardrail(name="n")
    with pytest.raises(ParamValidationError):
        env.client().get_guardrail()
    with pytest.raises(OperationNotPageableError):
        client.get_paginator("get_guardrail")


def test_handler_that_changes_the_guardrail_of_a_request_is_refused(make_env: Any) -> None:
    env = make_env({**ALL, "Resource": HR.arn})
    client = env.client()

    def turn(params: dict[str, Any], **_: Any) -> None:
        params["url"] = f"{params['url'].rpartition('/')[0]}/another00001"

    client.meta.events.register("before-call.bedrock.DeleteGuardrail", turn)

    with pytest.raises(GuardrailTamperedError, match="names another model or resource than the one that was authorized"):
        client.delete_guardrail(guardrailIdentifier=HR.arn)
    assert env.arrived == []


def test_unknown_management_operation_is_checked_and_reported(make_env: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(operations.ROWS, ("bedrock", "ListGuardrails"))
    env = make_env({**ALL, "Resource": "arn:aws:bedrock:us-east-1:123456789012:guardrail/*"})

    env.client().list_guardrails()

    verdict = env.heard.last.of(PreflightDecided)[0].verdict
    assert env.heard.last.of(UnlistedOperation) == [UnlistedOperation("bedrock", "ListGuardrails")]
    assert (verdict.decision, env.arrived) == ("indeterminate", ["ListGuardrails"])
    assert "does not know ListGuardrails" in verdict.remarks[-1]
    with pytest.raises(ImplicitDenyError):
        make_env({**ALL, "Action": "bedrock:Get*"}).client().list_guardrails()


def test_invoke_agent_is_checked_and_its_indirect_effects_are_named(make_env: Any) -> None:
    env = make_env({**ALL, "Action": "bedrock:InvokeFlow"})
    client = env.client("bedrock-agent-runtime")

    with pytest.raises(ImplicitDenyError) as denied:
        client.invoke_agent(agentId="AGENT00001", agentAliasId="ALIAS00001", sessionId="s1", inputText="hello")

    told = env.heard.last.of(PreflightDecided)[0].verdict.remarks
    assert denied.value.resource == "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT00001/ALIAS00001"
    assert "calls models inside AWS" in told[0]
    assert env.arrived == []
