"""
Random policy sets in every form, including forms for which AWS documents no rule: each proof is compared with the engine.

A refuted question comes with a witness, which a new policy set evaluates again. For a proved question random requests are tried;
the engine must allow none of them. `test_proof_agrees_with_enumeration` tries every request, for policies that can be decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final

import pytest
from harness.strategies import (
    ACTIONS,
    CALLERS,
    FOREIGN,
    GUARDRAIL,
    MODEL,
    OBJECT,
    POLICY_SETS,
    VALUES_OF,
    examples,
)
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import never, no_new_access
from guardedbedrock.governance.proof.solving.requests import principal_keys
from guardedbedrock.iam import PolicySet, Request

SHARDS: Final = 4
QUESTIONS: Final = 150
"""Questions of each shard."""
TRIES: Final = 100
RESOURCES: Final = {"bedrock:InvokeModel": (MODEL,), "bedrock:ApplyGuardrail": (GUARDRAIL, FOREIGN), "s3:GetObject": (OBJECT,)}
ALWAYS: Final = "aws:RequestedRegion"
FREE: Final = {key: values for key, values in VALUES_OF.items() if key != "aws:username"}
"""Keys that a request of any caller may have."""
OPTIONS: Final = Options(timeout=0.5)
CALLING: Final = CALLERS[:5]


def requests(principal: str, action: str, number: int) -> Iterator[Request]:
    """Yield well-formed requests, the same for the same number."""
    random = Random(number)  # noqa: S311
    for _ in range(TRIES):
        context: dict[str, object] = {key: value for key, value in principal_keys(principal).items() if value is not None}
        for key, values in FREE.items():
            if key == ALWAYS or random.random() < 0.6:
                context[key] = random.choice(values)
        yield Request(principal, action, random.choice(RESOURCES[action]), context)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_request_is_allowed_where_never_is_proved(shard: int) -> None:
    @seed(shard)
    @settings(max_examples=examples(QUESTIONS))
    @given(POLICY_SETS, st.sampled_from(CALLING), st.sampled_from(ACTIONS), st.integers(0, 2**32))
    def check(raw: Any, principal: str, action: str, number: int) -> None:
        policies = ProofPolicies.of(PolicySet(**raw), principal)

        answer = never(policies, action, options=OPTIONS)

        assert "defect" not in answer.reason
        if answer.answer == "refuted":
            assert answer.witness is not None
            assert PolicySet(**raw).evaluate(answer.witness).outcome == "allowed"
        if answer.answer == "proved":
            tried = list(requests(principal, action, number))
            allowed = [one for one in tried if policies.policy_set().evaluate(one).outcome == "allowed"]
            assert allowed == []

    check()


@pytest.mark.parametrize("shard", range(2))
def test_no_request_is_newly_allowed_where_no_new_access_is_proved(shard: int) -> None:
    @seed(shard)
    @settings(max_examples=examples(50))
    @given(POLICY_SETS, POLICY_SETS, st.sampled_from(CALLING), st.sampled_from(ACTIONS), st.integers(0, 2**32))
    def check(first: Any, second: Any, principal: str, action: str, number: int) -> None:
        old, new = (ProofPolicies.of(PolicySet(**raw), principal) for raw in (first, second))

        answer = no_new_access(old, new, OPTIONS)

        assert "defect" not in answer.reason
        if answer.answer == "refuted":
            assert answer.witness is not None
            assert PolicySet(**second).evaluate(answer.witness).outcome == "allowed"
            assert PolicySet(**first).evaluate(answer.witness).is_denied
        if answer.answer == "proved":
            for request in requests(principal, action, number):
                if new.policy_set().evaluate(request).outcome == "allowed":
                    assert not old.policy_set().evaluate(request).is_denied

    check()
