"""
Every operation, one row each: what it asks of IAM, where a guardrail sits, how its reply shows an intervention.

A new operation is one row here and one case. Source: Bedrock API Reference, "Actions"; Service Authorization Reference,
"Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from guardedbedrock.bedrock.placement import IN_BODY, IN_HEADERS, IN_PATH, Place

Target: TypeAlias = Literal["model", "foundation-model", "guardrail", "guardrails", "tagged", "async-invoke", "any"]
"""What an action is asked on; `guardedbedrock.bedrock.authorizations` turns it into ARNs."""

Reply: TypeAlias = Literal["converse", "converse-stream", "invoke", "invoke-stream", "apply", ""]
"""Where a reply shows an intervention; ``""`` where it shows none."""

Asks: TypeAlias = tuple[tuple[str, Target], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation.

    Args:
        name: As the API spells it.
        service: The boto3 service.
        asks: Actions, without the prefix ``bedrock:``, each with what it is asked on.
        inference: A model answers, so a guardrail has to be there.
        place: Where a guardrail sits; None when the operation has no place for one.
        reply: Where the reply shows an intervention.
        tagging: The parameters may carry tags, which are asked as ``bedrock:TagResource`` too.
    """

    name: str
    service: str
    asks: Asks
    inference: bool = False
    place: Place | None = None
    reply: Reply = ""
    tagging: bool = False

    @property
    def streams(self) -> bool:
        """Whether the reply is an event stream."""
        return self.reply.endswith("-stream")


def _rows() -> tuple[Operation, ...]:
    runtime, control = "bedrock-runtime", "bedrock"
    invoke: Asks = (("InvokeModel", "model"),)
    stream: Asks = (("InvokeModelWithResponseStream", "model"),)
    return (
        Operation("Converse", runtime, invoke, inference=True, place=IN_BODY, reply="converse"),
        Operation("ConverseStream", runtime, stream, inference=True, place=IN_BODY, reply="converse-stream"),
        Operation("InvokeModel", runtime, invoke, inference=True, place=IN_HEADERS, reply="invoke"),
        Operation("InvokeModelWithResponseStream", runtime, stream, inference=True, place=IN_HEADERS, reply="invoke-stream"),
        Operation("InvokeModelWithBidirectionalStream", runtime, invoke, inference=True),
        Operation("StartAsyncInvoke", runtime, invoke, inference=True),
        Operation("GetAsyncInvoke", runtime, (("GetAsyncInvoke", "async-invoke"),)),
        Operation("ListAsyncInvokes", runtime, (("ListAsyncInvokes", "any"),)),
        Operation("ApplyGuardrail", runtime, (("ApplyGuardrail", "guardrail"),), place=IN_PATH, reply="apply"),
        Operation("InvokeGuardrailChecks", runtime, (("InvokeGuardrailChecks", "any"),)),
        Operation("CountTokens", runtime, (("CountTokens", "foundation-model"),)),
        Operation("CreateGuardrail", control, (("CreateGuardrail", "guardrails"),), tagging=True),
        Operation("CreateGuardrailVersion", control, (("CreateGuardrailVersion", "guardrail"),)),
        Operation("DeleteGuardrail", control, (("DeleteGuardrail", "guardrail"),)),
        Operation("GetGuardrail", control, (("GetGuardrail", "guardrail"),)),
        Operation("ListGuardrails", control, (("ListGuardrails", "any"),)),
        Operation("ListTagsForResource", control, (("ListTagsForResource", "tagged"),)),
        Operation("TagResource", control, (("TagResource", "tagged"),)),
        Operation("UntagResource", control, (("UntagResource", "tagged"),)),
        Operation("UpdateGuardrail", control, (("UpdateGuardrail", "guardrail"),)),
    )


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({row.name: row for row in _rows()})
"""Every known operation by its name."""
