"""Policy variables: patterns that contain the value of a key are decided, even between wildcards."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import PRINCIPAL, ProofPolicies
from guardedbedrock.governance.proof.questions import always_allowed, never
from guardedbedrock.iam import PolicySet, Request

READ: Final = "s3:GetObject"
TAG: Final = "${aws:PrincipalTag/x}"
USER: Final = "arn:aws:iam::123456789012:user/ana"
OPTIONS: Final = Options(timeout=10)


def policies(*statements: dict[str, Any], principal: str = PRINCIPAL) -> ProofPolicies:
    return ProofPolicies.of(PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}]), principal)


def statement(effect: str = "Allow", resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": READ, "Resource": resource, "Condition": condition}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringLike": {"k:text": f"a?{TAG}*b*"}}, "refuted"),
        ({"StringLike": {"k:text": f"a?{TAG}*b*"}, "StringNotLike": {"k:text": "a*b*"}}, "proved"),
        ({"StringLike": {"k:text": f"*{TAG}*"}, "StringEquals": {"k:text": "abc", "aws:PrincipalTag/x": "d"}}, "proved"),
        ({"StringNotLike": {"k:text": f"*{TAG}?"}, "StringLike": {"k:text": "a*"}}, "refuted"),
        ({"StringEquals": {"k:text": TAG}, "StringNotEquals": {"k:text": "a"}}, "refuted"),
        ({"StringEquals": {"k:text": TAG, "aws:PrincipalTag/x": "a"}, "StringNotEquals": {"k:text": "a"}}, "proved"),
        ({"StringEquals": {"k:text": TAG}, "Null": {"aws:PrincipalTag/x": "true"}}, "proved"),
        ({"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:*:*:{TAG}"}}, "refuted"),
        (
            {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:*:*:{TAG}"}, "ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}},
            "proved",
        ),
    ],
)
def test_a_condition_with_a_variable_is_decided(condition: dict[str, Any], expected: str) -> None:
    answer = never(policies(statement(**condition)), READ, options=OPTIONS)

    assert (answer.answer, answer.reason) == (expected, "")


def test_a_resource_with_a_variable_is_decided() -> None:
    own = statement(resource=f"arn:aws:s3:::b/*/{TAG}/*")

    answer = never(policies(own), READ, options=OPTIONS)

    assert answer.witness is not None
    assert f"/{answer.witness.context['aws:PrincipalTag/x']}/" in answer.witness.resource
    assert never(policies(own, statement("Deny", "arn:aws:s3:::b/*/*")), READ, options=OPTIONS).answer == "proved"
    assert never(policies(own), READ, "arn:aws:s3:::c/*", options=OPTIONS).answer == "proved"


def test_the_name_of_the_user_is_known() -> None:
    named = {"Effect": "Allow", "Action": READ, "NotResource": "arn:aws:s3:::b/${aws:username}/*"}

    given = policies(named, principal=USER)

    assert never(given, READ, "arn:aws:s3:::b/ana/*", options=OPTIONS).answer == "proved"
    assert never(given, READ, "arn:aws:s3:::b/eve/*", options=OPTIONS).answer == "refuted"


@pytest.mark.parametrize(("known", "expected"), [({"aws:PrincipalTag/x": "ana"}, "proved"), ({}, "refuted")])
def test_a_call_on_a_resource_is_compared_with_a_variable(known: dict[str, Any], expected: str) -> None:
    unknown = () if known else ("aws:PrincipalTag/x",)
    call = Request(PRINCIPAL, READ, "arn:aws:s3:::b/k/ana/1", known, unknown)

    answer = always_allowed(policies(statement(resource=f"arn:aws:s3:::b/?/{TAG}/*")), [call], OPTIONS)

    assert answer.answer == expected
