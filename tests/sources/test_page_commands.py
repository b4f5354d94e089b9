"""The commands of docs/sources.md and docs/report.md, typed one after the other against moto and the fake."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from harness.account import GUARDRAIL, REGION, Aws
from harness.pages import DOCS, Block, blocks, commands, matches

from guardedbedrock.cli.app import run
from guardedbedrock.testing import FakeGuardrail


def found(page: str, language: str) -> list[Block]:
    return [block for block in blocks((DOCS / page).read_text("utf-8")) if block.language == language]


def type_line(line: str) -> int:
    """Run a line of the page, without a second Region: the fake has one."""
    words = shlex.split(re.sub(r" --region eu-\S+", "", line))
    assert words[0] == "guardedbedrock"
    return run(words[1:])


@pytest.fixture
def configured(shell: Aws) -> Aws:
    shell.fake.configure(guardrails=[FakeGuardrail(GUARDRAIL, version="1")])
    table = f'[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "1"\nname = "hr"\n'
    Path("guardedbedrock.toml").write_text(table, "utf-8")
    return shell


def test_the_shell_blocks_of_the_page_of_sources_run(configured: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    snapshots, checks = (block.text.splitlines() for block in found("sources.md", "sh"))
    assert configured.fake.region == REGION

    assert type_line(snapshots[0]) == 0
    Path("yesterday.json").write_bytes(Path("account.json").read_bytes())
    Path("yesterday.json.sha256").write_text(Path("account.json.sha256").read_text().replace("account.json", "yesterday.json"))
    capsys.readouterr()
    assert [type_line(line) for line in snapshots[1:]] == [0]
    assert capsys.readouterr().out == "no access to Bedrock changed\n"
    assert [type_line(line) for line in checks] == [0, 0, 0]
    assert "You said: Hello" in capsys.readouterr().out
    assert [request.guardrail for request in configured.fake.requests if request.operation == "Converse"] == [(GUARDRAIL, "1")]


def test_the_pipeline_of_the_page_of_sources_compares_two_snapshots(configured: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """The steps of AWS and sed are replaced by a copy."""
    (workflow,) = found("sources.md", "yaml")
    lines = re.findall(r"^- run: (guardedbedrock .+)$", workflow.text, re.MULTILINE)
    assert len(lines) == 2
    assert configured.fake.region == REGION

    assert type_line(lines[0]) == 0
    Path("before.json").write_bytes(Path("account.json").read_bytes())
    Path("before.json.sha256").write_text(Path("account.json.sha256").read_text().replace("account.json", "before.json"))
    assert type_line(lines[1]) == 0
    assert "no access to Bedrock changed" in capsys.readouterr().out


def test_the_report_of_the_page_is_written_and_read(configured: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    (console,), (program,) = found("report.md", "console"), found("report.md", "python")
    assert configured.fake.region == REGION
    for command, shown in commands(console):
        capsys.readouterr()
        assert run(shlex.split(command)[1:]) == 0
        printed = capsys.readouterr()
        if shown:
            assert matches((printed.out + printed.err).splitlines(), shown)
    assert Path("report.html").read_text("utf-8").startswith("<!doctype html>")

    assert run(["report", "--snapshot", "account.json", "-o", "report.json"]) == 0
    capsys.readouterr()
    exec(program.text, {})  # noqa: S102  # the page's own code
    lines = capsys.readouterr().out.splitlines()
    data = json.loads(Path("report.json").read_text("utf-8"))
    assert len(lines) == len(data["rows"]) * len(data["models"])
    assert {line.split()[-1] for line in lines} <= {"allowed", "implicitDeny", "explicitDeny", "indeterminate"}
