"""The backstop policy is proved for random configurations: with it, no model is reached without an approved guardrail."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock import Guard, Guardrail
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.iam import PolicySet

CONFIGURATIONS: Final = 200
ALLOW: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
IDS: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12)
GUARDRAILS: Final = st.lists(
    st.builds(
        lambda region, account, name, version: Guardrail(
            f"arn:aws:bedrock:{region}:{account}:guardrail/{name}", version=version, name=name
        ),
        st.sampled_from(("us-east-1", "eu-central-1", "ap-southeast-2")),
        st.sampled_from(("123456789012", "210987654321")),
        IDS,
        st.integers(1, 999).map(str),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda guardrail: (guardrail.region, guardrail.name),
)


@settings(max_examples=CONFIGURATIONS)
@given(GUARDRAILS, st.sampled_from(("allow", "short-term", "deny")), st.booleans())
def test_the_backstop_requires_the_guardrail(guardrails: list[Guardrail], api_keys: str, deny_indirect: bool) -> None:  # noqa: FBT001
    guard = Guard(guardrails=guardrails, unsupported_models="refuse", listeners=())
    backstop = guard.backstop_policy(api_keys=api_keys, deny_indirect=deny_indirect)  # type: ignore[arg-type]
    policies = ProofPolicies.of(PolicySet(identity=[ALLOW, backstop]))

    answer = guardrail_required(policies, [guardrail.key for guardrail in guardrails])

    assert answer.answer == "proved", answer.as_data()
