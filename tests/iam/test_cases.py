"""The cases of the engine: stock and own, each with its decision, its determining statements and who decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from harness import casefiles

from guardedbedrock import iam

STOCK = casefiles.CASES / "iam.json"
OWN = casefiles.CASES / "iam"


def question(case: casefiles.Case) -> tuple[iam.PolicySet, iam.Request]:
    """Make the policies and the request of a case."""
    asked = case["request"]
    request = iam.Request(
        principal=asked["principal"],
        action=asked["action"],
        resource=asked["resource"],
        context=asked.get("context", {}),
        unknown=asked.get("unknown", ()),
        resource_account=asked.get("resourceAccount"),
    )
    return iam.PolicySet(**case["policies"]), request


def statements_of(case: casefiles.Case) -> Iterator[dict[str, Any]]:
    """Walk over the raw statements of a case."""
    for policy_type, given in case["policies"].items():
        levels = given if policy_type in ("scp", "rcp") else [given]
        for document in (document for level in levels for document in level):
            statements = document["Statement"]
            yield from statements if isinstance(statements, list) else [statements]


@pytest.mark.parametrize("case", casefiles.params(STOCK, OWN))
def test_the_engine_decides_as_the_case_says(case: casefiles.Case) -> None:
    """Decision, determining statements and, where the case names them, policy type and open keys are as expected."""
    policies, request = question(case)

    decision = policies.evaluate(request)

    expected = {"policyType": decision.policy_type, "hangsOn": list(decision.hangs_on)} | case["expect"]
    got = {
        "decision": decision.outcome,
        "determining": sorted(s.sid or str(s) for s in decision.statements),
        "policyType": decision.policy_type,
        "hangsOn": list(decision.hangs_on),
    }
    assert expected | {"determining": sorted(expected["determining"])} == got


@pytest.mark.parametrize("case", casefiles.params(STOCK, OWN))
def test_a_case_can_tell_every_statement_and_every_denier(case: casefiles.Case) -> None:
    """Statements have Sids of their own and a denied case names the policy type, so that no case passes for another reason."""
    sids = [statement.get("Sid") for statement in statements_of(case)]

    assert None not in sids
    assert len(sids) == len(set(sids))
    assert set(case["expect"]["determining"]) <= set(sids)
    assert ("policyType" in case["expect"]) == case["expect"]["decision"].endswith("Deny")


def test_the_stock_of_cases_only_grows() -> None:
    """There are at least 128 stock and 400 own cases."""
    assert sum(1 for _ in casefiles.read(STOCK)) >= 128
    assert sum(1 for _ in casefiles.read(OWN)) >= 400
