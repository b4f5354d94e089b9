"""The engine against its case files: decision, determining statements, policy type and unresolved keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import casefiles

from guardedbedrock import iam

PUBLISHED = casefiles.CASES / "iam.json"
PROJECT = casefiles.CASES / "iam"


def policies_and_request(case: casefiles.Case) -> tuple[iam.PolicySet, iam.Request]:
    """Return the policies and the request of a case."""
    fields = case["request"]
    request = iam.Request(
        principal=fields["principal"],
        action=fields["action"],
        resource=fields["resource"],
        context=fields.get("context", {}),
        unknown=fields.get("unknown", ()),
        resource_account=fields.get("resourceAccount"),
    )
    return iam.PolicySet(**case["policies"]), request


def statements_of(case: casefiles.Case) -> Iterator[dict[str, Any]]:
    """Yield the statements of a case as JSON objects."""
    for policy_type, given in case["policies"].items():
        levels = given if policy_type in ("scp", "rcp") else [given]
        for document in (document for level in levels for document in level):
            statements = document["Statement"]
            yield from statements if isinstance(statements, list) else [statements]


@pytest.mark.parametrize("case", casefiles.params(PUBLISHED, PROJECT))
def test_engine_decides_as_the_case_expects(case: casefiles.Case) -> None:
    """Decision and determining statements are as expected; so are policy type and unresolved keys, if the case has them."""
    policies, request = policies_and_request(case)

    decision = policies.evaluate(request)

    expected = {"policyType": decision.policy_type, "hangsOn": list(decision.hangs_on)} | case["expect"]
    got = {
        "decision": decision.outcome,
        "determining": sorted(s.sid or str(s) for s in decision.statements),
        "policyType": decision.policy_type,
        "hangsOn": list(decision.hangs_on),
    }
    assert expected | {"determining": sorted(expected["determining"])} == got


@pytest.mark.parametrize("case", casefiles.params(PUBLISHED, PROJECT))
def test_case_identifies_every_statement(case: casefiles.Case) -> None:
    """Sids are unique and a denied case has a policy type, so that no case passes for the wrong reason."""
    sids = [statement.get("Sid") for statement in statements_of(case)]

    assert None not in sids
    assert len(sids) == len(set(sids))
    assert set(case["expect"]["determining"]) <= set(sids)
    assert ("policyType" in case["expect"]) == case["expect"]["decision"].endswith("Deny")


def test_number_of_cases() -> None:
    """There are at least 128 published and 400 project cases."""
    assert sum(1 for _ in casefiles.read(PUBLISHED)) >= 128
    assert sum(1 for _ in casefiles.read(PROJECT)) >= 400
