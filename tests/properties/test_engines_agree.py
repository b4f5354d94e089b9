"""Compare the engine with the second engine over random policy sets."""

from __future__ import annotations

import random
from typing import Final

import pytest
from harness import casefiles
from harness.strategies import FUZZ_EXAMPLES, POLICY_SETS, REQUESTS, Json, examples
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from iam import oracle

from guardedbedrock import iam

CASES: Final = 20_000
SHARDS: Final = 10
REQUESTS_EACH: Final = 5
FIRST_SEED: Final = random.SystemRandom().randrange(1_000_000) if FUZZ_EXAMPLES else 0
REACHED: Final = {
    ("allowed", "identity"),
    ("allowed", "resource"),
    *(("implicitDeny", policy_type) for policy_type in iam.POLICY_TYPES if policy_type != "rcp"),
    *(("explicitDeny", policy_type) for policy_type in iam.POLICY_TYPES),
    ("indeterminate", None),
}


def verdict(decision: iam.Decision) -> oracle.Verdict:
    """Convert a decision of the engine to a verdict of the oracle."""
    return oracle.Verdict(decision.outcome, decision.policy_type, frozenset(s.sid or "" for s in decision.statements))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_engine_and_the_oracle_agree(shard: int) -> None:
    """Outcome, policy type and determining statements are equal in 20,000 cases over all shards."""

    @seed(FIRST_SEED + shard)
    @settings(max_examples=examples(CASES // SHARDS // REQUESTS_EACH))
    @given(POLICY_SETS, st.lists(REQUESTS, min_size=REQUESTS_EACH, max_size=REQUESTS_EACH))
    def agree(policies: Json, requests: list[iam.Request]) -> None:
        engine, second = iam.PolicySet(**policies), oracle.Oracle(policies)
        for request in requests:
            assert second.evaluate(request) == verdict(engine.evaluate(request))

    agree()


@pytest.mark.parametrize("case", casefiles.params(casefiles.CASES / "iam.json", casefiles.CASES / "iam"))
def test_the_oracle_decides_as_the_case_expects(case: casefiles.Case) -> None:
    """The oracle passes the same cases as the engine."""
    request, expected = case["request"], case["expect"]

    answer = oracle.Oracle(case["policies"]).evaluate(
        iam.Request(
            request["principal"],
            request["action"],
            request["resource"],
            request.get("context", {}),
            request.get("unknown", ()),
            request.get("resourceAccount"),
        )
    )

    assert (expected["decision"], frozenset(expected["determining"])) == (answer.outcome, answer.sids)
    assert expected.get("policyType", answer.policy_type) == answer.policy_type


def test_random_policies_reach_every_outcome() -> None:
    """The random policies reach every outcome for every policy type that can give it."""
    reached: set[tuple[str, str | None]] = set()

    @settings(max_examples=2000, phases=[Phase.generate], derandomize=True, database=None)
    @given(POLICY_SETS, st.lists(REQUESTS, min_size=2 * REQUESTS_EACH, max_size=2 * REQUESTS_EACH))
    def reach(policies: Json, requests: list[iam.Request]) -> None:
        decisions = map(iam.PolicySet(**policies).evaluate, requests)
        reached.update((decision.outcome, decision.policy_type) for decision in decisions)

    reach()

    assert set() == REACHED - reached
