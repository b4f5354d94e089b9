"""What a policy set says of itself."""

from __future__ import annotations

from typing import Any

from guardedbedrock import iam


def policy(**elements: Any) -> dict[str, Any]:
    """Write a document that allows one action."""
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", **elements}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_policy_set_is_static() -> None:
    """A caller may cache its decisions."""
    assert iam.PolicySet(identity=[policy()]).is_static


def test_a_set_names_the_keys_that_it_reads() -> None:
    """Keys of conditions and of variables, in lower case; text without a variable names none."""
    policies = iam.PolicySet(
        identity=[
            policy(Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
            policy(Resource="arn:aws:s3:::b/${aws:PrincipalTag/Team}/x"),
            policy(Condition={"StringEquals": {"a:B": "${c:D}"}}),
        ]
    )

    assert policies.reads == {"aws:currenttime", "aws:principaltag/team", "a:b", "c:d"}
    assert iam.PolicySet(identity=[policy()]).reads == frozenset()
