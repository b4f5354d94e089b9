"""Misspelt parameters of calls, at every depth of a service model."""

from __future__ import annotations

from typing import Any

import pytest

from guardedbedrock.bedrock.call_checks import unknown_parameter

BLOCK = {"text": "hello"}
MISSPELT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "a parameter": (
        "bedrock-runtime",
        "Converse",
        {"modelId": "m", "guardrailConfg": {}},
        "`guardrailConfg`; did you mean `guardrailConfig`?",
    ),
    "a member of a structure": (
        "bedrock-runtime",
        "Converse",
        {"guardrailConfig": {"guardrailIdentifer": "abc"}},
        "`guardrailConfig.guardrailIdentifer`; did you mean `guardrailIdentifier`?",
    ),
    "a member of the second item of a list": (
        "bedrock-runtime",
        "Converse",
        {"messages": [{"role": "user", "content": [BLOCK]}, {"role": "user", "content": [BLOCK, {"txt": "x"}]}]},
        "`messages[1].content[1].txt`; did you mean `text`?",
    ),
    "a member of an item of a tuple": (
        "bedrock-runtime",
        "Converse",
        {"messages": ({"role": "user", "contnt": []},)},
        "`messages[0].contnt`; did you mean `content`?",
    ),
    "a member of a value of a map": (
        "bedrock-runtime",
        "Converse",
        {"promptVariables": {"name": {"texts": "x"}}},
        "`promptVariables.name.texts`; did you mean `text`?",
    ),
    "a parameter of another operation": (
        "bedrock-runtime",
        "InvokeModel",
        {"modelId": "m", "inferenceConfig": {}},
        "`inferenceConfig`; the known parameters are body, contentType, accept, modelId",
    ),
    "a parameter of an operation that takes none": (
        "bedrock",
        "GetModelInvocationLoggingConfiguration",
        {"x": 1},
        "`x`; remove it",
    ),
}
KNOWN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a document has members of any name": (
        "bedrock-runtime",
        "Converse",
        {"modelId": "m", "additionalModelRequestFields": {"anything": {"goes": 1}}},
    ),
    "the keys of a map have any name": ("bedrock-runtime", "Converse", {"requestMetadata": {"anything": "x"}}),
    "values of the wrong type are left to another check": ("bedrock-runtime", "Converse", {"modelId": 5, "messages": "x"}),
    "botocore does not have the operation": ("bedrock-runtime", "ChatCompletions", {"x": 1}),
}


@pytest.mark.parametrize("name", MISSPELT)
def test_an_unknown_parameter_is_named_with_its_path(name: str) -> None:
    service, operation, params, expected = MISSPELT[name]

    assert str(unknown_parameter(service, operation, params)).startswith(f"unknown parameter {expected}")


def test_the_outermost_parameter_is_named_first() -> None:
    params = {"messages": [{"rol": "user"}], "guardrailConfg": {}}

    assert "`guardrailConfg`" in str(unknown_parameter("bedrock-runtime", "Converse", params))


def test_flows_nest_deeply() -> None:
    definition: dict[str, Any] = {"nods": []}
    for _ in range(2000):
        definition = {"nodes": [{"name": "a", "type": "Loop", "configuration": {"loop": {"definition": definition}}}]}

    problem = unknown_parameter("bedrock-agent", "CreateFlow", {"definition": definition})

    assert str(problem).endswith(".loop.definition.nods`; did you mean `nodes`?")


@pytest.mark.parametrize("name", KNOWN)
def test_other_parameters_are_accepted(name: str) -> None:
    assert unknown_parameter(*KNOWN[name]) is None
