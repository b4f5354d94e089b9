"""Settings: the precedence of their sources, and the values that they accept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import pytest
from settings.samples import ARN, CALLER, GUARDED, GUARDRAIL, OTHER, ROLE, document, write

from guardedbedrock import Guard
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.settings.settings import PolicyTable, Settings, check, load

if TYPE_CHECKING:
    from pathlib import Path


def test_code_wins_over_the_environment_over_the_file(here: Path) -> None:
    """Each key comes from the first source that has it. Tables are merged key by key, and context keys ignore case."""
    scalars = "mode = 'off'\non_unapproved = 'replace'\non_intervention = 'raise'\n"
    write(here, {"guardedbedrock.toml": f"{scalars}{GUARDRAIL}[context]\n'aws:a' = 'file'\n'aws:b' = 'file'\n"})
    environ = {
        "GUARDEDBEDROCK_MODE": "report",
        "GUARDEDBEDROCK_ON_INTERVENTION": "return",
        "GUARDEDBEDROCK_CONTEXT": '{"AWS:B": "environment", "aws:c": ["environment", true]}',
        "UNRELATED": "x",
    }

    settings = load(environ=environ, mode="enforce", guardrails=[Guardrail(OTHER, "7", "eu", {"team": "hr"})])

    assert (settings.mode, settings.on_intervention, settings.on_unapproved) == ("enforce", "return", "replace")
    assert settings.context == {"aws:a": "file", "AWS:B": "environment", "aws:c": ("environment", "true")}
    assert settings.approved == (Guardrail(OTHER, "7", "eu", {"team": "hr"}),)


def test_the_file_is_found_in_its_order(here: Path) -> None:
    """The argument, the environment variable, guardedbedrock.toml, pyproject.toml."""
    names = ["named.toml", "env.toml", "guardedbedrock.toml"]
    modes = ["report", "off", "enforce"]
    write(here, {name: f"principal = '{ROLE}{i}'\n{GUARDRAIL}" for i, name in enumerate(names)})
    write(here, {"pyproject.toml": f"[tool.guardedbedrock]\nmode = '{modes[1]}'\n"})
    environ = {"GUARDEDBEDROCK_CONFIG": "env.toml"}

    assert load("named.toml", environ=environ).principal == f"{ROLE}0"
    assert load(here / "named.toml", environ=environ).principal == f"{ROLE}0"
    assert load(environ=environ).principal == f"{ROLE}1"
    assert load(environ={}).principal == f"{ROLE}2"
    (here / "guardedbedrock.toml").unlink()
    assert load(environ={}).mode == "off"
    (here / "pyproject.toml").unlink()
    assert load(environ=GUARDED).principal is None


def test_the_process_environment_is_read_unless_one_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """`environ` replaces all variables of the process."""
    monkeypatch.setenv("GUARDEDBEDROCK_MODE", "off")

    assert load().mode == "off"
    assert load(environ=GUARDED).mode == "enforce"


def test_a_version_may_be_a_number() -> None:
    """TOML writes ``version = 3``; the name is the ID unless given."""
    settings = load(environ={}, guardrails=[{"arn": ARN, "version": 3}, {"arn": OTHER, "version": "4"}])

    assert settings.approved == (Guardrail(ARN, "3"), Guardrail(OTHER, "4"))
    assert [guardrail.name for guardrail in settings.approved] == ["abc", "def"]


def test_a_draft_is_approved_where_it_is_allowed() -> None:
    """With `allow_draft`, DRAFT is accepted as a version."""
    settings = load(environ={"GUARDEDBEDROCK_ALLOW_DRAFT": "true"}, guardrails=[{"arn": ARN, "version": "DRAFT"}])

    assert settings.approved == (Guardrail(ARN, "DRAFT"),)


@pytest.mark.parametrize("given", ["anthropic.*", ["anthropic.*"], ("anthropic.*",)])
def test_models_are_a_pattern_or_several(given: object) -> None:
    """The models are the same after a conversion to a record and back."""
    settings = load(environ={}, guardrails=[{"arn": ARN, "version": "1", "models": given}])

    assert settings.approved == (Guardrail(ARN, "1", models=("anthropic.*",)),)
    assert load(environ={}, guardrails=settings.approved).approved == settings.approved


def test_guardrails_of_two_regions_may_have_one_name() -> None:
    """A name chooses the guardrail of the client's region."""
    given = [{"arn": ARN, "version": 1, "name": "hr"}, {"arn": OTHER, "version": 1, "name": "hr"}]

    assert [guardrail.region for guardrail in load(environ={}, guardrails=given).approved] == ["us-east-1", "eu-west-1"]


