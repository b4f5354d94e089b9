"""
Every code block of every page is valid, and runs in the test that `CHECKS` names.

A new block needs a test that runs it, and a line in `CHECKS`.
"""

from __future__ import annotations

import ast
import doctest
import json
import re
import shlex
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
import typer
import yaml
from harness.pages import DOCS, ROOT, Block, blocks, commands, matches

from guardedbedrock.cli.app import app, run
from guardedbedrock.testing.logs.trails import GUARDRAIL, TrailGenerator

PAGES: Final = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(page for page in DOCS.rglob("*.md") if "templates" not in page.parts),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
FOUND: Final = [
    (str(page.relative_to(ROOT)), number, block)
    for page in PAGES
    for number, block in enumerate(blocks(page.read_text("utf-8")), start=1)
]
TEXT: Final = "text"
"""The language of output and of patterns."""
PARSED_BY_ITS_TEST: Final = {"go", "java", "sql"}
RULES: Final = "docs/rules/*.md"
CHECKS: Final = """
CONTRIBUTING.md                            console  1   tests/docs/test_architecture_page.py  each target exists
README.md                                  console  2   tests/docs/test_readme.py             runs
README.md                                  json     1   tests/docs/test_readme.py             the policies of the program
README.md                                  python   3   tests/docs/test_readme.py             runs
README.md                                  toml     2   tests/docs/test_readme.py             the configuration of the program
docs/alarms.md                             console  1   tests/docs/test_every_block.py        runs
docs/alarms.md                             text     1   tests/docs/test_every_block.py        is in the template
docs/configuration.md                      sh       1   tests/docs/test_configuration_page.py is loaded
docs/configuration.md                      text     1   tests/docs/test_configuration_page.py is printed
docs/configuration.md                      toml     1   tests/docs/test_configuration_page.py is loaded
docs/errors.md                             python   2   tests/docs/test_errors_page.py        runs
docs/errors.md                             text     3   tests/docs/test_errors_page.py        is printed
docs/frameworks.md                         python   25  tests/frameworks/test_page.py         runs, in make frameworks
docs/frameworks.md                         toml     1   tests/frameworks/test_page.py         the configuration of the programs
docs/governance.md                         console  7   tests/article/test_article.py         runs
docs/governance.md                         toml     1   tests/docs/test_small_pages.py        removes its finding
docs/governance.md                         yaml     1   tests/docs/test_small_pages.py        the inputs of the action exist
docs/index.md                              python   1   tests/docs/test_small_pages.py        runs
docs/migration.md                          python   4   tests/docs/test_migration_page.py     runs
docs/migration.md                          toml     1   tests/docs/test_migration_page.py     the configuration of the programs
docs/observability.md                      console  3   tests/clients/check_aws_cli.py        runs, in make clients
docs/observability.md                      json     1   tests/test_docs.py                    the filters match it
docs/observability.md                      python   2   tests/test_docs.py                    runs
docs/observability.md                      text     1   tests/test_docs.py                    is printed
docs/observability.md                      toml     2   tests/docs/test_small_pages.py        is loaded
docs/proof.md                              console  1   tests/docs/test_every_block.py        runs
docs/proof.md                              yaml     1   tests/docs/test_small_pages.py        the inputs of the action exist
docs/quickstart.md                         console  8   tests/docs/test_quickstart.py         runs
docs/quickstart.md                         json     1   tests/docs/test_quickstart.py         a file of the commands
docs/quickstart.md                         python   1   tests/docs/test_quickstart.py         runs
docs/quickstart.md                         toml     3   tests/docs/test_quickstart.py         a file of the commands
docs/reliability.md                        python   1   tests/docs/test_small_pages.py        runs
docs/replay.md                             console  1   tests/docs/test_every_block.py        runs
docs/replay.md                             python   2   tests/docs/test_every_block.py        one runs; that for Spark is compiled
docs/replay.md                             sql      1   tests/docs/test_every_block.py        runs
docs/replay.md                             yaml     1   tests/docs/test_small_pages.py        the inputs of the action exist
docs/report.md                             console  1   tests/sources/test_page_commands.py   runs
docs/report.md                             python   1   tests/sources/test_page_commands.py   runs
docs/rules/*.md                            json     82  tests/governance/lint/test_rules.py   is linted
docs/security.md                           json     1   tests/docs/test_small_pages.py        the policy of the guard
docs/serve.md                              console  2   tests/serve/test_configuration.py     its file is loaded
docs/serve.md                              go       1   tests/docs/test_go_and_java.py        is parsed, and its request is sent
docs/serve.md                              java     1   tests/docs/test_go_and_java.py        is parsed, and its request is sent
docs/serve.md                              json     1   tests/docs/test_small_pages.py        answers a request
docs/serve.md                              toml     1   tests/serve/test_configuration.py     is loaded
docs/sources.md                            json     3   tests/docs/test_sources_page.py       is loaded
docs/sources.md                            python   8   tests/docs/test_sources_page.py       runs
docs/sources.md                            sh       2   tests/sources/test_page_commands.py   runs
docs/sources.md                            toml     1   tests/docs/test_small_pages.py        is loaded
docs/sources.md                            yaml     1   tests/sources/test_page_commands.py   runs
docs/testing.md                            console  11  tests/docs/test_testing_page.py       runs
docs/testing.md                            json     3   tests/docs/test_testing_page.py       a file of the commands
docs/testing.md                            python   8   tests/docs/test_testing_page.py       runs
docs/testing.md                            toml     1   tests/docs/test_testing_page.py       is loaded
docs/testing.md                            yaml     4   tests/docs/test_testing_page.py       a file of the commands
examples/chatbot_service/README.md         console  3   tests/examples/test_examples.py       runs
examples/governance/README.md              console  1   tests/examples/test_examples.py       runs
examples/replace_client_creation/README.md console  1   tests/examples/test_examples.py       runs
examples/test_harness/README.md            console  1   tests/examples/test_examples.py       runs
"""
"""Page, language, number of blocks, the test, and what the test does with a block."""
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
            assert block.language in {TEXT, *PARSED_BY_ITS_TEST}


