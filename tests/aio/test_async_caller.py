"""Who calls through an async client: role, rotated credentials, and sources."""

from __future__ import annotations

import asyncio
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

import pytest
from harness.clients import HR, ON_THE_SERVER, Recorder, ask

from guardedbedrock import ConfigurationError, ExplicitDenyError, Guard, ImplicitDenyError, PreflightUnavailableError, iam
from guardedbedrock.core.events import PreflightDecided
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION, write_snapshot
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

ACCOUNT: Final = "123456789012"
PATHS: Final = {"Member": "/team/", "Guest": "/guests/"}
"""Roles and their paths. The access key of a session is the name of its role in capital letters."""
TEAM_ONLY: Final = iam.PolicySet(
    identity=[
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Action": "bedrock:*",
                    "Resource": "*",
                    "Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/team/*"}},
                },
            ],
        }
    ]
)


def session_of(role: str) -> str:
    """Return the ARN of a session."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/run"


class Handler(BaseHTTPRequestHandler):
    """Answers GetCallerIdentity and GetRole for the access key that signs."""

    server: Sts

    def do_POST(self) -> None:
        """Answer one request."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        action = form["Action"][0]
        self.server.asked.append(action)
        signer = re.search(r"Credential=(\w+)/", self.headers["Authorization"])
        assert signer is not None
        name = signer[1].title()
        if action in self.server.failing:
            self._answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
        elif action == "GetCallerIdentity":
            self._answer(200, _result(action, f"<Arn>{session_of(name)}</Arn><UserId>AROA:run</UserId>"))
        else:
            arn = f"arn:aws:iam::{ACCOUNT}:role{PATHS[name]}{name}"
            self._answer(200, _result(action, f"<Role><Arn>{arn}</Arn><RoleName>{name}</RoleName></Role>"))

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def _result(action: str, content: str) -> str:
    return f"<{action}Response><{action}Result>{content}</{action}Result></{action}Response>"


class Sts(ThreadingHTTPServer):
    """STS and IAM on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.failing: set[str] = set()


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    """Serve STS and IAM."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Sts() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for service in ("STS", "IAM"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()
        thread.join()


class Env(NamedTuple):
    """A guard with its listener, a fake, and the keywords of a client that signs for a role."""

    guard: Guard
    recorder: Recorder
    fake: FakeBedrock

    def keywords(self, role: str) -> dict[str, Any]:
        """Return the keywords."""
        return {**self.fake.client_kwargs(), "aws_access_key_id": role.upper(), "aws_secret_access_key": "x"}

    @property
    def principals(self) -> list[str]:
        """The principal of each call that was decided."""
        verdicts = [decided.verdict for call in self.recorder.calls for decided in call.of(PreflightDecided)]
        return [verdict.authorizations[0].request.principal for verdict in verdicts]


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """Start a fake Bedrock."""
    with FakeBedrock(guardrails=ON_THE_SERVER) as server:
        yield server


def make(fake: FakeBedrock, **settings: Any) -> Env:
    """Make a guard whose principal is the owner of the credentials."""
    recorder = Recorder()
    return Env(Guard(**{"guardrails": [HR], "principal": "caller", "listeners": [recorder], **settings}), recorder, fake)


def rotate(client: Any, role: str) -> None:
    """Replace the credentials of a client."""
    credentials = client._get_credentials()
    credentials.access_key = role.upper()


async def test_iam_gives_the_path_of_the_role_once(sts: Sts, fake: FakeBedrock) -> None:
    env = make(fake, policies=TEAM_ONLY)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        await asyncio.gather(*(client.converse(**ask("converse")) for _ in range(4)))
    verdict = env.recorder.last.of(PreflightDecided)[0].verdict
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Guest")) as client:
        with pytest.raises(ExplicitDenyError):
            await client.converse(**ask("converse"))

    assert verdict.decision == "allowed"
    assert verdict.authorizations[0].request.facts["aws:principalarn"] == f"arn:aws:iam::{ACCOUNT}:role/team/Member"
    assert sts.asked == ["GetCallerIdentity", "GetRole"] * 2
    assert len(fake.requests) == 4


async def test_path_of_the_role_stays_unknown_if_iam_denies_the_call(sts: Sts, fake: FakeBedrock) -> None:
    sts.failing.add("GetRole")
    env = make(fake, policies=TEAM_ONLY)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        for _ in range(3):
            await client.converse(**ask("converse"))

    verdict = env.recorder.last.of(PreflightDecided)[0].verdict
    assert (verdict.decision, verdict.hangs_on) == ("indeterminate", ("aws:PrincipalArn",))
    assert sts.asked == ["GetCallerIdentity", "GetRole"]


async def test_call_is_refused_until_sts_answers(sts: Sts, fake: FakeBedrock) -> None:
    sts.failing.add("GetCallerIdentity")
    env = make(fake, policies=TEAM_ONLY)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        with pytest.raises(PreflightUnavailableError, match="STS did not return the caller identity"):
            await client.converse(**ask("converse"))
        sts.failing.clear()
        await client.converse(**ask("converse"))

    assert sts.asked == ["GetCallerIdentity", "GetCallerIdentity", "GetRole"]
    assert len(fake.requests) == 1