def test_the_modelled_vocabulary_accepts_its_identifiers() -> None:
    """The vocabulary `invoke-with-guardrail` accepts identifiers that AWS would reject."""
    given = [{"arn": ARN.replace("abc", "G-HR-Compliance"), "version": 1}]

    assert load(environ={}, guardrails=given, vocabulary="invoke-with-guardrail").approved[0].id == "G-HR-Compliance"


@pytest.mark.parametrize(
    "principal",
    [
        "caller",
        ROLE,
        ROLE.replace("role", "user"),
        "arn:aws:iam::111122223333:root",
        "arn:aws-cn:sts::111122223333:assumed-role/A/s",
    ],
)
def test_a_principal_is_an_arn_or_the_caller(principal: str) -> None:
    """Every kind of principal that can sign a call is accepted."""
    assert load(environ=GUARDED | {"GUARDEDBEDROCK_PRINCIPAL": principal}).principal == principal


@pytest.mark.parametrize("given", ["StartAsyncInvoke", '["StartAsyncInvoke"]'])
def test_one_operation_needs_no_list(given: str) -> None:
    """A single string is a list of one item, also in the environment."""
    assert load(environ=GUARDED | {"GUARDEDBEDROCK_ALLOW_UNGUARDED": given}).allow_unguarded == {"StartAsyncInvoke"}


def test_mode_off_needs_no_guardrail() -> None:
    """Only `mode = "off"` allows a configuration without a guardrail."""
    settings = load(environ={}, mode="off")

    assert (settings.approved, settings.policy_set()) == ((), None)


def test_settings_cannot_be_changed() -> None:
    """Validation does not change the value."""
    with pytest.raises(ValueError, match="frozen"):
        load(environ=GUARDED).mode = "off"


def test_settings_made_by_hand_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `load` reads files and the environment, because only `load` can say where a key was given."""
    monkeypatch.setenv("GUARDEDBEDROCK_MODE", "report")

    assert Settings(guardrails=({"arn": ARN, "version": "1"},)).mode == "enforce"  # type: ignore[arg-type]


def test_null_in_the_environment_overrides_the_file(here: Path) -> None:
    """``null`` is None and overrides the policies of the file."""
    write(here, {"guardedbedrock.toml": f"{CALLER}{GUARDRAIL}[policies]\nidentity = '{{}}'\nboundary = 'gone.json'\n"})

    assert load(environ={"GUARDEDBEDROCK_POLICIES": "null"}).policies is None
    policies = load(environ={"GUARDEDBEDROCK_POLICIES__BOUNDARY": "null"}).policies

    assert isinstance(policies, PolicyTable)
    assert (policies.identity, policies.boundary) == (("{}",), None)


def test_a_document_of_the_environment_is_not_joined_with_that_of_the_file(here: Path) -> None:
    """Two documents are never merged into one."""
    write(here, {"guardedbedrock.toml": f"{CALLER}{GUARDRAIL}[policies]\nidentity = {{Id = 'file'}}\n"})

    policies = load(environ={"GUARDEDBEDROCK_POLICIES__IDENTITY": json.dumps(document("Own"))}).policy_set()

    assert policies is not None
    assert [each.id for _, each in policies] == [None]


def test_configuration_loads_no_boto3() -> None:
    """Settings can be checked without the cost of a client library."""
    code = "import guardedbedrock.settings.settings, sys; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter


def test_code_alone_can_be_checked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` reads neither files nor the environment."""
    write(here, {"guardedbedrock.toml": "mode = 'report'\n"})
    monkeypatch.setenv("GUARDEDBEDROCK_ON_UNAPPROVED", "replace")

    settings = check(guardrails=[Guardrail(ARN, "3")])

    assert (settings.mode, settings.on_unapproved) == ("enforce", "refuse")
    with pytest.raises(ConfigurationError, match="no guardrail is configured"):
        check()


