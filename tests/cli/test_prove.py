"""`guardedbedrock prove`: answers, exit codes and formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.governance.proof.answers import Summary

APPROVED: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456:3"
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
ALLOW: Final = {"Sid": "All", "Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
ALLOWED: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
ALLOW_EVERYTHING: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def deny(actions: Any) -> dict[str, Any]:
    condition = {"StringNotEquals": {"bedrock:GuardrailIdentifier": APPROVED}}
    return {"Sid": "Guardrail", "Effect": "Deny", "Action": actions, "Resource": "*", "Condition": condition}


def write(folder: Path, name: str, *statements: dict[str, Any]) -> str:
    file = folder / name
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "utf-8")
    return str(file)


@pytest.fixture
def strict(tmp_path: Path) -> str:
    return write(tmp_path, "strict.json", ALLOW, deny(BOTH))


@pytest.fixture
def leaky(tmp_path: Path) -> str:
    return write(tmp_path, "leaky.json", ALLOW, deny(BOTH[0]))


def test_a_proved_question_exits_with_0(strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "guardrail-required", "--identity", strict, "--approved", APPROVED]) == 0
    assert capsys.readouterr().out.startswith("proved: ")


def test_a_refuted_question_exits_with_1_and_shows_the_request(leaky: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "guardrail-required", "--identity", leaky, "--approved", APPROVED]) == 1

    printed = capsys.readouterr().out
    assert "bedrock:InvokeModelWithResponseStream on arn:aws:bedrock:" in printed
    assert "leaky.json statement All: allows this request" in printed


def test_the_answer_says_that_no_guardrail_is_approved(strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it, a policy that requires a guardrail would look wrong."""
    assert run(["prove", "guardrail-required", "--identity", strict]) == 1

    assert "assuming: no guardrail is approved" in capsys.readouterr().out


def test_json_has_the_documented_fields(leaky: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", "guardrail-required", "--identity", leaky, "--approved", APPROVED, "--format", "json"]) == 1

    answer = json.loads(capsys.readouterr().out)
    fields = {"question", "answer", "witness", "statements", "reason", "assumptions", "milliseconds"}
    assert fields <= set(answer)
    assert set(answer["witness"]) == {"principal", "action", "resource", "context"}
    assert {"policy", "index", "sid"} <= set(answer["statements"][0])


def test_sarif_and_github_name_the_statement(leaky: str, capsys: pytest.CaptureFixture[str]) -> None:
    question = ["prove", "guardrail-required", "--identity", leaky, "--approved", APPROVED, "--format"]

    assert run([*question, "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["locations"][0]["logicalLocations"][0]["name"] == "All"

    assert run([*question, "github"]) == 1
    assert capsys.readouterr().out.startswith(f"::error file={leaky}")


@pytest.mark.parametrize("name", ["new.json", "sp ace é#%.json"])
def test_reports_name_files_that_exist(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = write(tmp_path, "old.json", deny(BOTH)), write(tmp_path, name, ALLOW)
    by_type = tmp_path / "by_type.json"
    everything = {"Version": "2012-10-17", "Statement": [ALLOW_EVERYTHING]}
    by_type.write_text(json.dumps({"identity": everything, "scp": [[everything]]}), "utf-8")
    config = tmp_path / "c.toml"
    config.write_text(CONFIGURATION + "identity = []\nscp = [[]]", "utf-8")
    calls = write(tmp_path, "calls.json")
    Path(calls).write_text(json.dumps([{"action": "bedrock:InvokeModel", "resource": "*"}]), "utf-8")

    for arguments, file in (
        (["no-new-access", old, new], new),
        (["no-new-access", old, str(by_type)], str(by_type)),
        (["guardrail-required", "--identity", new], new),
        (["always-allowed", calls, "--config", str(config)], str(config)),
        (["never", "bedrock:InvokeModel", "--identity", f'{{"Version": "2012-10-17", "Statement": [{json.dumps(ALLOW)}]}}'], ""),
    ):
        assert run(["prove", *arguments, "--format", "sarif"]) == 1
        (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
        uris = [one["physicalLocation"]["artifactLocation"]["uri"] for one in result["locations"]]
        assert {unquote(urlsplit(uri).path) for uri in uris} == ({file} if file else set())
        assert run(["prove", *arguments, "--format", "github"]) == 1
        shown = capsys.readouterr().out.partition("::")[2].partition("::")[0]
        assert shown == (f"error file={file.replace('%', '%25')}" if file else "error")


def test_an_scp_closes_the_leak(leaky: str, tmp_path: Path) -> None:
    scp = write(tmp_path, "scp.json", ALLOW_EVERYTHING, deny(BOTH))

    assert run(["prove", "guardrail-required", "--identity", leaky, "--scp", scp, "--approved", APPROVED]) == 0


def test_an_arn_without_version_means_the_draft(strict: str, tmp_path: Path) -> None:
    arn = APPROVED.rpartition(":")[0]
    drafts = {**deny(BOTH), "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": arn}}}
    draft = write(tmp_path, "draft.json", ALLOW, drafts)

    assert run(["prove", "guardrail-required", "--identity", strict, "--approved", arn]) == 1
    assert run(["prove", "guardrail-required", "--identity", draft, "--approved", arn]) == 0
    assert run(["prove", "guardrail-required", "--identity", draft, "--approved", f"{arn}:DRAFT"]) == 0
    assert run(["prove", "guardrail-required", "--identity", draft, "--approved", APPROVED]) == 1


def test_assumptions_are_printed_and_limit_the_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = {**deny(BOTH), "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}
    policy = write(tmp_path, "regional.json", ALLOW, elsewhere)
    question = ["prove", "guardrail-required", "--identity", policy]

    assert run(question) == 1
    assert run([*question, "--assume", "aws:RequestedRegion=us-east-1"]) == 0
    assert "assuming: aws:RequestedRegion is us-east-1" in capsys.readouterr().out


CONFIGURATION: Final = f"""
principal = "arn:aws:iam::123456789012:role/App"
models_without_guardrail = ["acme.embed-*"]
[[guardrails]]
arn = "{APPROVED.rpartition(":")[0]}"
version = "3"
[policies]
"""


@pytest.mark.parametrize(
    ("generated", "policies"),
    [
        (["backstop"], 'identity = ["allow.json", "made.json"]'),
        (["generate", "scp"], 'identity = "allow.json"\nscp = [["allow.json", "made.json"]]'),
        (["generate", "boundary"], 'identity = "allow.json"\nboundary = "made.json"'),
        (["generate", "invoke-policy"], 'identity = "made.json"'),
    ],
)
def test_the_policies_that_a_configuration_generates_are_proved_with_it(
    generated: list[str], policies: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They leave out the models that the guard calls without a guardrail, such as the embedding models."""
    write(tmp_path, "allow.json", ALLOW)
    config = tmp_path / "c.toml"
    config.write_text(CONFIGURATION + 'identity = "allow.json"', "utf-8")
    assert run([*generated, "--config", str(config)]) == 0
    made = json.loads(capsys.readouterr().out)
    (tmp_path / "made.json").write_text(json.dumps(made), "utf-8")
    config.write_text(CONFIGURATION + policies, "utf-8")

    # The time limit is for a quiet machine; tests may run beside others.
    assert run(["prove", "guardrail-required", "--config", str(config), "--timeout", "60"]) == 0
    assert "assuming: models that take no guardrail may be called without one: amazon.titan-embed-*" in capsys.readouterr().out
    config.write_text('unsupported_models = "refuse"' + CONFIGURATION + policies, "utf-8")
    assert run(["prove", "guardrail-required", "--config", str(config)]) == 1


def test_models_are_exempt_if_an_option_says_so(tmp_path: Path) -> None:
    exempting = {**deny(BOTH), "NotResource": "arn:aws:bedrock:*::foundation-model/acme.embed-*"}
    del exempting["Resource"]
    policy = write(tmp_path, "exempting.json", ALLOW, exempting)
    question = ["prove", "guardrail-required", "--identity", policy, "--approved", APPROVED]

    assert run(question) == 1
    assert run([*question, "--exempt-model", "acme.embed-v1"]) == 1
    assert run([*question, "--exempt-model", "acme.embed-*"]) == 0


def test_never(strict: str) -> None:
    assert run(["prove", "never", "bedrock:DeleteGuardrail", "--identity", strict]) == 1
    assert run(["prove", "never", "s3:GetObject", "--identity", strict]) == 0
    unguarded = ["bedrock:InvokeModel", "arn:aws:bedrock:*::foundation-model/*"]
    other = APPROVED.replace(":3", ":4")
    assert run(["prove", "never", *unguarded, "--when", f"bedrock:GuardrailIdentifier={other}", "--identity", strict]) == 0
    assert run(["prove", "never", *unguarded, "--when", f"bedrock:GuardrailIdentifier={APPROVED}", "--identity", strict]) == 1


def test_new_access_and_equivalence(strict: str, leaky: str, tmp_path: Path) -> None:
    same = write(tmp_path, "same.json", deny(BOTH[::-1]), ALLOW)

    assert run(["prove", "no-new-access", leaky, strict]) == 0
    assert run(["prove", "no-new-access", strict, leaky]) == 1
    assert run(["prove", "equivalent", strict, same]) == 0
    assert run(["prove", "equivalent", strict, leaky]) == 1


def test_both_versions_are_policies_of_one_principal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only_app = {**ALLOW, "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/App"}}}
    write(tmp_path, "app.json", only_app)

    def configuration(role: str) -> str:
        file = tmp_path / f"{role}.toml"
        guardrail = f'[[guardrails]]\narn = "{APPROVED.rpartition(":")[0]}"\nversion = "3"\n'
        principal = f'principal = "arn:aws:iam::123456789012:role/{role}"\n'
        file.write_text(f'{principal}{guardrail}[policies]\nidentity = ["app.json"]\n', "utf-8")
        return str(file)

    anything = write(tmp_path, "anything.json", ALLOW)

    assert run(["prove", "equivalent", configuration("App"), anything]) == 0
    assert run(["prove", "equivalent", anything, configuration("App")]) == 0
    assert run(["prove", "equivalent", configuration("Other"), anything]) == 1
    assert run(["prove", "equivalent", configuration("App"), configuration("Other")]) == 2
    assert "name one with --principal ARN" in capsys.readouterr().err


def test_unreachable_lists_the_dead_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dead = {**deny(BOTH), "Sid": "Dead", "Action": "bedrock:ApplyGuardrail", "Effect": "Allow"}
    dead["Condition"] = {"StringEquals": {"bedrock:GuardrailIdentifier": APPROVED}}
    policy = write(tmp_path, "dead.json", ALLOW, dead)

    assert run(["prove", "unreachable", "--identity", policy, "--format", "json"]) == 1

    answer = json.loads(capsys.readouterr().out)
    assert [statement["sid"] for statement in answer["statements"]] == ["Dead"]
    assert run(["prove", "unreachable", "--identity", policy, "--format", "github"]) == 1
    assert f"{policy} statement Dead: no request meets it; 1 statement applies to no request" in capsys.readouterr().out


def test_calls_stay_allowed_for_every_value_of_unknown_keys(tmp_path: Path) -> None:
    calls = tmp_path / "calls.json"
    model = "anthropic.claude-3-haiku-20240307-v1:0"
    request = {"action": "bedrock:InvokeModel", "resource": f"arn:aws:bedrock:us-east-1::foundation-model/{model}"}
    calls.write_text(json.dumps([{**request, "unknown": ["aws:SourceIp"]}]), "utf-8")
    anywhere = write(tmp_path, "anywhere.json", ALLOW)
    office = write(tmp_path, "office.json", {**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}})

    assert run(["prove", "always-allowed", str(calls), "--identity", anywhere]) == 0
    assert run(["prove", "always-allowed", str(calls), "--identity", office]) == 1


def test_a_call_with_an_api_key_needs_the_action_of_api_keys(tmp_path: Path) -> None:
    call = {"operation": "Converse", "params": {"modelId": "anthropic.claude-3-haiku-20240307-v1:0"}, "why": "the chatbot"}
    signed, keyed = tmp_path / "signed.json", tmp_path / "keyed.json"
    signed.write_text(json.dumps([{**call, "service": "bedrock-runtime"}]), "utf-8")
    keyed.write_text(json.dumps([{**call, "bearer": "LONG_TERM"}]), "utf-8")
    identity = write(tmp_path, "models.json", {**ALLOW, "Action": "bedrock:InvokeModel*"})

    assert run(["prove", "always-allowed", str(signed), "--identity", identity]) == 0
    assert run(["prove", "always-allowed", str(keyed), "--identity", identity]) == 1


MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"operation": "Converse", "params": "abc"}], "[0].params: must be an object"),
        ([{"operation": "Converse", "params": {}}], "[0].params: `modelId` is missing"),
        ([{"operation": "Converse", "params": {"modelId": 5}}], "[0].params: `modelId` is of type `int`; Converse accepts `str`"),
        ([{"operation": "Talk", "params": {}}], "[0].operation: `Talk` is not an operation of Bedrock"),
        ([{"operation": "Converse", "params": {"modelId": "m"}, "region": 5}], "[0].region: must be a string"),
        ([{"action": 5, "resource": "*"}], "[0].action: must be a string"),
        ([{"action": BOTH[0]}], "[0]: `resource` is missing"),
        ([{"params": {}}], "[0]: `operation` is missing"),
        ([{"action": BOTH[0], "resource": MODEL, "unknown": "aws:x"}], "[0].unknown: must be an array of strings"),
        ([{"action": BOTH[0], "resource": MODEL, "unknown": [5]}], "[0].unknown: must be an array of strings"),
        ([{"action": BOTH[0], "resource": MODEL, "context": {"a": {"b": 1}}}], "[0].context.a: must be a string, a number"),
        ([{"action": BOTH[0], "resource": MODEL, "context": {"a": [None]}}], "[0].context.a: must be a string, a number"),
        ([{"action": "bedrock:Invoke*", "resource": MODEL}], "[0].action: `bedrock:Invoke*` is a pattern; name one action"),
        (
            [{"request": {"action": "bedrock:InvokeModelWithGuardrail", "resource": "*"}}],
            "[0].request.action: this version knows no action `bedrock:InvokeModelWithGuardrail`",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m"}, "regoin": "eu-central-1"}],
            "[0]: unknown field `regoin`; did you mean `region`?",
        ),
        (
            [{"call": {"operation": "Converse", "params": {}, "why": "x"}}],
            "[0].call: unknown field `why`; the known fields are operation",
        ),
        (
            [{"request": {"action": BOTH[0], "resource": MODEL, "id": 1}}],
            "[0].request: unknown field `id`; the known fields are principal",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m"}, "service": "bedrock"}],
            "[0].service: `bedrock` does not have the operation Converse; set it to `bedrock-runtime`",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m", "guardrailConfg": {}}}],
            "[0].params: unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m"}, "bearer": "short"}],
            "[0].bearer: must be one of SHORT_TERM, LONG_TERM, unknown",
        ),
        (["Converse"], "[0]: must be an object"),
        ([{"call": "Converse"}], "[0].call: must be an object"),
        ([], "must be an array of at least one call"),
        (
            [{"action": BOTH[0], "resource": MODEL, "context": {"bedrock:GuardrailIdentifer": "x"}}],
            "[0].context: `bedrock:GuardrailIdentifer` is not a known condition key; did you mean",
        ),
        (
            [{"action": BOTH[0], "resource": MODEL, "unknown": ["bedrock:GuardrailIdentifer"]}],
            "[0].unknown: `bedrock:GuardrailIdentifer` is not a known condition key; did you mean",
        ),
        (
            [{"action": BOTH[0], "resource": MODEL, "resourceAccount": "12"}],
            "[0].resourceAccount: `12` is not the ID of an account; write its 12 digits",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m"}, "region": "us-eest-1"}],
            "[0].region: `us-eest-1` is not the name of a Region",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m"}, "principal": "me"}],
            "[0].principal: `me` is not the ARN of a user, a role, a session or a root user",
        ),
        (
            [{"operation": "Converse", "params": {"modelId": "m", "messages": "x"}}],
            "[0].params: `messages` is of type `str`; Converse accepts `list` or `tuple` there",
        ),
    ],
)
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_call_in_another_form_is_an_error(
    content: Any, message: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, policy = tmp_path / f"calls.{suffix}", write(tmp_path, "allow.json", ALLOW)
    calls.write_text(json.dumps(content), "utf-8")

    assert run(["prove", "always-allowed", str(calls), "--identity", policy]) == 2
    assert f"{calls}{message}" in capsys.readouterr().err.replace(": must be an array of at", "must be an array of at")


def test_calls_in_yaml(tmp_path: Path) -> None:
    calls, policy = tmp_path / "calls.yaml", write(tmp_path, "allow.json", ALLOW)
    calls.write_text(f"- operation: Converse\n  params: {{modelId: {MODEL.rpartition('/')[2]}}}\n", "utf-8")

    assert run(["prove", "always-allowed", str(calls), "--identity", policy]) == 0


@pytest.mark.parametrize("others", [0, 16])
def test_a_snapshot_is_asked_for_every_principal(others: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answers for many principals are computed in several processes."""

    def role(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        policies = [{"PolicyName": "p", "PolicyDocument": document}]
        arn = f"arn:aws:iam::123456789012:role/{name}"
        return {"Arn": arn, "RoleName": name, "RoleId": f"AROA{name}", "Path": "/", "RolePolicyList": policies}

    dump = tmp_path / "details.json"
    roles = [role("Good", ALLOW, deny(BOTH)), role("Bad", ALLOW), *(role(f"R{number}", deny(BOTH)) for number in range(others))]
    dump.write_text(json.dumps({"RoleDetailList": roles, "UserDetailList": [], "GroupDetailList": [], "Policies": []}), "utf-8")

    code = run(["prove", "guardrail-required", "--snapshot", str(dump), "--all", "--approved", APPROVED, "--format", "json"])

    summary = json.loads(capsys.readouterr().out)
    answers = {one["principal"].rpartition("/")[2]: one["answer"] for one in summary["answers"]}
    # The dump has no SCPs, so access is never certain; what is denied stays denied.
    assert answers == {"Bad": "unknown", "Good": "proved", **{f"R{number}": "proved" for number in range(others)}}
    assert (code, summary["answer"]) == (3, "unknown")


@pytest.mark.parametrize("question", ["guardrail-required", "unreachable"])
def test_a_snapshot_without_principals_proves_nothing(question: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = tmp_path / "details.json"
    dump.write_text('{"RoleDetailList": [], "UserDetailList": []}', "utf-8")

    assert run(["prove", question, "--snapshot", str(dump), "--all"]) == 2
    assert f"{dump}: has no principal, so nothing would be proved" in capsys.readouterr().err
    assert Summary(()).answer == "unknown"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["guardrail-required", "--identity", "missing.json"], "missing.json"),
        (["guardrail-required", "--identity", "x.json", "--config", "y.toml"], "one of --config, --snapshot or policy files"),
        (["never", "bedrock:InvokeModel", "--identity", "{}"], "Statement is missing"),
        (
            ["never", "bedrock:InvokModel", "--identity", ALLOWED],
            "`bedrock:InvokModel`; did you mean `bedrock:InvokeModel`?",
        ),
        (["never", "InvokeModel", "--identity", ALLOWED], "`InvokeModel` is not an action; an action is SERVICE:NAME, "),
        (["never", "x", "--identity", ALLOWED], "`x` is not an action; an action is SERVICE:NAME, such as bedrock:InvokeModel\n"),
        (["never", "bedrock", "--identity", ALLOWED], "`bedrock` is not an action; an action is SERVICE:NAME, such as bedrock:I"),
        (
            ["never", "bedrock:", "--identity", ALLOWED],
            "`bedrock:` is not an action; an action is SERVICE:NAME, such as bedrock:",
        ),
        (["never", "invoke*", "--identity", ALLOWED], "`invoke*` is not an action; an action is SERVICE:NAME, such as bedrock:I"),
        (["never", "createguardrial", "--identity", ALLOWED], "SERVICE:NAME, such as bedrock:CreateGuardrail\n"),
        (["no-new-access", "missing.json", "missing.json"], "missing.json: cannot be read"),
        (["guardrail-required", "--identity", ALLOWED, "--approved", "abc123"], "`abc123` is not the ARN or ARN:VERSION"),
        (["guardrail-required", "--identity", ALLOWED, "--approved", f"{APPROVED}x"], "is not the ARN or ARN:VERSION of a"),
        (["guardrail-required", "--identity", ALLOWED, "--principal", "Ana"], "--principal: `Ana` is not the ARN of a user"),
        (["unreachable", "--identity", ALLOWED, "--all"], "--all: asks for every principal of a snapshot"),
        (["guardrail-required", "--identity", ALLOWED, "--assume", "key"], "--assume: `key` is not KEY=VALUE"),
        (["never", "s3:GetObject", "--identity", ALLOWED, "--when", "=x"], "--when: `=x` is not KEY=VALUE"),
        (
            ["never", "bedrock:InvokeModel", "--identity", ALLOWED, "--when", "bedrock:ServiceTeir=flex"],
            "--when: `bedrock:ServiceTeir` is not a known condition key; did you mean `bedrock:ServiceTier`?",
        ),
        (
            ["guardrail-required", "--identity", ALLOWED, "--assume", "bedrock:ModelARNs=x"],
            "--assume: `bedrock:ModelARNs` is not a known condition key; did you mean `bedrock:ModelArn`?",
        ),
        (["guardrail-required", "--identity", ALLOWED, "--exempt-model", ""], "--exempt-model: is empty"),
        (["guardrail-required", "--identity", ALLOWED, "--timeout", "0"], "'--timeout': must be at least 0.001"),
    ],
)
def test_invalid_input_exits_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prove", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("action", ["bedrok:InvokeModel", "bedrock-runtime:InvokeModel"])
def test_an_action_of_no_service_is_not_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str) -> None:
    """No policy allows it, so "never" would be proved."""
    identity = write(tmp_path, "models.json", ALLOW)

    assert run(["prove", "never", action, "--identity", identity]) == 2
    assert "the IAM prefix of every Bedrock service is `bedrock:`; write `bedrock:InvokeModel`" in capsys.readouterr().err


def test_a_call_on_a_resource_of_another_account_needs_its_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ARN of a foundation model does not contain the account."""
    calls = tmp_path / "calls.json"
    calls.write_text(json.dumps([{"action": BOTH[0], "resource": MODEL, "resourceAccount": "210987654321"}]), "utf-8")
    identity = write(tmp_path, "all.json", {**ALLOW, "Action": "bedrock:*"})

    assert run(["prove", "always-allowed", str(calls), "--identity", identity]) == 1
    assert capsys.readouterr().out.startswith("refuted: ")
