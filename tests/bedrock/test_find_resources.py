"""Resources that do not follow from one parameter alone."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock.bedrock import Caller, authorizations, find_operation

CALLER: Final = Caller("arn:aws:iam::111122223333:user/ada", "us-east-1")
MINE: Final = "arn:aws:bedrock:us-east-1:111122223333"
FLOW: Final = {"flowIdentifier": "F1", "flowAliasIdentifier": "A1"}
MODEL: Final = "amazon.nova-lite-v1:0"


def asked(service: str, name: str, params: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the authorizations of a call: action without prefix, resource, and ``undocumented``, ``one of`` or nothing."""
    questions = authorizations(find_operation(service, name), params, CALLER).authorizations
    how = [(one.one_of and "one of") or (one.undocumented and "undocumented") or "" for one in questions]
    return [(one.request.action.partition(":")[2], one.request.resource, each) for one, each in zip(questions, how, strict=True)]


def with_tool(name: str) -> dict[str, Any]:
    """Return the parameters of a Converse call with a system tool and another tool."""
    tools = [{"toolSpec": {"name": "mine", "inputSchema": {}}}, {"systemTool": {"name": name}}]
    return {"modelId": MODEL, "toolConfig": {"tools": tools}}


@pytest.mark.parametrize(("name", "action"), [("Converse", "InvokeModel"), ("ConverseStream", "InvokeModelWithResponseStream")])
def test_a_system_tool_requires_invoke_tool(name: str, action: str) -> None:
    """Its ARN has an account and no region."""
    assert asked("bedrock-runtime", name, with_tool("nova_grounding")) == [
        (action, f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}", ""),
        ("InvokeTool", "arn:aws:bedrock::111122223333:system-tool/amazon.nova_grounding", ""),
    ]


@pytest.mark.parametrize(("name", "region", "unknown"), [("nova_grounding", "unspecified", False), ("another_tool", None, True)])
def test_requested_region_of_a_system_tool(name: str, region: str | None, unknown: bool) -> None:  # noqa: FBT001
    """AWS documents it for one tool; ARN and region of other tools are unknown."""
    *_, request = authorizations(find_operation("bedrock-runtime", "Converse"), with_tool(name), CALLER).requests

    assert request.context.get("aws:RequestedRegion") == region
    assert ({"aws:RequestedRegion", "resource:id"} <= set(request.unknown)) == unknown


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"flowIdentifier": "F1"}, [("ListFlowExecutions", f"{MINE}:flow/F1", "")]),
        (
            FLOW,
            [
                ("ListFlowExecutions", f"{MINE}:flow/F1", ""),
                ("ListFlowExecutions", f"{MINE}:flow/F1/alias/A1", "undocumented"),
            ],
        ),
    ],
)
def test_a_flow_alias_is_required_only_if_named(params: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    """AWS does not document whether it evaluates a named one."""
    assert asked("bedrock-agent-runtime", "ListFlowExecutions", params) == expected


def test_a_flow_execution_is_required_and_its_flow_and_alias_are_undocumented() -> None:
    """AWS lists all three; it does not document whether it evaluates all of them."""
    assert asked("bedrock-agent-runtime", "GetFlowExecution", {**FLOW, "executionIdentifier": "E1"}) == [
        ("GetFlowExecution", f"{MINE}:flow/F1/alias/A1/execution/E1", ""),
        ("GetFlowExecution", f"{MINE}:flow/F1/alias/A1", "undocumented"),
        ("GetFlowExecution", f"{MINE}:flow/F1", "undocumented"),
    ]


def test_an_evaluation_without_a_model_is_required_on_an_unknown_resource() -> None:
    """An evaluation of a knowledge base names its models elsewhere."""
    params = {"roleArn": "arn:aws:iam::111122223333:role/r", "inferenceConfig": {"ragConfigs": [{}]}}

    assert asked("bedrock", "CreateEvaluationJob", params) == [
        ("CreateEvaluationJob", "*", "one of"),
        ("CreateEvaluationJob", "arn:aws:bedrock:*:*:*", "one of"),
        ("PassRole", "arn:aws:iam::111122223333:role/r", ""),
    ]


def test_agentic_retrieval_requires_every_knowledge_base() -> None:
    """The authorization of the planning model is undocumented."""
    retrievers = [{"configuration": {"knowledgeBase": {"knowledgeBaseId": each}}} for each in ("K1", "K2")]
    model = {"bedrockFoundationModelConfiguration": {"modelConfiguration": {"modelArn": MODEL}}}
    params = {"retrievers": retrievers, "agenticRetrieveConfiguration": {"foundationModelConfiguration": model}}

    assert asked("bedrock-agent-runtime", "AgenticRetrieveStream", params) == [
        ("AgenticRetrieveStream", "*", ""),
        ("Retrieve", f"{MINE}:knowledge-base/K1", ""),
        ("Retrieve", f"{MINE}:knowledge-base/K2", ""),
        ("GetDocumentContent", f"{MINE}:knowledge-base/K1", "undocumented"),
        ("GetDocumentContent", f"{MINE}:knowledge-base/K2", "undocumented"),
        ("InvokeModelWithResponseStream", f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}", "undocumented"),
    ]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("CreateMarketplaceModelEndpoint", {"endpointConfig": {"sageMaker": {"executionRole": "arn:aws:iam::1:role/r"}}}),
        ("UpdateMarketplaceModelEndpoint", {"endpointConfig": {"sageMaker": {"executionRole": "arn:aws:iam::1:role/r"}}}),
        ("PutModelInvocationLoggingConfiguration", {"loggingConfig": {"cloudWatchConfig": {"roleArn": "arn:aws:iam::1:role/r"}}}),
    ],
)
def test_pass_role_is_required_for_a_role_at_any_depth(name: str, params: dict[str, Any]) -> None:
    """The role may be nested in the parameters."""
    assert ("PassRole", "arn:aws:iam::1:role/r", "") in asked("bedrock", name, params)
