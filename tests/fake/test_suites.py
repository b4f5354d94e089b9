"""Suites: policies and fixtures that cases share by name, and policy files beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import ConfigurationError, PolicySyntaxError
from guardedbedrock.testing import cases
from guardedbedrock.testing.cases.files import find

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::123456789012:role/App"
REQUEST = {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}


def policy(sid: str, effect: str = "Allow", action: str = "s3:*") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": sid, "Effect": effect, "Action": action, "Resource": "*"}],
    }


def suite(folder: Path, **fields: Any) -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps(fields), "utf-8")
    return path


def answers(path: Path) -> dict[str, tuple[str, set[str]]]:
    results = (cases.run(case) for case in cases.load(path) if isinstance(case, cases.Case))
    return {result.id: (result.decision, set(result.determining or ())) for result in results}


def rejection(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        cases.load(path)
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_cases_share_policies_by_name(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        policies={"app": {"identity": [policy("Read")]}, "nobody": {"identity": []}},
        cases=[
            {"id": "app", "policies": "app", "request": REQUEST, "expect": {"decision": "allowed"}},
            {"id": "nobody", "policies": "nobody", "request": REQUEST, "expect": {"decision": "implicitDeny"}},
        ],
    )

    assert answers(path) == {"app": ("allowed", {"Read"}), "nobody": ("implicitDeny", set())}


def test_a_case_overrides_its_fixtures_and_objects_are_merged_key_by_key(tmp_path: Path) -> None:
    """Precedence: 1. the case, 2. the later fixture, 3. the earlier fixture. Objects are merged one level deep."""
    path = suite(
        tmp_path,
        policies={"app": {"identity": [policy("Read")], "scp": [[policy("Org")]]}},
        fixtures={
            "asked": {"policies": "app", "request": {**REQUEST, "context": {"k": "1"}}, "expect": {"decision": "allowed"}},
            "later": {"request": {"context": {"j": "2"}}},
        },
        cases=[
            {"id": "later", "use": ["asked", "later"], "expect": {"determining": ["Read"]}},
            {"id": "order", "use": ["later", "asked"]},
            {"id": "own", "use": "asked", "policies": {"identity": []}, "request": {"action": "sqs:SendMessage"}},
        ],
    )

    later, order, own = (case for case in cases.load(path) if isinstance(case, cases.Case))

    assert (later.expect.decision, later.expect.determining) == ("allowed", frozenset({"Read"}))
    assert [case.asked.requests[0].context for case in (later, order, own)] == [{"j": "2"}, {"k": "1"}, {"k": "1"}]
    assert own.asked.requests[0].action == "sqs:SendMessage"
    assert own.asked.requests[0].resource == REQUEST["resource"]
    assert [kind for kind, _ in own.policies] == ["scp"]
    assert later.policies is order.policies


def test_a_policy_may_be_a_file_a_glob_or_a_folder_beside_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory does not matter."""
    (tmp_path / "policies").mkdir()
    for name in ("a", "b"):
        (tmp_path / "policies" / f"{name}.json").write_text(json.dumps(policy(name.upper())), "utf-8")
    never = "Version: 2012-10-17\nStatement: {Sid: Never, Effect: Deny, Action: '*', Resource: '*'}\n"
    (tmp_path / "deny.yaml").write_text(never, "utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    identity = {
        "file": ["policies/a.json"],
        "glob": ["policies/*.json"],
        "folder": ["policies"],
        "both": [policy("X"), "policies/b.json"],
    }
    path = suite(
        tmp_path,
        fixtures={"asked": {"request": REQUEST, "expect": {"decision": "allowed"}}},
        cases=[
            *({"id": name, "use": "asked", "policies": {"identity": sources}} for name, sources in identity.items()),
            {"id": "levels", "use": "asked", "policies": {"identity": ["policies"], "scp": [["policies/a.json"], ["deny.yaml"]]}},
        ],
    )

    found = answers(path)

    assert {name: sids for name, (_, sids) in found.items()} == {
        "file": {"A"},
        "glob": {"A", "B"},
        "folder": {"A", "B"},
        "both": {"X", "B"},
        "levels": {"Never"},
    }


