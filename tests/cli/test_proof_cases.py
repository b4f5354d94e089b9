"""Proof cases of ``guardedbedrock test``: questions, failures in every report format, and invalid cases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import junitparser
import pytest
import yaml

from guardedbedrock.cli.policy_tests.report_rows import ProofRow
from guardedbedrock.governance.proof.solving.solver import Solver
from guardedbedrock.testing import cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def deny(actions: list[str]) -> dict[str, Any]:
    condition = {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{ARN}:3"}}
    return {"Sid": "Guardrail", "Effect": "Deny", "Action": actions, "Resource": "*", "Condition": condition}


ALLOW: Final = {"Sid": "All", "Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
EXEMPTING: Final = {
    **{name: value for name, value in deny(BOTH).items() if name != "Resource"},
    "NotResource": "arn:aws:bedrock:*::foundation-model/cohere.embed-*",
}
STRICT: Final = {"identity": [policy(ALLOW, deny(BOTH))]}
LEAKY: Final = {"identity": [policy(ALLOW, deny(BOTH[:1]))]}
APPROVED: Final = [{"arn": ARN, "version": "3"}]
GUARDED: Final = {"id": "guarded", "prove": "guardrail-required", "guardrails": APPROVED, "expect": {"answer": "proved"}}


def suite(folder: Path, *given: dict[str, Any]) -> None:
    shared = {"strict": STRICT, "leaky": LEAKY}
    (folder / "suite.yaml").write_text(yaml.safe_dump({"policies": shared, "cases": list(given)}), "utf-8")


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        (GUARDED | {"policies": "strict"}, "proved"),
        (GUARDED | {"policies": "leaky"}, "refuted"),
        (GUARDED | {"policies": "strict", "guardrails": [{"arn": ARN, "version": "4"}]}, "refuted"),
        (GUARDED | {"policies": "strict", "guardrails": []}, "refuted"),
        (GUARDED | {"policies": {"identity": [policy(ALLOW, EXEMPTING)]}}, "refuted"),
        (GUARDED | {"policies": {"identity": [policy(ALLOW, EXEMPTING)]}, "exemptModels": ["cohere.embed-*"]}, "proved"),
        ({"prove": "no-new-access", "policies": "strict", "before": "leaky"}, "proved"),
        ({"prove": "no-new-access", "policies": "leaky", "before": "strict"}, "refuted"),
        ({"prove": "equivalent", "policies": "strict", "before": STRICT}, "proved"),
        ({"prove": "equivalent", "policies": "strict", "before": "leaky"}, "refuted"),
        ({"prove": "never", "policies": "strict", "action": "bedrock:DeleteGuardrail"}, "refuted"),
        ({"prove": "never", "policies": "strict", "action": "s3:GetObject"}, "proved"),
        (
            {
                "prove": "never",
                "policies": "strict",
                "action": "bedrock:InvokeModel*",
                "resource": "arn:aws:bedrock:*::foundation-model/*",
                "when": {"bedrock:GuardrailIdentifier": f"{ARN}:4"},
            },
            "proved",
        ),
        (
            {
                "prove": "always-allowed",
                "policies": "strict",
                "request": {"principal": "arn:aws:iam::123456789012:user/a", "action": BOTH[0], "resource": MODEL},
            },
            "refuted",
        ),
        (
            {
                "prove": "always-allowed",
                "policies": "strict",
                "guardrails": APPROVED,
                "call": {"operation": "Converse", "region": "us-east-1", "params": {"modelId": MODEL.rpartition("/")[2]}},
            },
            "proved",
        ),
        ({"prove": "unreachable", "policies": "strict"}, "proved"),
    ],
)
def test_each_question_is_answered(tmp_path: Path, case: dict[str, Any], answer: str) -> None:
    suite(tmp_path, {**case, "id": "a", "expect": {"answer": "proved"}})

    (loaded,) = cases.load(tmp_path)
    result = cases.run(loaded)

    assert isinstance(result, cases.ProofResult)
    assert result.answer.answer == answer
    assert result.passed is (answer == "proved")


def test_an_assumption_limits_the_question(tmp_path: Path) -> None:
    regional = {**deny(BOTH), "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}
    case = GUARDED | {"policies": {"identity": [policy(ALLOW, regional)]}}
    suite(tmp_path, case, case | {"id": "assumed", "assume": {"aws:RequestedRegion": "us-east-1"}, "timeout": 2})

    results = [cases.run(one) for one in cases.load(tmp_path)]

    assert [result.passed for result in results] == [False, True]
    assert isinstance(results[1], cases.ProofResult)
    assert "aws:RequestedRegion is us-east-1" in results[1].answer.assumptions


def test_the_statements_of_a_refutation_can_be_expected(tmp_path: Path) -> None:
    refuted = GUARDED | {"policies": "leaky", "expect": {"answer": "refuted", "determining": ["All"]}}
    suite(tmp_path, refuted, refuted | {"id": "other", "expect": {"answer": "refuted", "determining": ["Guardrail"]}})

    first, second = (cases.run(one) for one in cases.load(tmp_path))

    assert first.passed
    assert second.differences == {"determining": (frozenset({"Guardrail"}), frozenset({"All"}))}


def test_fixtures_hold_fields_of_proofs(tmp_path: Path) -> None:
    fixture = {
        "policies": "strict",
        "prove": "guardrail-required",
        "guardrails": APPROVED,
        "principal": "arn:aws:iam::123456789012:user/a",
    }
    content = {
        "policies": {"strict": STRICT},
        "fixtures": {"app": fixture},
        "cases": [{"id": "a", "use": "app", "expect": {"answer": "proved"}}],
    }
    (tmp_path / "suite.json").write_text(json.dumps(content), "utf-8")

    (loaded,) = cases.load(tmp_path)

    assert isinstance(loaded, cases.ProofCase)
    assert loaded.policies.principal == "arn:aws:iam::123456789012:user/a"
    assert cases.run(loaded).passed


# -- reports --------------------------------------------------------------------------------------------------------------

STREAM: Final = "bedrock:InvokeModelWithResponseStream on arn:aws:bedrock:"


@pytest.fixture
def failing(tmp_path: Path) -> None:
    suite(
        tmp_path, GUARDED | {"policies": "strict", "id": "good"}, GUARDED | {"policies": "leaky", "id": "bad", "why": "Rule 7."}
    )


@pytest.mark.usefixtures("failing")
def test_the_text_shows_the_witness_the_statement_and_the_assumptions(cli: Cli) -> None:
    code, out, err = cli("test", ".")

    assert (code, err) == (1, "")
    assert out.startswith("FAILED bad: expected proved, got refuted\n")
    assert f"\n  {STREAM}" in out
    assert "statement All: allows this request" in out
    assert "assuming: the principal is arn:aws:iam::" in out
    assert out.endswith("1 passed, 1 failed\n")


@pytest.mark.usefixtures("failing")
def test_json_has_the_answer_of_each_proof(cli: Cli) -> None:
    _, out, _ = cli("test", ".", "--format", "json")

    good, bad = json.loads(out)
    assert (good["answer"], good["passed"], good["message"], good["proof"]["witness"]) == ("proved", True, None, None)
    assert (bad["id"], bad["answer"], bad["expected"], bad["determining"]) == ("bad", "refuted", "proved", ["All"])
    assert bad["proof"]["witness"]["action"] == BOTH[1]


@pytest.mark.usefixtures("failing")
def test_junit_sarif_and_github_show_the_witness(cli: Cli, tmp_path: Path) -> None:
    _, junit, _ = cli("test", ".", "--format", "junit")
    (found,) = junitparser.JUnitXml.fromstring(junit)
    (failure,) = list(found)[1].result
    assert (failure.message, failure.type) == ("expected proved, got refuted", "answer")
    assert failure.text.startswith('Rule 7.\nrefuted: statement "no inference request is allowed')
    assert STREAM in failure.text

    _, sarif, _ = cli("test", ".", "--format", "sarif")
    (result,) = json.loads(sarif)["runs"][0]["results"]
    assert result["ruleId"] == "answer"
    assert STREAM in result["message"]["text"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 1

    summary = tmp_path / "summary.md"
    code, github, _ = cli("test", ".", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert code == 1
    assert github.startswith("::error file=suite.yaml,line=")
    assert STREAM in github
    assert "| bad | suite.yaml | expected proved, got refuted | " in summary.read_text("utf-8")


def test_without_the_solver_an_open_question_fails_with_one_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "cvc5.py").write_text("raise ImportError('not installed')", "utf-8")
    cheap = {"id": "cheap", "prove": "equivalent", "policies": "strict", "before": "strict", "expect": {"answer": "proved"}}
    suite(tmp_path, GUARDED | {"policies": "leaky"}, cheap)

    code, out, _ = cli("test", "suite.yaml", PYTHONPATH=str(tmp_path / "modules"))

    assert code == 1
    reason = "the policies need a solver to compare; install guardedbedrock[proof]"
    assert out.splitlines()[0] == f"FAILED guarded: expected proved, got unknown: {reason}"
    assert out.endswith("1 passed, 1 failed\n")


def test_a_timeout_fails_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected answer is never `unknown`, so that a limit cannot pass."""
    monkeypatch.setattr(Solver, "solve", lambda *_, **__: ("unknown", None, "the solver gave no answer: timeout"))
    suite(tmp_path, GUARDED | {"policies": "leaky", "expect": {"answer": "refuted"}})

    (case,) = cases.load(tmp_path)
    assert isinstance(case, cases.ProofCase)
    result = cases.run(case)

    assert not result.passed
    assert ProofRow(case, result).sentence == "expected refuted, got unknown: the solver gave no answer: timeout"


