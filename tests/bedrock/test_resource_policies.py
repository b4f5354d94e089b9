"""What a policy on a guardrail may say; the cases are `tests/data/resource_policies.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from harness import casefiles

from guardedbedrock import iam
from guardedbedrock.bedrock.resources.resource_policies import check_attached, check_resource_policy
from guardedbedrock.errors import ConfigurationError

PATH: Final = Path(__file__).parents[1] / "data" / "resource_policies.json"
FIELDS: Final = {"id", "why", "source", "resource", "policy", "refused"}
GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123"
PROFILE: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail-profile/us.guardrail.v1:0"
RESOURCES: Final = {
    "guardrail": GUARDRAIL,
    "guardrail-profile": PROFILE,
    "custom-model": "arn:aws:bedrock:us-east-1:111122223333:custom-model/m/abc",
    "knowledge-base": "arn:aws:bedrock:us-east-1:111122223333:knowledge-base/ABC",
    "gov": "arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:guardrail/abc123",
    "wild": "arn:aws:bedrock:us-east-1:111122223333:guardrail/*",
}
"""By the name that a case gives as its resource; ``{resource}`` in a case stands for the ARN."""

OWN: Final = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "bedrock:ApplyGuardrail",
    "Resource": GUARDRAIL,
}


def load(text: str) -> dict[str, dict[str, Any]]:
    """Read the cases by id; a stray or missing field, a repeated id or no case at all is an error."""
    cases: dict[str, dict[str, Any]] = {}
    for case in casefiles.parse(text):
        assert set(case) == FIELDS, f"{case.get('id')}: {set(case) ^ FIELDS}"
        assert case["id"] not in cases, f"repeated id {case['id']}"
        filled = json.dumps(case).replace("{resource}", RESOURCES[case["resource"]])
        cases[case["id"]] = json.loads(filled) | {"resource": RESOURCES[case["resource"]]}
    assert cases, "no cases"
    return cases


CASES: Final = load(PATH.read_text("utf-8"))
REFUSED: Final = {name: case for name, case in CASES.items() if case["refused"]}


def said(policy: Any, resource: str, **options: Any) -> str | None:
    """Give the sentence of the refusal, None when there is none."""
    try:
        check_resource_policy(policy, resource, **options)
    except ConfigurationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_policy_is_accepted_or_refused_with_a_reason(case: dict[str, Any]) -> None:
    """The sentence names the place, the statement, what is not accepted and what would be; text and object are alike."""
    assert said(case["policy"], case["resource"]) == case["refused"]
    assert said(json.dumps(case["policy"]), case["resource"]) == case["refused"]


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_policy_on_another_resource_is_left_alone(case: dict[str, Any]) -> None:
    """The patterns are those of guardrails; the page says nothing of custom models and knowledge bases."""
    assert [said(case["policy"], RESOURCES[kind]) for kind in ("custom-model", "knowledge-base")] == [None, None]


def test_a_document_that_was_read_is_checked_under_its_name() -> None:
    """Whoever gives a name finds it at the head of the sentence."""
    policy = {"Statement": [OWN, OWN | {"Effect": "Deny", "Sid": "No"}]}
    sentence = "share.json at /Statement/1/Effect: statement `No` has the Effect `Deny`, which AWS rejects in a policy on a "

    assert (said(iam.parse(policy, "resource", name="share.json"), GUARDRAIL) or "").startswith(sentence)
    assert (said(policy, GUARDRAIL, name="share.json") or "").startswith(sentence)


@pytest.mark.parametrize("resource", [GUARDRAIL, RESOURCES["custom-model"]])
def test_what_can_not_be_read_is_refused_on_every_resource(resource: str) -> None:
    """A resource-based policy without Principal is none."""
    policy = {"Statement": [{key: value for key, value in OWN.items() if key != "Principal"}]}

    assert said(policy, resource) == "policy at /Statement/0: needs either Principal or NotPrincipal"


def test_the_size_is_that_of_the_text() -> None:
    """AWS counts white space too; which characters there are is no matter of size."""
    text = json.dumps({"Statement": [OWN]})

    assert said(text.ljust(20_480), GUARDRAIL) is None
    assert said(text.ljust(20_481), GUARDRAIL, name="a.json") == (
        "a.json: 20,481 characters with white space exceed the limit of 20,480 for a resource-based policy: shorten it"
    )
    assert said({"Statement": [OWN | {"Sid": "x" * 20_480}]}, GUARDRAIL) is not None
    assert said(text.ljust(20_481), RESOURCES["custom-model"]) is None
    assert said({"Id": "\N{EM DASH}", "Statement": [OWN]}, GUARDRAIL) is None


def test_a_policy_is_checked_against_the_guardrail_that_it_names() -> None:
    """A whole ARN comes before a pattern, and a policy that names no guardrail passes."""
    wild = OWN | {"Resource": RESOURCES["wild"]}
    with pytest.raises(ConfigurationError, match=r"at /Statement/0/Resource: statement 0 names the resource `.*/\*`"):
        check_attached({"Statement": [wild, OWN]})
    with pytest.raises(ConfigurationError, match=r"at /Statement/1/Resource: .* in a policy on a guardrail: write only the ARN"):
        check_attached({"Statement": [OWN, OWN | {"Resource": PROFILE}]})

    check_attached({"Statement": [OWN, OWN]})
    check_attached({"Statement": [OWN | {"Resource": "arn:aws:s3:::bucket/*", "Effect": "Deny", "Action": "s3:*"}]})
