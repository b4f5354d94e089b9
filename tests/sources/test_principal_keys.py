"""The condition keys of every request of a principal: `evaluate` and `who_can` derive them from the snapshot."""

from __future__ import annotations

from typing import Any, Final

import pytest
from harness.account import ACCOUNT, MODEL, document
from sources.test_snapshots import ROLE, snapshot

from guardedbedrock import iam
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS as UNKNOWN_KEYS_OF_CALLS
from guardedbedrock.iam.account.principals import UNKNOWN_KEYS

USER: Final = f"arn:aws:iam::{ACCOUNT}:user/Ann"
PLAIN: Final = f"arn:aws:iam::{ACCOUNT}:role/App"
NO_SESSION_TAGS: Final = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
SESSION_TAGS: Final = {"Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"]}]}


def account(condition: dict[str, Any], arn: str = ROLE, gaps: tuple[dict[str, Any], ...] = (), **entry: Any) -> iam.Account:
    """Return an account with one principal that may do everything, unless the condition of a Deny is met."""
    deny = {"Effect": "Deny", "Action": "bedrock:*", "Resource": "*", "Condition": condition}
    policy = document("bedrock:*")
    policy["Statement"].append(deny)
    kind, name = arn.split(":")[5].partition("/")[0], arn.rpartition("/")[2]
    principal = {"kind": kind, "name": name, "id": "AIDAEXAMPLE", "inline": {"One": policy}, "managed": [], **entry}
    organization = {"id": "o-a1b2c3d4e5", "management_account": "999999999999", "path": ["r-ab12", ACCOUNT]}
    return iam.Account(snapshot(principals={arn: principal}, organization=organization, gaps=list(gaps)))


def gap(api: str, principal: str) -> dict[str, Any]:
    """Return the gap of a principal that IAM did not return."""
    return {"section": "boundary", "api": api, "error": "AccessDenied", "statement": None, "principal": principal}


@pytest.mark.parametrize(
    ("condition", "arn", "outcome"),
    [
        ({"ArnNotLike": {"aws:PrincipalArn": ROLE}}, ROLE, "allowed"),
        ({"ArnLike": {"aws:PrincipalArn": ROLE}}, ROLE, "explicitDeny"),
        ({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}, ROLE, "allowed"),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, ROLE, "allowed"),
        ({"StringNotEquals": {"aws:PrincipalType": "AssumedRole"}}, ROLE, "allowed"),
        ({"StringNotEquals": {"aws:PrincipalType": "User"}}, USER, "allowed"),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, ROLE, "explicitDeny"),
        ({"StringNotLike": {"aws:userid": "AIDAEXAMPLE:*"}}, ROLE, "allowed"),
        ({"StringNotLike": {"aws:userid": "AIDAEXAMPLE:run"}}, ROLE, "indeterminate"),
        ({"StringNotEquals": {"aws:userid": "AIDAEXAMPLE"}}, USER, "allowed"),
        ({"StringNotEquals": {"aws:username": "Ann"}}, USER, "allowed"),
        ({"Null": {"aws:username": "true"}}, ROLE, "explicitDeny"),
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, ROLE, "indeterminate"),
        ({"Bool": {"aws:SecureTransport": "false"}}, ROLE, "indeterminate"),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, ROLE, "indeterminate"),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, ROLE, "indeterminate"),
        ({"StringNotEquals": {"aws:ResourceTag/Team": "hr"}}, ROLE, "indeterminate"),
    ],
)
def test_deny_on_a_key_that_aws_sets(condition: dict[str, Any], arn: str, outcome: str) -> None:
    """A key without a value would be absent, and a negated operator is true for an absent key."""
    given = account(condition, arn)

    assert given.evaluate(arn, "bedrock:InvokeModel", MODEL).outcome == outcome
    assert bool(given.who_can("bedrock:InvokeModel", MODEL)) == (outcome != "explicitDeny")


def test_given_keys_override_derived_ones() -> None:
    given = account({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})

    assert given.evaluate(ROLE, "bedrock:InvokeModel", MODEL, {"aws:principalorgid": "o-other"}).outcome == "explicitDeny"


@pytest.mark.parametrize(
    ("arn", "entry", "gaps", "outcome"),
    [
        (USER, {"tags": {"team": "hr"}}, (), "allowed"),
        (USER, {"tags": {}}, (), "explicitDeny"),
        (USER, {"tags": {}}, (gap("iam:GetUser", USER),), "indeterminate"),
        (ROLE, {"tags": {"team": "hr"}, "trust": NO_SESSION_TAGS}, (), "allowed"),
        (ROLE, {"tags": {"team": "it"}, "trust": NO_SESSION_TAGS}, (), "explicitDeny"),
        (ROLE, {"tags": {"team": "it"}, "trust": SESSION_TAGS}, (), "indeterminate"),
        (ROLE, {"tags": {"team": "it"}}, (), "indeterminate"),
        (ROLE, {"tags": {}, "trust": NO_SESSION_TAGS}, (), "indeterminate"),
    ],
)
def test_deny_on_a_tag_of_the_principal(arn: str, entry: dict[str, Any], gaps: tuple[dict[str, Any], ...], outcome: str) -> None:
    """Session tags override the tags of a role, and a user that IAM did not return may have any tags."""
    given = account({"StringNotEquals": {"aws:PrincipalTag/team": "hr"}}, arn, gaps, **entry)

    assert given.evaluate(arn, "bedrock:InvokeModel", MODEL).outcome == outcome


@pytest.mark.parametrize(("gaps", "outcome"), [((), "explicitDeny"), ((gap("iam:GetRole", PLAIN),), "indeterminate")])
def test_path_of_a_role_that_iam_did_not_return_is_unknown(gaps: tuple[dict[str, Any], ...], outcome: str) -> None:
    """The ARN was made from the ARN of a session, which has no path."""
    given = account({"ArnNotLike": {"aws:PrincipalArn": ROLE}}, PLAIN, gaps)

    assert given.evaluate(PLAIN, "bedrock:InvokeModel", MODEL).outcome == outcome


def test_keys_that_are_unknown_in_calls_are_unknown_here() -> None:
    """Apart from tags of the principal, which a snapshot may show."""
    assert {"aws:PrincipalTag/*"} >= UNKNOWN_KEYS_OF_CALLS - set(UNKNOWN_KEYS)
