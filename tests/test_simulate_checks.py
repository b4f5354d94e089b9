"""`Guard.simulate` rejects the calls that boto3 would reject, so that it never decides about another call than was meant."""

from __future__ import annotations

from typing import Any

import pytest

from guardedbedrock import ConfigurationError, Guard, Guardrail

GUARD = Guard(guardrails=[Guardrail("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123", version="3")])
MODEL = "amazon.nova-lite-v1:0"
REJECTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a misspelt parameter": (
        "Converse",
        {"modelId": MODEL, "guardrailConfg": {"guardrailIdentifier": "abc"}},
        "params: unknown parameter `guardrailConfg`; did you mean `guardrailConfig`?",
    ),
    "a misspelt member": (
        "Converse",
        {"modelId": MODEL, "guardrailConfig": {"guardrailIdentifer": "abc"}},
        "params: unknown parameter `guardrailConfig.guardrailIdentifer`; did you mean `guardrailIdentifier`?",
    ),
    "a structure of the wrong type": (
        "Converse",
        {"modelId": MODEL, "guardrailConfig": "abc"},
        "params: `guardrailConfig` is of type `str`; Converse accepts `dict` there",
    ),
    "the wrong type where botocore has no such operation": (
        "ChatCompletions",
        {"modelId": MODEL, "guardrailConfig": 5, "guardrailIdentifier": ["abc"]},
        "params: a value has a type that ChatCompletions does not accept",
    ),
    "a parameter of another service": (
        "Retrieve",
        {"knowledgeBaseId": "KB12345678", "modelId": MODEL},
        "params: unknown parameter `modelId`; the known parameters are ",
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_call_that_boto3_would_reject_is_not_simulated(name: str) -> None:
    operation, params, problem = REJECTED[name]

    with pytest.raises(ConfigurationError) as raised:
        GUARD.simulate(operation, params)

    assert str(raised.value).startswith(problem)


def test_a_call_that_boto3_would_make_is_simulated() -> None:
    verdict = GUARD.simulate("Converse", {"modelId": MODEL, "guardrailConfig": {"trace": "enabled"}})

    assert verdict.params["guardrailConfig"]["guardrailVersion"] == "3"
    assert verdict.params["guardrailConfig"]["trace"] == "enabled"
