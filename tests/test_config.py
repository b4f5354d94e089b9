"""Settings: what is refused and with which sentence, which source wins, and which files are read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import iam
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.config import Settings, load, read_policies
from guardedbedrock.errors import ConfigurationError, PolicySyntaxError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc"
OTHER = "arn:aws:bedrock:eu-west-1:111122223333:guardrail/def"
ROLE = "arn:aws:iam::111122223333:role/App"
GUARDRAIL = f'[[guardrails]]\narn = "{ARN}"\nversion = 3\n'
GUARDED = {"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN, "version": "3"}])}
SECRET = "hunter2-sk-live"
NO_NAME = "principal = 'caller'\n"


def document(sid: str) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty working directory, and an environment that configures nothing."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("GUARDEDBEDROCK_")]:
        monkeypatch.delenv(name)
    return tmp_path


def write(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def names(policies: iam.PolicySet | None) -> list[tuple[str, str | None]]:
    assert policies is not None
    return [(kind, each.name) for kind, each in policies]


# TOML text below a good guardrail, and fragments of the one sentence that refuses it.
BAD_FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown-key": ("vocabluary = 'aws'\n", ("`vocabluary` is not known", "did you mean `vocabulary`?")),
    "unknown-and-far": ("zzz = 1\n", ("`zzz` is not known", "known are guardrails, policies, principal")),
    "key-in-capitals": ("Mode = 'off'\n", ("`Mode` is not known", "did you mean `mode`?")),
    "key-of-the-settings-library": ("_env_file = '.env'\n", ("`_env_file` is not known",)),
    "reserved": ("models = []\n", ("`models` is not known",)),
    "mode": ("mode = 'enfroce'\n", ("`mode` should be 'enforce', 'report' or 'off'", 'leave it out for "enforce"')),
    "vocabulary": ("vocabulary = 'amazon'\n", ("`vocabulary` should be 'aws' or 'invoke-with-guardrail'",)),
    "on_unapproved": ("on_unapproved = 'swap'\n", ("`on_unapproved` should be 'refuse' or 'replace'",)),
    "on_indeterminate": ("on_indeterminate = true\n", ("`on_indeterminate` should be 'send' or 'refuse'",)),
    "on_intervention": ("on_intervention = 1\n", ("`on_intervention` should be 'return' or 'raise'",)),
    "principal-is-no-arn": ("principal = 'HRBot'\n", ("`principal` is no ARN of a user, role", '"caller" to ask STS')),
    "principal-is-a-bucket": ("principal = 'arn:aws:s3:::bucket'\n", ("`principal` is no ARN of a user",)),
    "principal-is-a-service": ("principal = 'bedrock.amazonaws.com'\n", ("`principal` is no ARN of a user",)),
    "principal-without-account": ("principal = 'arn:aws:iam::1:role/App'\n", ("`principal` is no ARN of a user",)),
    "principal-is-a-number": ("principal = 1\n", ("`principal` should be a text", "arn:aws:iam::ACCOUNT:role/NAME")),
    "unguarded-with-a-place": ("allow_unguarded = ['Converse']\n", ("`allow_unguarded[0]`: `Converse` needs no exception",)),
    "unguarded-no-inference": ("allow_unguarded = ['GetGuardrail']\n", ("`GetGuardrail` needs no exception",)),
    "unguarded-unknown": (
        "allow_unguarded = ['StartAsyncInvoke', 'StartAsyncInvok']\n",
        ("`allow_unguarded[1]`: `StartAsyncInvok` is no operation", "did you mean `StartAsyncInvoke`?"),
    ),
    "unguarded-shape": ("allow_unguarded = {a = 1}\n", ("`allow_unguarded[0]` should be a text", "StartAsyncInvoke")),
    "context-shape": ("context = ['a']\n", ("`context` should be a table", "aws:PrincipalOrgID")),
    "context-key": ("context = { PrincipalOrgID = 'o-1' }\n", ("`context.PrincipalOrgID` is no context key", "with its prefix")),
    "context-value": ("context = { 'aws:x' = { a = 1 } }\n", ("`context.aws:x` should be a text or a list of texts",)),
    "context-values": ("context = { 'aws:x' = ['a', ['b']] }\n", ("`context.aws:x` should be a text or a list of texts",)),
    "policies-without-principal": ("policies = 'ok.json'\n", ("`policies` needs a principal: set `principal`",)),
    "policies-empty": (NO_NAME + "policies = {}\n", ("`policies` names no policy", "leave `policies` out")),
    "policies-not-in-play": (NO_NAME + "policies = {boundary = []}\n", ("`policies` names no policy",)),
    "policies-shape": (NO_NAME + "policies = 3\n", ("`policies.identity[0]` should be a file, a glob or a policy document",)),
    "policies-key": (NO_NAME + "policies = {identiy = 'ok.json'}\n", ("`policies.identiy` is not known", "`identity`?")),
    "policies-item": (NO_NAME + "policies = ['ok.json', 1]\n", ("`policies.identity[1]` should be a file, a glob",)),
    "scp-is-flat": (
        NO_NAME + "policies = {scp = ['ok.json']}\n",
        ("`policies.scp[0]` should be a list: write one list for each level, root first",),
    ),
    "scp-is-one": (
        NO_NAME + "policies = {scp = 'ok.json'}\n",
        ("`policies.scp` should be a list: write one list for each level",),
    ),
    "rcp-item": (
        NO_NAME + "policies = {rcp = [['ok.json', 'no.json']]}\n",
        ("`policies.rcp[0][1]`: there is no file `", "/no.json`"),
    ),
    "missing-file": (
        NO_NAME + "policies = 'no.json'\n",
        ("`policies.identity[0]`: there is no file `", "/no.json`: correct the path"),
    ),
    "empty-glob": (NO_NAME + "policies = ['ok.json', 'p/*.json']\n", ("`policies.identity[1]`: no file matches `", "/p/*.json`")),
    "folder": (NO_NAME + "policies = 'folder'\n", ("`policies.identity[0]`: `", "/folder` is a folder", "/folder/*.json`")),
    "glob-of-folders": (NO_NAME + "policies = 'fold*'\n", ("no file matches `",)),
    "no-text-at-all": (NO_NAME + "policies = ''\n", ("`policies.identity[0]`: `", "is a folder")),
    "longer-than-a-name": (
        NO_NAME + f"policies = '{'x' * 300}'\n",
        ("`policies.identity[0]`: `", "can not be read (File name too"),
    ),
    "wild-and-long": (NO_NAME + f"policies = '{'*' * 300}'\n", ("`policies.identity[0]`: `",)),
    "same-name-same-region": (
        GUARDRAIL,
        ("`guardrails[1]` has the name `abc` of guardrails[0] again", "give each a name of its own"),
    ),
    "second-guardrail": (
        f'[[guardrails]]\narn = "{OTHER}"\n',
        ("`guardrails[1].version` is missing", 'pin a number such as "1"'),
    ),
}

# The whole file, for what is wrong with guardrails themselves.
BAD_GUARDRAILS: dict[str, tuple[str, tuple[str, ...]]] = {
    "none": ("", ("no guardrail is configured: write [[guardrails]] with arn and version", "GUARDEDBEDROCK_GUARDRAILS")),
    "empty": ("guardrails = []\n", ("no guardrail is configured",)),
    "table": (f"[guardrails]\narn = '{ARN}'\n", ("`guardrails` should be a list", "write [[guardrails]] tables")),
    "text": (f"guardrails = ['{ARN}']\n", ("`guardrails[0]` should be a table",)),
    "no-version": (f"[[guardrails]]\narn = '{ARN}'\n", ("`guardrails[0].version` is missing: pin a number", '"DRAFT"')),
    "no-arn": ("[[guardrails]]\nversion = 1\n", ("`guardrails[0].arn` is missing: write `arn:aws:bedrock:REGION",)),
    "misspelt": (
        f"[[guardrails]]\narn = '{ARN}'\nversoin = 1\n",
        ("`guardrails[0].versoin` is not known: did you mean `version`?",),
    ),
    "version-latest": (
        f"[[guardrails]]\narn = '{ARN}'\nversion = 'latest'\n",
        ("`guardrails[0].version` is no guardrail version",),
    ),
    "version-zero": (f"[[guardrails]]\narn = '{ARN}'\nversion = 0\n", ("`guardrails[0].version` is no guardrail version",)),
    "version-true": (f"[[guardrails]]\narn = '{ARN}'\nversion = true\n", ("`guardrails[0].version` is no guardrail version",)),
    "version-float": (f"[[guardrails]]\narn = '{ARN}'\nversion = 1.0\n", ("`guardrails[0].version` is no guardrail version",)),
    "arn-with-version": (
        f"[[guardrails]]\narn = '{ARN}:1'\nversion = 1\n",
        ("`guardrails[0].arn`: guardrail `", "is not the ARN of a guardrail", "without the version"),
    ),
    "id-alone": ("[[guardrails]]\narn = 'abc'\nversion = 1\n", ("`guardrails[0].arn`: guardrail `abc` is not the ARN",)),
    "id-aws-refuses": (
        "[[guardrails]]\narn = 'arn:aws:bedrock:us-east-1:111122223333:guardrail/G-HR-Compliance'\nversion = 1\n",
        ("`guardrails[0].arn`: guardrail ID `G-HR-Compliance` would be refused by AWS", 'vocabulary = "invoke-with-guardrail"'),
    ),
    "name": (GUARDRAIL + "name = 1\n", ("`guardrails[0].name` should be a text", '"hr"')),
    "tags": (GUARDRAIL + "tags = ['a']\n", ("`guardrails[0].tags` should be a table",)),
    "tag": (GUARDRAIL + "tags = {team = 1}\n", ("`guardrails[0].tags.team` should be a text",)),
}

BAD_ENVIRONMENTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "misspelt": (
        {"GUARDEDBEDROCK_GUARDRAIL": SECRET},
        ("environment variable GUARDEDBEDROCK_GUARDRAIL is not known", "`GUARDEDBEDROCK_GUARDRAILS`?"),
    ),
    "lower-case": ({"guardedbedrock_mode": "off"}, ("guardedbedrock_mode is not known", "did you mean `GUARDEDBEDROCK_MODE`?")),
    "misspelt-config": ({"GUARDEDBEDROCK_CONFG": "x"}, ("did you mean `GUARDEDBEDROCK_CONFIG`?",)),
    "misspelt-policy-type": (
        {"GUARDEDBEDROCK_POLICIES__IDENTIY": "x"},
        ("GUARDEDBEDROCK_POLICIES__IDENTIY is not known", "did you mean `GUARDEDBEDROCK_POLICIES__IDENTITY`?"),
    ),
    "nested-under-a-text": ({"GUARDEDBEDROCK_MODE__X": "off"}, ("GUARDEDBEDROCK_MODE__X is not known",)),
    "nested-in-a-list": ({"GUARDEDBEDROCK_GUARDRAILS__0__ARN": ARN}, ("GUARDEDBEDROCK_GUARDRAILS__0__ARN is not known",)),
    "whole-and-part": (
        {"GUARDEDBEDROCK_POLICIES": "a.json", "GUARDEDBEDROCK_POLICIES__SCP": "[]"},
        ("GUARDEDBEDROCK_POLICIES and GUARDEDBEDROCK_POLICIES__SCP are both set", "keep one"),
    ),
    "broken-json": (
        {"GUARDEDBEDROCK_GUARDRAILS": '[{"arn": '},
        ("environment variable GUARDEDBEDROCK_GUARDRAILS is no JSON: expecting value in line 1, column 10",),
    ),
    "no-json": ({"GUARDEDBEDROCK_GUARDRAILS": ARN}, ("environment variable GUARDEDBEDROCK_GUARDRAILS should be a list",)),
    "in-json": (
        {"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN}])},
        ("environment variable GUARDEDBEDROCK_GUARDRAILS: `guardrails[0].version` is missing",),
    ),
    "scalar": ({"GUARDEDBEDROCK_MODE": SECRET}, ("environment variable GUARDEDBEDROCK_MODE should be 'enforce'",)),
    "principal": ({"GUARDEDBEDROCK_PRINCIPAL": SECRET}, ("environment variable GUARDEDBEDROCK_PRINCIPAL is no ARN",)),
    "policy-file": (
        {"GUARDEDBEDROCK_POLICIES__BOUNDARY": "b.json"},
        ("environment variable GUARDEDBEDROCK_POLICIES__BOUNDARY: `policies.boundary[0]`: there is no file `",),
    ),
    "policy-files": (
        {"GUARDEDBEDROCK_POLICIES": '{"session": ["s.json"]}'},
        ("environment variable GUARDEDBEDROCK_POLICIES: `policies.session[0]`: there is no file `",),
    ),
    "config-missing": (
        {"GUARDEDBEDROCK_CONFIG": "no.toml"},
        ("environment variable GUARDEDBEDROCK_CONFIG names `no.toml`, which can not be read", "/no.toml`; correct the path"),
    ),
    "config-empty": ({"GUARDEDBEDROCK_CONFIG": ""}, ("environment variable GUARDEDBEDROCK_CONFIG names ``",)),
}

BAD_ARGUMENTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "misspelt": ({"guardrail": []}, ("keyword argument `guardrail` is not known: did you mean `guardrails`?",)),
    "guardrails": ({"guardrails": [{"arn": ARN}]}, ("keyword argument `guardrails[0].version` is missing",)),
    "policies": ({"policies": ["a.json"]}, ("keyword argument `policies.identity[0]`: there is no file `",)),
    "path": ({"path": "no.toml"}, ("the configuration file `no.toml` can not be read (No such file", "/no.toml`")),
}


def refusal(*args: Any, **kwargs: Any) -> str:
    """Load what can not be loaded, and give the sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load(*args, **kwargs)
    error = caught.value
    sentence = str(error)
    assert type(error) is ConfigurationError
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert "\n" not in sentence
    assert "pydantic" not in sentence
    assert SECRET not in sentence
    return sentence


