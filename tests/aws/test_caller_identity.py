"""``principal="caller"``: STS is called once, when the principal is first needed, with the signing credentials."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from harness.clients import DENIED_MODEL, HR, MODEL, ON_THE_SERVER, POLICIES, Recorder, ask
from harness.http_senders import KINDS, Sender
from moto.server import ThreadedMotoServer

from guardedbedrock import ExplicitDenyError, Guard, PreflightUnavailableError, SourceError, iam
from guardedbedrock.aws.signer.signing_guard import add_signing_guard
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.bedrock.guardrail.location import IDENTIFIER_HEADER, VERSION_HEADER
from guardedbedrock.core.events import PreflightDecided
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from harness.clients import Make

MOTO: Final = "arn:aws:sts::123456789012:user/moto"
OTHER: Final = "arn:aws:iam::123456789012:role/Other"
AS_OTHER: Final = "arn:aws:sts::123456789012:assumed-role/Other/session"


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    """Serve moto's STS on a free port of loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def asked(sts: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Create a default session that calls moto's STS, and record its operations."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
    return fresh_session(monkeypatch)


def fresh_session(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Set a default session with credentials, and record the operations that it calls."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    seen: list[str] = []
    session = boto3.Session()
    for service in ("sts", "iam"):
        session.events.register(f"before-call.{service}", lambda model, **_: seen.append(model.name))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    return seen


def test_sts_is_called_once_and_only_when_needed(harness: Make, asked: list[str]) -> None:
    recorder = Recorder()
    env = harness(principal="caller", listeners=[recorder])
    assert asked == []

    for _ in range(3):
        env.client.converse(**ask("converse"))
    with pytest.raises(env.client.exceptions.AccessDeniedException) as denied:
        env.client.converse(**ask("converse", model=DENIED_MODEL))

    principal = recorder.calls[0].of(PreflightDecided)[0].verdict.authorizations[0].request.principal
    assert asked == ["GetCallerIdentity"]
    assert principal == MOTO
    assert denied.value.principal == MOTO
    assert len(env.fake.requests) == 3


def test_sts_is_called_once_by_many_threads(harness: Make, asked: list[str]) -> None:
    env = harness(principal="caller", config=Config(max_pool_connections=8))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: env.client.converse(**ask("converse")), range(8)))

    assert asked == ["GetCallerIdentity"]


def test_sts_is_not_called_without_policies(harness: Make, asked: list[str]) -> None:
    harness(principal="caller", policies=None).client.converse(**ask("converse"))

    assert asked == []


def test_policy_variable_resolves_to_the_caller(harness: Make, asked: list[str]) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "bedrock:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012", "aws:PrincipalArn": MOTO}},
        },
    }
    recorder = Recorder()
    env = harness(principal="caller", policies=iam.PolicySet(identity=[document]), listeners=[recorder])

    env.client.converse(**ask("converse"))

    assert recorder.last.of(PreflightDecided)[0].verdict.decision == "allowed"
    assert asked == ["GetCallerIdentity"]


@pytest.fixture
def closed_sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Point STS to a bound port without a server, so that no other process can take the port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{held.getsockname()[1]}")
        yield fresh_session(monkeypatch)


def test_call_is_refused_if_sts_does_not_answer(harness: Make, closed_sts: list[str]) -> None:
    recorder = Recorder()
    env = harness(principal="caller", listeners=[recorder])

    for _ in range(2):
        with pytest.raises(PreflightUnavailableError, match="STS did not return the caller identity") as refused:
            env.client.converse(**ask("converse"))

    assert isinstance(refused.value, env.client.exceptions.AccessDeniedException)
    assert isinstance(refused.value.__cause__, SourceError)
    assert "principal" in str(refused.value.hint)
    assert env.fake.requests == []
    assert recorder.last.closed == [refused.value]
    assert closed_sts == ["GetCallerIdentity"] * 2


def test_sts_failure_is_reported_in_mode_report(harness: Make, closed_sts: list[str]) -> None:
    env = harness(principal="caller", mode="report")

    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert closed_sts == ["GetCallerIdentity"]


def test_call_without_credentials_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="us-east-1"))

    with pytest.raises(SourceError, match="Unable to locate credentials"):
        CallerIdentity()()


def test_unsigned_client_has_no_caller(harness: Make, asked: list[str]) -> None:
    env = harness(principal="caller", config=Config(signature_version=UNSIGNED))
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        client = env.guard.client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=fake.endpoint_url, config=Config(signature_version=UNSIGNED)
        )
        client._request_signer._credentials = None
        with pytest.raises(PreflightUnavailableError, match="no credentials"):
            client.converse(**ask("converse"))
        client.close()

    assert (asked, fake.requests) == ([], [])


