"""``guardedbedrock init`` and ``guardedbedrock check``."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from guardedbedrock import Guard
from guardedbedrock.settings.settings import MODELS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

ARN = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/def456abc123"
POLICY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}}


def test_the_starter_configuration_is_valid(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("init")

    assert (code, err) == (0, "")
    assert out.startswith("Wrote guardedbedrock.toml. ")
    written = tomllib.loads((tmp_path / "guardedbedrock.toml").read_text("utf-8"))
    assert written == {"guardrails": [{"arn": "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "version": "1"}]}
    assert cli("check").code == 0


def test_the_starter_configuration_has_the_guardrail_of_the_arguments(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", "conf.toml", "--guardrail-arn", ARN, "--guardrail-version", "7").code == 0

    (guardrail,) = Guard.from_config(tmp_path / "conf.toml", listeners=()).rules.approved
    assert (guardrail.arn, guardrail.version) == (ARN, "7")


def test_every_setting_is_in_the_starter_configuration(cli: Cli, tmp_path: Path) -> None:
    cli("init")

    text = (tmp_path / "guardedbedrock.toml").read_text("utf-8")
    named = re.findall(r"^(?:# )?(?:\[+(\w+)\]+|(\w+) = )", text, re.MULTILINE)
    assert set(Settings.model_fields) <= {table or key for table, key in named}


def test_every_commented_setting_can_be_activated(cli: Cli, tmp_path: Path) -> None:
    """Without the comment characters, the whole file is TOML whose keys are all settings."""
    cli("init")
    text = (tmp_path / "guardedbedrock.toml").read_text("utf-8")

    active = re.sub(r'^# ((?:\[+\w+\]+|\w+ = .*|"[^"]+" = .*))$', r"\1", text, flags=re.MULTILINE)

    settings = tomllib.loads(active)
    assert set(settings) == set(Settings.model_fields)
    assert settings["retry"].keys() == MODELS["retry"].model_fields.keys()
    assert settings["policies"] == {"identity": ["policies/*.json"]}


def test_init_keeps_an_existing_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "guardedbedrock.toml").write_text("# mine\n", "utf-8")

    code, out, err = cli("init")

    assert (code, out) == (2, "")
    assert err.startswith("guardedbedrock: guardedbedrock.toml: the file exists; ")
    assert (tmp_path / "guardedbedrock.toml").read_text("utf-8") == "# mine\n"
    assert cli("init", "--force").code == 0
    assert "[[guardrails]]" in (tmp_path / "guardedbedrock.toml").read_text("utf-8")


def test_init_keeps_a_link_that_leads_nowhere(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "guardedbedrock.toml").symlink_to("missing.toml")

    code, out, err = cli("init")

    assert (code, out) == (2, "")
    assert err == "guardedbedrock: guardedbedrock.toml: the file exists; choose another name, or overwrite it with --force\n"
    assert not (tmp_path / "missing.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["."], ".: is a folder; name a file in it, such as guardedbedrock.toml"),
        (["none/x.toml"], "none/x.toml: cannot be written (No such file or directory); correct the path"),
        (["--guardrail-arn", "abc123def456"], "guardrails[0].arn"),
        (["--guardrail-version", "DRAFT"], "guardrails[0].version"),
    ],
)
def test_init_rejects_invalid_arguments(cli: Cli, tmp_path: Path, arguments: list[str], problem: str) -> None:
    code, out, err = cli("init", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert problem in err
    assert list(tmp_path.glob("*.toml")) == []


@pytest.mark.parametrize("arguments", [["guard.toml"], ["--config", "guard.toml"]])
def test_check_summarizes_a_valid_configuration(cli: Cli, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "app.json").write_text(json.dumps(POLICY), "utf-8")
    (tmp_path / "guard.toml").write_text(
        f'mode = "report"\nprincipal = "caller"\npolicies = ["app.json"]\n'
        f'[[guardrails]]\narn = "{ARN}"\nversion = "3"\nname = "hr"\n',
        "utf-8",
    )

    assert cli("check", *arguments) == (
        0,
        f"The configuration is valid.\nmode: report\nguardrail: {ARN} version 3 (hr)\npolicy: identity {tmp_path}/app.json\n",
        "",
    )
    found = json.loads(cli("check", *arguments, "--format", "json").out)
    assert found["guardrails"] == [{"arn": ARN, "version": "3", "name": "hr"}]
    assert found["policies"] == [{"policyType": "identity", "policy": f"{tmp_path}/app.json"}]


def test_check_lists_what_is_sent_without_a_guardrail(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(
        'models_without_guardrail = ["acme.embed-*"]\nallow_unguarded = ["StartAsyncInvoke"]\n'
        f'[[guardrails]]\narn = "{ARN}"\nversion = "3"\n',
        "utf-8",
    )

    out = cli("check", "guard.toml").out
    found = json.loads(cli("check", "guard.toml", "--format", "json").out)

    assert "sent without a guardrail: models `acme.embed-*`\nsent without a guardrail: StartAsyncInvoke\n" in out
    assert found["unguarded"] == {"models": ["acme.embed-*"], "operations": ["StartAsyncInvoke"]}


def test_check_says_that_mode_off_checks_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text('mode = "off"\n', "utf-8")

    assert cli("check", "guard.toml").out.endswith("mode: off\nnothing is checked, and no guardrail is added\n")


def test_check_does_not_read_a_source(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS is not called. Nothing listens at its address, so the output would say that the source failed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (tmp_path / "guard.toml").write_text(
        f'principal = "caller"\npolicies = "account"\n[[guardrails]]\narn = "{ARN}"\nversion = "3"\n', "utf-8"
    )

    code, out, err = cli("check", "guard.toml")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == 'source: policies = "account"; `guardedbedrock doctor` reads it'
    found = json.loads(cli("check", "guard.toml", "--format", "json").out)
    assert (found["source"], found["checksPolicies"]) == ('policies = "account"', True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('mod = "report"', "mode"),
        ('mode = "strict"', "mode"),
        ("", "no guardrail is configured"),
        ("", "guard.toml was read"),
        (f'principal = "caller"\npolicies = ["none.json"]\n[[guardrails]]\narn = "{ARN}"\nversion = "3"', "none.json"),
        (
            f'principal = "caller"\npolicies = ["bad.json"]\n[[guardrails]]\narn = "{ARN}"\nversion = "3"',
            "bad.json at /Statement/0",
        ),
        ("x = ", "guard.toml"),
    ],
)
def test_check_names_the_location_of_an_error(cli: Cli, tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.json").write_text('{"Version": "2012-10-17", "Statement": [{"Effect": "Alow"}]}', "utf-8")
    (tmp_path / "guard.toml").write_text(text, "utf-8")

    code, out, err = cli("check", "guard.toml")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert problem in err


DEFINITION = "[[guardrail_definitions]]\nname = 'hr'\nblocked_input_messaging = 'No.'\nblocked_outputs_messaging = 'No.'\n"

TOOL_TABLES = {
    "suppression without a rule": (
        "[[lint.suppressions]]\nrule = 'GB999'\nsid = 'A'\nreason = 'x'\n",
        "lint.suppressions[0].rule: `GB999` names no rule",
    ),
    "unknown key of a definition": (f"{DEFINITION}topic = 1\n", "guardrail_definitions[0].topic: "),
    "definition that is not a table": ("guardrail_definitions = 1\n", "guardrail_definitions: must be an array of tables"),
    "two definitions with one name": (f"{DEFINITION}{DEFINITION}", "guardrail_definitions[1].name: "),
    "policy of a definition": (
        f"""{DEFINITION}resource_policy = '{{"Statement": {{"Effect": "Alow"}}}}'\n""",
        "guardrail_definitions[0].resource_policy",
    ),
}


@pytest.mark.parametrize("arguments", [(), ("guardedbedrock.toml",)], ids=["found", "named"])
@pytest.mark.parametrize(("table", "problem"), TOOL_TABLES.values(), ids=TOOL_TABLES)
def test_check_reports_an_invalid_table_for_tools(
    cli: Cli, tmp_path: Path, table: str, problem: str, arguments: tuple[str, ...]
) -> None:
    cli("init")
    path = tmp_path / "guardedbedrock.toml"
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n{table}" if table.startswith("[[") else f"{table}\n{text}", "utf-8")

    code, out, err = cli("check", *arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"guardedbedrock.toml: {problem}" in err


def test_check_accepts_valid_tables_for_tools(cli: Cli, tmp_path: Path) -> None:
    cli("init")
    path = tmp_path / "guardedbedrock.toml"
    suppression = "[[lint.suppressions]]\nrule = 'GB201'\nsid = 'A'\nreason = 'x'\n"
    path.write_text(f"{path.read_text('utf-8')}\n{suppression}{DEFINITION}", "utf-8")

    assert cli("check").code == 0


def with_audit_file(tmp_path: Path, cli: Cli, file: str) -> None:
    cli("init")
    path = tmp_path / "guardedbedrock.toml"
    path.write_text(f"{path.read_text('utf-8')}\n[audit]\nfile = '{file}'\n", "utf-8")


def contents(tmp_path: Path) -> set[str]:
    return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_a_command_that_inspects_a_configuration_does_not_create_the_audit_file(cli: Cli, tmp_path: Path, command: str) -> None:
    with_audit_file(tmp_path, cli, "logs/today/audit.jsonl")
    before = contents(tmp_path)

    assert "audit.file" not in cli(command).err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("file", [".", "plain/audit.jsonl"])
def test_check_reports_an_audit_file_that_cannot_be_written(cli: Cli, tmp_path: Path, file: str) -> None:
    (tmp_path / "plain").write_text("", "utf-8")
    with_audit_file(tmp_path, cli, file)

    code, out, err = cli("check")

    assert (code, out) == (2, "")
    assert f"audit.file: '{file}' cannot be written: " in err
