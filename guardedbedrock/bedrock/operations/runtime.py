"""
The operations of ``bedrock-runtime``.

Source: Bedrock API Reference, "Amazon Bedrock Runtime"; Bedrock User Guide, "Set up permissions to use guardrails"; Amazon Nova
User Guide, "Web Grounding".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.guardrail.location import IN_BODY, IN_HEADERS, IN_PATH
from guardedbedrock.bedrock.operations.row import Operation, RequiredAction

_SERVICE: Final = "bedrock-runtime"
_INVOKE: Final = (RequiredAction("InvokeModel", "model", ("modelId",)),)
_STREAM: Final = (RequiredAction("InvokeModelWithResponseStream", "model", ("modelId",)),)
_ASYNC: Final = RequiredAction("InvokeModel", "async-invoke", when="undocumented")
_TOOL: Final = RequiredAction("InvokeTool", "system-tool", ("toolConfig.tools[].systemTool.name",), when="if-named")
_TIER: Final = (("bedrock:ServiceTier", "serviceTier"),)
_TIER_TYPE: Final = (("bedrock:ServiceTier", "serviceTier.type"),)


RUNTIME: Final = (
    Operation(
        "Converse",
        _SERVICE,
        (*_INVOKE, _TOOL),
        inference=True,
        location=IN_BODY,
        reply="converse",
        keys=_TIER_TYPE,
        path="POST /model/{modelId}/converse",
    ),
    Operation(
        "ConverseStream",
        _SERVICE,
        (*_STREAM, _TOOL),
        inference=True,
        location=IN_BODY,
        reply="converse-stream",
        keys=_TIER_TYPE,
        path="POST /model/{modelId}/converse-stream",
    ),
    Operation(
        "InvokeModel",
        _SERVICE,
        _INVOKE,
        inference=True,
        location=IN_HEADERS,
        reply="invoke",
        keys=_TIER,
        path="POST /model/{modelId}/invoke",
    ),
    Operation(
        "InvokeModelWithResponseStream",
        _SERVICE,
        _STREAM,
        inference=True,
        location=IN_HEADERS,
        reply="invoke-stream",
        keys=_TIER,
        path="POST /model/{modelId}/invoke-with-response-stream",
    ),
    Operation(
        "InvokeModelWithBidirectionalStream",
        _SERVICE,
        _INVOKE,
        inference=True,
        path="POST /model/{modelId}/invoke-with-bidirectional-stream",
    ),
    Operation(
        "StartAsyncInvoke",
        _SERVICE,
        (*_INVOKE, _ASYNC),
        inference=True,
        tags=(("tags", "async-invoke"),),
        path="POST /async-invoke",
    ),
    Operation(
        "GetAsyncInvoke",
        _SERVICE,
        (RequiredAction("GetAsyncInvoke", "async-invoke", ("invocationArn",)),),
        path="GET /async-invoke/{invocationArn}",
    ),
    Operation("ListAsyncInvokes", _SERVICE, (RequiredAction("ListAsyncInvokes"),), path="GET /async-invoke"),
    Operation(
        "ApplyGuardrail",
        _SERVICE,
        (RequiredAction("ApplyGuardrail", "guardrail", ("guardrailIdentifier",)),),
        location=IN_PATH,
        reply="apply",
        path="POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
    ),
    Operation(
        "InvokeGuardrailChecks", _SERVICE, (RequiredAction("InvokeGuardrailChecks"),), path="POST /guardrail-checks/invoke"
    ),
    Operation(
        "CountTokens",
        _SERVICE,
        (RequiredAction("CountTokens", "counted-model", ("modelId",)),),
        path="POST /model/{modelId}/count-tokens",
    ),
)