def test_caller_is_the_owner_of_the_signing_credentials(sts: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
    role = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/Other", RoleSessionName="one")["Credentials"]
    asked.clear()
    recorder = Recorder()
    keys: dict[str, Any] = {
        "aws_access_key_id": role["AccessKeyId"],
        "aws_secret_access_key": role["SecretAccessKey"],
        "aws_session_token": role["SessionToken"],
    }
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], policies=POLICIES, principal="caller", listeners=[recorder])
        address = {"region_name": "us-east-1", "endpoint_url": fake.endpoint_url}
        clients = (
            guard.session(boto3.Session(**keys)).client("bedrock-runtime", **address),
            guard.client("bedrock-runtime", **address, **keys),
            guard.client("bedrock-runtime", **address),
        )
        for client in clients:
            client.converse(**ask("converse"))
            client.close()

    principals = [heard.of(PreflightDecided)[0].verdict.authorizations[0].request.principal for heard in recorder.calls]
    other = "arn:aws:sts::123456789012:assumed-role/Other/one"
    assert principals == [other, other, MOTO]


ONLY_TEAM: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "bedrock:*",
            "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/team/*"}},
        },
    ],
}
"""Allows roles below one path only, as SCPs do that exempt roles by path."""
TEAM_POLICIES: Final = iam.PolicySet(identity=[ONLY_TEAM])


@pytest.fixture
def roles(sts: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, str]]]:
    """Create two roles with paths; give the credentials of their sessions, as keywords of a client, by the name of the role."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", sts)
    iam_client = boto3.client("iam")
    found = {}
    for name, path in (("Member", "/team/"), ("Guest", "/guests/")):
        iam_client.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument="{}")
        arn = f"arn:aws:iam::123456789012:role{path}{name}"
        keys = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"]
        found[name] = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }
    asked.clear()
    yield found
    for name in found:
        iam_client.delete_role(RoleName=name)


def call_of(recorder: Recorder, client: Any, *, times: int = 1) -> Any:
    """Call a model; return the verdict of the last call."""
    for _ in range(times):
        client.converse(**ask("converse"))
    return recorder.last.of(PreflightDecided)[0].verdict


def test_iam_gives_the_path_of_the_role_once(roles: dict[str, Any], asked: list[str]) -> None:
    recorder = Recorder()
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller", listeners=[recorder])
        address = {"region_name": "us-east-1", "endpoint_url": fake.endpoint_url}
        member = guard.client("bedrock-runtime", **address, **roles["Member"])
        guest = guard.client("bedrock-runtime", **address, **roles["Guest"])
        verdict = call_of(recorder, member, times=3)
        with pytest.raises(ExplicitDenyError) as denied:
            guest.converse(**ask("converse"))

    assert verdict.decision == "allowed"
    assert verdict.authorizations[0].request.facts["aws:principalarn"] == "arn:aws:iam::123456789012:role/team/Member"
    assert denied.value.principal == "arn:aws:sts::123456789012:assumed-role/Guest/run"
    assert asked == ["GetCallerIdentity", "GetRole"] * 2
    assert len(fake.requests) == 3


def test_iam_is_asked_once_by_many_threads(roles: dict[str, Any], asked: list[str]) -> None:
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller")
        client = guard.client("bedrock-runtime", **{**fake.client_kwargs(), **roles["Member"]})
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.converse(**ask("converse")), range(8)))

    assert asked == ["GetCallerIdentity", "GetRole"]


def test_path_of_the_role_stays_unknown_if_iam_does_not_answer(
    roles: dict[str, Any], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is neither denied nor surely allowed, and IAM is not asked again."""
    recorder = Recorder()
    with socket.socket() as held, FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", f"http://127.0.0.1:{held.getsockname()[1]}")
        guard = Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller", listeners=[recorder])
        client = guard.client("bedrock-runtime", **{**fake.client_kwargs(), **roles["Member"]})
        verdict = call_of(recorder, client, times=3)

    assert (verdict.decision, verdict.hangs_on) == ("indeterminate", ("aws:PrincipalArn",))
    assert asked == ["GetCallerIdentity", "GetRole"]


@pytest.mark.parametrize(
    "settings",
    [
        {"policies": POLICIES},
        {"policies": TEAM_POLICIES, "role_arn": "arn:aws:iam::123456789012:role/team/Member"},
        {
            "policies": TEAM_POLICIES,
            "context": {"AWS:principalarn": "arn:aws:iam::123456789012:role/team/M"},
        },
    ],
    ids=["no-policy-reads-it", "role-arn", "context"],
)
def test_iam_is_not_asked_for_a_role_that_no_decision_depends_on(
    roles: dict[str, Any], asked: list[str], settings: dict[str, Any]
) -> None:
    recorder = Recorder()
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], principal="caller", listeners=[recorder], **settings)
        client = guard.client("bedrock-runtime", **{**fake.client_kwargs(), **roles["Member"]})
        assert call_of(recorder, client).decision == "allowed"

    assert asked == ["GetCallerIdentity"]


