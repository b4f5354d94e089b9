"""Every code block of every page is valid, and every command on a page has the options that the page uses."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from harness.pages import DOCS, ROOT, Block, blocks, commands, matches

from guardedbedrock.cli.app import app, run
from guardedbedrock.testing.trails import GUARDRAIL, TrailGenerator

PAGES: Final = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "templates" not in page.parts)]
FOUND: Final = [
    (str(page.relative_to(ROOT)), number, block)
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text("utf-8")), start=1)
]
OTHER_LANGUAGES: Final = {"go", "java", "sql", "text"}
"""Without a parser here; `text` is output."""
TYPED: Final = [
    (page, line)
    for page, _, block in FOUND
    for line in (
        [command for command, _ in commands(block)]
        if block.language == "console"
        else block.text.splitlines()
        if block.language == "sh"
        else ()
    )
]
LINES: Final = [(page, line) for page, line in TYPED if re.match(r"(\w+=\S+ )*guardedbedrock ", line)]


@pytest.mark.parametrize(("page", "number", "block"), FOUND, ids=[f"{page}-{number}" for page, number, _ in FOUND])
def test_a_block_can_be_parsed(page: str, number: int, block: Block) -> None:  # noqa: ARG001 - in the name of the test
    match block.language:
        case "python":
            examples = [example.source for example in doctest.DocTestParser().get_examples(block.text)]
            for source in examples or [block.text]:
                compile(source, page, "exec", dont_inherit=True)
        case "json":
            json.loads(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "yaml":
            assert yaml.safe_load(block.text)
        case "console":
            assert list(commands(block))
        case "sh":
            subprocess.run(["/bin/bash", "-n"], input=block.text, text=True, check=True)
        case _:
            assert block.language in OTHER_LANGUAGES


def parse(arguments: list[str]) -> None:
    """Parse the arguments of a command as the command line does, without running it."""
    command: Any = typer.main.get_command(app)
    while arguments and arguments[0] in getattr(command, "commands", ()):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    context = command.make_context(command.name, list(arguments))
    context.close()


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_command_has_the_options_of_the_page(page: str, line: str) -> None:  # noqa: ARG001 - in the name of the test
    words = shlex.split(line.partition("guardedbedrock ")[2].replace("\\\n", " "), comments=True)
    end = next((number for number, word in enumerate(words) if word in (">", "|", "&", "&&", ";")), len(words))

    parse(words[:end])


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(Exception, match="--no-such-option"):
        parse(["simulate", "--operation", "Converse", "--no-such-option"])


ALLOW: Final = {"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
GUARDED: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Chat",
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel*"],
            "Resource": "arn:aws:bedrock:*::foundation-model/*",
            "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:3"}},
        },
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def only_command(page: str) -> tuple[list[str], list[str]]:
    """Return the arguments of the first command of a page, and the output on the page."""
    block = next(block for block in blocks((DOCS / page).read_text("utf-8")) if block.language == "console")
    command, shown = next(commands(block))
    return shlex.split(command)[1:], shown


def test_the_proof_of_the_page_is_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policy.json").write_text(json.dumps(GUARDED), "utf-8")

    assert run(only_command("proof.md")[0]) == 0
    assert capsys.readouterr().out.startswith("proved: ")


def test_the_alarm_of_the_page_is_written(folder: Path) -> None:
    (folder / "guardedbedrock.toml").write_text((ROOT / "examples/governance/guardedbedrock.toml").read_text("utf-8"), "utf-8")
    (folder / "policies").symlink_to(ROOT / "examples/governance/policies")

    assert run(only_command("alarms.md")[0]) == 0
    assert list((folder / "out").iterdir())


def test_the_replays_of_the_page_print_its_lines_and_work_in_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures are those of another trail; the words are the same."""
    trail = TrailGenerator(seed=1)
    trail.write(folder / "trail", 2000)
    trail.write_invocation_logs(folder / "logs")
    (folder / "old-policy.json").write_text(json.dumps(ALLOW), "utf-8")
    without = {
        "Sid": "Unguarded",
        "Effect": "Deny",
        "Action": "bedrock:InvokeModel*",
        "Resource": "*",
        "Condition": {"Null": {"bedrock:GuardrailIdentifier": "true"}},
    }
    region = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    elsewhere = {"Sid": "NoEurope", "Effect": "Deny", "Action": "bedrock:*", "Resource": "*", "Condition": region}
    new = {**ALLOW, "Statement": [*ALLOW["Statement"], without, elsewhere]}
    (folder / "new-policy.json").write_text(json.dumps(new), "utf-8")
    arguments, shown = only_command("replay.md")

    assert run(arguments) == 1
    printed = [re.sub(r"[\d,]+\d|\d", "N", line) for line in capsys.readouterr().out.splitlines()]
    assert matches(printed[:4], [re.sub(r"[\d,]+\d|\d", "N", line) for line in shown[:4]])
    programs = [block.text for block in blocks((DOCS / "replay.md").read_text("utf-8")) if block.language == "python"]
    (program,) = [text for text in programs if "governance.replay.run" in text]
    exec(program.replace("workers=4", "workers=1"), {})  # noqa: S102  # the page's own code
    assert "arn:aws:" in capsys.readouterr().out
