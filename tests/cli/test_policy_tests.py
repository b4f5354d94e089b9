"""``guardedbedrock test``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from harness import casefiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

GOOD: dict[str, Any] = {
    "id": "reads",
    "policies": {
        "identity": [
            {"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}
        ]
    },
    "request": {"principal": "arn:aws:iam::123456789012:role/App", "action": "s3:GetObject", "resource": "*"},
    "expect": {"decision": "allowed", "determining": ["Read"]},
}


def write(folder: Path, content: object, name: str = "cases.json") -> None:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def expecting(name: str, **expect: Any) -> dict[str, Any]:
    return GOOD | {"id": name, "expect": expect}


def test_the_call_cases_pass(cli: Cli) -> None:
    assert cli("test", str(casefiles.CASES / "calls.json")) == (0, "20 passed, 0 failed\n", "")


def test_a_failed_case_shows_the_expected_and_the_actual_decision(cli: Cli, tmp_path: Path) -> None:
    failing = [
        expecting("decision", decision="explicitDeny"),
        expecting("statements", decision="allowed", determining=[]),
        expecting("type", decision="allowed", policyType="scp"),
        expecting("keys", decision="allowed", hangsOn=["aws:SourceIp"]),
    ]
    write(tmp_path, [GOOD, *failing])

    code, out, err = cli("test", "cases.json")

    assert (code, err) == (1, "")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "FAILED decision: expected explicitDeny, got allowed by Read",
        "FAILED statements: expected allowed by no statement with a Sid, got allowed by Read",
        "FAILED type: expected allowed, got allowed by Read; policyType: expected scp, got identity",
        "FAILED keys: expected allowed, got allowed by Read; hangsOn: expected aws:sourceip, got nothing",
        "1 passed, 4 failed",
    ]


def test_a_long_line_is_not_wrapped_and_markup_is_text(cli: Cli, tmp_path: Path) -> None:
    name = f"[red]:tada:{'x' * 200}"
    write(tmp_path, [expecting(name, decision="explicitDeny")])

    assert cli("test", "cases.json").out.splitlines()[0] == f"FAILED {name}: expected explicitDeny, got allowed by Read"


def test_json_is_the_only_output_on_stdout(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, [GOOD, expecting("fails", decision="implicitDeny")])

    code, out, err = cli("test", "cases.json", "--format", "json")

    assert (code, err) == (1, "")
    passed, failed = json.loads(out)
    explanation = failed.pop("explanation")
    common = {"decision": "allowed", "determining": ["Read"]}
    assert passed == common | {"id": "reads", "expected": "allowed", "passed": True, "message": None, "explanation": None}
    message = "expected implicitDeny, got allowed by Read"
    assert failed == common | {"id": "fails", "expected": "implicitDeny", "passed": False, "message": message}
    assert (explanation["outcome"], explanation["action"]) == ("allowed", "s3:GetObject")


def test_files_globs_and_folders_are_read(cli: Cli, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path, [GOOD | {"id": name}], name)
    write(tmp_path, f"- {json.dumps(GOOD)}", "c.yaml")

    for arguments, count in ((["a.json", "b.json"], 2), (["*.json"], 2), (["."], 3), (["a.json", "*.json", "."], 3)):
        assert cli("test", *arguments) == (0, f"{count} passed, 0 failed\n", "")


@pytest.mark.parametrize(
    ("content", "location"),
    [
        pytest.param([GOOD | {"note": ""}], "cases.json: case `reads`: unknown field `note`", id="stray field"),
        pytest.param([GOOD, GOOD], "cases.json: case `reads`: the id is not unique", id="repeated id"),
        pytest.param([], "cases.json: has no case", id="empty file"),
        pytest.param(
            "[{]",
            "cases.json: not valid JSON: expecting property name enclosed in double quotes in line 1, column 3",
            id="JSON",
        ),
        pytest.param("7", "cases.json: expected a list of cases", id="no list"),
        pytest.param({}, "cases.json: the field `cases` is missing", id="no suite"),
        pytest.param(
            [expecting("x", decision="allow")], "cases.json: case `x` at /expect/decision: `allow` is not one of", id="word"
        ),
        pytest.param(
            json.dumps([GOOD]).replace('"Resource"', '"Condition": {"StringEqualz": {"k": "v"}}, "Resource"'),
            "cases.json: case `reads`: policy identity[0] at /Statement/Condition/StringEqualz: `StringEqualz` is",
            id="unknown operator",
        ),
        pytest.param(
            [{**GOOD, "policies": {"identity": [{"Version": "2012-10-17", "Statement": [{"Effect": "Alow"}]}]}}],
            "cases.json: case `reads`: policy identity[0] at /Statement/0",
            id="malformed policy",
        ),
        pytest.param(
            [
                {key: value for key, value in GOOD.items() if key != "request"}
                | {
                    "principal": "arn:aws:iam::123456789012:role/App",
                    "call": {"operation": "Convers", "region": "us-east-1", "params": {}},
                }
            ],
            "cases.json: case `reads` at /call/operation: `Convers` is not an operation of Bedrock; did you mean",
            id="unknown operation",
        ),
        pytest.param([{"id": "a\nb"}], "cases.json: case `a b`: ", id="line break in an id"),
    ],
)
def test_invalid_input_is_one_line_with_its_location(cli: Cli, tmp_path: Path, content: object, location: str) -> None:
    write(tmp_path, content)

    code, out, err = cli("test", "cases.json")

    assert (code, out) == (2, "")
    assert err.startswith(f"guardedbedrock: {location}")
    assert err.count("\n") == 1


def test_invalid_input_in_any_file_prevents_every_case_from_running(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, [expecting("fails", decision="explicitDeny")], "a.json")
    write(tmp_path, [], "b.json")

    assert cli("test", ".", "--format", "json") == (2, "", "guardedbedrock: b.json: has no case; add one, or remove the file\n")
