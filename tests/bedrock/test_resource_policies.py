"""Checks of policies on guardrails; the cases are in `tests/data/resource_policies.json`."""

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
"""ARN by the resource name of a case; ``{resource}`` in a case is replaced by the ARN."""

OWN: Final = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "bedrock:ApplyGuardrail",
    "Resource": GUARDRAIL,
}


def load(text: str) -> dict[str, dict[str, Any]]:
    """Read the cases by id; an unknown or missing field, a repeated id or an empty file is an error."""
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
    """Return the error message; None if the policy is accepted."""
    try:
        check_resource_policy(policy, resource, **options)
    except ConfigurationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_check_resource_policy(case: dict[str, Any]) -> None:
    """The message names location, statement, problem and fix; JSON text and objects behave alike."""
    assert said(case["policy"], case["resource"]) == case["refused"]
    assert said(json.dumps(case["policy"]), case["resource"]) == case["refused"]


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_policies_on_other_resource_types_are_not_checked(case: dict[str, Any]) -> None:
    """AWS documents patterns for guardrails only."""
    assert [said(case["policy"], RESOURCES[kind]) for kind in ("custom-model", "knowledge-base")] == [None, None]


def test_an_error_begins_with_the_name_of_the_policy() -> None:
    """The name may be given or come from the parsed document."""
    policy = {"Statement": [OWN, OWN | {"Effect": "Deny", "Sid": "No"}]}
    sentence = "share.json at /Statement/1/Effect: statement `No` has the Effect `Deny`, which AWS rejects in a policy on a "

    assert (said(iam.parse(policy, "resource", name="share.json"), GUARDRAIL) or "").startswith(sentence)
    assert (said(policy, GUARDRAIL, name="share.json") or "").startswith(sentence)


@pytest.mark.parametrize("resource", [GUARDRAIL, RESOURCES["custom-model"]])
def test_an_invalid_policy_is_rejected_on_every_resource_type(resource: str) -> None:
    """A resource-based policy requires a Principal."""
    policy = {"Statement": [{key: value for key, value in OWN.items() if key != "Principal"}]}

    assert said(policy, resource) == "policy at /Statement/0: needs either Principal or NotPrincipal"


def test_the_size_limit_applies_to_the_text() -> None:
    """AWS counts white space too, and characters rather than bytes."""
    text = json.dumps({"Statement": [OWN]})

    assert said(text.ljust(20_480), GUARDRAIL) is None
    assert said(text.ljust(20_481), GUARDRAIL, name="a.json") == (
        "a.json: 20,481 characters with white space exceed the limit of 20,480 for a resource-based policy: shorten it"
    )
    assert said({"Statement": [OWN | {"Sid": "x" * 20_480}]}, GUARDRAIL) is not None
    assert said(text.ljust(20_481), RESOURCES["custom-model"]) is None
    assert said({"Id": "\N{EM DASH}", "Statement": [OWN]}, GUARDRAIL) is None


def test_check_attached_uses_the_guardrail_that_the_policy_names() -> None:
    """A complete ARN takes precedence over a pattern; a policy that names no guardrail is accepted."""
    wild = OWN | {"Resource": RESOURCES["wild"]}
    with pytest.raises(ConfigurationError, match=r"at /Statement/0/Resource: statement 0 names the resource `.*/\*`"):
        check_attached({"Statement": [wild, OWN]})
    with pytest.raises(ConfigurationError, match=r"at /Statement/1/Resource: .* in a policy on a guardrail: write only the ARN"):
        check_attached({"Statement": [OWN, OWN | {"Resource": PROFILE}]})

    check_attached({"Statement": [OWN, OWN]})
    check_attached({"Statement": [OWN | {"Resource": "arn:aws:s3:::bucket/*", "Effect": "Deny", "Action": "s3:*"}]})
