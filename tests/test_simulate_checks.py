"""`Guard.simulate` rejects the calls that boto3 would reject, so that it never decides about another call than was meant."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from guardedbedrock import ConfigurationError, Guard, Guardrail, UnguardableOperationError

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
    "a list of the wrong type": (
        "Converse",
        {"modelId": MODEL, "toolConfig": {"tools": {"systemTool": {"name": "nova_grounding"}}}},
        "params: `toolConfig.tools` is of type `dict`; Converse accepts `list` or `tuple` there",
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


def test_parameters_that_are_no_mapping_are_rejected() -> None:
    with pytest.raises(ConfigurationError, match=r"^params: is of type `list`; pass a dict of the parameters of the call$"):
        GUARD.simulate("Converse", [MODEL])  # type: ignore[arg-type]  # as a user may pass it


def test_parameters_that_are_nested_too_deeply_are_rejected() -> None:
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"a": nested}

    with pytest.raises(ConfigurationError, match=r"^params: nested too deeply; use fewer levels$"):
        GUARD.simulate("Converse", {"modelId": MODEL, "additionalModelRequestFields": nested})


def test_a_region_that_is_no_string_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match=r"^region: `5` is not the name of a Region; "):
        GUARD.simulate("Converse", {"modelId": MODEL}, region_name=5)  # type: ignore[arg-type]  # as a user may pass it


class Name(str, Enum):  # noqa: UP042  # such a member is formatted as its name, and that of a StrEnum as its value
    """Names as members of a string enum."""

    REGION = "us-east-1"
    ARN = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123"
    VERSION = "3"


def test_members_of_a_string_enum_are_plain_strings_in_the_decision() -> None:
    guard = Guard(
        guardrails=[Guardrail(Name.ARN, version=Name.VERSION)],
        policies={"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
        principal="arn:aws:iam::111122223333:role/App",
    )

    verdict = guard.simulate("Converse", {"modelId": MODEL}, region_name=Name.REGION)

    assert [one.request.resource for one in verdict.decisions] == [
        f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
        "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123",
    ]


def test_a_misspelt_operation_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnguardableOperationError) as raised:
        GUARD.simulate("Convrse", {"modelId": MODEL})

    assert raised.value.hint is not None
    assert "did you mean `Converse`?" in raised.value.hint
