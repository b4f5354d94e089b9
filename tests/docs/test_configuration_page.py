"""The configuration page is the one that the settings generate, and its examples work when they are pasted."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from inspect import signature
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock import ConfigurationError, Guard
from guardedbedrock.settings.settings import MODELS, Settings, load

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "configuration.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
POLICY: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def block(language: str) -> str:
    """Return the only block of a language."""
    (found,) = [text for kind, text in BLOCKS if kind == language]
    return str(found)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    for name in ("role", "root", "account"):
        (tmp_path / "policies" / f"{name}.json").write_text(json.dumps(POLICY), "utf-8")
    return tmp_path


def test_the_page_is_the_one_that_the_settings_generate(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, run `make docs`."""
    monkeypatch.syspath_prepend(str(DOCS))
    written: str = runpy.run_path(str(DOCS / "generate_configuration.py"))["page"]()

    assert written.splitlines() == PAGE.splitlines()


@pytest.mark.parametrize("table", MODELS)
def test_every_key_has_a_type_a_description_and_a_fix(table: str) -> None:
    for name, field in MODELS[table].model_fields.items():
        rows = re.findall(rf"^\| `{name}` \| (.+?) \|$", PAGE, re.MULTILINE)
        assert len([row for row in rows if row.endswith(f" | {field.description}")]) == 1
        assert str(field.description).endswith(".")
        assert isinstance(field.json_schema_extra, dict)
        assert re.match(r"(set it to|write|list|map|name) ", str(field.json_schema_extra["fix"]))


def test_the_complete_file_works_when_it_is_pasted(here: Path) -> None:
    (here / "guardedbedrock.toml").write_text(block("toml"), "utf-8")

    settings = load(environ={})

    assert [guardrail.name for guardrail in settings.approved] == ["hr", "public"]
    assert (settings.mode, settings.retry.attempts, settings.principal) == ("report", 5, "caller")
    assert settings.audit is not None
    policies = settings.policy_set()
    assert policies is not None
    assert [kind for kind, _ in policies] == ["identity", "identity", "identity", "scp", "scp"]


def test_the_variables_work_when_they_are_pasted(here: Path) -> None:
    exports = [shlex.split(line)[1] for line in block("sh").splitlines()]
    environ = dict(export.split("=", 1) for export in exports)

    settings = load(environ=environ)

    assert (len(settings.approved), settings.mode, settings.retry.attempts) == (1, "report", 5)
    assert here.exists()


MESSAGES: Final[list[tuple[str, dict[str, str], dict[str, Any]]]] = [
    ("[[guardrails]]\narn = 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc'\n", {}, {}),
    ("", {"GUARDEDBEDROCK_MODE": "of"}, {}),
    ("mode = 'off'\nprincipal = 'caller'\n", {}, {"policies": "hr.json"}),
]


def test_the_messages_are_those_that_a_user_sees(here: Path) -> None:
    shown = []
    for text, environ, given in MESSAGES:
        (here / "guardedbedrock.toml").write_text(text, "utf-8")
        with pytest.raises(ConfigurationError) as caught:
            load(environ=environ, **given)
        shown.append(str(caught.value).replace(str(here), "/srv/app"))

    assert shown == block("text").splitlines()


def test_the_files_are_looked_for_in_the_order_of_the_page(here: Path) -> None:
    guardrail = "[[guardrails]]\narn = 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc'\nversion = 1\n"
    nested = guardrail.replace("[[guardrails]]", "[[tool.guardedbedrock.guardrails]]")
    files = {"given.toml": guardrail, "named.toml": guardrail, "guardedbedrock.toml": guardrail, "pyproject.toml": nested}
    for name, text in files.items():
        (here / name).write_text(f"{text}name = '{name.partition('.')[0]}'\n", "utf-8")

    def first_name(*path: str, **environ: str) -> str:
        return load(*path, environ=environ).approved[0].name

    assert first_name("given.toml", GUARDEDBEDROCK_CONFIG="named.toml") == "given"
    assert first_name(GUARDEDBEDROCK_CONFIG="named.toml") == "named"
    assert first_name() == "guardedbedrock"
    (here / "guardedbedrock.toml").unlink()
    assert first_name() == "pyproject"


def test_the_page_names_every_keyword_of_a_guard() -> None:
    keywords = set(signature(Guard).parameters)

    assert keywords - Settings.model_fields.keys() == {"listeners", "clock"}
    assert [name for name in keywords if f"| `{name}` |" not in PAGE] == []