# -- invalid cases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prove": "guardrail-requierd"}, "at /prove: `guardrail-requierd` is not one of guardrail-required"),
        ({"prove": 3}, "at /prove: expected a string, got a number"),
        ({"expect": {"answer": "unknown"}}, "at /expect/answer: `unknown` is not one of proved, refuted"),
        ({"expect": {"decision": "allowed"}}, "at /expect: unknown field `decision`"),
        ({"before": "strict"}, "unknown field `before`"),
        ({"prove": "no-new-access", "guardrails": None}, "the field `before` is missing"),
        ({"prove": "never", "guardrails": None}, "the field `action` is missing"),
        (
            {"prove": "never", "guardrails": None, "action": "bedrock:Nothing*"},
            "at /action: no action that this version knows matches",
        ),
        ({"prove": "always-allowed"}, "requires exactly one of `request` and `call`"),
        ({"guardrails": [{"arn": "x", "version": "1"}]}, "at /guardrails/0: guardrail `x` is not the ARN of a guardrail"),
        ({"timeout": 0}, "at /timeout: must be a number above 0"),
        ({"timeout": "5"}, "at /timeout: expected a number, got a string"),
        ({"timeout": True}, "at /timeout: expected a number, got a Boolean"),
        ({"assume": {"aws:RequestedRegion": ["a"]}}, "at /assume/aws:RequestedRegion: expected a string, got an array"),
        ({"assume": {"bedrock:ServiceTeir": "flex"}}, "at /assume: `bedrock:ServiceTeir` is not a known condition key"),
        (
            {"prove": "never", "guardrails": None, "action": BOTH[0], "when": {"bedrock:ServiceTeir": "flex"}},
            "at /when: `bedrock:ServiceTeir` is not a known condition key",
        ),
        ({"policies": "nothing"}, "at /cases/0/policies: unknown policy set `nothing`"),
        ({"prove": "equivalent", "guardrails": None, "before": "x"}, "at /cases/0/before: unknown policy set `x`"),
        ({"request": {"action": "a"}}, "unknown field `request`"),
    ],
)
def test_an_invalid_proof_case_is_rejected_with_its_location(
    cli: Cli, tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    case = GUARDED | {"policies": "strict"} | changes
    suite(tmp_path, {key: value for key, value in case.items() if value is not None})

    code, out, err = cli("test", ".")

    assert (code, out) == (2, "")
    assert problem in err
