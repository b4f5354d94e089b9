"""Case files: how they are found, and loaded completely or rejected, in JSON and in YAML."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.testing import cases

if TYPE_CHECKING:
    from pathlib import Path


def asking(name: str = "a") -> dict[str, Any]:
    """Return a case that passes."""
    return {
        "id": name,
        "policies": {"identity": []},
        "request": {"principal": "arn:aws:iam::123456789012:role/App", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
        "expect": {"decision": "implicitDeny"},
    }


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def rejection(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        cases.load(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("[]", "has no case", id="empty array"),
        pytest.param("3", "expected a list of cases, or an object with a list under `cases`", id="number for array"),
        pytest.param("", ": not valid JSON: expecting value in line 1, column 1", id="empty file"),
        pytest.param('[{"id": "a",\n "expect" 1}]', "not valid JSON: expecting ':' delimiter in line 2", id="broken JSON"),
        pytest.param('[{"id": "a", "id": "b"}]', "case `b`: has the key `id` twice", id="a key twice"),
        pytest.param(
            '[{"id": "a", "request": {"context": {"k": 1, "k": 2}}}]', "at /request/context: has the key `k`", id="deep"
        ),
        pytest.param("[" * 100_000, "nested deeper than 100 levels", id="nested"),
    ],
)
def test_an_invalid_file_is_rejected(tmp_path: Path, content: str, problem: str) -> None:
    path = write(tmp_path / "cases.json", content)

    said = rejection(path)

    assert said.startswith(f"{path}: ")
    assert problem in said


def test_an_id_is_unique_in_all_files(tmp_path: Path) -> None:
    write(tmp_path / "a.json", [asking()])
    write(tmp_path / "b.json", [asking("b"), asking()])

    assert (
        rejection(tmp_path)
        == f"{tmp_path}/b.json: case `a`: the id is not unique, also in {tmp_path}/a.json; give each case another id"
    )
    assert "the id is not unique; give" in rejection(write(tmp_path / "a.json", [asking(), asking()]))


def test_files_are_found_by_folder_and_glob_each_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.json", "a.yaml", "deep/c.yml", "note.txt"):
        write(tmp_path / name, [asking(name)])

    assert [case.id for case in cases.load(tmp_path, tmp_path / "b.json", f"{tmp_path}/*.json")] == [
        "a.yaml",
        "b.json",
        "deep/c.yml",
    ]
    assert [case.id for case in cases.load(f"{tmp_path}/**/*.y*ml")] == ["a.yaml", "deep/c.yml"]


@pytest.mark.parametrize(
    ("name", "problem"), [("none.json", "no such file"), ("*.json", "no such file"), ("", "contains no *.json")]
)
def test_no_file_is_an_error(tmp_path: Path, name: str, problem: str) -> None:
    assert problem in rejection(tmp_path / name)


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_bytes(b"\xff\xfe")

    assert rejection(tmp_path / "cases.json").endswith(": not UTF-8 text; save it as UTF-8")


YAML = """
- id: a
  policies:
    identity:
      - Version: 2012-10-17
        Statement: &allow [{Sid: Read, Effect: Allow, Action: "s3:GetObject", Resource: "*"}]
  request: &request
    principal: arn:aws:iam::123456789012:role/App
    action: s3:GetObject
    resource: arn:aws:s3:::b/k
  expect: {decision: allowed, determining: [Read]}
- id: b
  policies: {identity: [{Version: 2012-10-17, Statement: *allow}]}
  request: {<<: *request, <<: {}, action: s3:PutObject}
  expect: {decision: implicitDeny}
"""


def test_yaml_equals_json_with_dates_as_text_and_with_anchors(tmp_path: Path) -> None:
    results = [cases.run(case) for case in cases.load(write(tmp_path / "cases.yaml", YAML))]

    assert [(result.id, result.passed) for result in results] == [("a", True), ("b", True)]


POLICY_OF_AWS = """
- id: a
  policies:
    identity:
      - Version: 2012-10-17
        Statement:
          - Sid: Yes
            Effect: Allow
            Action: s3:GetObject
            Resource: "*"
            Condition:
              Null: {bedrock:GuardrailIdentifier: false}
              StringEquals: {aws:PrincipalAccount: 012345670123, aws:PrincipalTag/Build: 12e5, aws:PrincipalTag/Version: 1.10}
              NumericLessThan: {aws:MultiFactorAuthAge: 3600}
              Bool: {aws:SecureTransport: true}
  request:
    principal: arn:aws:iam::012345670123:role/App
    action: s3:GetObject
    resource: arn:aws:s3:::b/k
    context:
      aws:PrincipalAccount: "012345670123"
      aws:PrincipalTag/Build: "12e5"
      aws:PrincipalTag/Version: "1.10"
      aws:MultiFactorAuthAge: 5
      aws:SecureTransport: true
      bedrock:GuardrailIdentifier: arn:aws:bedrock:us-east-1:012345670123:guardrail/abc123def456:1
  expect: {decision: allowed, determining: [Yes]}
"""


def test_a_policy_of_aws_needs_no_quotes_in_yaml(tmp_path: Path) -> None:
    (case,) = cases.load(write(tmp_path / "cases.yaml", POLICY_OF_AWS))

    assert cases.run(case).differences == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("- {id: a", "not valid YAML: ", id="broken"),
        pytest.param("- id: a\n  id: b\n", "case `b`: has the key `id` twice", id="a key twice"),
        pytest.param(
            "- id: a\n  !!binary aGk=: 1\n", "the key `b'hi'` is not a string; put it in quotes", id="a key that is no string"
        ),
        pytest.param("- id: !!binary aGk=\n", "at /id: expected a string, number or Boolean, got a bytes", id="another type"),
        pytest.param("- id: !!python/name:os.system\n", "not valid YAML: could not determine a constructor", id="code"),
        pytest.param("- &a {id: a, why: *a}\n", ": the YAML anchor `a` contains itself", id="in itself"),
        pytest.param("", "expected a list of cases", id="empty"),
        pytest.param("a: \x01", "not valid YAML: ", id="control character"),
    ],
)
def test_invalid_yaml_is_rejected_with_its_location(tmp_path: Path, content: str, problem: str) -> None:
    path = write(tmp_path / "cases.yaml", content)

    said = rejection(path)

    assert said.startswith(f"{path}: ")
    assert problem in said
    assert "\n" not in said


def test_yaml_requires_pyyaml_and_json_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "guardedbedrock.settings.yaml_loader", raising=False)

    assert cases.load(write(tmp_path / "cases.json", [asking()]))[0].id == "a"
    assert rejection(write(tmp_path / "cases.yaml", YAML)).endswith("YAML needs PyYAML; pip install 'guardedbedrock[testing]'")