def test_every_block_has_a_test_that_runs_it() -> None:
    """If this fails, write the test for the new block, and its line in `CHECKS`."""
    rows = [line.split(maxsplit=4) for line in CHECKS.strip().splitlines()]
    written = Counter((RULES if "docs/rules/" in page else page, block.language) for page, _, block in FOUND)

    assert {(page, language): int(count) for page, language, count, *_ in rows} == written
    assert len(rows) == len(written)
    for page, _, _, file, _ in rows:
        text = (ROOT / file).read_text("utf-8")
        assert [name for name in (Path(page).name, page.split("/")[0], "examples.json") if name in text], (page, file)


def test_the_names_that_a_page_imports_exist() -> None:
    """This includes programs that need other packages, such as PySpark."""
    programs = [block.text for _, _, block in FOUND if block.language == "python" and not block.text.startswith(">>>")]
    imports = [node for text in programs for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    ours = sorted({ast.unparse(node) for node in imports if str(node.module).startswith("guardedbedrock")})

    assert len(ours) >= 10
    for line in ours:
        exec(line, {})  # noqa: S102  # an import of a page


def test_every_fence_names_its_language() -> None:
    """Otherwise no test would run the block."""
    fences = {page: len(re.findall(r"^ *(?:```|~~~)", page.read_text("utf-8"), re.MULTILINE)) for page in PAGES}

    assert fences == {page: 2 * len(list(blocks(page.read_text("utf-8")))) for page in PAGES}


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
    (pattern,) = (block.text.strip() for block in blocks((DOCS / "alarms.md").read_text("utf-8")) if block.language == TEXT)
    templates = [yaml.safe_load(file.read_text("utf-8")) for file in (folder / "out").iterdir()]
    assert pattern in [
        resource["Properties"].get("FilterPattern") for template in templates for resource in template["Resources"].values()
    ]


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


def test_the_query_of_the_page_reads_kept_calls(folder: Path) -> None:
    TrailGenerator(seed=1).write(folder / "trail", 200)
    (folder / "policy.json").write_text(json.dumps(ALLOW), "utf-8")
    assert run(["replay", "trail", "--policies", "policy.json", "--keep", "kept/day"]) == 0
    (query,) = (block.text for block in blocks((DOCS / "replay.md").read_text("utf-8")) if block.language == "sql")

    with duckdb.connect() as database:
        rows = database.execute(query).fetchall()

    counts = [count for *_, count in rows]
    assert counts == sorted(counts, reverse=True)
    assert {operation for _, operation, *_ in rows} >= {"Converse", "InvokeModel"}
