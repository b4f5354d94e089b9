"""Every rule reports its example, and not the corrected one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.governance.lint.finding import LintFinding
from guardedbedrock.governance.lint.rules import RULES
from guardedbedrock.governance.lint.run import LintOptions, lint

EXAMPLES = json.loads((Path(__file__).parents[3] / "docs" / "rules" / "examples.json").read_text("utf-8"))


def written(example: dict[str, Any]) -> dict[str, Any]:
    """Write out an example of a size quota, which gives the number of resources instead of the policy."""
    if "repeat" not in example:
        return example
    resources = [f"arn:aws:bedrock:us-east-1:123456789012:guardrail/{number:012d}" for number in range(example["repeat"])]
    statement: dict[str, Any] = {"Effect": "Deny", "Action": "bedrock:ApplyGuardrail", "Resource": resources}
    if example["type"] in ("rcp", "resource"):
        statement["Principal"] = "*"
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {example["type"]: [[document]] if example["type"] in ("scp", "rcp") else [document]}


def findings_of(tmp_path: Path, data: object, **options: Any) -> tuple[LintFinding, ...]:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(data), "utf-8")
    return lint([file], LintOptions(**options))


def test_every_rule_has_examples() -> None:
    assert list(EXAMPLES) == [rule.code for rule in RULES]


@pytest.mark.parametrize("code", EXAMPLES)
def test_rule_reports_its_example(tmp_path: Path, code: str) -> None:
    assert code in {finding.rule for finding in findings_of(tmp_path, written(EXAMPLES[code]["fires"]))}


@pytest.mark.parametrize("code", EXAMPLES)
def test_rule_accepts_the_corrected_example(tmp_path: Path, code: str) -> None:
    found = findings_of(tmp_path, written(EXAMPLES[code]["silent"]), select=(code,))
    assert [finding.message for finding in found if finding.severity != "note"] == []


@pytest.mark.parametrize(
    ("policy_type", "code"),
    [
        ("scp", "POLICY_SIZE_EXCEEDS_SCP_QUOTA"),
        ("rcp", "POLICY_SIZE_EXCEEDS_RCP_QUOTA"),
        ("identity", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"),
    ],
)
@pytest.mark.parametrize("indent", [None, 20])
@pytest.mark.parametrize("suffix", ["json", "yaml", "toml"])
def test_white_space_counts_where_a_file_is_sent_as_it_is(
    tmp_path: Path, policy_type: Any, code: str, indent: int | None, suffix: str
) -> None:
    """AWS Organizations keeps the white space that the AWS CLI sends, and counts it."""
    statement: dict[str, Any] = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement | ({"Principal": "*"} if policy_type == "rcp" else {})] * 45}
    text = json.dumps(document, indent=indent)
    (tmp_path / "p.json").write_text(text, "utf-8")
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    (tmp_path / "p.toml").write_text(f'policies.{policy_type} = "p.json"', "utf-8")

    found = lint([tmp_path / f"p.{suffix}"], LintOptions(policy_type=policy_type, select=("POLICY_SIZE",)))
    is_too_large = indent is not None and policy_type != "identity" and suffix != "yaml"
    assert [finding.rule for finding in found] == ([code] if is_too_large else [])
    if is_too_large:
        assert found[0].fix == "Remove the white space: on one line, the policy is within the limit."