async def test_rotated_credentials_of_another_role_get_its_policies(sts: Sts, fake: FakeBedrock) -> None:
    """Calls and presigned URLs; tasks that run together agree."""
    env = make(fake, policies=TEAM_ONLY)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        await client.converse(**ask("converse"))
        rotate(client, "Guest")
        with pytest.raises(ExplicitDenyError):
            await client.generate_presigned_url("invoke_model", Params=ask("invoke_model"))
        denied = await asyncio.gather(*(client.converse(**ask("converse")) for _ in range(4)), return_exceptions=True)
        rotate(client, "Member")
        await client.converse(**ask("converse"))

    assert [type(error).__mro__[1] for error in denied] == [ExplicitDenyError] * 4
    assert env.principals == [session_of("Member"), *[session_of("Guest")] * 5, session_of("Member")]
    assert sts.asked == ["GetCallerIdentity", "GetRole"] * 3
    assert len(fake.requests) == 2


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    """Write a snapshot in which only one of the two roles may call models; return the name of the source."""
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}]}
    principals = {
        f"arn:aws:iam::{ACCOUNT}:role{path}{name}": {
            "kind": "role",
            "name": name,
            "path": path,
            "tags": {},
            "inline": {"Bedrock": allow} if name == "Member" else {},
            "managed": [],
        }
        for name, path in PATHS.items()
    }
    header = {"schema": SCHEMA, "version": VERSION, "account": ACCOUNT, "time": "2026-11-28T12:00:00Z"}
    path = tmp_path / "account.json"
    write_snapshot({**header, "principals": principals}, path)
    return f"snapshot:{path}"


async def test_source_decides_the_calls_of_an_async_client(sts: Sts, fake: FakeBedrock, snapshot: str) -> None:
    """The policies, and the path of the role, come from the snapshot: IAM is not asked."""
    env = make(fake, policies=snapshot)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        await asyncio.gather(*(client.converse(**ask("converse")) for _ in range(4)))
        verdict = env.recorder.last.of(PreflightDecided)[0].verdict
        rotate(client, "Guest")
        with pytest.raises(ImplicitDenyError) as denied:
            await client.converse(**ask("converse"))

    assert verdict.decision == "allowed"
    assert verdict.authorizations[0].request.facts["aws:principalarn"] == f"arn:aws:iam::{ACCOUNT}:role/team/Member"
    assert denied.value.principal == session_of("Guest")
    assert sts.asked == ["GetCallerIdentity"] * 2
    assert len(fake.requests) == 4


async def test_lost_source_refuses_the_calls_of_an_async_client(sts: Sts, fake: FakeBedrock, snapshot: str) -> None:
    """An unknown identity makes the source unavailable; nothing is sent."""
    sts.failing.add("GetCallerIdentity")
    env = make(fake, policies=snapshot)
    async with env.guard.async_client("bedrock-runtime", **env.keywords("Member")) as client:
        results = await asyncio.gather(*(client.converse(**ask("converse")) for _ in range(4)), return_exceptions=True)

    assert [isinstance(error, PreflightUnavailableError) for error in results] == [True] * 4
    assert fake.requests == []


class Account:
    """A reader that answers when the event loop has run on, with one READY guardrail of one Region."""

    def __init__(self, loop_runs: Event) -> None:
        self._loop_runs = loop_runs

    def read(self, *_: object) -> dict[str, Any]:
        """Return a snapshot."""
        assert self._loop_runs.wait(10)
        version = {"version": HR.version, "status": "READY"}
        entry = {"arn": HR.arn, "id": HR.id, "name": "hr", "region": "us-east-1", "status": "READY", "versions": [version]}
        return {"schema": SCHEMA, "version": VERSION, "account": "", "time": "", "guardrails": [entry], "gaps": []}


@pytest.mark.parametrize(("region", "refused"), [("us-east-1", False), ("eu-west-1", True)])
async def test_event_loop_runs_while_the_guardrails_of_the_account_are_read(
    fake: FakeBedrock, monkeypatch: pytest.MonkeyPatch, region: str, *, refused: bool
) -> None:
    """The reader waits for another task; the Region is checked when the client is entered."""
    loop_runs = Event()
    monkeypatch.setattr("guardedbedrock.aws.sources.live.LiveAccount", lambda **_: Account(loop_runs))
    guard = Guard(guardrails="account", listeners=())

    async def enter() -> str:
        async with guard.async_client("bedrock-runtime", **{**fake.client_kwargs(), "region_name": region}) as client:
            reply: dict[str, Any] = await client.converse(**ask("converse"))
            return str(reply["stopReason"])

    async def run_on() -> None:
        loop_runs.set()

    entered, _ = await asyncio.gather(enter(), run_on(), return_exceptions=True)

    assert isinstance(entered, ConfigurationError) if refused else entered == "end_turn"
    assert [request.guardrail for request in fake.requests] == ([] if refused else [(HR.arn, HR.version)])
