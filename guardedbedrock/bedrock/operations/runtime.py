"""
The operations of ``bedrock-runtime``.

Source: Bedrock API Reference, "Amazon Bedrock Runtime"; Bedrock User Guide, "Set up permissions to use guardrails"; Amazon Nova
User Guide, "Web Grounding".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.guardrail.location import IN_BODY, IN_HEADERS, IN_PATH
from guardedbedrock.bedrock.operations.rows import Ask, Operation

_SERVICE: Final = "bedrock-runtime"
_INVOKE: Final = (Ask("InvokeModel", "model", ("modelId",)),)
_STREAM: Final = (Ask("InvokeModelWithResponseStream", "model", ("modelId",)),)
_ASYNC: Final = Ask("InvokeModel", "async-invoke", when="perhaps")
_TOOL: Final = Ask("InvokeTool", "system-tool", ("toolConfig.tools[].systemTool.name",), when="given")
_TIER: Final = (("bedrock:ServiceTier", "serviceTier"),)
_TIER_TYPE: Final = (("bedrock:ServiceTier", "serviceTier.type"),)


def _inference(name: str, asks: tuple[Ask, ...], **more: object) -> Operation:
    return Operation(name, _SERVICE, asks, inference=True, **more)  # type: ignore[arg-type]


RUNTIME: Final = (
    _inference("Converse", (*_INVOKE, _TOOL), place=IN_BODY, reply="converse", keys=_TIER_TYPE),
    _inference("ConverseStream", (*_STREAM, _TOOL), place=IN_BODY, reply="converse-stream", keys=_TIER_TYPE),
    _inference("InvokeModel", _INVOKE, place=IN_HEADERS, reply="invoke", keys=_TIER),
    _inference("InvokeModelWithResponseStream", _STREAM, place=IN_HEADERS, reply="invoke-stream", keys=_TIER),
    _inference("InvokeModelWithBidirectionalStream", _INVOKE),
    _inference("StartAsyncInvoke", (*_INVOKE, _ASYNC), tags=(("tags", "async-invoke"),)),
    Operation("GetAsyncInvoke", _SERVICE, (Ask("GetAsyncInvoke", "async-invoke", ("invocationArn",)),)),
    Operation("ListAsyncInvokes", _SERVICE, (Ask("ListAsyncInvokes"),)),
    Operation(
        "ApplyGuardrail", _SERVICE, (Ask("ApplyGuardrail", "guardrail", ("guardrailIdentifier",)),), place=IN_PATH, reply="apply"
    ),
    Operation("InvokeGuardrailChecks", _SERVICE, (Ask("InvokeGuardrailChecks"),)),
    Operation("CountTokens", _SERVICE, (Ask("CountTokens", "counted-model", ("modelId",)),)),
)
