"""Invalid configurations, and the error message of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from settings.samples import ARN, CALLER, GUARDED, GUARDRAIL, OTHER, document, write

from guardedbedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.settings.settings import check, load

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-sk-live"


# TOML text after a valid guardrail, and fragments of the error message.
BAD_FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown-key": ("vocabluary = 'aws'\n", ("vocabluary: unknown key", "did you mean `vocabulary`?")),
    "table-of-a-tool": ("guardrail_definition = 1\n", ("unknown key", "did you mean `guardrail_definitions`?")),
    "every-model": ("models_without_guardrail = ['*']\n", ("models_without_guardrail", "`*` matches every model")),
    "pin-without-account": ("guardrail_versions = {hr = '7'}\n", ("guardrail_versions: pins guardrails of the account only",)),
    "snapshot-without-name": ("policies = 'snapshot:'\n", ("policies: names no snapshot; write snapshot:FILE",)),
    "unknown-and-far": ("zzz = 1\n", ("zzz: unknown key", "the known keys are guardrails, policies, principal")),
    "two-spellings": (
        "[context]\n'aws:PrincipalOrgID' = 'a'\n'AWS:principalorgid' = 'b'\n",
        ("context", "`aws:PrincipalOrgID` and `AWS:principalorgid` are the same context key; keep one"),
    ),
    "old-name": ("[behind]\n'p' = ['m']\n", ("behind: was renamed; write `profiles` instead",)),
    "key-in-capitals": ("Mode = 'off'\n", ("Mode: unknown key", "did you mean `mode`?")),
    "key-of-the-settings-library": ("_env_file = '.env'\n", ("_env_file: unknown key",)),
    "reserved": ("models = []\n", ("models: unknown key",)),
    "mode": ("mode = 'enfroce'\n", ("mode: must be 'enforce', 'report' or 'off'; set it to \"enforce\", or remove it",)),
    "vocabulary": ("vocabulary = 'amazon'\n", ("vocabulary: must be 'aws' or 'invoke-with-guardrail'",)),
    "on_unapproved": ("on_unapproved = 'swap'\n", ("on_unapproved: must be 'refuse' or 'replace'",)),
    "on_indeterminate": ("on_indeterminate = true\n", ("on_indeterminate: must be 'send' or 'refuse'",)),
    "on_intervention": ("on_intervention = 1\n", ("on_intervention: must be 'return' or 'raise'",)),
    "principal-is-no-arn": ("principal = 'HRBot'\n", ("principal: not the ARN of a user, role", '"caller" to ask STS')),
    "principal-is-a-bucket": ("principal = 'arn:aws:s3:::bucket'\n", ("principal: not the ARN of a user",)),
    "principal-is-a-guardrail": (f"principal = '{ARN}'\n", ("principal: not the ARN of a user",)),
    "principal-is-a-service": ("principal = 'bedrock.amazonaws.com'\n", ("principal: not the ARN of a user",)),
    "principal-without-account": ("principal = 'arn:aws:iam::1:role/App'\n", ("principal: not the ARN of a user",)),
    **{
        f"{key}-is-true": (f"{table}{key} = true\n", (f"{key}: must be a {number}; set it to ",))
        for key, table, number in (
            ("refresh", "", "number"),
            ("max_stale", "", "number"),
            ("max_age", "", "number"),
            ("attempts", "[retry]\n", "whole number"),
            ("longest_wait", "[retry]\n", "number"),
            ("deadline", "[retry]\n", "number"),
            ("capacity", "[retry]\n", "whole number"),
            ("file_bytes", "[audit]\nfile = 'a'\n", "whole number"),
            ("file_count", "[audit]\nfile = 'a'\n", "whole number"),
            ("alert_above", "[audit]\nfile = 'a'\n", "whole number"),
            ("alert_within", "[audit]\nfile = 'a'\n", "number"),
        )
    },
    **{
        f"{key}-is-{number}": (f"{table}{key} = {number}\n", (f"{key}: must be a finite number; set it to seconds",))
        for key, table in (("refresh", ""), ("max_stale", ""), ("longest_wait", "[retry]\n"), ("deadline", "[retry]\n"))
        for number in ("inf", "nan")
    },
    **{
        f"{key}-is-1": (f"{table}{key} = 1\n", (f"{key}: must be true or false; set it to true or false",))
        for key, table in (("allow_draft", ""), ("rcp_applies", ""), ("fsync", "[audit]\nfile = 'a'\n"))
    },
    "principal-is-a-number": ("principal = 1\n", ("principal: must be a string", "arn:aws:iam::ACCOUNT:role/NAME")),
    "unguarded-with-a-location": ("allow_unguarded = ['Converse']\n", ("allow_unguarded[0]: `Converse` needs no exception",)),
    "unguarded-no-inference": ("allow_unguarded = ['GetGuardrail']\n", ("`GetGuardrail` needs no exception",)),
    "unguarded-unknown": (
        "allow_unguarded = ['StartAsyncInvoke', 'StartAsyncInvok']\n",
        ("allow_unguarded[1]: `StartAsyncInvok` is not an operation", "did you mean `StartAsyncInvoke`?"),
    ),
    "unguarded-shape": ("allow_unguarded = {a = 1}\n", ("allow_unguarded[0]: must be a string", "StartAsyncInvoke")),
    "context-shape": ("context = ['a']\n", ("context: must be a table", "aws:PrincipalOrgID")),
    "enforced-draft": (
        f"[[enforced]]\narn = '{ARN}'\nversion = 'DRAFT'\n",
        ('enforced[0].version: AWS enforces only published versions; set it to one such as "3"',),
    ),
    "misspelt context key": (
        "context = { 'bedrock:ServiceTeir' = 'flex' }\n",
        (
            "context.bedrock:ServiceTeir: `bedrock:ServiceTeir` is not a known condition key",
            "did you mean `bedrock:ServiceTier`?",
        ),
    ),
    "misspelt context key of one call": (
        "context = { 'bedrock:GuardrailIdentifer' = 'x' }\n",
        ("context.bedrock:GuardrailIdentifer: each call sets this key itself; remove it",),
    ),
    "context-key": ("context = { PrincipalOrgID = 'o-1' }\n", ("context.PrincipalOrgID: not a context key", "with its prefix")),
    "context-of-one-call": (
        "context = { 'bedrock:GuardrailIdentifier' = 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc' }\n",
        ("context.bedrock:GuardrailIdentifier: each call sets this key itself; remove it",),
    ),
    "context-value": ("context = { 'aws:x' = { a = 1 } }\n", ("context.aws:x: must be a string or a list of strings",)),
    "context-values": ("context = { 'aws:x' = ['a', ['b']] }\n", ("context.aws:x: must be a string or a list of strings",)),
    "policies-without-principal": ("policies = 'ok.json'\n", ("policies: needs a principal; set `principal`",)),
    "policies-empty": (CALLER + "policies = {}\n", ("policies: names no policy", "remove `policies`")),
    "policies-not-in-play": (CALLER + "policies = {boundary = []}\n", ("policies: names no policy",)),
    "policies-shape": (CALLER + "policies = 3\n", ("policies.identity[0]: must be a file, a glob or a policy document",)),
    "policies-key": (CALLER + "policies = {identiy = 'ok.json'}\n", ("policies.identiy: unknown key", "`identity`?")),
    "policies-item": (CALLER + "policies = ['ok.json', 1]\n", ("policies.identity[1]: must be a file, a glob",)),
    "scp-is-flat": (
        CALLER + "policies = {scp = ['ok.json']}\n",
        ("policies.scp[0]: must be a list; write one list for each level, root first",),
    ),
    "scp-is-one": (
        CALLER + "policies = {scp = 'ok.json'}\n",
        ("policies.scp: must be a list; write one list for each level",),
    ),
    "rcp-item": (
        CALLER + "policies = {rcp = [['ok.json', 'no.json']]}\n",
        ("policies.rcp[0][1]: there is no file `", "/no.json`"),
    ),
    "missing-file": (
        CALLER + "policies = 'no.json'\n",
        ("policies.identity[0]: there is no file `", "/no.json`; correct the path"),
    ),
    "empty-glob": (CALLER + "policies = ['ok.json', 'p/*.json']\n", ("policies.identity[1]: no file matches `", "/p/*.json`")),
    "folder": (CALLER + "policies = 'folder'\n", ("policies.identity[0]: `", "/folder` is a folder", "/folder/*.json`")),
    "glob-of-folders": (CALLER + "policies = 'fold*'\n", ("no file matches `",)),
    "an-empty-string": (CALLER + "policies = ''\n", ("policies.identity[0]: `", "is a folder")),
    "longer-than-a-name": (
        CALLER + f"policies = '{'x' * 300}'\n",
        ("policies.identity[0]: `", "cannot be read (File name too"),
    ),
    "wild-and-long": (CALLER + f"policies = '{'*' * 300}'\n", ("policies.identity[0]: `",)),
    "same-name-same-region": (
        GUARDRAIL,
        ("guardrails[1]: has the same name and Region as guardrails[0] (`abc`)", "set a different name"),
    ),
    "age-of-no-snapshot": (
        CALLER + "policies = 'ok.json'\nmax_age = 60\n",
        ('max_age: limits the age of a snapshot only; set policies = "snapshot:FILE" or "s3://BUCKET/KEY", or remove',),
    ),
    "age-of-the-account": ("policies = 'account'\nmax_age = 60\n", ("max_age: limits the age of a snapshot only",)),
    "audit-without-destination": ("[audit]\n", ("audit: names no destination; set file, logger",)),
    "audit-settings-without-destination": (
        "[audit]\nalert_above = 1\nrecords = 'all'\n",
        ("audit: alert_above and records without a destination; set file, logger, log_group or alert_topic",),
    ),
    "second-guardrail": (
        f'[[guardrails]]\narn = "{OTHER}"\n',
        ('guardrails[1].version: missing; set it to a published version such as "3"',),
    ),
}

# The whole file, for mistakes in the guardrails.
BAD_GUARDRAILS: dict[str, tuple[str, tuple[str, ...]]] = {
    "none": ("", ("no guardrail is configured; write [[guardrails]] with arn and version", "GUARDEDBEDROCK_GUARDRAILS")),
    "empty": ("guardrails = []\n", ("no guardrail is configured",)),
    "table": (f"[guardrails]\narn = '{ARN}'\n", ("guardrails: must be a list", "write [[guardrails]] tables")),
    "text": (f"guardrails = ['{ARN}']\n", ("guardrails[0]: must be a table",)),
    "no-version": (f"[[guardrails]]\narn = '{ARN}'\n", ("guardrails[0].version: missing; set it to a published version",)),
    "no-arn": ("[[guardrails]]\nversion = 1\n", ("guardrails[0].arn: missing; set it to `arn:aws:bedrock:REGION",)),
    "misspelt": (
        f"[[guardrails]]\narn = '{ARN}'\nversoin = 1\n",
        ("guardrails[0].versoin: unknown key; did you mean `version`?",),
    ),
    "top-level-key-below-a-table": (
        f"[[guardrails]]\narn = '{ARN}'\nversion = 1\nprincipal = 'caller'\n",
        ("guardrails[0].principal: unknown key; `principal` is a top-level key; in a TOML file, write it above [[guardrails]]",),
    ),
    "version-latest": (
        f"[[guardrails]]\narn = '{ARN}'\nversion = 'latest'\n",
        ("guardrails[0].version: not a guardrail version",),
    ),
    "version-zero": (f"[[guardrails]]\narn = '{ARN}'\nversion = 0\n", ("guardrails[0].version: not a guardrail version",)),
    "version-true": (f"[[guardrails]]\narn = '{ARN}'\nversion = true\n", ("guardrails[0].version: not a guardrail version",)),
    "version-float": (f"[[guardrails]]\narn = '{ARN}'\nversion = 1.0\n", ("guardrails[0].version: not a guardrail version",)),
    "arn-with-version": (
        f"[[guardrails]]\narn = '{ARN}:1'\nversion = 1\n",
        ("guardrails[0].arn: guardrail `", "is not the ARN of a guardrail", "without the version"),
    ),
    "id-alone": ("[[guardrails]]\narn = 'abc'\nversion = 1\n", ("guardrails[0].arn: guardrail `abc` is not the ARN",)),
    "id-aws-refuses": (
        "[[guardrails]]\narn = 'arn:aws:bedrock:us-east-1:111122223333:guardrail/G-HR-Compliance'\nversion = 1\n",
        (
            "guardrails[0].arn: guardrail ID `G-HR-Compliance`: AWS accepts only lower-case letters and digits",
            'vocabulary = "invoke-with-guardrail"',
        ),
    ),
    "draft": (
        f"[[guardrails]]\narn = '{ARN}'\nversion = 'DRAFT'\n",
        ("guardrails[0].version: DRAFT is not approved", "set it to a published version", "or set allow_draft = true"),
    ),
    "models-empty": (
        GUARDRAIL + "models = []\n",
        ("guardrails[0].models: has no pattern, which would cover all models; set it to patterns such as", "or remove it"),
    ),
    "models-number": (GUARDRAIL + "models = 1\n", ("guardrails[0].models: must be a list of model patterns", "anthropic.*")),
    "models-empty-string": (GUARDRAIL + "models = ['']\n", ("guardrails[0].models: must be a list of model patterns",)),
    "name": (GUARDRAIL + "name = 1\n", ("guardrails[0].name: must be a string", '"hr"')),
    "tags": (GUARDRAIL + "tags = ['a']\n", ("guardrails[0].tags: must be a table",)),
    "tag": (GUARDRAIL + "tags = {team = 1}\n", ("guardrails[0].tags.team: must be a string",)),
}

BAD_ENVIRONMENTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "misspelt": (
        {"GUARDEDBEDROCK_GUARDRAIL": SECRET},
        ("environment variable GUARDEDBEDROCK_GUARDRAIL: unknown key; did you mean ", "`GUARDEDBEDROCK_GUARDRAILS`?"),
    ),
    "lower-case": ({"guardedbedrock_mode": "off"}, ("guardedbedrock_mode: unknown key; did you mean `GUARDEDBEDROCK_MODE`?",)),
    "shared-prefix-only": ({"GUARDEDBEDROCK_SLOW": "x"}, ("unknown key; the known keys are GUARDEDBEDROCK_GUARDRAILS, ",)),
    "part-of-a-table": (
        {"GUARDEDBEDROCK_RETRY__ATTEMPTS": "1"},
        ("GUARDEDBEDROCK_RETRY__ATTEMPTS: unknown key; did you mean `GUARDEDBEDROCK_RETRY`?",),
    ),
    "misspelt-config": ({"GUARDEDBEDROCK_CONFG": "x"}, ("did you mean `GUARDEDBEDROCK_CONFIG`?",)),
    "misspelt-policy-type": (
        {"GUARDEDBEDROCK_POLICIES__IDENTIY": "x"},
        ("GUARDEDBEDROCK_POLICIES__IDENTIY: unknown key", "did you mean `GUARDEDBEDROCK_POLICIES__IDENTITY`?"),
    ),
    "old-name": (
        {"GUARDEDBEDROCK_BEHIND": "{}"},
        ("GUARDEDBEDROCK_BEHIND: was renamed; set GUARDEDBEDROCK_PROFILES instead",),
    ),
    "nested-under-a-string": ({"GUARDEDBEDROCK_MODE__X": "off"}, ("GUARDEDBEDROCK_MODE__X: unknown key",)),
    "nested-in-a-list": ({"GUARDEDBEDROCK_GUARDRAILS__0__ARN": ARN}, ("GUARDEDBEDROCK_GUARDRAILS__0__ARN: unknown key",)),
    "whole-and-part": (
        {"GUARDEDBEDROCK_POLICIES": "a.json", "GUARDEDBEDROCK_POLICIES__SCP": "[]"},
        ("GUARDEDBEDROCK_POLICIES: set together with GUARDEDBEDROCK_POLICIES__SCP", "keep one"),
    ),
    "broken-json": (
        {"GUARDEDBEDROCK_GUARDRAILS": '[{"arn": '},
        ("environment variable GUARDEDBEDROCK_GUARDRAILS: not valid JSON: expecting value in line 1, column 10",),
    ),
    "no-json": ({"GUARDEDBEDROCK_GUARDRAILS": ARN}, ("environment variable GUARDEDBEDROCK_GUARDRAILS: must be a list",)),
    "in-json": (
        {"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN}])},
        ("environment variable GUARDEDBEDROCK_GUARDRAILS: guardrails[0].version: missing",),
    ),
    "scalar": ({"GUARDEDBEDROCK_MODE": SECRET}, ("environment variable GUARDEDBEDROCK_MODE: must be 'enforce'",)),
    "principal": ({"GUARDEDBEDROCK_PRINCIPAL": SECRET}, ("environment variable GUARDEDBEDROCK_PRINCIPAL: not the ARN",)),
    "policy-file": (
        {"GUARDEDBEDROCK_POLICIES__BOUNDARY": "b.json"},
        ("environment variable GUARDEDBEDROCK_POLICIES__BOUNDARY: policies.boundary[0]: there is no file `",),
    ),
    "policy-files": (
        {"GUARDEDBEDROCK_POLICIES": '{"session": ["s.json"]}'},
        ("environment variable GUARDEDBEDROCK_POLICIES: policies.session[0]: there is no file `",),
    ),
    "config-missing": (
        {"GUARDEDBEDROCK_CONFIG": "no.toml"},
        ("environment variable GUARDEDBEDROCK_CONFIG: ", "/no.toml: cannot be read (No such file or directory); correct"),
    ),
    "config-empty": ({"GUARDEDBEDROCK_CONFIG": ""}, ("environment variable GUARDEDBEDROCK_CONFIG: is empty; set it",)),
}

BAD_ARGUMENTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "old-name": ({"behind": {}}, ("keyword argument behind: was renamed; write `profiles` instead",)),
    "misspelt": ({"guardrail": []}, ("keyword argument guardrail: unknown key; did you mean `guardrails`?",)),
    "guardrails": ({"guardrails": [{"arn": ARN}]}, ("keyword argument guardrails[0].version: missing",)),
    "policies": ({"policies": ["a.json"]}, ("keyword argument policies.identity[0]: there is no file `",)),
    "path": ({"path": "no.toml"}, ("configuration file ", "/no.toml: cannot be read (No such file")),
}


def refusal(*args: Any, **kwargs: Any) -> str:
    """Load an invalid configuration, and return the message."""
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
def test_a_bad_file_is_refused_with_file_key_and_fix(text: str, fragments: tuple[str, ...], here: Path) -> None:
    """Every message begins with the file and names the key."""
    tables, plain = (text, "") if text.startswith("[") else ("", text)
    write(here, {"guardedbedrock.toml": plain + GUARDRAIL + tables, "ok.json": document("Ok"), "folder/x": "", "sub/y.json": ""})

    sentence = refusal(environ={})

    assert sentence.startswith(f"{here}/guardedbedrock.toml: ")
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("text", "fragments"), BAD_GUARDRAILS.values(), ids=BAD_GUARDRAILS)
def test_a_bad_guardrail_is_refused(text: str, fragments: tuple[str, ...], here: Path) -> None:
    """A guardrail needs an ARN that AWS would accept and a published version."""
    write(here, {"guardedbedrock.toml": text})

    sentence = refusal(environ={})

    assert sentence.startswith((f"{here}/guardedbedrock.toml: guardrails", "no guardrail is configured; "))
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("environ", "fragments"), BAD_ENVIRONMENTS.values(), ids=BAD_ENVIRONMENTS)
def test_a_bad_variable_is_refused_by_name(environ: dict[str, str], fragments: tuple[str, ...]) -> None:
    """The message names the variable and never its value."""
    sentence = refusal(environ=GUARDED | environ)

    assert sentence.startswith("environment variable ")
    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(("given", "fragments"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_by_name(given: dict[str, Any], fragments: tuple[str, ...]) -> None:
    """Keyword arguments have the same checks as files."""
    sentence = refusal(environ=GUARDED, **given)

    assert [part for part in fragments if part not in sentence] == []


@pytest.mark.parametrize(
    ("name", "content", "fragments"),
    [
        ("guardedbedrock.toml", b'mode = "off\n', ("not valid TOML", "line 1, column 12")),
        ("guardedbedrock.toml", b'mode = "\xff"\n', ("not UTF-8 text; save it as UTF-8",)),
        ("pyproject.toml", b"[tool.guardedbedrock\n", ("not valid TOML", "line 1")),
        ("pyproject.toml", b"[tool]\nguardedbedrock = 3\n", ("has no table [tool.guardedbedrock]; add it",)),
        ("pyproject.toml", b'[tool.guardedbedrock]\nmod = "off"\n', (" [tool.guardedbedrock]: mod: unknown key",)),
    ],
)
def test_a_broken_file_is_refused_by_name(name: str, content: bytes, fragments: tuple[str, ...], here: Path) -> None:
    """A file that exists and cannot be read is never skipped."""
    (here / name).write_bytes(content)

    sentence = refusal(environ=GUARDED)

    assert sentence.startswith(f"{here}/{name}")
    assert [part for part in fragments if part not in sentence] == []


def test_a_named_pyproject_needs_its_table(here: Path) -> None:
    """A file that is named must exist."""
    write(here, {"pyproject.toml": "[project]\nname = 'x'\n"})

    assert "has no table [tool.guardedbedrock]" in refusal("pyproject.toml", environ=GUARDED)
    assert load(environ=GUARDED).mode == "enforce"


def test_an_error_names_the_source_that_gave_the_value(here: Path) -> None:
    """The message names the source of the invalid value, even if another source has a valid one."""
    write(here, {"guardedbedrock.toml": f"{GUARDRAIL}[policies]\nscp = [['no.json']]\n"})

    assert refusal(environ={"GUARDEDBEDROCK_GUARDRAILS": json.dumps([{"arn": ARN}])}).startswith("environment variable")
    assert refusal(environ={"GUARDEDBEDROCK_POLICIES__IDENTITY": "{}"}).startswith(
        f"{here}/guardedbedrock.toml: policies.scp[0][0]: "
    )


def test_a_repeated_key_in_the_environment_is_seen() -> None:
    """The first value of a repeated key may be a Deny, and a JSON parser would drop it."""
    sentence = refusal(environ=GUARDED | {"GUARDEDBEDROCK_POLICIES": '{"identity": [{"Statement": [], "Statement": []}]}'})

    assert sentence == "environment variable GUARDEDBEDROCK_POLICIES: has the key `Statement` twice; keep one"


SURROGATES: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "policies": ({"policies": "\ud800.json"}, "keyword argument policies"),
    "guardrails": ({"guardrails": {f"{ARN[:-1]}\ud800": "3"}}, "keyword argument guardrails"),
    "context": ({"context": {"aws:a\ud800": "x"}}, "keyword argument context"),
}


@pytest.mark.parametrize(("given", "location"), SURROGATES.values(), ids=SURROGATES)
def test_a_string_that_is_not_unicode_is_refused(given: dict[str, Any], location: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{location}: has a character that is not valid Unicode; write it in UTF-8$"):
        check(**{"guardrails": [Guardrail(ARN, "3")], **given})


@pytest.mark.parametrize("text", ["\udcff", '["\\ud800"]'], ids=["bytes", "an escape"])
def test_a_variable_that_is_not_unicode_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^environment variable GUARDEDBEDROCK_ALLOW_UNGUARDED: has a character"):
        load(environ={"GUARDEDBEDROCK_ALLOW_UNGUARDED": text}, guardrails=[Guardrail(ARN, "3")])


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b"], ids=["a NUL byte", "a surrogate"])
def test_a_file_that_no_file_system_can_have_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not a path of the file system; correct it$"):
        load(path, environ={})
