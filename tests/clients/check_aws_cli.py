"""The AWS CLI against the fake. Run by `make clients`, with `AWS_CLI` as the path of the command."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.pages import DOCS, blocks, commands

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
WORDS: Final = json.dumps({"wordsConfig": [{"text": "salary"}]})
BODY: Final = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99}


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """An empty fake."""
    with FakeBedrock() as running:
        yield running


@pytest.fixture
def aws(fake: FakeBedrock, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that runs the CLI and returns its JSON."""
    environment = {**os.environ, **fake.environment, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}

    def run(*arguments: str, code: int = 0) -> Any:
        command = [os.environ["AWS_CLI"], *arguments, "--output", "json"]
        done = subprocess.run(  # noqa: S603 - the CLI that the Makefile installed
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stderr if code else json.loads(done.stdout or "null")

    return run


def test_the_cli_manages_and_uses_a_guardrail(fake: FakeBedrock, aws: Callable[..., Any], tmp_path: Path) -> None:
    """Create, tag, list, apply, invoke with it, and a denial."""
    texts = ("--blocked-input-messaging", "blocked", "--blocked-outputs-messaging", "blocked")
    created = aws("bedrock", "create-guardrail", "--name", "hr", *texts, "--word-policy-config", WORDS)
    arn, identifier = created["guardrailArn"], created["guardrailId"]
    aws("bedrock", "create-guardrail-version", "--guardrail-identifier", identifier)
    aws("bedrock", "tag-resource", "--resource-arn", arn, "--tags", "key=team,value=hr")
    named = ("--guardrail-identifier", identifier, "--guardrail-version", "1")

    assert [one["arn"] for one in aws("bedrock", "list-guardrails")["guardrails"]] == [arn]
    assert aws("bedrock", "list-tags-for-resource", "--resource-arn", arn)["tags"] == [{"key": "team", "value": "hr"}]
    content = json.dumps([{"text": {"text": "my salary"}}])
    applied = aws("bedrock-runtime", "apply-guardrail", *named, "--source", "INPUT", "--content", content)
    assert applied["action"] == "GUARDRAIL_INTERVENED"

    answers = []
    for text in ("hello", "my salary"):
        body = tmp_path / "body.json"
        body.write_text(json.dumps({**BODY, "messages": [{"role": "user", "content": text}]}), "utf-8")
        aws("bedrock-runtime", "invoke-model", "--model-id", MODEL, *named, "--body", "fileb://body.json", "reply.json")
        answers.append(json.loads((tmp_path / "reply.json").read_text("utf-8"))["content"][0]["text"])
    assert answers == ["You said: hello", "blocked"]

    fake.deny("Converse", by="scp")
    messages = json.dumps([{"role": "user", "content": [{"text": "hello"}]}])
    error = aws("bedrock-runtime", "converse", "--model-id", MODEL, "--messages", messages, code=255)
    assert "(AccessDeniedException) when calling the Converse operation" in error
    assert "explicit deny in a service control policy" in error


def test_the_commands_of_the_page_of_observability(moto_url: str, tmp_path: Path) -> None:
    """Each is typed into a shell, with moto as CloudWatch. Moto's filter knows no operators, so only the syntax is checked."""
    (tmp_path / "aws").symlink_to(os.environ["AWS_CLI"])
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": moto_url, "AWS_CONFIG_FILE": os.devnull, "PATH": path}

    def type_line(line: str) -> str:
        done = subprocess.run(  # noqa: S603 - a command of our page
            ["/bin/bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), line
        return done.stdout

    type_line("aws logs create-log-group --log-group-name /guardedbedrock/audit")
    page = blocks((DOCS / "observability.md").read_text("utf-8"))
    typed = [command for block in page if block.language == "console" for command, _ in commands(block)]
    for command in typed:
        type_line(command)

    assert len(typed) == 4
    alarms = json.loads(type_line("aws cloudwatch describe-alarms"))["MetricAlarms"]
    filters = json.loads(type_line("aws logs describe-metric-filters"))["metricFilters"]
    assert [one["MetricName"] for one in alarms] == [one["metricTransformations"][0]["metricName"] for one in filters]