def test_the_keywords_of_a_guard_are_the_settings() -> None:
    """`Guard` has a keyword with the same default for each setting."""
    keywords = {name: each.default for name, each in signature(Guard).parameters.items() if name not in {"listeners", "clock"}}
    defaults = {name: field.get_default(call_default_factory=True) for name, field in Settings.model_fields.items()}

    assert list(keywords) == list(defaults)
    given = {name: value for name, value in keywords.items() if value is not None and value is not Parameter.empty}
    assert {name: tuple(value) if value == () else value for name, value in given.items()} == {
        name: tuple(defaults[name]) if value == () else defaults[name] for name, value in given.items()
    }


@pytest.mark.parametrize("several", [list, tuple, set, iter, lambda each: map(str, each)])
def test_a_list_in_code_may_be_any_iterable(several: Any) -> None:
    """Code can pass a generator instead of a list. A single string is one item, not its characters."""
    given = {"allow_unguarded": several(["StartAsyncInvoke"]), "profiles": {"p": several(["m1"])}}

    settings = check(guardrails=iter([Guardrail(ARN, "3")]), **given)

    assert (settings.allow_unguarded, settings.profiles) == (frozenset({"StartAsyncInvoke"}), {"p": ("m1",)})
    assert check(guardrails=[Guardrail(ARN, "3")], profiles={"p": "m1"}).profiles == {"p": ("m1",)}
    with pytest.raises(ConfigurationError, match=r"^keyword argument guardrails: must be a list; write \[\[guardrails\]\]"):
        check(guardrails="hr")


SESSION = "arn:aws:sts::111122223333:assumed-role/App/session"


def test_a_role_arn_makes_the_principal_arn_known() -> None:
    """The path of a role is not part of a session ARN."""
    role = "arn:aws:iam::111122223333:role/teams/hr/App"

    for principal in ("caller", SESSION):
        settings = check(guardrails=[Guardrail(ARN, "3")], principal=principal, role_arn=role)
        assert settings.known_context == {"aws:PrincipalArn": role}
    from_account = check(guardrails=[Guardrail(ARN, "3")], policies="account", role_arn=role)
    assert from_account.known_context["aws:PrincipalArn"] == role

    settings = check(guardrails=[Guardrail(ARN, "3")], principal=SESSION, role_arn=role, context={"aws:PrincipalArn": ROLE})
    assert settings.known_context == {"aws:PrincipalArn": ROLE}


@pytest.mark.parametrize(
    ("principal", "role", "problem"),
    [
        (SESSION, SESSION, "role_arn: not the ARN of a role; set it to the ARN of the role with its path"),
        (SESSION, "arn:aws:iam::111122223333:role/Other", "role_arn: not the role of the session in `principal`"),
        (SESSION, "arn:aws:iam::999999999999:role/App", "role_arn: not the role of the session in `principal`"),
        (ROLE, ROLE, "role_arn: needs a role session"),
        (None, ROLE, "role_arn: needs a role session"),
    ],
)
def test_a_role_arn_that_cannot_be_the_callers_is_an_error(principal: str | None, role: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        check(guardrails=[Guardrail(ARN, "3")], role_arn=role, **({"principal": principal} if principal else {}))


def test_an_error_without_a_guardrail_lists_the_files_that_were_looked_for(here: Path) -> None:
    """In a subdirectory of the project the file of the project is not found."""
    write(here, {"guardedbedrock.toml": GUARDRAIL, "src/x.py": ""})
    os.chdir(here / "src")

    with pytest.raises(ConfigurationError) as caught:
        load(environ={})

    assert str(caught.value).endswith(f"; looked for {here}/src/guardedbedrock.toml and {here}/src/pyproject.toml")


def test_a_path_of_another_type_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="configuration file: pass a path, not int"):
        Guard.from_config(5)  # type: ignore[arg-type]  # what is tested