def test_rotated_credentials_get_the_path_of_the_other_role(roles: dict[str, Any], asked: list[str]) -> None:
    """Presigned URLs follow the credentials as well."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller")
        client = guard.client("bedrock-runtime", **{**fake.client_kwargs(), **roles["Member"]})
        client.converse(**ask("converse"))
        credentials, other = client._get_credentials(), roles["Guest"]
        credentials.access_key, credentials.secret_key = other["aws_access_key_id"], other["aws_secret_access_key"]
        credentials.token = other["aws_session_token"]
        with pytest.raises(ExplicitDenyError):
            client.generate_presigned_url("invoke_model", Params=ask("invoke_model"))
        with pytest.raises(ExplicitDenyError):
            client.converse(**ask("converse"))

    assert asked == ["GetCallerIdentity", "GetRole"] * 2
    assert len(fake.requests) == 1


def test_signing_guard_finds_the_role_of_a_signer(roles: dict[str, Any], asked: list[str]) -> None:
    stood = add_signing_guard(Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller").rules, ())
    guest = Credentials(*roles["Guest"].values())

    assert [_denied_principal(guest) for _ in range(2)] == ["arn:aws:sts::123456789012:assumed-role/Guest/run"] * 2
    stood.remove()
    assert asked == ["GetCallerIdentity", "GetRole"]


@pytest.mark.parametrize(("library", "is_async"), KINDS)
def test_http_clients_follow_rotated_credentials(
    roles: dict[str, Any], monkeypatch: pytest.MonkeyPatch, library: str, *, is_async: bool
) -> None:
    """An SDK signs each request with what boto3's default session has at that time."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        guard = Guard(guardrails=[HR], policies=TEAM_POLICIES, principal="caller")
        url = f"{fake.endpoint_url}/model/{MODEL}/invoke"
        client = Sender(library, is_async).client(guard, endpoint_url=fake.endpoint_url, region_name="us-east-1")

        async def statuses() -> AsyncIterator[int]:
            for name in ("Member", "Guest", "Member"):
                monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(**roles[name], region_name="us-east-1"))
                headers = {"Content-Type": "application/json", IDENTIFIER_HEADER: HR.arn, VERSION_HEADER: HR.version}
                request = AWSRequest(method="POST", url=url, data=ask("invoke_model")["body"], headers=headers)
                SigV4Auth(Credentials(*roles[name].values()), "bedrock", "us-east-1").add_auth(request)
                sent = client.post(url, content=request.data, headers=dict(request.headers.items()))
                yield (await sent if is_async else sent).status_code
            await client.aclose() if is_async else client.close()

        async def collect() -> list[int]:
            return [status async for status in statuses()]

        assert asyncio.run(collect()) == [200, 403, 200]
        assert len(fake.requests) == 2


def test_signing_guard_calls_sts_with_the_signing_credentials(asked: list[str]) -> None:
    role = boto3.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/Other", RoleSessionName="session")[
        "Credentials"
    ]
    other = Credentials(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    stood = add_signing_guard(Guard(guardrails=[HR], policies=POLICIES, principal="caller").rules, ())
    asked.clear()

    denied = [_denied_principal(credentials) for credentials in (other, Credentials("testing", "testing"), other)]
    stood.remove()

    assert denied == [
        AS_OTHER,
        MOTO,
        AS_OTHER,
    ]
    assert asked == ["GetCallerIdentity", "GetCallerIdentity"]


def _denied_principal(credentials: Credentials) -> str | None:
    request = AWSRequest(method="POST", url=f"http://127.0.0.1/model/{DENIED_MODEL}/invoke", data="{}")
    with pytest.raises(ExplicitDenyError) as denied:
        SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(request)
    return denied.value.principal


def test_signing_guard_refuses_requests_if_sts_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh_session(monkeypatch)
    stood = add_signing_guard(Guard(guardrails=[HR], policies=POLICIES, principal="caller").rules, ())
    request = AWSRequest(method="POST", url=f"http://127.0.0.1/model/{DENIED_MODEL}/invoke", data="{}")

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{held.getsockname()[1]}")
        with pytest.raises(PreflightUnavailableError):
            SigV4Auth(Credentials("testing", "testing"), "bedrock", "us-east-1").add_auth(request)
    stood.remove()

    assert "Authorization" not in request.headers
