"""
The operations of ``bedrock-runtime``.

Source: Bedrock API Reference, "Amazon Bedrock Runtime"; Bedrock User Guide, "Set up permissions to use guardrails"; Amazon Nova
User Guide, "Web Grounding".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.guardrail.location import IN_BODY, IN_HEADERS, IN_PATH
from guardedbedrock.bedrock.operations.row import Operation, RequiredAction

RUNTIME_SERVICE: Final = "bedrock-runtime"
"""The boto3 service that calls models."""
_INVOKE: Final = (RequiredAction("InvokeModel", "model", ("modelId",)),)
_STREAM: Final = (RequiredAction("InvokeModelWithResponseStream", "model", ("modelId",)),)
_ASYNC: Final = RequiredAction("InvokeModel", "async-invoke", when="undocumented")
_TOOL: Final = RequiredAction("InvokeTool", "system-tool", ("toolConfig.tools[].systemTool.name",), when="if-named")
_TIER: Final = (("bedrock:ServiceTier", "serviceTier"),)
_TIER_TYPE: Final = (("bedrock:ServiceTier", "serviceTier.type"),)


RUNTIME: Final = (
    Operation(
        "Converse",
        RUNTIME_SERVICE,
        (*_INVOKE, _TOOL),
        inference=True,
        location=IN_BODY,
        reply="converse",
        keys=_TIER_TYPE,
        path="POST /model/{modelId}/converse",
    ),
    Operation(
        "ConverseStream",
        RUNTIME_SERVICE,
        (*_STREAM, _TOOL),
        inference=True,
        location=IN_BODY,
        reply="converse-stream",
        keys=_TIER_TYPE,
        path="POST /model/{modelId}/converse-stream",
    ),
    Operation(
        "InvokeModel",
        RUNTIME_SERVICE,
        _INVOKE,
        inference=True,
        location=IN_HEADERS,
        reply="invoke",
        keys=_TIER,
        path="POST /model/{modelId}/invoke",
    ),
    Operation(
        "InvokeModelWithResponseStream",
        RUNTIME_SERVICE,
        _STREAM,
        inference=True,
        location=IN_HEADERS,
        reply="invoke-stream",
        keys=_TIER,
        path="POST /model/{modelId}/invoke-with-response-stream",
    ),
    Operation(
        "InvokeModelWithBidirectionalStream",
        RUNTIME_SERVICE,
        _INVOKE,
        inference=True,
        path="POST /model/{modelId}/invoke-with-bidirectional-stream",
    ),
    Operation(
        "StartAsyncInvoke",
        RUNTIME_SERVICE,
        (*_INVOKE, _ASYNC),
        inference=True,
        tags=(("tags", "async-invoke"),),
        path="POST /async-invoke",
    ),
    Operation(
        "GetAsyncInvoke",
        RUNTIME_SERVICE,
        (RequiredAction("GetAsyncInvoke", "async-invoke", ("invocationArn",)),),
        path="GET /async-invoke/{invocationArn}",
    ),
    Operation("ListAsyncInvokes", RUNTIME_SERVICE, (RequiredAction("ListAsyncInvokes"),), path="GET /async-invoke"),
    Operation(
        "ApplyGuardrail",
        RUNTIME_SERVICE,
        (RequiredAction("ApplyGuardrail", "guardrail", ("guardrailIdentifier",)),),
        location=IN_PATH,
        reply="apply",
        path="POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
    ),
    Operation(
        "InvokeGuardrailChecks", RUNTIME_SERVICE, (RequiredAction("InvokeGuardrailChecks"),), path="POST /guardrail-checks/invoke"
    ),
    Operation(
        "CountTokens",
        RUNTIME_SERVICE,
        (RequiredAction("CountTokens", "counted-model", ("modelId",)),),
        path="POST /model/{modelId}/count-tokens",
    ),
)
