"""Case files have one layout, which `make format-cases` writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import case_format, casefiles

FILES = case_format.case_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(case_format.TESTS.parent)))
def test_a_case_file_is_formatted(path: Path) -> None:
    """If this fails, run `make format-cases`."""
    text = path.read_text("utf-8")

    assert case_format.formatted(text) == text
    assert case_format.too_long(text) == []


@pytest.mark.parametrize("path", sorted((case_format.TESTS / "cases").rglob("*.json")), ids=lambda path: path.stem)
def test_cases_of_one_file_share_equal_policies_by_name(path: Path) -> None:
    data = json.loads(path.read_text("utf-8"))
    shared = data.get("policies", {}).values() if isinstance(data, dict) else ()
    cases = data["cases"] if isinstance(data, dict) else data
    policies = (*shared, *(case.get("policies") for case in cases))
    written = [json.dumps(each) for each in policies if isinstance(each, dict)]

    assert sorted({text for text in written if written.count(text) > 1}) == []


def test_a_long_value_has_one_member_on_each_line() -> None:
    resource, condition = "arn:aws:bedrock:*::foundation-model/*", {"StringEquals": {"bedrock:GuardrailIdentifier": "g:1"}}
    statement = {"Sid": "Invoke", "Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}
    case = {"id": "a", "policies": {"identity": [policy]}, "expect": {"decision": "allowed"}}

    assert (
        case_format.formatted(json.dumps([case]))
        == """[
 {
  "id": "a",
  "policies": {"identity": [{"Version": "2012-10-17", "Statement": [{
   "Sid": "Invoke",
   "Effect": "Allow",
   "Action": "bedrock:InvokeModel",
   "Resource": "arn:aws:bedrock:*::foundation-model/*",
   "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": "g:1"}}
  }]}]},
  "expect": {"decision": "allowed"}
 }
]
"""
    )


def test_formatting_keeps_the_data_and_is_stable() -> None:
    for path in FILES:
        once = case_format.formatted(path.read_text("utf-8"))
        assert json.loads(once) == json.loads(path.read_text("utf-8"))
        assert case_format.formatted(once) == once


def test_long_texts_are_split_into_parts_that_the_reader_joins() -> None:
    data = {"cases": [{"message": "word " * 50 + "end", "note": "short", "items": ["a", {"refused": "no"}]}]}

    split = case_format.in_parts(data)

    assert len(split["cases"][0]["message"]) > 1
    assert casefiles.parse(json.dumps(split)) == data


def test_a_line_that_is_too_long_is_named() -> None:
    assert case_format.too_long("short\n" + "x" * 161 + "\n" + "y" * 160) == [2]
