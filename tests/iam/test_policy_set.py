"""Properties of a policy set."""

from __future__ import annotations

from typing import Any

from guardedbedrock import iam


def policy(**elements: Any) -> dict[str, Any]:
    """Return a document that allows one action."""
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [statement]}


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
    """More requests than the memo keeps: each decision has the keys of its own request."""
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
