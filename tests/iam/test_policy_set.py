"""Properties of a policy set."""

from __future__ import annotations

from typing import Any

import pytest

from guardedbedrock import errors, iam


def policy(**elements: Any) -> dict[str, Any]:
    """Return a document that allows one action."""
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    "policies",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"identity": None}, id="None"),
        pytest.param({"scp": [], "rcp": []}, id="no level"),
        pytest.param({"boundary": [], "session": []}, id="empty lists that do not apply"),
    ],
)
def test_policy_set_without_policies_is_an_error(policies: dict[str, Any]) -> None:
    """It could only allow everything, or deny everything."""
    with pytest.raises(errors.ConfigurationError, match=r"needs policies; pass identity=\[\]"):
        iam.PolicySet(**policies)


@pytest.mark.parametrize(
    ("principal", "resource", "outcome"),
    [
        ("arn:aws:iam::111122223333:user/a", "arn:aws:s3:::b/k", "allowed"),
        ("arn:aws:iam::444455556666:user/a", "arn:aws:s3:::b/k", "explicitDeny"),
    ],
)
def test_scps_do_not_limit_the_management_account(principal: str, resource: str, outcome: str) -> None:
    """Its resources are not limited by RCPs either."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    scp = {"Version": "2012-10-17", "Statement": statement}
    rcp = {"Version": "2012-10-17", "Statement": {**statement, "Principal": "*"}}
    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    policies = iam.PolicySet(identity=allow, scp=[[allow, scp]], rcp=[[rcp]], management_account="111122223333")

    account = principal.split(":")[4]
    assert policies.evaluate(iam.Request(principal, "s3:GetObject", resource, resource_account=account)).outcome == outcome


def test_a_request_can_say_that_rcps_apply() -> None:
    """The Deny of an RCP on a service that is missing from AWS's list is then certain."""
    rcp = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}
    policies = iam.PolicySet(identity=policy(), rcp=[[rcp]])
    caller = "arn:aws:iam::111122223333:role/App"

    outcomes = [
        policies.evaluate(iam.Request(caller, "bedrock:InvokeModel", "*", rcp_applies=applies)).outcome
        for applies in (False, True)
    ]

    assert outcomes == ["indeterminate", "explicitDeny"]


def test_policy_set_is_static() -> None:
    """A caller may cache its decisions."""
    assert iam.PolicySet(identity=[policy()]).is_static


def test_reads_names_every_context_key_of_the_policies() -> None:
    """It has the keys of conditions and of variables, in lower case."""
    policies = iam.PolicySet(
        identity=[
            policy(Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
            policy(Resource="arn:aws:s3:::b/${aws:PrincipalTag/Team}/x"),
            policy(Condition={"StringEquals": {"a:B": "${c:D}"}}),
        ]
    )

    assert policies.reads == {"aws:currenttime", "aws:principaltag/team", "a:b", "c:d"}
    assert iam.PolicySet(identity=[policy()]).reads == frozenset()


def test_unresolved_keys_are_computed_for_each_request() -> None:
    """More requests than the memo keeps: each decision has the keys of its request."""
    condition = {"StringEquals": {"k:a": "x", "k:b": "y"}}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    policies = iam.PolicySet(identity={"Version": "2012-10-17", "Statement": [statement]})
    caller = "arn:aws:iam::111122223333:role/App"
    requests = [
        iam.Request(caller, "acme:Get", "*", {} if open_ == ("k:a", "k:b") else {"k:b": "y"}, open_)
        for _ in range(300)
        for open_ in (("k:a", "k:b"), ("k:a",))
    ]

    decisions = [policies.evaluate(request) for request in requests]

    assert [set(decision.hangs_on) for decision in decisions] == [set(request.unknown) for request in requests]
    assert [set(decision.hangs_on) for decision in decisions] == [set(request.unknown) for request in requests]