CASE = {"id": "a", "request": REQUEST, "policies": {"identity": []}, "expect": {"decision": "implicitDeny"}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"cases": []}, "suite.json: has no case", id="none"),
        pytest.param({"cases": {}}, "suite.json at /cases: expected an array, got an object", id="no array"),
        pytest.param({"case": [CASE]}, "suite.json: unknown field `case`; did you mean `cases`?", id="stray"),
        pytest.param({"cases": [3]}, "suite.json: case number 1: expected an object, got a number", id="no object"),
        pytest.param(
            {"cases": [CASE | {"use": "hr"}], "fixtures": {"hrs": {}}},
            "suite.json at /cases/0/use: unknown fixture `hr`; did you mean `hrs`?",
            id="unknown fixture",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": "app"}]},
            "suite.json at /cases/0/policies: unknown policy set `app`; the suite has no policy set",
            id="no policy set",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": "hr"}], "policies": {"a": {}, "b": {}}},
            "suite.json at /cases/0/policies: unknown policy set `hr`; known policy sets are a, b",
            id="unknown policy set",
        ),
        pytest.param(
            {"cases": [CASE], "fixtures": {"hr": {"id": "x"}}},
            "suite.json at /fixtures/hr: unknown field `id`",
            id="a fixture has no id, used or not",
        ),
        pytest.param({"cases": [CASE | {"use": 3}]}, "suite.json at /cases/0/use: expected an array, got a number", id="use"),
        pytest.param({"cases": [CASE | {"note": 1}]}, "suite.json: case `a`: unknown field `note`", id="stray in a case"),
        pytest.param(
            {"cases": [CASE | {"policies": {"identity": "app.json"}}]},
            "suite.json: case `a` at /policies/identity: expected an array, got a string",
            id="no list of files",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": {"identity": ["x.json"]}}]},
            "suite.json at /cases/0/policies/identity/0: {folder}/x.json: no such file; correct the path, which is",
            id="no file",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": {"scp": [["x*.json"]]}}]},
            "suite.json at /cases/0/policies/scp/0/0: {folder}/x*.json: no such file; correct the path",
            id="empty glob",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": "app"}], "policies": {"app": {"identity": [{}, "x.json"]}}},
            "suite.json at /policies/app/identity/1: {folder}/x.json: no such file",
            id="no file of a policy set",
        ),
        pytest.param(
            {"cases": [CASE | {"use": "hr"}], "fixtures": {"hr": {"policies": {"identity": ["x.json"]}}}},
            "suite.json at /fixtures/hr/policies/identity/0: {folder}/x.json: no such file",
            id="no file of a fixture",
        ),
        pytest.param(
            {"cases": [CASE], "policies": {"app": {"identity": ["x.json"]}}},
            "suite.json at /policies/app/identity/0: {folder}/x.json: no such file",
            id="no file of a policy set that no case uses",
        ),
        pytest.param(
            {"cases": [CASE], "fixtures": {"hr": {"policies": "app"}}},
            "suite.json at /fixtures/hr/policies: unknown policy set `app`; the suite has no policy set",
            id="unknown policy set of a fixture that no case uses",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": {"identity": [""]}}]},
            "suite.json at /cases/0/policies/identity/0: must not be empty; write the path of a policy file",
            id="empty path",
        ),
        pytest.param(
            {"cases": [CASE | {"policies": {"identity": ["l.json"]}}]}, "l.json: expected one policy document", id="list"
        ),
    ],
)
def test_an_invalid_suite_is_rejected(tmp_path: Path, fields: dict[str, Any], problem: str) -> None:
    (tmp_path / "l.json").write_text("[]", "utf-8")

    assert rejection(suite(tmp_path, **fields)).startswith(problem.replace("{folder}", str(tmp_path)))


def test_the_known_fields_of_a_fixture_are_listed_in_one_order(tmp_path: Path) -> None:
    said = rejection(suite(tmp_path, cases=[CASE], fixtures={"hr": {"zzz": 1}}))

    assert said.startswith(
        "suite.json at /fixtures/hr: unknown field `zzz`; known fields are policies, request, principal, call,"
    )


@pytest.mark.parametrize(
    ("scp", "name"),
    [
        pytest.param([["ok.json"], ["ok.json", "bad.json"]], "{folder}/bad.json", id="in a file"),
        pytest.param([["ok.json"], ["*.json"]], "{folder}/bad.json", id="by a glob"),
        pytest.param([[], ["ok.json", policy("x", effect="Alow")]], "scp[1][1]", id="written out"),
    ],
)
def test_an_invalid_policy_is_reported_with_its_file(tmp_path: Path, scp: Any, name: str) -> None:
    (tmp_path / "ok.json").write_text(json.dumps(policy("Read")), "utf-8")
    (tmp_path / "bad.json").write_text(json.dumps(policy("Read", effect="Alow")), "utf-8")
    path = tmp_path / "suite.yaml"
    path.write_text(json.dumps({"cases": [CASE | {"policies": {"scp": scp}}]}), "utf-8")

    with pytest.raises(PolicySyntaxError) as caught:
        cases.load(path)

    assert f"case `a`: policy {name.format(folder=tmp_path)} at /Statement/0/Effect" in str(caught.value)


def test_a_repeated_key_in_a_suite_or_its_policies_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "suite.json"
    path.write_text('{"cases": [], "policies": {"a": {}, "a": {}}}', "utf-8")
    twice = '{"Version": "2012-10-17", "Statement": [], "Statement": []}'
    (tmp_path / "twice.json").write_text(twice, "utf-8")

    assert rejection(path) == "suite.json at /policies: has the key `a` twice; remove one"
    assert "has the key `Statement` twice" in rejection(
        suite(tmp_path, cases=[CASE | {"policies": {"identity": ["twice.json"]}}])
    )


def test_yaml_suites_too(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(
        f"""
fixtures:
  asked: {{request: {json.dumps(REQUEST)}}}
cases:
  - id: nobody
    use: asked
    policies: {{identity: []}}
    expect: {{decision: implicitDeny}}
""",
        "utf-8",
    )

    assert answers(path) == {"nobody": ("implicitDeny", set())}


def test_an_empty_path_is_an_error() -> None:
    """An unset variable of a shell must not stand for the working directory."""
    with pytest.raises(ConfigurationError, match="a path is empty; name the files"):
        list(find([""]))
