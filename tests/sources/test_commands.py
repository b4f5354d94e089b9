"""``guardedbedrock doctor``, ``guardrails list`` and ``invoke`` against moto and the fake."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from harness.account import ACCOUNT, GUARDRAIL, Aws, use_credentials

from guardedbedrock import Guard
from guardedbedrock.cli.app import run
from guardedbedrock.testing import FakeGuardrail

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/team/App"
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/Ann"
MODEL_ID: Final = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture(name="configure")
def make_configure(shell: Aws) -> Any:
    """Write a configuration with a guardrail that exists."""
    shell.fake.configure(
        guardrails=[FakeGuardrail(GUARDRAIL, version="1", denied_words=("salary",)), FakeGuardrail("other0000001")]
    )

    def write(**settings: str) -> None:
        lines = [f'{name} = "{value}"\n' for name, value in settings.items()]
        table = f'[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "1"\nname = "hr"\n'
        Path("guardedbedrock.toml").write_text("".join(lines) + ("" if "guardrails" in settings else table), "utf-8")

    return write


def output(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed."""
    return capsys.readouterr().out


def test_doctor_finds_nothing_in_a_healthy_configuration(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0."""
    configure()

    assert run(["doctor"]) == 0
    text = output(capsys)
    assert f"guardrail: hr {GUARDRAIL} version 1" in text
    assert "simulated: Converse of anthropic.claude-3-haiku-20240307-v1:0: allowed" in text
    assert text.endswith("healthy\n")


def test_doctor_reports_identity_source_age_and_gaps(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Moto has no effective policies, which is a gap."""
    configure(policies="account", principal=ROLE)

    assert run(["doctor", "--format", "json"]) == 1
    found = json.loads(output(capsys))
    assert found["identity"] == ROLE
    assert found["source"]["name"] == 'policies = "account"'
    assert 0 <= found["source"]["ageSeconds"] < 60
    assert [gap["api"] for gap in found["source"]["gaps"]] == ["organizations:DescribeEffectivePolicy"]
    assert found["findings"][0].endswith("allow organizations:DescribeEffectivePolicy")
    assert found["simulated"]["decision"] == "indeterminate"
    assert found["libraries"]["boto3"]


def test_doctor_reports_the_hooks_of_its_process(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A sitecustomize module may install a guard in every process; the command sees that of its own process only."""
    configure()
    assert run(["doctor"]) == 0
    assert "guards of install() in this process, which are not those of your application: none\n" in output(capsys)

    with Guard.from_config().install(strict=True):
        assert run(["doctor"]) == 0
        text = output(capsys)
        assert run(["doctor", "--format", "json"]) == 0
    hooks = json.loads(output(capsys))["hooks"]
    assert "application: 1 installed, strict on\n  ClientCreator.create_client by guardedbedrock\n" in text
    assert {name: hooks[name] for name in ("process", "installed", "strict", "unguardedClients")} == {
        "process": os.getpid(),
        "installed": 1,
        "strict": True,
        "unguardedClients": [],
    }


def test_doctor_names_unguarded_clients_of_its_process(configure: Any, shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """They are a finding."""
    configure()
    client = boto3.client("bedrock-runtime", **shell.fake.client_kwargs())

    assert run(["doctor"]) == 1
    assert "finding: unguarded client in this process: bedrock-runtime in us-east-1\n" in output(capsys)
    client.close()


def test_doctor_reports_denials_and_unavailable_sources(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The user may not apply guardrails; another role does not exist."""
    configure(policies="account", principal=USER)
    assert run(["doctor"]) == 1
    assert f"finding: a call to {MODEL_ID} would be denied: User: {USER} is not authorized" in output(capsys)

    configure(policies="account", principal=f"arn:aws:iam::{ACCOUNT}:role/None")
    assert run(["doctor"]) == 1
    assert 'finding: unavailable: policies = "account":' in output(capsys)


def test_doctor_of_an_invalid_configuration_exits_with_2(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr."""
    configure(mode="other")

    assert run(["doctor"]) == 2
    assert "guardedbedrock.toml: mode: must be" in capsys.readouterr().err


def test_guardrails_list_shows_versions_and_which_is_approved(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """As text and as JSON."""
    configure()

    assert run(["guardrails", "list"]) == 0
    lines = output(capsys).splitlines()
    assert any("abc123def456" in line and line.endswith("approved: 1") for line in lines)
    assert any("other0000001" in line and line.endswith("not approved") for line in lines)
    assert run(["guardrails", "list", "--format", "json"]) == 0
    rows = {row["id"]: row for row in json.loads(output(capsys))["guardrails"]}
    assert (rows["abc123def456"]["approvedVersions"], rows["other0000001"]["approvedVersions"]) == (["1"], [])
    assert "1" in rows["abc123def456"]["versions"]


def test_guardrails_list_shows_every_approved_version(configure: Any, shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """Two names may approve two versions of one guardrail."""
    configure()
    shell.fake.configure(guardrails=[FakeGuardrail(GUARDRAIL, version="1"), FakeGuardrail(GUARDRAIL, version="2")])
    table = f'\n[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "2"\nname = "strict"\n'
    Path("guardedbedrock.toml").write_text(Path("guardedbedrock.toml").read_text("utf-8") + table, "utf-8")

    assert run(["guardrails", "list"]) == 0
    assert output(capsys).endswith("approved: 1, 2\n")


@pytest.mark.parametrize("stream", [[], ["--stream"]], ids=["whole", "stream"])
def test_invoke_reports_an_intervention_that_is_raised(
    configure: Any, stream: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """In one sentence, with exit code 1."""
    configure(on_intervention="raise")

    assert run(["invoke", "--model", MODEL_ID, *stream, "my salary"]) == 1
    assert "guardrail" in output(capsys)


def test_invoke_prints_no_hint_that_a_denial_does_not_have(
    configure: Any, shell: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS may deny without saying why."""
    configure()
    shell.fake.fail_next(403, "AccessDeniedException", "no")

    assert run(["invoke", "--model", MODEL_ID, "hello"]) == 1
    assert output(capsys) == "denied: no\n"


def test_doctor_says_that_the_identity_is_unknown_if_sts_fails(
    configure: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is needed, because policies are evaluated."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    configure(policies="account", principal="caller")

    assert run(["doctor"]) == 1
    assert "identity: unknown\n" in output(capsys)


@pytest.mark.parametrize("stream", [[], ["--stream"]], ids=["whole", "stream"])
def test_invoke_prints_the_reply_of_a_guarded_call(
    configure: Any, shell: Aws, stream: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The guardrail of the configuration is sent."""
    configure()
    shell.fake.reply("four", times=None)

    assert run(["invoke", "--model", MODEL_ID, "--guardrail", "hr", *stream, "two and two?"]) == 0
    assert output(capsys) == "four\n"
    assert shell.fake.requests[-1].params["guardrailConfig"]["guardrailIdentifier"] == GUARDRAIL


def test_invoke_with_a_body_calls_invoke_model(configure: Any, shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """The body of the response is printed."""
    configure()
    shell.fake.reply("four", times=None)
    messages = [{"role": "user", "content": "two and two?"}]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages}
    Path("body.json").write_text(json.dumps(body), "utf-8")

    assert run(["invoke", "--model", MODEL_ID, "--body", "body.json"]) == 0
    assert json.loads(output(capsys))["content"][0]["text"] == "four"


def test_invoke_that_is_denied_explains_and_exits_with_1(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is sent."""
    configure(policies="account", principal=USER)

    assert run(["invoke", "--model", MODEL_ID, "hello"]) == 1
    text = output(capsys)
    assert f"denied: User: {USER} is not authorized to perform: bedrock:ApplyGuardrail" in text
    assert "no identity-based policy allows" in text
    assert "hint: " in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", MODEL_ID], "give either PROMPT or --body FILE"),
        (["--model", MODEL_ID, "--body", "missing.json"], "--body missing.json: cannot be read"),
        (["--model", MODEL_ID, "--guardrail", "none", "hello"], "no approved guardrail is named `none`"),
    ],
)
def test_invoke_with_unusable_arguments_exits_with_2(
    configure: Any, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr."""
    configure()

    assert run(["invoke", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_caller_is_the_default_principal_of_a_source(
    configure: Any, shell: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The role of the session, found by STS."""
    use_credentials(monkeypatch, shell.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="run")["Credentials"])
    configure(policies="account")
    run(["doctor", "--format", "json"])
    found = json.loads(output(capsys))

    assert found["identity"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/App/run"
    assert found["simulated"]["decision"] == "indeterminate"
