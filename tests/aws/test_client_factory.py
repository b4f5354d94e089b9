"""Creation of guarded clients: arguments, regions, other services, sessions, retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from harness.clients import DENIED_MODEL, HR, MODEL, POLICIES, ROLE, WEAK, ask

import guardedbedrock
from guardedbedrock import ConfigurationError, Guard, Guardrail, PolicyDeniedError
from guardedbedrock.aws.client.mixin import GuardedClient
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from pathlib import Path

    from harness.clients import Make

EUROPE: Final = Guardrail("arn:aws:bedrock:eu-west-1:123456789012:guardrail/europe000001", version="1", name="europe")
CREDENTIALS: Final = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


def guard(**options: Any) -> Guard:
    """Create a guard without listeners."""
    return Guard(**{"guardrails": [HR], "listeners": (), **options})


def test_guarded_client_is_a_generated_botocore_client() -> None:
    client = guard().client("bedrock-runtime", "us-east-1", **CREDENTIALS)

    assert isinstance(client, BaseClient)
    assert type(client).__name__ == "BedrockRuntime"
    assert type(client).__mro__[1] is GuardedClient
    assert client.meta.service_model.service_name == "bedrock-runtime"


@pytest.mark.parametrize("region", ["eu-west-1", "us-west-2"])
def test_client_in_a_region_without_a_guardrail_raises_configuration_error(region: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no guardrail is approved for {region}.*us-east-1"):
        guard().client("bedrock-runtime", region_name=region, **CREDENTIALS)


@pytest.mark.parametrize("mode", ["report", "off"])
def test_client_in_a_region_without_a_guardrail_is_created_in_report_and_off(mode: Any) -> None:
    assert guard(mode=mode).client("bedrock-runtime", region_name="eu-west-1", **CREDENTIALS).meta.region_name == "eu-west-1"


def test_guardrail_of_the_clients_region_is_injected() -> None:
    both = guard(guardrails=[HR, EUROPE])
    with FakeBedrock(guardrails=[FakeGuardrail(EUROPE.arn)], region="eu-west-1") as fake:
        client = both.client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**ask("converse"))
        client.close()

    assert [request.guardrail for request in fake.requests] == [(EUROPE.arn, "1")]


def test_client_accepts_positional_arguments() -> None:
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]) as fake:
        config = Config(user_agent_extra="app/1")
        arguments = ("us-east-1", None, True, None, fake.endpoint_url, "key", "secret", "token", config, "123456789012")
        client = guard().client("bedrock-runtime", *arguments)
        client.converse(**ask("converse"))
        client.close()

    headers = fake.requests[0].headers
    assert headers["x-amz-security-token"] == "token"
    assert "Credential=key/" in headers["authorization"]
    assert headers["user-agent"].endswith("app/1")
    assert fake.requests[0].guardrail == (HR.arn, HR.version)


@pytest.mark.parametrize(
    ("args", "options"),
    [(("us-east-1",), {"region_name": "eu-west-1"}), (("us-east-1", *[None] * 10), {}), ((), {"no_such_option": 1})],
    ids=["twice", "too-many", "unknown"],
)
def test_client_rejects_the_arguments_that_boto3_rejects(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        guard().client("bedrock-runtime", *args, **options)


@pytest.mark.parametrize("service", ["bedrock-agentcore", "sts", "s3"])
def test_client_of_another_service_is_plain(service: str) -> None:
    client = guard().client(service, "us-east-1", **CREDENTIALS)

    assert not isinstance(client, GuardedClient)
    assert client.meta.config.retries == boto3.client(service, "us-east-1", **CREDENTIALS).meta.config.retries


def test_other_clients_of_the_default_session_are_unguarded() -> None:
    guard().client("bedrock-runtime", "us-east-1", **CREDENTIALS)

    assert not isinstance(boto3.client("bedrock-runtime", "us-east-1", **CREDENTIALS), GuardedClient)


def test_guarded_session_guards_only_its_clients() -> None:
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]) as fake:
        session = boto3.Session()
        given_back = guard(policies=POLICIES, principal=ROLE).session(session)
        client = session.client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**ask("converse"))
        with pytest.raises(PolicyDeniedError):
            client.converse(**ask("converse", model=DENIED_MODEL))
        client.close()

    assert given_back is session
    assert [request.guardrail for request in fake.requests] == [(HR.arn, HR.version)]
    assert not isinstance(boto3.Session().client("bedrock-runtime", "us-east-1", **CREDENTIALS), GuardedClient)
    assert not isinstance(session.client("sts", "us-east-1", **CREDENTIALS), GuardedClient)


def test_session_guarded_twice_uses_the_last_guard() -> None:
    session = guard(guardrails=[EUROPE]).session(guard().session(boto3.Session()))

    client = session.client("bedrock-runtime", "eu-west-1", **CREDENTIALS)

    assert client._guardedbedrock.rules.approved == (EUROPE,)
    assert type(client).__mro__.count(GuardedClient) == 1


def test_guard_that_creates_the_client_overrides_the_sessions_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    session = guard(guardrails=[EUROPE]).session(boto3.Session())
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    client = guard().client("bedrock-runtime", "us-east-1", **CREDENTIALS)

    assert client._guardedbedrock.rules.approved == (HR,)


def test_session_keeps_its_guard_after_another_guard_created_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    session = guard(guardrails=[EUROPE]).session(boto3.Session())
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    guard().client("bedrock-runtime", "us-east-1", **CREDENTIALS)

    assert boto3.client("bedrock-runtime", "eu-west-1", **CREDENTIALS)._guardedbedrock.rules.approved == (EUROPE,)


def test_session_can_be_guarded_after_a_guard_created_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    guard().client("bedrock-runtime", "us-east-1", **CREDENTIALS)
    guard(guardrails=[EUROPE]).session(session)

    assert session.client("bedrock-runtime", "eu-west-1", **CREDENTIALS)._guardedbedrock.rules.approved == (EUROPE,)


def test_endpoint_url_may_have_a_path() -> None:
    with FakeBedrock() as fake:
        client = guard().client("bedrock-runtime", **{**fake.client_kwargs(), "endpoint_url": f"{fake.endpoint_url}/gateway/v1"})
        named = {"guardrailIdentifier": HR.id, "guardrailVersion": HR.version}
        for method, params in (
            ("converse", ask("converse")),
            ("invoke_model", ask("invoke_model")),
            ("apply_guardrail", {**named, "source": "INPUT", "content": []}),
        ):
            with pytest.raises(client.exceptions.ClientError) as answered:
                getattr(client, method)(**params)
            assert answered.value.response["Error"]["Code"] == "UnknownOperationException"
        client.close()

    assert [request.http_request.target.split("/")[1:3] for request in fake.requests] == [["gateway", "v1"]] * 3


RETRIES: Final[dict[str, tuple[Config | None, int, int]]] = {
    "the-guards": (None, 3, 1),
    "the-guards-with-other-config": (Config(read_timeout=5), 3, 1),
    "the-applications": (Config(retries={"total_max_attempts": 2, "mode": "standard"}), 1, 2),
    "the-applications-none": (Config(retries={"total_max_attempts": 1, "mode": "standard"}), 1, 1),
}


@pytest.mark.parametrize(("config", "ours", "botocores"), RETRIES.values(), ids=RETRIES)
def test_either_the_guard_or_botocore_retries(harness: Make, config: Config | None, ours: int, botocores: int) -> None:
    env = harness(config=config)
    env.fake.fail_next(503, "ServiceUnavailableException", "later", times=9)

    with pytest.raises(env.client.exceptions.ServiceUnavailableException):
        env.client.converse(**ask("converse"))

    assert env.client.meta.config.retries["total_max_attempts"] == botocores
    assert env.client._guardedbedrock.retry.attempts == ours
    assert len(env.fake.requests) == ours * botocores


def test_other_options_of_a_config_are_kept(harness: Make) -> None:
    client = harness(config=Config(read_timeout=7, max_pool_connections=3)).client

    assert (client.meta.config.read_timeout, client.meta.config.max_pool_connections) == (7, 3)


def test_entry_point_reads_the_configuration_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "guardedbedrock.toml").write_text(f'[[guardrails]]\narn = "{HR.arn}"\nversion = "{HR.version}"\n', "utf-8")
    monkeypatch.setenv("GUARDEDBEDROCK_CONFIG", str(tmp_path / "guardedbedrock.toml"))
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version)]) as fake:
        client = guardedbedrock.client("bedrock-runtime", **fake.client_kwargs())
        client.converse(**ask("converse"))
        client.close()

    assert [request.guardrail for request in fake.requests] == [(HR.arn, HR.version)]
    assert not isinstance(guardedbedrock.client("sts", "us-east-1", **CREDENTIALS), GuardedClient)


def test_configured_guardrail_is_sent_to_a_server_without_it(harness: Make) -> None:
    env = harness(guardrails=[Guardrail(HR.arn.replace("abc123def456", "nowhere00000"), version="1")], retry=RetryPolicy(1))

    with pytest.raises(env.client.exceptions.ValidationException, match="does not exist"):
        env.client.converse(modelId=MODEL, messages=ask("converse")["messages"])

    assert WEAK["guardrailIdentifier"] not in str(env.fake.requests[0].params)
