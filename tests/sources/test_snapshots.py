"""Snapshots and dumps that are read, and those that are rejected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from harness.account import MODEL, document

from guardedbedrock import ConfigurationError, iam
from guardedbedrock.iam.account.snapshot import check_age, digest_path, read_snapshot, to_text, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROLE: Final = "arn:aws:iam::123456789012:role/team/App"
USER: Final = "arn:aws:iam::123456789012:user/Ann"
READ: Final = "arn:aws:iam::123456789012:policy/Read"


def snapshot(**sections: Any) -> dict[str, Any]:
    """Return a snapshot with one role that may invoke models."""
    role = {"kind": "role", "name": "App", "inline": {"Invoke": document("bedrock:InvokeModel")}, "managed": [], "tags": {}}
    return {
        "schema": "guardedbedrock.snapshot",
        "version": 1,
        "account": "123456789012",
        "time": "2026-11-28T12:00:00Z",
        "principals": {ROLE: role},
        "gaps": [],
        **sections,
    }


def dump(encode: Callable[[dict[str, Any]], Any] = lambda policy: policy, **policy: Any) -> dict[str, Any]:
    """Return authorization details of a role with an inline and a managed policy, and of a user in a group."""
    inline = [{"PolicyName": "Apply", "PolicyDocument": encode(document("bedrock:ApplyGuardrail"))}]
    versions = [
        {"VersionId": "v1", "IsDefaultVersion": False, "Document": encode(document("s3:*"))},
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": encode(document("bedrock:InvokeModel"))},
    ]
    attached = [{"PolicyName": "Read", "PolicyArn": READ}]
    return {
        "UserDetailList": [{"Arn": USER, "UserName": "Ann", "UserId": "AIDA1", "GroupList": ["Readers"]}],
        "GroupDetailList": [
            {
                "Arn": "arn:aws:iam::123456789012:group/Readers",
                "GroupName": "Readers",
                "GroupPolicyList": inline,
                "AttachedManagedPolicies": attached,
            }
        ],
        "RoleDetailList": [
            {
                "Arn": ROLE,
                "RoleName": "App",
                "RoleId": "AROA1",
                "Path": "/team/",
                "AssumeRolePolicyDocument": encode({"Version": "2012-10-17", "Statement": []}),
                "RolePolicyList": inline,
                "AttachedManagedPolicies": attached,
            }
        ],
        "Policies": [{"Arn": READ, "PolicyName": "Read", "PolicyVersionList": versions, **policy}],
    }


def test_snapshot_is_written_with_sorted_keys_and_a_digest_that_sha256sum_reads(tmp_path: Path) -> None:
    """A read returns the data that were written."""
    path = tmp_path / "account.json"
    write_snapshot(snapshot(), path)

    text = path.read_text("utf-8")
    assert text == to_text(json.loads(text))
    digest, name = digest_path(path).read_text("utf-8").split()
    assert (len(digest), name) == (64, "account.json")
    assert read_snapshot(path) == snapshot()


@pytest.mark.parametrize(
    "change", [lambda data: data[:-20], lambda data: data.replace(b"InvokeModel", b"InvokeMode*"), lambda _: b""]
)
def test_truncated_or_changed_snapshot_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """The digest shows the change."""
    path = tmp_path / "account.json"
    write_snapshot(snapshot(), path)
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(ConfigurationError, match=r"does not match .*account.json.sha256; .* take a new snapshot"):
        read_snapshot(path)


def test_snapshot_without_digest_is_refused_and_a_dump_needs_none(tmp_path: Path) -> None:
    """Other tools write no digest."""
    path = tmp_path / "account.json"
    path.write_text(to_text(snapshot()), "utf-8")
    with pytest.raises(ConfigurationError, match=r"account.json.sha256 is missing"):
        read_snapshot(path)

    path.write_text(json.dumps(dump()), "utf-8")
    assert ROLE in read_snapshot(path)["principals"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "schema version 2 is unknown; this version of guardedbedrock reads version 1"),
        ({"schema": "other"}, "schema `other` is unknown"),
        ({"principals": []}, "`principals` must be a JSON object"),
        ({"scp": {}}, "`scp` must be a JSON array"),
        ({"gaps": {}}, "`gaps` must be a JSON array"),
    ],
)
def test_unknown_schema_or_shape_is_refused(changes: dict[str, Any], message: str) -> None:
    """A future version may mean something else by the same keys."""
    with pytest.raises(ConfigurationError, match=message):
        read_snapshot(snapshot(**changes))


@pytest.mark.parametrize("key", ["schema", "version", "account", "time"])
def test_missing_key_is_refused(key: str) -> None:
    """The message names the first missing key."""
    with pytest.raises(ConfigurationError, match=f"`{key}` is missing"):
        read_snapshot({name: value for name, value in snapshot().items() if name != key})


@pytest.mark.parametrize(
    ("sections", "location"),
    [
        ({"account": 123456789012}, "`account` must be a JSON string"),
        ({"regions": "us-east-1"}, "`regions` must be a JSON array"),
        ({"principals": {ROLE: []}}, f'`principals["{ROLE}"]` must be a JSON object'),
        ({"principals": {ROLE: {"name": "App"}}}, f'`principals["{ROLE}"].kind` is missing'),
        ({"principals": {"App": {"kind": "role", "name": "App"}}}, '`principals["App"]` is not the ARN of a user or role'),
        ({"principals": {ROLE: {"kind": "xx", "name": "App"}}}, "it must be one of user, role, root"),
        ({"principals": {ROLE: {"kind": "role", "name": "App", "managed": READ}}}, '"].managed` must be a JSON array'),
        ({"principals": {ROLE: {"kind": "role", "name": "App", "inline": []}}}, '"].inline` must be a JSON object'),
        ({"principals": {ROLE: {"kind": "role", "name": "App", "tags": ["a"]}}}, '"].tags` must be a JSON object'),
        (
            {"principals": {ROLE: {"kind": "role", "name": "App", "trust": {"Statement": "x"}}}},
            "Statement` must be a JSON object",
        ),
        ({"groups": {"g": {}}}, '`groups["g"].inline` is missing'),
        ({"organization": "x"}, "`organization` must be a JSON object"),
        ({"scp": [[]]}, "`scp[0]` must be a JSON object"),
        ({"scp": [{"target": "r-1"}]}, "`scp[0].policies` is missing"),
        ({"rcp": [{"policies": [{"name": "One"}]}]}, "`rcp[0].policies[0].document` is missing"),
        ({"guardrails": [{"id": "abc123def456"}]}, "`guardrails[0].arn` is missing"),
        ({"enforced_guardrails": ["x"]}, "`enforced_guardrails[0]` must be a JSON object"),
        ({"inference_profiles": [{"arn": "x", "id": "x", "models": "m"}]}, "`inference_profiles[0].models` must be a JSON array"),
        ({"last_accessed": {ROLE: []}}, f'`last_accessed["{ROLE}"]` must be a JSON object'),
        ({"gaps": ["x"]}, "`gaps[0]` must be a JSON object"),
        ({"gaps": [{"section": "scp", "error": "x"}]}, "`gaps[0].api` is missing"),
        ({"gaps": [{"section": "SCP", "api": "x", "error": "y"}]}, "`gaps[0].section` is `SCP`; it must be one of identity, "),
    ],
)
def test_section_of_the_wrong_form_is_refused(sections: dict[str, Any], location: str) -> None:
    """A snapshot that was written by hand. The message has the location and the fix."""
    for read in (iam.Account.from_snapshot, iam.Account):
        with pytest.raises(ConfigurationError) as error:
            read(snapshot(**sections))
        assert str(error.value).startswith("snapshot: `")
        assert location in str(error.value)
        assert str(error.value).endswith("; correct it, or take a new snapshot")


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ({"RoleDetailList": {}}, "`RoleDetailList` must be a JSON array"),
        ({"RoleDetailList": ["x"]}, "is not the output of `aws iam get-account-authorization-details`"),
        ({"RoleDetailList": [{"Arn": "x", "RoleName": "App", "RoleId": "AROA1"}]}, '`principals["x"]` is not the ARN'),
        ({"Policies": [{"Arn": READ, "PolicyVersionList": [{"IsDefaultVersion": True}]}]}, "is not the output of"),
    ],
)
def test_dump_of_the_wrong_form_is_refused(details: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        iam.Account.from_snapshot(details)
    assert problem in str(error.value)


def test_age_is_checked_in_seconds() -> None:
    """A snapshot of exactly the greatest age is accepted."""
    now = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)
    check_age(snapshot(), now=now, max_age=3600, name="account.json")

    with pytest.raises(ConfigurationError, match=r"account.json: is 3600 s old, and max_age is 3599 s; take a new snapshot"):
        check_age(snapshot(), now=now, max_age=3599, name="account.json")
    check_age(snapshot(time="2026-11-28T13:05:00Z"), now=now, max_age=60, name="account.json")  # another clock
    with pytest.raises(ConfigurationError, match=r"account.json: `time` is 301 s in the future; correct the clock .*, or take a"):
        check_age(snapshot(time="2026-11-28T13:05:01Z"), now=now, max_age=60, name="account.json")
    for time in ("", "yesterday", "2026-11-28T12:00:00"):
        with pytest.raises(ConfigurationError, match="max_age cannot be checked"):
            check_age(snapshot(time=time), now=now, max_age=3600, name="account.json")


def test_snapshot_of_another_principal_is_refused() -> None:
    """The error names the principal and the account of the snapshot."""
    account = iam.Account.from_snapshot(snapshot())

    assert account.find("arn:aws:sts::123456789012:assumed-role/App/session").arn == ROLE
    for other in ("arn:aws:iam::123456789012:role/Other", "arn:aws:sts::999999999999:assumed-role/App/session"):
        with pytest.raises(ConfigurationError, match=f"account 123456789012 has no principal `{other}`"):
            account.policy_set(other)


@pytest.mark.parametrize(
    "encode", [dict, json.dumps, lambda policy: quote(json.dumps(policy))], ids=["object", "text", "encoded"]
)
def test_dumps_of_other_tools_are_read(encode: Callable[[dict[str, Any]], Any]) -> None:
    """The AWS CLI writes documents as objects, other tools as JSON text or URL-encoded text; the default version counts."""
    account = iam.Account.from_snapshot(dump(encode))

    for principal in (ROLE, USER):
        decision = account.evaluate(principal, "bedrock:InvokeModel", MODEL)
        assert decision.outcome == "indeterminate"
        assert [reason.partition(":")[0] for reason in decision.reasons] == [
            "service control policies could not be read",
            "resource control policies could not be read",
        ]
        assert account.evaluate(principal, "s3:GetObject", "arn:aws:s3:::b/k").outcome == "implicitDeny"


def test_missing_managed_policy_and_missing_group_are_gaps_and_no_errors() -> None:
    """An AWS managed policy may be absent from a dump."""
    details = dump(Arn="arn:aws:iam::123456789012:policy/Unrelated") | {"GroupDetailList": []}
    account = iam.Account.from_snapshot({**read_snapshot(details), "gaps": []})

    by_role = account.evaluate(ROLE, "bedrock:InvokeModel", MODEL)
    by_user = account.evaluate(USER, "bedrock:InvokeModel", MODEL)
    assert (by_role.outcome, by_role.reasons) == ("indeterminate", (f"the document of the policy {READ} is not in the snapshot",))
    assert (by_user.outcome, by_user.reasons) == ("indeterminate", ("the policies of the group Readers are not in the snapshot",))
    assert [access.principal for access in account.who_can("bedrock:InvokeModel", MODEL)] == [ROLE, USER]


def test_missing_document_of_a_boundary_leaves_a_denial_by_other_policies_sure() -> None:
    """A boundary only limits."""
    role = snapshot()["principals"][ROLE] | {"boundary": "arn:aws:iam::123456789012:policy/Limit"}
    account = iam.Account.from_snapshot(snapshot(principals={ROLE: role}))

    assert account.evaluate(ROLE, "bedrock:InvokeModel", MODEL).outcome == "indeterminate"
    assert account.evaluate(ROLE, "bedrock:DeleteGuardrail", MODEL).outcome == "implicitDeny"


def test_gap_of_one_principal_leaves_the_others_sure() -> None:
    """A gap without a principal concerns all of them."""
    gap = {"section": "identity", "api": "iam:GetRolePolicy", "error": "AccessDenied", "statement": None}
    other = "arn:aws:iam::123456789012:role/Other"
    roles = {ROLE: snapshot()["principals"][ROLE], other: {"kind": "role", "name": "Other", "inline": {}, "managed": []}}
    of_one = iam.Account.from_snapshot(snapshot(principals=roles, gaps=[{**gap, "principal": other}]))
    of_all = iam.Account.from_snapshot(snapshot(principals=roles, gaps=[gap]))

    assert [of_one.evaluate(arn, "bedrock:InvokeModel", MODEL).outcome for arn in roles] == ["allowed", "indeterminate"]
    assert [of_all.evaluate(arn, "bedrock:InvokeModel", MODEL).outcome for arn in roles] == ["indeterminate", "indeterminate"]


def test_gap_of_a_role_may_name_it_without_its_path() -> None:
    """A reader that knows only a session of the role does not know its path."""
    gap = {"section": "identity", "api": "iam:GetRolePolicy", "error": "AccessDenied", "statement": None}
    account = iam.Account.from_snapshot(snapshot(gaps=[{**gap, "principal": "arn:aws:iam::123456789012:role/App"}]))

    assert account.evaluate(ROLE, "bedrock:InvokeModel", MODEL).outcome == "indeterminate"


def test_who_can_reads_tags_from_the_snapshot() -> None:
    """A condition on a tag of the principal is decided, as the trust policies allow no session tags."""
    trust = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}
    policy = document("bedrock:InvokeModel")
    policy["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalTag/Team": "hr"}}
    roles = {
        f"arn:aws:iam::123456789012:role/{name}": {
            "kind": "role",
            "name": name,
            "inline": {"Invoke": policy},
            "managed": [],
            "tags": {"Team": team},
            "trust": trust,
        }
        for name, team in (("Hr", "hr"), ("It", "it"))
    }
    account = iam.Account.from_snapshot(snapshot(principals=roles))

    assert [(access.principal, access.decision.outcome) for access in account.who_can("bedrock:InvokeModel", MODEL)] == [
        ("arn:aws:iam::123456789012:role/Hr", "allowed")
    ]
