"""Values of which only a part is known: the role ARN and the user ID of a session."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import iam
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.iam.matching.principals import identify, role_arn_patterns

ACCOUNT: Final = "arn:aws:iam::123456789012:role/"
SSO: Final = f"{ACCOUNT}aws-reserved/sso.amazonaws.com/"


def decide(condition: dict[str, dict[str, Any]], session: str, resource: str = "*") -> iam.Decision:
    """Decide whether a statement with a condition on the principal allows a session of a role."""
    caller = Caller(f"arn:aws:sts::123456789012:assumed-role/{session}", "us-east-1")
    statement = {"Effect": "Allow", "Action": "*", "Resource": resource, "Condition": condition}
    request = iam.Request(caller.principal, "s3:GetObject", "arn:aws:s3:::b/s/x", partly_known=caller.partly_known)
    return iam.PolicySet(identity={"Version": "2012-10-17", "Statement": statement}).evaluate(request)


@pytest.mark.parametrize(
    ("operator", "value", "session", "outcome"),
    [
        ("ArnLike", f"{ACCOUNT}*", "App/s", "allowed"),
        ("ArnLike", "arn:aws:iam::*:role/*App", "App/s", "allowed"),
        ("ArnLike", "arn:aws:iam::*:role/platform/*", "App/s", "indeterminate"),
        ("ArnLike", "arn:aws:iam::*:role/platform/Admin", "App/s", "implicitDeny"),
        ("ArnLike", "arn:aws:iam::444455556666:role/*", "App/s", "implicitDeny"),
        ("ArnLike", "arn:aws:iam::4444*", "App/s", "implicitDeny"),
        ("ArnEquals", f"{ACCOUNT}App", "App/s", "indeterminate"),
        ("ArnNotLike", "arn:aws:iam::*:role/Other", "App/s", "allowed"),
        ("ArnNotLike", f"{ACCOUNT}*", "App/s", "implicitDeny"),
        ("StringEquals", f"{ACCOUNT}App", "App/s", "indeterminate"),
        ("StringEquals", f"{ACCOUNT}path/App", "App/s", "indeterminate"),
        ("StringEquals", f"{ACCOUNT}Other", "App/s", "implicitDeny"),
        ("StringNotEquals", f"{ACCOUNT}Other", "App/s", "allowed"),
        ("StringEqualsIgnoreCase", f"{ACCOUNT}APP", "App/s", "indeterminate"),
        ("StringEqualsIgnoreCase", f"{ACCOUNT}OTHER", "App/s", "implicitDeny"),
        ("StringLike", "*:role/*", "App/s", "allowed"),
        ("ForAnyValue:StringLike", "*:role/*", "App/s", "allowed"),
        ("StringLikeIfExists", "*/Other", "App/s", "implicitDeny"),
        ("Null", "true", "App/s", "implicitDeny"),
        ("Null", "false", "App/s", "allowed"),
        ("NumericEquals", "1", "App/s", "indeterminate"),
        ("ArnLike", f"{SSO}*", "AWSReservedSSO_Admins_3a1f/user", "allowed"),
        ("ArnLike", f"{SSO}*/AWSReservedSSO_Admins_*", "AWSReservedSSO_Admins_3a1f/user", "indeterminate"),
        ("ArnLike", f"{SSO}*AWSReservedSSO_Admins_*", "AWSReservedSSO_Admins_3a1f/user", "allowed"),
        ("ArnLike", f"{SSO}eu-central-1/*", "AWSReservedSSO_Admins_3a1f/user", "indeterminate"),
        ("ArnLike", f"{ACCOUNT}platform/*", "AWSReservedSSO_Admins_3a1f/user", "implicitDeny"),
        ("ArnLike", f"{ACCOUNT}aws-service-role/*", "AWSServiceRoleForX/s", "allowed"),
    ],
)
def test_condition_on_the_role_arn_of_a_session(operator: str, value: str, session: str, outcome: str) -> None:
    """A sure outcome is the same for every path that the role can have."""
    decision = decide({operator: {"aws:PrincipalArn": value}}, session)

    assert decision.outcome == outcome
    assert decision.hangs_on == (("aws:PrincipalArn",) if outcome == "indeterminate" else ())


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("*:s", "allowed"), ("AROA*:s", "indeterminate"), ("AROAEXAMPLE:s", "indeterminate"), ("*:other", "implicitDeny")],
)
def test_user_id_of_a_session_ends_with_the_session_name(value: str, outcome: str) -> None:
    """The role ID before the colon is unknown."""
    assert decide({"StringLike": {"aws:userid": value}}, "App/s").outcome == outcome


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [("arn:aws:s3:::b/${aws:userid}/*", "implicitDeny"), ("arn:aws:s3:::b/${aws:PrincipalTag/x, 's'}/*", "allowed")],
)
def test_partly_known_value_in_a_variable(resource: str, outcome: str) -> None:
    """A variable with a known part cannot match text without that part."""
    assert decide({}, "App/s", resource).outcome == outcome


def test_a_variable_with_a_known_value_in_a_partly_known_arn() -> None:
    """The account of the session is known, so the pattern matches whatever the path of the role is."""
    session = "arn:aws:sts::123456789012:assumed-role/App/s"
    condition = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    known = Caller(session, "us-east-1").partly_known
    request = iam.Request(session, "s3:GetObject", "*", {"aws:PrincipalAccount": "123456789012"}, partly_known=known)

    assert iam.PolicySet(identity={"Version": "2012-10-17", "Statement": statement}).evaluate(request).outcome == "allowed"


def test_a_given_role_arn_is_known() -> None:
    """A context key that is given is not partly known."""
    caller = Caller(
        "arn:aws:sts::123456789012:assumed-role/App/s", "us-east-1", context={"aws:principalarn": f"{ACCOUNT}path/App"}
    )

    assert caller.partly_known.keys() == {"aws:userid"}


def test_the_partition_of_the_session_is_kept() -> None:
    """The role is in the partition of its session."""
    session = identify("arn:aws-us-gov:sts::123456789012:assumed-role/App/s")

    assert role_arn_patterns(session)[0] == "arn:aws-us-gov:iam::123456789012:role/App"
