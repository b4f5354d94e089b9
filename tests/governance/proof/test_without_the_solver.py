"""Without the extra ``proof``, identical and subsumed statements are still decided."""

from __future__ import annotations

import sys
from typing import Any, Final

import pytest

from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required, never, no_new_access
from guardedbedrock.iam import PolicySet

GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
MODELS: Final = "arn:aws:bedrock:*::foundation-model"
REQUIRED: Final = {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:3"}}
NEEDS_SOLVER: Final = "the policies need a solver to compare; install guardedbedrock[proof]"


@pytest.fixture(autouse=True)
def no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``import cvc5`` fail."""
    monkeypatch.setitem(sys.modules, "cvc5", None)


def policies(action: Any = "bedrock:InvokeModel", resource: Any = f"{MODELS}/*", **more: Any) -> ProofPolicies:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return ProofPolicies.of(PolicySet(identity={"Version": "2012-10-17", "Statement": statement}))


def result(answer: Answer) -> tuple[str, str]:
    return answer.answer, answer.reason


@pytest.mark.parametrize(
    "new",
    [
        policies(resource=f"{MODELS}/anthropic.*"),
        policies(resource=[f"{MODELS}/anthropic.claude-3-haiku-20240307-v1:0", f"{MODELS}/amazon.*"]),
        policies(resource="arn:aws:bedrock:us-east-?::foundation-model/*"),
        policies(Condition={"StringLike": {"aws:RequestedRegion": "us-*"}}),
        policies(Condition=REQUIRED),
    ],
)
def test_statements_that_another_one_covers_are_no_new_access(new: ProofPolicies) -> None:
    assert result(no_new_access(policies(), new)) == ("proved", "")


def test_identical_policies_are_no_new_access() -> None:
    assert result(no_new_access(policies(), policies())) == ("proved", "both are the same policies")


def test_a_narrower_condition_is_no_new_access() -> None:
    old = policies(Condition={"StringLike": {"aws:RequestedRegion": "us-*"}})
    new = policies(Condition={"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}})

    assert result(no_new_access(old, new)) == ("proved", "")


@pytest.mark.parametrize(
    "new",
    [
        policies(resource=[f"{MODELS}/*", "arn:aws:bedrock:*:123456789012:custom-model/*"]),
        policies(resource=f"{MODELS}/*", Condition={"StringLike": {"aws:RequestedRegion": "*"}}, action="bedrock:Invoke*"),
    ],
)
def test_wider_policies_need_the_solver(new: ProofPolicies) -> None:
    """Only a solver finds the request that shows it."""
    old = policies(resource=f"{MODELS}/anthropic.*")

    assert result(no_new_access(old, new)) == ("unknown", NEEDS_SOLVER)


def test_a_required_guardrail_is_proved() -> None:
    assert result(guardrail_required(policies(Condition=REQUIRED), [f"{GUARDRAIL}:3"])) == ("proved", "")


def test_another_guardrail_needs_the_solver() -> None:
    assert result(guardrail_required(policies(Condition=REQUIRED), [f"{GUARDRAIL}:4"])) == ("unknown", NEEDS_SOLVER)


def test_a_model_that_no_pattern_contains_is_never_allowed() -> None:
    models = policies(resource=f"{MODELS}/anthropic.*")

    assert result(never(models, "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0")) == (
        "proved",
        "",
    )
