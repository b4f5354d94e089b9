"""
Policies that others publish, each with the answer to `guardrail-required`.

1. The policies of the article, as `examples/governance/article` has them.
2. Policies in the forms of Amazon Bedrock User Guide, "Set up permissions to use guardrails for content filtering".
3. Prowler's question (issue 12607): is every Allow of model invocation limited by the guardrail key, whichever guardrail it is?
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.iam import PolicySet

ARTICLE: Final = Path(__file__).parents[3] / "examples" / "governance" / "article"
ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
KEY: Final = "bedrock:GuardrailIdentifier"
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
MODELS: Final = "arn:aws:bedrock:us-east-1::foundation-model/*"
STREAM: Final = "bedrock:InvokeModelWithResponseStream"


class Published(NamedTuple):
    """
    Policies with the expected answer.

    Args:
        name: Short name.
        policies: Policies by type.
        answer: The expected answer.
        approved: Approved guardrails.
        patterns: Patterns of approved guardrails.
        action: The action of the witness, if it is a particular one.
    """

    name: str
    policies: dict[str, Any]
    answer: str
    approved: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    action: str = ""


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", condition: Any = None) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


def deny(action: Any, condition: Any, resource: Any = "*") -> dict[str, Any]:
    return {**allow(action, resource, condition), "Effect": "Deny"}


def article(name: str) -> Any:
    return json.loads((ARTICLE / f"{name}.json").read_text("utf-8"))


def form(operator: str, value: Any, *others: dict[str, Any]) -> dict[str, Any]:
    """Return an Allow with the operator, a Deny with its negation, and ApplyGuardrail, as the User Guide has them."""
    negated = operator.replace("String", "StringNot").replace("Arn", "ArnNot")
    guarded = allow(BOTH, MODELS, {operator: {KEY: value}}), deny(BOTH, {negated: {KEY: value}}, MODELS)
    return {"identity": [document(*guarded, allow("bedrock:ApplyGuardrail", ARN), *others)]}


def identity(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"identity": [document(*statements)]}


ARTICLES: Final = (
    Published("application-role", {"identity": [article("application")]}, "proved"),
    Published(
        "application-role-with-broad-access",
        {"identity": [article("application"), document(allow("bedrock:*"))]},
        "refuted",
        action=STREAM,
    ),
    Published(
        "organization",
        {"identity": [document(allow())], "scp": [[document(allow()), article("organization")]]},
        "refuted",
        action=STREAM,
    ),
    Published(
        "organization-and-stream",
        {"identity": [document(allow())], "scp": [[document(allow(), deny(STREAM, None)), article("organization")]]},
        "proved",
    ),
    Published("administrator", {"identity": [article("administrator")]}, "proved"),
    Published(
        "administrator-with-broad-access",
        {"identity": [article("administrator"), document(allow("bedrock:*"))]},
        "refuted",
        action=STREAM,
    ),
    Published("team-tags", {"identity": [article("team-tags")]}, "proved"),
    Published("team-tags-with-broad-access", {"identity": [article("team-tags"), document(allow("bedrock:*"))]}, "refuted"),
)
FORMS: Final = (
    Published("one-version", form("StringEquals", f"{ARN}:1"), "proved", (f"{ARN}:1",)),
    Published("another-version", form("StringEquals", f"{ARN}:1"), "refuted", (f"{ARN}:2",)),
    Published("draft", form("StringEquals", ARN), "proved", (ARN,)),
    Published("draft-is-no-version", form("StringEquals", ARN), "refuted", (f"{ARN}:1",)),
    Published("every-version", form("ArnLike", f"{ARN}:*"), "proved", patterns=(f"{ARN}:*",)),
    Published("every-version-is-not-one", form("ArnLike", f"{ARN}:*"), "refuted", (f"{ARN}:1",)),
    Published("every-version-and-draft", form("ArnLike", f"{ARN}*"), "proved", patterns=(f"{ARN}*",)),
    Published("a-longer-id", form("ArnLike", f"{ARN}*"), "refuted", (ARN,), (f"{ARN}:*",)),
    Published("pairs", form("StringEquals", [f"{ARN}:1", f"{ARN}:2", ARN]), "proved", (f"{ARN}:1", f"{ARN}:2", ARN)),
    Published("one-pair-too-many", form("StringEquals", [f"{ARN}:1", f"{ARN}:2", ARN]), "refuted", (f"{ARN}:1", f"{ARN}:2")),
    Published("another-region-is-allowed", form("StringEquals", f"{ARN}:1", allow(BOTH)), "refuted", (f"{ARN}:1",)),
    Published(
        "profiles-are-allowed-too",
        form("StringEquals", f"{ARN}:1", allow(BOTH, "arn:aws:bedrock:*:*:inference-profile/*")),
        "proved",
        (f"{ARN}:1",),
    ),
)
PROWLER: Final = (
    Published("allow-without-condition", identity(allow(BOTH)), "refuted", patterns=("*",)),
    Published("administrator-access", identity(allow()), "refuted", patterns=("*",)),
    Published("bedrock-full-access", identity(allow("bedrock:*")), "refuted", patterns=("*",)),
    Published("wildcard-action", identity(allow("bedrock:Invoke*")), "refuted", patterns=("*",)),
    Published("not-action", identity({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}), "refuted", patterns=("*",)),
    Published("any-guardrail", identity(allow(BOTH, "*", {"Null": {KEY: "false"}})), "proved", patterns=("*",)),
    Published("one-guardrail", identity(allow(BOTH, "*", {"StringEquals": {KEY: f"{ARN}:1"}})), "proved", patterns=("*",)),
    Published(
        "guardrails-of-an-account",
        identity(allow(BOTH, "*", {"ArnLike": {KEY: "arn:aws:bedrock:*:123456789012:guardrail/*"}})),
        "proved",
        patterns=("*",),
    ),
    Published("if-exists", identity(allow(BOTH, "*", {"StringEqualsIfExists": {KEY: f"{ARN}:1"}})), "refuted", patterns=("*",)),
    Published("negated", identity(allow(BOTH, "*", {"StringNotEquals": {KEY: f"{ARN}:1"}})), "refuted", patterns=("*",)),
    Published("all-values", identity(allow(BOTH, "*", {"ForAllValues:StringLike": {KEY: "*"}})), "refuted", patterns=("*",)),
    Published("deny-without-guardrail", identity(allow(), deny(BOTH, {"Null": {KEY: "true"}})), "proved", patterns=("*",)),
    Published(
        "deny-one-action", identity(allow(), deny(BOTH[0], {"Null": {KEY: "true"}})), "refuted", patterns=("*",), action=STREAM
    ),
    Published(
        "one-allow-of-two-is-limited",
        identity(allow(BOTH, "*", {"Null": {KEY: "false"}}), allow(BOTH[0], MODELS)),
        "refuted",
        patterns=("*",),
        action=BOTH[0],
    ),
    Published(
        "boundary",
        {**identity(allow()), "boundary": [document(allow(BOTH, "*", {"Null": {KEY: "false"}}))]},
        "proved",
        patterns=("*",),
    ),
    Published("no-invocation", identity(allow(["bedrock:Get*", "bedrock:List*"])), "proved", patterns=("*",)),
)


@pytest.mark.parametrize("published", [*ARTICLES, *FORMS, *PROWLER], ids=lambda published: published.name)
def test_a_published_policy_gets_its_answer(published: Published) -> None:
    policies = ProofPolicies.of(PolicySet(**published.policies))

    answer = guardrail_required(policies, published.approved, patterns=published.patterns)

    assert answer.answer == published.answer, answer.as_data()
    if answer.witness is not None:
        assert policies.policy_set().evaluate(answer.witness).outcome == "allowed"
        assert answer.witness.action == (published.action or answer.witness.action)
