"""The blocks of pages with few blocks: they run, or the library loads them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import yaml
from harness.pages import DOCS, ROOT, blocks

from guardedbedrock import Guard, Guardrail
from guardedbedrock.cli.app import run
from guardedbedrock.settings.settings import load
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
APPROVED: Final = f'[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "3"\n'
MODEL: Final = "amazon.nova-lite-v1:0"
WORKFLOWS: Final = [
    (page.name, step)
    for page in sorted(DOCS.glob("*.md"))
    for block in blocks(page.read_text("utf-8"))
    if block.language == "yaml" and not block.file
    for step in yaml.safe_load(block.text)
]
IN_A_WORKER: Final = f"""

def ask():
    import boto3

    client = boto3.client("bedrock-runtime", region_name="us-east-1")
    return client.converse(modelId="{MODEL}", messages=[{{"role": "user", "content": [{{"text": "hello"}}]}}])["stopReason"]


if __name__ == "__main__":
    print([each.result() for each in [pool.submit(ask) for _ in range(8)]])
    pool.shutdown()
"""


def block(page: str, language: str, contains: str = "") -> str:
    """Return the only block of a page in a language that contains a string."""
    found = [each.text for each in blocks((DOCS / page).read_text("utf-8")) if each.language == language]
    (text,) = [each for each in found if contains in each]
    return text


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start a fake that boto3 finds, in a folder with a configuration."""
    monkeypatch.chdir(tmp_path)
    Path("guardedbedrock.toml").write_text(APPROVED, "utf-8")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with FakeBedrock(guardrails=[FakeGuardrail(GUARDRAIL, version="3")]) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_the_client_of_the_home_page_sends_the_guardrail(fake: FakeBedrock) -> None:
    names: dict[str, Any] = {}
    exec(block("index.md", "python"), names)  # noqa: S102  # the page's own code
    names["client"].converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    names["client"].close()

    assert [request.guardrail for request in fake.requests] == [(GUARDRAIL, "3")]


def test_the_worker_processes_of_the_page_of_reliability_are_guarded(fake: FakeBedrock) -> None:
    Path("workers.py").write_text(block("reliability.md", "python") + IN_A_WORKER, "utf-8")
    command = [sys.executable, "-W", "error", "workers.py"]
    ran = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{['end_turn'] * 8}\n", "")
    assert [request.guardrail for request in fake.requests] == [(GUARDRAIL, "3")] * 8


def test_the_policy_of_the_page_of_security_is_the_one_of_the_guard() -> None:
    guard = Guard(guardrails=[Guardrail(GUARDRAIL, version="3")])

    assert json.loads(block("security.md", "json")) == guard.backstop_policy()


@pytest.mark.parametrize(
    ("page", "contains"), [("observability.md", "[retry]"), ("observability.md", "[audit]"), ("sources.md", "s3:")]
)
def test_a_table_of_a_page_is_a_valid_configuration(
    page: str, contains: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = block(page, "toml", contains)
    Path("guardedbedrock.toml").write_text(text if "[guardrails]" in text else f"{text}\n{APPROVED}", "utf-8")

    settings = load(environ={})

    assert {
        "[retry]": lambda: (settings.retry.attempts, settings.retry.deadline) == (3, 120.0),
        "[audit]": lambda: settings.audit is not None,
        "s3:": lambda: settings.max_age == 172800,
    }[contains]()


def test_the_suppression_of_the_page_of_governance_removes_its_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = json.loads((DOCS / "rules" / "examples.json").read_text("utf-8"))
    Path("policies").mkdir()
    Path("policies/application.json").write_text(json.dumps(examples["GB205"]["fires"]), "utf-8")
    reported = []
    for suppression in ("", block("governance.md", "toml")):
        Path("guardedbedrock.toml").write_text(f"{APPROVED}\n{suppression}", "utf-8")
        run(["lint", "policies", "--config", "guardedbedrock.toml", "--format", "json"])
        reported.append({finding["rule"] for finding in json.loads(capsys.readouterr().out)})

    assert reported[0] - reported[1] == {"GB205"}


@pytest.mark.parametrize(("page", "step"), WORKFLOWS, ids=[f"{page}-{number}" for number, (page, _) in enumerate(WORKFLOWS)])
def test_a_step_of_a_workflow_uses_an_action_or_a_hook_of_this_repository(page: str, step: dict[str, Any]) -> None:
    """Its inputs exist, and the required ones are set."""
    assert page
    if "uses" in step:
        folder = step["uses"].removeprefix("OWNER/guardedbedrock/").removesuffix("@REF")
        inputs = yaml.safe_load((ROOT / folder / "action.yml").read_text("utf-8"))["inputs"]
        assert step["with"].keys() <= inputs.keys()
        assert {name for name, one in inputs.items() if one.get("required")} <= step["with"].keys()
    elif "repo" in step:
        hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
        assert {hook["id"] for hook in step["hooks"]} <= hooks
    else:
        assert step.keys() == {"run"}
        assert shlex.split(step["run"])[0] in {"aws", "sed", "guardedbedrock"}


def test_the_recording_of_the_page_answers(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(block("serve.md", "json"), "utf-8")
    with FakeBedrock(replay=tmp_path) as fake:
        client = boto3.Session().client("bedrock-runtime", **fake.client_kwargs())
        reply = client.converse(modelId=MODEL, messages=[])
        client.close()

    assert reply["stopReason"] == "end_turn"
