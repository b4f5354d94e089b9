"""The rotation audit of a snapshot, with and without events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.audit import RULES, audit
from guardedbedrock.iam.account.snapshot import write_snapshot

ACCOUNT = "123456789012"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
OTHER = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/xyz123def456"
APP, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("App", "Admin"))
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]


def document(*statements: tuple[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    listed = [{"Effect": "Allow", "Action": action, "Resource": resource, **more} for action, resource, more in statements]
    return {"Version": "2012-10-17", "Statement": listed}


def role(name: str, policy: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "role", "name": name, "id": name, "inline": {"p": policy}, "managed": [], "tags": {}}


CONDITION = {"Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}}}


def snapshot(**more: Any) -> dict[str, Any]:
    application = document(
        (INVOKE, "arn:aws:bedrock:*::foundation-model/*", CONDITION), ("bedrock:ApplyGuardrail", GUARDRAIL, {})
    )
    admin = document((["bedrock:UpdateGuardrail", "bedrock:DeleteGuardrail"], GUARDRAIL, {}))
    base = {"schema": "guardedbedrock.snapshot", "version": 1, "account": ACCOUNT, "time": "2026-11-01T00:00:00Z"}
    principals = {APP: role("App", application), ADMIN: role("Admin", admin)}
    guardrails = [{"arn": GUARDRAIL, "id": "abc123def456", "region": "us-east-1", "versions": [{"version": "1"}]}]
    return {**base, "principals": principals, "guardrails": guardrails, **more}


def written(tmp_path: Path, data: dict[str, Any]) -> Path:
    write_snapshot(data, tmp_path / "snapshot.json")
    return tmp_path / "snapshot.json"


def record(name: str, principal: str, **more: Any) -> dict[str, Any]:
    issuer = {"sessionContext": {"sessionIssuer": {"arn": principal}}}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{principal.rpartition('/')[2]}/s"
    return {
        "eventVersion": "1.11",
        "eventID": f"{name}-{principal}",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "eventTime": "2026-10-01T00:00:00Z",
        "userIdentity": {"type": "AssumedRole", "arn": session, "accountId": ACCOUNT, "principalId": "A:s", **issuer},
        "recipientAccountId": ACCOUNT,
        **more,
    }


def trail(tmp_path: Path, *records: dict[str, Any]) -> str:
    (tmp_path / "trail.json").write_text(json.dumps({"Records": list(records)}), "utf-8")
    return str(tmp_path / "trail.json")


USED = [
    record("Converse", APP),
    record("ConverseStream", APP),
    record("UpdateGuardrail", ADMIN),
    record("DeleteGuardrail", ADMIN),
]


def test_an_account_without_findings(tmp_path: Path) -> None:
    assert audit(written(tmp_path, snapshot()), [trail(tmp_path, *USED)]) == ()


def test_a_grant_without_an_event(tmp_path: Path) -> None:
    file = written(tmp_path, snapshot())
    (finding,) = audit(file, [trail(tmp_path, *USED[:3])])
    assert (finding.rule, finding.message) == ("GB401", f"{ADMIN}: `bedrock:DeleteGuardrail` was never used in the events.")
    line = file.read_text("utf-8").splitlines()[finding.line - 1]
    assert line.strip().strip('",') == "bedrock:DeleteGuardrail"


def test_a_denied_call_uses_no_grant(tmp_path: Path) -> None:
    denied = {**USED[3], "errorCode": "AccessDenied", "errorMessage": "User: a is not authorized to perform: b"}
    assert [one.rule for one in audit(written(tmp_path, snapshot()), [trail(tmp_path, *USED[:3], denied)])] == ["GB401"]


def test_last_accessed_data(tmp_path: Path) -> None:
    used = written(tmp_path, snapshot(last_accessed={APP: {"bedrock": "2026-10-01T00:00:00Z"}}))
    assert audit(used) == ()
    unused = written(tmp_path, snapshot(last_accessed={APP: {"bedrock": None}}))
    assert {one.rule for one in audit(unused)} == {"GB401"}


USERS = [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("ann", "bob")]
GROUP = f"arn:aws:iam::{ACCOUNT}:group/Analysts"


def users(**more: Any) -> dict[str, Any]:
    """Return an account with two users, whose grants come from their group."""
    data = snapshot(**more)
    data["groups"] = {GROUP: {"inline": data["principals"][APP]["inline"], "managed": []}}
    user = {"kind": "user", "inline": {}, "groups": [GROUP]}
    data["principals"] = {arn: {**role(arn.rpartition("/")[2], {}), **user} for arn in USERS}
    return data


def of_user(name: str, arn: str) -> dict[str, Any]:
    identity = {"type": "IAMUser", "arn": arn, "accountId": ACCOUNT, "principalId": "AIDA", "userName": arn.rpartition("/")[2]}
    return record(name, APP, userIdentity=identity, eventID=f"{name}-{arn}")


def test_grant_of_a_group_that_one_member_uses(tmp_path: Path) -> None:
    file = written(tmp_path, users())
    events = [of_user("Converse", USERS[0]), of_user("ConverseStream", USERS[1])]
    assert audit(file, [trail(tmp_path, *events)]) == ()
    (finding,) = audit(file, [trail(tmp_path, *events[:1])])
    assert finding.message == f"{GROUP}: `bedrock:InvokeModelWithResponseStream` was never used by a member in the events."
    assert finding.pointer == f"/groups/{GROUP.replace('/', '~1')}/inline/p/Statement/0/Action/1"


def test_last_accessed_data_of_users(tmp_path: Path) -> None:
    never, once = {"bedrock": None}, {"bedrock": "2026-10-01T00:00:00+00:00"}

    def owners(data: dict[str, Any]) -> set[str]:
        found = audit(written(tmp_path, data))
        assert {one.rule for one in found} <= {"GB401"}
        return {one.message.split(": ")[0] for one in found}

    assert owners(users(last_accessed={USERS[0]: never, USERS[1]: once})) == set()
    assert owners(users(last_accessed={USERS[0]: never})) == set()  # the other user's use is not known
    assert owners(users(last_accessed=dict.fromkeys(USERS, never))) == {GROUP}
    data = users(last_accessed={USERS[0]: never, USERS[1]: once})
    data["principals"][USERS[0]] |= {"inline": data["groups"][GROUP]["inline"], "groups": []}
    assert owners(data) == {USERS[0]}


def test_both_roles_and_long_term_keys(tmp_path: Path) -> None:
    data = snapshot()
    policy = data["principals"][APP]["inline"]["p"]["Statement"]
    policy.append({"Effect": "Allow", "Action": ["bedrock:UpdateGuardrail", "bedrock:CallWithBearerToken"], "Resource": "*"})
    assert [one.rule for one in audit(written(tmp_path, data))] == ["GB402", "GB403"]


def test_guardrails_that_nothing_uses(tmp_path: Path) -> None:
    data = snapshot()
    data["guardrails"].append({"arn": OTHER, "id": "xyz123def456", "region": "us-east-1", "versions": []})
    assert sorted(one.rule for one in audit(written(tmp_path, data))) == ["GB404", "GB405"]


def test_approved_guardrails_of_a_configuration(tmp_path: Path) -> None:
    config = tmp_path / "g.toml"
    for version, rules in (("1", []), ("2", ["GB405"])):
        config.write_text(f'[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "{version}"\n', "utf-8")
        assert [one.rule for one in audit(written(tmp_path, snapshot()), config=str(config))] == rules
    enforced = [{"region": "us-east-1", "arn": GUARDRAIL, "version": "2", "origin": "account"}]
    assert audit(written(tmp_path, snapshot(enforced_guardrails=enforced)), config=str(config)) == ()


def test_gaps_are_notes(tmp_path: Path) -> None:
    gap = {"section": "scp", "api": "organizations:ListParents", "error": "AccessDenied", "statement": None}
    (finding,) = audit(written(tmp_path, snapshot(gaps=[gap])))
    assert (finding.rule, finding.severity) == ("GB406", "note")


def test_a_broken_trail_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "trail.json").write_text('{"Records": [{"eventSource"', "utf-8")
    with pytest.raises(ConfigurationError, match=r"trail\.json"):
        audit(written(tmp_path, snapshot()), [tmp_path / "trail.json"])


NO_RECORD = r"trail\.json: contains no CloudTrail record"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"Records": []}', NO_RECORD),
        ('{"x": 1}', r"trail\.json: record 1: the record has no `eventID`"),
        ("[]", NO_RECORD),
        ("", r"trail\.json: is empty"),
    ],
)
def test_events_without_a_record_are_an_error(tmp_path: Path, text: str, problem: str) -> None:
    """Every grant would seem unused."""
    (tmp_path / "trail.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=problem):
        audit(written(tmp_path, snapshot()), [tmp_path / "trail.json"])


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        ({**USED[3], "eventTime": None}, "the record has no `eventTime`"),
        (
            {**USED[3], "eventTime": "yesterday"},
            "the record has the `eventTime` `yesterday`; it must be a time such as 2026-11-01T00:00:00Z",
        ),
        ("text", "the record is not a JSON object"),
    ],
)
def test_a_record_that_cannot_be_read_is_an_error(damaged: Any, reason: str, tmp_path: Path) -> None:
    """The grant that it uses would seem unused."""
    events = trail(tmp_path, *USED[:3], damaged)
    with pytest.raises(ConfigurationError) as caught:
        audit(written(tmp_path, snapshot()), [events])

    assert str(caught.value) == f"{events}: record 4: {reason}; without all records, grants would seem unused"


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(written(tmp_path, snapshot()))
    assert run(["audit", "--snapshot", file, "--events", trail(tmp_path, *USED)]) == 0
    assert capsys.readouterr().out == "no findings\n"
    events = trail(tmp_path, *USED[:3])
    assert run(["audit", "--snapshot", file, "--events", events, "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["ruleId"] == "GB401"
    assert run(["audit", "--snapshot", file, "--events", events, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["rule"] == "GB401"
    assert run(["audit", "--snapshot", str(tmp_path / "missing.json")]) == 2


def test_a_grant_by_not_action_that_was_never_used(tmp_path: Path) -> None:
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}
    data = snapshot(principals={APP: role("App", policy)})
    (tmp_path / "trail.json").write_text(json.dumps({"Records": [record("InvokeModel", ADMIN)]}), "utf-8")
    path = written(tmp_path, data)
    (unused,) = (one for one in audit(path, [tmp_path / "trail.json"]) if one.rule == "GB401")
    assert unused.message == f"{APP}: `NotAction` was never used in the events."
    (tmp_path / "trail.json").write_text(json.dumps({"Records": [record("InvokeModel", APP)]}), "utf-8")
    assert [one for one in audit(path, [tmp_path / "trail.json"]) if one.rule == "GB401"] == []


def test_a_managed_policy_without_its_text(tmp_path: Path) -> None:
    """What it grants is not known, so the guardrail may be usable, and the audit names the policy."""
    arn = "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"
    data = snapshot(principals={APP: role("App", document(("s3:GetObject", "*", {}))) | {"managed": [arn]}})
    found = audit(written(tmp_path, data))
    assert "GB404" not in {one.rule for one in found}
    (note,) = (one for one in found if one.rule == "GB406")
    assert note.message == f"`{arn}` was not checked: the account data do not hold its text."


def test_every_rule_has_a_page() -> None:
    """The SARIF report links to them."""
    pages = Path(__file__).parents[3] / "docs" / "rules"
    assert [rule.code for rule in RULES if not (pages / f"{rule.code}.md").is_file()] == []