@pytest.mark.parametrize(("text", "fragments"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_file_key_and_mend(text: str, fragments: tuple[str, ...], here: Path) -> None:
    """Whatever is wrong, the sentence begins with the file and names the key."""
    tables, plain = (text, "") if text.startswith("[[") else ("", text)
    write(here, {"guardedbedrock.toml": plain + GUARDRAIL + tables, "ok.json": document("Ok"), "folder/x": "", "sub/y.json": ""})

    sentence = refusal(environ={})

    assert sentence.startswith(f"{here}/guardedbedrock.toml: `")
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("text", "fragments"), BAD_GUARDRAILS.values(), ids=BAD_GUARDRAILS)
def test_a_bad_guardrail_is_refused(text: str, fragments: tuple[str, ...], here: Path) -> None:
    """A guardrail is an ARN that AWS would take and a version that is pinned."""
    write(here, {"guardedbedrock.toml": text})

    sentence = refusal(environ={})

    assert sentence.startswith((f"{here}/guardedbedrock.toml: `guardrails", "no guardrail is configured: "))
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("environ", "fragments"), BAD_ENVIRONMENTS.values(), ids=BAD_ENVIRONMENTS)
def test_a_bad_variable_is_refused_by_name(environ: dict[str, str], fragments: tuple[str, ...]) -> None:
    """The sentence names the variable and never its value."""
    sentence = refusal(environ=GUARDED | environ)

    assert sentence.startswith("environment variable ")
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("given", "fragments"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_by_name(given: dict[str, Any], fragments: tuple[str, ...]) -> None:
    """Keyword arguments are checked like everything else."""
    sentence = refusal(environ=GUARDED, **given)

    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(
    ("name", "content", "fragments"),
    [
        ("guardedbedrock.toml", b'mode = "off\n', ("is no TOML", "line 1, column 12")),
        ("guardedbedrock.toml", b'mode = "\xff"\n', ("is not UTF-8 text: save it as UTF-8",)),
        ("pyproject.toml", b"[tool.guardedbedrock\n", ("is no TOML", "line 1")),
        ("pyproject.toml", b"[tool]\nguardedbedrock = 3\n", ("has no table [tool.guardedbedrock]: add it",)),
        ("pyproject.toml", b'[tool.guardedbedrock]\nmod = "off"\n', (" [tool.guardedbedrock]: `mod` is not known",)),
    ],
)
def test_a_broken_file_is_refused_by_name(name: str, content: bytes, fragments: tuple[str, ...], here: Path) -> None:
    """A file that is there and can not be read is no reason to go on without it."""
    (here / name).write_bytes(content)

    sentence = refusal(environ=GUARDED)

    assert sentence.startswith(f"{here}/{name}")
    assert [part for part in fragments if part not in sentence] == []


def test_a_named_pyproject_needs_its_table(here: Path) -> None:
    """Whoever names a file means it."""
    write(here, {"pyproject.toml": "[project]\nname = 'x'\n"})

    assert "has no table [tool.guardedbedrock]" in refusal("pyproject.toml", environ=GUARDED)
    assert load(environ=GUARDED).mode == "enforce"


def test_code_wins_over_the_environment_over_the_file(here: Path) -> None:
    """Every key comes from the first that gives it; tables are joined key by key."""
    scalars = "mode = 'off'\non_unapproved = 'replace'\non_intervention = 'raise'\n"
    write(here, {"guardedbedrock.toml": f"{scalars}{GUARDRAIL}[context]\n'aws:a' = 'file'\n'aws:b' = 'file'\n"})
    environ = {
        "GUARDEDBEDROCK_MODE": "report",
        "GUARDEDBEDROCK_ON_INTERVENTION": "return",
        "GUARDEDBEDROCK_CONTEXT": '{"aws:b": "environment", "aws:c": ["environment", true]}',
        "UNRELATED": "x",
    }

    settings = load(environ=environ, mode="enforce", guardrails=[Guardrail(OTHER, "7", "eu", {"team": "hr"})])

    assert (settings.mode, settings.on_intervention, settings.on_unapproved) == ("enforce", "return", "replace")
    assert settings.context == {"aws:a": "file", "aws:b": "environment", "aws:c": ("environment", "true")}
    assert settings.approved == (Guardrail(OTHER, "7", "eu", {"team": "hr"}),)


def test_an_error_names_the_source_that_gave_the_value(here: Path) -> None:
    """A good value further down does not take the blame."""
    write(here, {"guardedbedrock.toml": f"{GUARDRAIL}[policies]\nscp = [['no.json']]\n"})

    assert refusal(environ={"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN}])}).startswith("environment variable")
    assert refusal(environ={"GUARDEDBEDROCK_POLICIES__IDENTITY": "{}"}).startswith(
        f"{here}/guardedbedrock.toml: `policies.scp[0][0]`"
    )


def test_the_file_is_found_in_its_order(here: Path) -> None:
    """Named, then the environment's, then guardedbedrock.toml, then pyproject.toml."""
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
    """`environ` replaces the process's variables as a whole."""
    monkeypatch.setenv("GUARDEDBEDROCK_MODE", "off")

    assert load().mode == "off"
    assert load(environ=GUARDED).mode == "enforce"


def test_a_version_may_be_a_number() -> None:
    """TOML writes ``version = 3``; the name is the ID unless given."""
    settings = load(environ={}, guardrails=[{"arn": ARN, "version": 3}, {"arn": OTHER, "version": "DRAFT"}])

    assert settings.approved == (Guardrail(ARN, "3"), Guardrail(OTHER, "DRAFT"))
    assert [guardrail.name for guardrail in settings.approved] == ["abc", "def"]


def test_the_same_name_may_stand_in_two_regions() -> None:
    """A name chooses the guardrail of the client's region."""
    given = [{"arn": ARN, "version": 1, "name": "hr"}, {"arn": OTHER, "version": 1, "name": "hr"}]

    assert [guardrail.region for guardrail in load(environ={}, guardrails=given).approved] == ["us-east-1", "eu-west-1"]


def test_the_modelled_vocabulary_takes_its_identifiers() -> None:
    """What AWS would refuse is right where the action does not exist at AWS either."""
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
    """Every kind of principal that can sign a call is one."""
    assert load(environ=GUARDED | {"GUARDEDBEDROCK_PRINCIPAL": principal}).principal == principal


@pytest.mark.parametrize("given", ["StartAsyncInvoke", '["StartAsyncInvoke"]'])
def test_one_operation_needs_no_list(given: str) -> None:
    """A single text is a list of one, in the environment too."""
    assert load(environ=GUARDED | {"GUARDEDBEDROCK_ALLOW_UNGUARDED": given}).allow_unguarded == {"StartAsyncInvoke"}


def test_mode_off_needs_no_guardrail() -> None:
    """Only who says so goes without."""
    settings = load(environ={}, mode="off")

    assert (settings.approved, settings.policy_set()) == ((), None)


def test_settings_can_not_be_changed() -> None:
    """What was validated stays as it was."""
    with pytest.raises(ValueError, match="frozen"):
        load(environ=GUARDED).mode = "off"


def test_settings_made_by_hand_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` alone looks around, since it alone can say where a key was given."""
    monkeypatch.setenv("GUARDEDBEDROCK_MODE", "report")

    assert Settings(guardrails=({"arn": ARN, "version": "1"},)).mode == "enforce"  # type: ignore[arg-type]


def test_policy_files_start_from_their_own_folder(here: Path) -> None:
    """From the file's folder in a file, from the working directory elsewhere; globs are sorted, ``**`` goes deep."""
    files = {
        f"etc/{name}": document(name.removesuffix(".json")[-1:]) for name in ("p/b.json", "p/a.json", "p/deep/c.json", "scp.json")
    }
    policies = "[policies]\nidentity = 'p/**/*.json'\nscp = [['scp.json'], ['p/a.json', 'p/b.json']]\n"
    write(here, {**files, "etc/guard.toml": f"principal = 'caller'\n{GUARDRAIL}{policies}", "edge.json": document("Edge")})

    settings = load("etc/guard.toml", environ={"GUARDEDBEDROCK_POLICIES__BOUNDARY": "edge.json"})

    etc = here / "etc"
    assert names(settings.policy_set()) == [
        *[("identity", str(etc / name)) for name in ("p/a.json", "p/b.json", "p/deep/c.json")],
        ("boundary", str(here / "edge.json")),
        *[("scp", str(etc / name)) for name in ("scp.json", "p/a.json", "p/b.json")],
    ]


def test_a_folder_may_bear_a_wildcard_in_its_name(here: Path) -> None:
    """Only what was written is a pattern, and a file that bears the very name comes first."""
    write(here, {"[a]*/p/x.json": document("X"), "[a]*/p/y[1].json": document("Y"), "[a]*/p/y1.json": document("Z")})

    found = read_policies(["p/x*.json", "p/y[1].json"], base=here / "[a]*")

    assert [name for _, name in names(found)] == [str(here / "[a]*/p" / name) for name in ("x.json", "y[1].json")]


def test_the_levels_of_an_organization_stay_levels(here: Path) -> None:
    """A request passes only if every level allows it."""
    write(here, {"root.json": document("Root"), "leaf.json": {"Version": "2012-10-17", "Statement": []}})
    request = iam.Request(ROLE, "bedrock:InvokeModel", "*")

    def outcome(scp: list[list[str]]) -> str:
        return read_policies({"identity": document("Id"), "scp": scp}, base=here).evaluate(request).outcome

    assert outcome([["root.json", "leaf.json"]]) == "allowed"
    assert outcome([["root.json"], ["leaf.json"]]) == "implicitDeny"


def test_null_in_the_environment_takes_away(here: Path) -> None:
    """``null`` is None: the file's policies are out of play."""
    write(here, {"guardedbedrock.toml": f"{NO_NAME}{GUARDRAIL}[policies]\nidentity = '{{}}'\nboundary = 'gone.json'\n"})

    assert load(environ={"GUARDEDBEDROCK_POLICIES": "null"}).policies is None
    assert (
        load(environ={"GUARDEDBEDROCK_POLICIES__BOUNDARY": "null"}).policies
        == Settings(
            mode="off",
            principal="caller",
            policies={"identity": ["{}"]},  # type: ignore[arg-type]
        ).policies
    )


def test_a_document_of_the_environment_is_not_joined_with_that_of_the_file(here: Path) -> None:
    """Two documents never melt into one that nobody wrote."""
    write(here, {"guardedbedrock.toml": f"{NO_NAME}{GUARDRAIL}[policies]\nidentity = {{Id = 'file', Statement = []}}\n"})

    policies = load(environ={"GUARDEDBEDROCK_POLICIES__IDENTITY": json.dumps({"Statement": []})}).policy_set()

    assert policies is not None
    assert [each.id for _, each in policies] == [None]


def test_a_repeated_key_in_the_environment_is_seen() -> None:
    """What stands first under a repeated key may be a Deny, and JSON would drop it."""
    sentence = refusal(environ=GUARDED | {"GUARDEDBEDROCK_POLICIES": '{"identity": [{"Statement": [], "Statement": []}]}'})

    assert sentence == "environment variable GUARDEDBEDROCK_POLICIES has the key `Statement` twice: keep one"


READY = iam.PolicySet(identity=[document("Ready")])
SOURCES: dict[str, tuple[Any, list[tuple[str, str | None]]]] = {
    "file": ("a.json", [("identity", "{here}/a.json")]),
    "files": (["a.json", "b.json"], [("identity", "{here}/a.json"), ("identity", "{here}/b.json")]),
    "document": (document("D"), [("identity", "policies.identity[0]")]),
    "documents": (
        ["*.json", document("D")],
        [*[("identity", f"{{here}}/{x}.json") for x in "ab"], ("identity", "policies.identity[1]")],
    ),
    "json": (json.dumps(document("D")), [("identity", "policies.identity[0]")]),
    "read-already": (iam.parse(document("D"), name="mine"), [("identity", "mine")]),
    "levels": ({"rcp": [[], [{"Statement": []}]]}, [("rcp", "policies.rcp[1][0]")]),
    "none-allowed": ({"identity": []}, []),
    "compiled": (READY, [("identity", "identity[0]")]),
}


@pytest.mark.parametrize(("sources", "expected"), SOURCES.values(), ids=SOURCES)
def test_policies_come_from_many_sources(sources: Any, expected: list[tuple[str, str]], here: Path) -> None:
    """Files bear their path, documents their key; code and settings read alike."""
    write(here, {"a.json": document("A"), "b.json": document("B")})
    wanted = [(kind, name.format(here=here)) for kind, name in expected]

    assert names(read_policies(sources, base=here)) == wanted
    assert names(load(environ=GUARDED, policies=sources, principal=ROLE).policy_set()) == wanted


def test_a_path_object_is_a_file(here: Path) -> None:
    """Absolute or relative."""
    write(here, {"sub/a.json": document("A")})

    assert names(read_policies({"session": here / "sub/a.json"}, base=here)) == [("session", f"{here}/sub/a.json")]


BAD_SOURCES: dict[str, tuple[Any, type[ConfigurationError], str]] = {
    "key": ({"identiy": []}, ConfigurationError, "`policies.identiy` is not known: did you mean `identity`?"),
    "file": (["no.json"], ConfigurationError, "`policies.identity[0]`: there is no file `{here}/no.json`"),
    "nothing": ({}, ConfigurationError, "`policies` names no policy, and would allow everything"),
    "null": (None, ConfigurationError, "`policies` should be a table"),
    "syntax": ("broken.json", PolicySyntaxError, "{here}/broken.json: is no JSON: expecting value in line 1, column 15"),
    "wrapper": ("wrapped.json", PolicySyntaxError, "{here}/wrapped.json at /PolicyVersion: `PolicyVersion` is no element"),
    "inline": ([{"Statement": 1}], PolicySyntaxError, "policies.identity[0] at /Statement: should be an array"),
    "latin": ("latin.json", SourceError, "`policies.identity[0]`: `{here}/latin.json` is not UTF-8 text: save it as UTF-8"),
    "dangling": (
        "dang*.json",
        SourceError,
        "`policies.identity[0]`: `{here}/dangling.json` can not be read (No such file or directory)",
    ),
}


@pytest.mark.parametrize(("sources", "kind", "sentence"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_bad_sources_are_refused(sources: Any, kind: type[ConfigurationError], sentence: str, here: Path) -> None:
    """A document that can not be read never vanishes."""
    write(here, {"broken.json": '{"Statement": ', "wrapped.json": {"PolicyVersion": {"Document": document("W")}}})
    (here / "latin.json").write_bytes(b'{"Id": "\xe9"}')
    (here / "dangling.json").symlink_to(here / "gone.json")

    with pytest.raises(ConfigurationError) as caught:
        read_policies(sources, base=here)

    assert type(caught.value) is kind
    assert str(caught.value).startswith(sentence.format(here=here))


def test_a_byte_order_mark_does_no_harm(here: Path) -> None:
    """Editors on Windows leave one."""
    (here / "bom.json").write_text(json.dumps(document("Bom")), "utf-8-sig")

    assert names(read_policies("bom.json", base=here)) == [("identity", f"{here}/bom.json")]


def test_a_file_that_goes_away_between_loading_and_reading_is_an_error(here: Path) -> None:
    """The second look is as strict as the first."""
    write(here, {"a.json": document("A")})
    settings = load(environ=GUARDED, policies="a.json", principal=ROLE)
    (here / "a.json").unlink()

    with pytest.raises(ConfigurationError, match=r"^`policies.identity\[0\]`: there is no file"):
        settings.policy_set()


def test_configuration_loads_no_boto3() -> None:
    """Settings can be checked without the cost of a client library."""
    code = "import guardedbedrock.config, sys; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter
