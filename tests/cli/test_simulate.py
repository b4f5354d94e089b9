"""``guardedbedrock simulate``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail"
MODELS = "arn:aws:bedrock:us-east-1::foundation-model"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "Invoke", "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"},
        {
            "Sid": "ApplyProd",
            "Effect": "Allow",
            "Action": "bedrock:ApplyGuardrail",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "prod"}},
        },
        {
            "Sid": "NoLarge",
            "Effect": "Deny",
            "Action": "bedrock:InvokeModel",
            "Resource": "arn:aws:bedrock:*::foundation-model/*large*",
        },
    ],
}
CONFIG = f"""
policies = ["policy.json"]
principal = "arn:aws:iam::123456789012:role/HRBot"

[[guardrails]]
arn = "{ARN}/abc123def456"
version = "3"
name = "hr"
tags = {{ Environment = "prod" }}

[[guardrails]]
arn = "{ARN}/xyz123def456"
version = "1"
name = "untagged"
"""
TINY = json.dumps({"modelId": "acme.tiny-v1"})
LARGE = json.dumps({"modelId": "acme.large-v1"})
FOREIGN = json.dumps({"modelId": "acme.tiny-v1", "guardrailConfig": {"guardrailIdentifier": "zzz", "guardrailVersion": "1"}})


@pytest.fixture
def simulate(cli: Cli, tmp_path: Path) -> Cli:
    """Simulate Converse with a configuration in the temporary folder."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY), "utf-8")
    (tmp_path / "guard.toml").write_text(CONFIG, "utf-8")
    return lambda *more, operation="Converse": cli("simulate", "--config", "guard.toml", "--operation", operation, *more)


def test_an_allowed_call_shows_the_injected_guardrail_and_the_authorizations(simulate: Cli, tmp_path: Path) -> None:
    assert simulate("--params", TINY) == (
        0,
        f"""Converse: allowed
guardrail: {ARN}/abc123def456 version 3 (injected)

bedrock:InvokeModel on {MODELS}/acme.tiny-v1
  allowed, policy type identity
  statements: identity {tmp_path}/policy.json statement Invoke

bedrock:ApplyGuardrail on {ARN}/abc123def456
  allowed, policy type identity
  statements: identity {tmp_path}/policy.json statement ApplyProd
""",
        "",
    )


def test_a_denied_call_shows_the_message_the_hint_and_the_explanation(simulate: Cli, tmp_path: Path) -> None:
    code, out, err = simulate("--params", LARGE)

    assert (code, err) == (1, "")
    assert out.startswith("Converse: explicitDeny\n")
    assert "  explicitDeny, policy type identity\n" in out
    assert (
        "AWS would answer: User: arn:aws:iam::123456789012:role/HRBot is not authorized to perform: bedrock:InvokeModel on" in out
    )
    assert "hint: no Allow can override an explicit deny; statement " in out
    assert f"{tmp_path}/policy.json statement NoLarge: Deny " in out


def test_an_action_that_does_not_exist_at_aws_is_named_in_the_hint(simulate: Cli, tmp_path: Path) -> None:
    teaches = {"Sid": "Article", "Effect": "Allow", "Action": "bedrock:InvokeModelWithGuardrail", "Resource": "*"}
    (tmp_path / "policy.json").write_text(json.dumps(POLICY | {"Statement": [teaches]}), "utf-8")

    assert "names `bedrock:InvokeModelWithGuardrail`, an action that does not exist" in simulate("--params", TINY).out


def test_an_indeterminate_decision_is_no_failure_and_shows_its_keys(simulate: Cli) -> None:
    code, out, err = simulate("--params", TINY, "--using", "untagged")

    assert (code, err) == (0, "")
    assert out.startswith(f"Converse: indeterminate\nguardrail: {ARN}/xyz123def456 version 1 (injected)\n")
    assert "the guard sends the call: the decision depends on aws:ResourceTag/Environment\n" in out


def test_an_indeterminate_decision_without_keys_shows_its_reason(simulate: Cli, tmp_path: Path) -> None:
    """AWS documents no result for a policy value that is shorter than an ARN."""
    allow = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*", "Condition": {"ArnLike": {"k:arn": "arn:aws:*"}}}
    (tmp_path / "policy.json").write_text(json.dumps(POLICY | {"Statement": [allow]}), "utf-8")
    (tmp_path / "guard.toml").write_text(f"{CONFIG}\n[context]\n'k:arn' = 'arn:aws:sns:us-east-1:1:t'\n", "utf-8")

    out = simulate("--params", TINY).out

    (line,) = [line for line in out.splitlines() if line.startswith("the guard sends the call")]
    assert "the decision depends on" not in line  # it depends on no key
    assert ": AWS documents no result of ArnLike on `k:arn`" in line
    printed = json.loads(simulate("--params", TINY, "--format", "json").out)
    assert (printed["decision"], printed["hangsOn"]) == ("indeterminate", [])
    assert "AWS documents no result of ArnLike on `k:arn`" in printed["reasons"][0]
    assert printed["authorizations"][0]["reasons"] == printed["reasons"]


def test_an_indeterminate_decision_is_refused_if_the_configuration_says_so(simulate: Cli, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(f'on_indeterminate = "refuse"\n{CONFIG}', "utf-8")

    code, out, _ = simulate("--params", TINY, "--using", "untagged")

    assert code == 1
    assert "the guard refuses the call (on_indeterminate): the decision depends on aws:ResourceTag/Environment\n" in out


@pytest.mark.parametrize("mode", ["enforce", "report", "off"])
def test_only_mode_enforce_stops_a_denied_call(simulate: Cli, tmp_path: Path, mode: str) -> None:
    """The exit code is that of the decision in every mode, because AWS denies the call that the guard sends."""
    (tmp_path / "guard.toml").write_text(f'mode = "{mode}"\n{CONFIG}', "utf-8")

    code, out, _ = simulate("--params", LARGE)
    printed = json.loads(simulate("--params", LARGE, "--format", "json").out)

    assert code == 1
    assert (printed["decision"], printed["mode"], printed["stopped"]) == ("explicitDeny", mode, mode == "enforce")
    assert (f'the guard sends the call (mode = "{mode}")' in out) is (mode != "enforce")


@pytest.mark.parametrize("mode", ["enforce", "report", "off"])
def test_mode_off_is_named_because_it_injects_nothing(simulate: Cli, tmp_path: Path, mode: str) -> None:
    (tmp_path / "guard.toml").write_text(f'mode = "{mode}"\n{CONFIG}', "utf-8")

    code, out, _ = simulate("--params", TINY)

    assert code == 0
    assert ('mode = "off": the guard changes and checks nothing; mode "report" would do the following' in out) is (mode == "off")


@pytest.mark.parametrize("mode", ["report", "off"])
def test_an_indeterminate_decision_is_refused_in_mode_enforce_only(simulate: Cli, tmp_path: Path, mode: str) -> None:
    (tmp_path / "guard.toml").write_text(f'mode = "{mode}"\non_indeterminate = "refuse"\n{CONFIG}', "utf-8")

    code, out, _ = simulate("--params", TINY, "--using", "untagged")

    assert code == 0
    assert "the guard sends the call: the decision depends on aws:ResourceTag/Environment\n" in out


def test_a_call_that_cannot_be_evaluated_is_refused_in_mode_enforce_only(simulate: Cli, tmp_path: Path) -> None:
    """Without credentials the caller is unknown, so no policy can be evaluated."""
    without = CONFIG.replace("arn:aws:iam::123456789012:role/HRBot", "caller")
    found = {}
    for mode in ("enforce", "report"):
        (tmp_path / "guard.toml").write_text(f'mode = "{mode}"\n{without}', "utf-8")
        code, out, _ = simulate("--params", TINY, "--format", "json")
        printed = json.loads(out)
        found[mode] = (code, printed["decision"], printed["stopped"], printed["error"])

    assert found == {
        "enforce": (1, "refused", True, "PreflightUnavailableError"),
        "report": (0, "indeterminate", False, "PreflightUnavailableError"),
    }


@pytest.mark.parametrize(
    ("arguments", "operation", "sentence"),
    [
        (["--params", FOREIGN], "Converse", "guardrail zzz version 1 is not approved for us-east-1"),
        (["--params", TINY, "--region", "eu-west-1"], "Converse", "no guardrail is approved for eu-west-1"),
        (["--params", TINY], "StartAsyncInvoke", "StartAsyncInvoke has no guardrail location"),
    ],
)
def test_a_refusal_by_the_guard_is_shown_with_its_hint(
    simulate: Cli, arguments: list[str], operation: str, sentence: str
) -> None:
    code, out, err = simulate(*arguments, operation=operation)

    assert (code, err) == (1, "")
    assert out.startswith(f"{operation}: refused\n\nerror: {sentence}")
    assert "\nhint: " in out


@pytest.mark.parametrize("mode", ["report", "off"])
@pytest.mark.parametrize(("params", "operation"), [(FOREIGN, "Converse"), (TINY, "StartAsyncInvoke")])
def test_a_refusal_by_the_guard_is_shown_in_every_mode(
    simulate: Cli, tmp_path: Path, mode: str, params: str, operation: str
) -> None:
    """A client would log that it would refuse the call."""
    (tmp_path / "guard.toml").write_text(f'mode = "{mode}"\n{CONFIG}', "utf-8")

    code, out, _ = simulate("--params", params, operation=operation)

    assert code == 1
    assert out.startswith(f"{operation}: refused\n")
    assert f'the guard sends the call (mode = "{mode}")' in out


def test_a_guardrail_in_the_call_is_shown_as_such(simulate: Cli) -> None:
    own = {"modelId": "acme.tiny-v1", "guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "3"}}

    assert "version 3 (already in the call)" in simulate("--params", json.dumps(own)).out


def test_the_body_of_a_call_is_text(simulate: Cli) -> None:
    assert simulate("--params", json.dumps({"modelId": "acme.tiny-v1", "body": "{}"}), operation="InvokeModel").code == 0


def test_a_call_without_a_guardrail_is_shown_as_such(simulate: Cli, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(CONFIG.replace('policies = ["policy.json"]', ""), "utf-8")
    params = json.dumps({"modelId": "amazon.titan-embed-text-v2:0", "body": "{}"})

    assert (
        "guardrail: none; the configuration lets this call pass without one"
        in simulate("--params", params, operation="InvokeModel").out
    )
    assert json.loads(simulate("--params", params, "--format", "json", operation="InvokeModel").out)["unguarded"] is True
    assert json.loads(simulate("--params", TINY, "--format", "json").out)["unguarded"] is False


def test_without_policies_only_the_approved_list_is_checked(simulate: Cli, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(CONFIG.replace('policies = ["policy.json"]', ""), "utf-8")

    assert "no policies are configured" in simulate("--params", TINY).out


def test_a_misspelt_parameter_is_not_simulated(simulate: Cli) -> None:
    code, out, err = simulate("--params", json.dumps({"modelId": "acme.tiny-v1", "guardrailConfg": {}}))

    assert (code, out) == (2, "")
    assert err == "guardedbedrock: params: unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?\n"


def test_json_of_a_denied_call(simulate: Cli, tmp_path: Path) -> None:
    code, out, err = simulate("--params", LARGE, "--format", "json")

    printed = json.loads(out)
    assert (code, err) == (1, "")
    assert {key: printed[key] for key in ("operation", "decision", "stopped", "injected", "hangsOn", "error")} == {
        "operation": "Converse",
        "decision": "explicitDeny",
        "stopped": True,
        "injected": True,
        "hangsOn": [],
        "error": "ExplicitDenyError",
    }
    assert printed["guardrail"] == {"arn": f"{ARN}/abc123def456", "version": "3", "name": "hr"}
    assert printed["params"]["guardrailConfig"] == {"guardrailIdentifier": f"{ARN}/abc123def456", "guardrailVersion": "3"}
    explanation = printed["authorizations"][0].pop("explanation")
    assert (explanation["outcome"], explanation["resource"]) == ("explicitDeny", f"{MODELS}/acme.large-v1")
    assert printed["authorizations"][0] == {
        "action": "bedrock:InvokeModel",
        "resource": f"{MODELS}/acme.large-v1",
        "oneOf": None,
        "undocumented": False,
        "decision": "explicitDeny",
        "policyType": "identity",
        "statements": [
            {"policyType": "identity", "policy": f"{tmp_path}/policy.json", "index": 2, "sid": "NoLarge", "effect": "Deny"}
        ],
        "hangsOn": [],
        "reasons": [],
    }
    assert printed["message"].startswith("User: ")
    assert printed["hint"].startswith("no Allow can override")


def test_json_of_a_refusal(simulate: Cli) -> None:
    printed = json.loads(simulate("--params", FOREIGN, "--format", "json").out)

    assert (printed["decision"], printed["error"], printed["guardrail"], printed["authorizations"]) == (
        "refused",
        "GuardrailNotApprovedError",
        None,
        [],
    )


def test_parameters_are_read_from_a_file(simulate: Cli, tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text(TINY, "utf-8")

    assert simulate("--params", "@params.json").code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(["--params", "{"], "--params: not valid JSON: expecting property name", id="broken JSON"),
        pytest.param(["--params", "[" * 50_000], "--params: nested", id="deep JSON"),
        pytest.param(["--params", '{"a": ' + "9" * 5000 + "}"], "--params: ", id="long number"),
        pytest.param(["--params", "[]"], "--params: must be a JSON object", id="no object"),
        pytest.param(["--params", '{"a": {"b": 1, "b": 2}}'], "--params: has the key `b` twice; keep one", id="repeated key"),
        pytest.param(["--params", "@none.json"], "--params @none.json: cannot be read (No such file", id="no file"),
        pytest.param([], "params: `modelId` is missing, which Converse needs", id="no model"),
        pytest.param(["--params", '{"modelId": 5}'], "params: `modelId` is of type `int`; pass the ID or ARN", id="wrong model"),
        pytest.param(
            ["--params", '{"modelId": "a.b", "guardrailConfig": {"guardrailIdentifier": [1]}}'],
            "params: `guardrailConfig.guardrailIdentifier` is of type `list`; Converse accepts `str` there",
            id="wrong type",
        ),
        pytest.param(
            ["--params", '{"modelId": "a.b", "guardrailConfig": "hr, type: x\\n"}'],
            "params: `guardrailConfig` is of type `str`; Converse accepts `dict` there",
            id="wrong structure",
        ),
        pytest.param(["--params", TINY, "--region", "mars"], "region: `mars` is not the name of a Region; ", id="region"),
        pytest.param(["--params", TINY, "--region", ""], "region: `` is not the name of a Region; ", id="no region"),
        pytest.param(["--params", TINY, "--using", "x"], "no approved guardrail is named `x`", id="no such name"),
        pytest.param(["--params", TINY, "--config", "none.toml"], "none.toml: cannot be read", id="no configuration"),
    ],
)
def test_invalid_input_is_one_line(simulate: Cli, arguments: list[str], problem: str) -> None:
    code, out, err = simulate(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("guardedbedrock: ")
    assert problem in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("model", ["", "acme tiny", "acme.tiny\n", "acme.\0", "arn:aws:s3:::b", "arn:x"])
def test_a_model_that_is_not_the_name_of_one_is_invalid_input(simulate: Cli, model: str) -> None:
    problem = "params: `modelId` is not the ID or ARN of a model; write one such as amazon.nova-lite-v1:0"

    assert simulate("--params", json.dumps({"modelId": model})) == (2, "", f"guardedbedrock: {problem}\n")


@pytest.mark.parametrize(
    ("operation", "fix"),
    [
        ("Convers", "did you mean `Converse`?"),
        ("invoke_model", "did you mean `InvokeModel`?"),
        ("Qqq", "write its name in the API, such as `Converse`"),
        ("", "write its name in the API, such as `Converse`"),
    ],
)
def test_an_unknown_operation_is_invalid_input(simulate: Cli, operation: str, fix: str) -> None:
    problem = f"guardedbedrock: --operation: `{operation}` is not an operation of Bedrock; {fix}\n"

    assert simulate(operation=operation) == (2, "", problem)


def test_an_invalid_policy_is_invalid_input(simulate: Cli, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"Version": "2012-10-17", "Statement": [{"Effect": "Alow"}]}', "utf-8")

    code, _, err = simulate("--params", TINY)

    assert (code, err.count("\n")) == (2, 1)
    assert f"{tmp_path}/policy.json at /Statement/0" in err
