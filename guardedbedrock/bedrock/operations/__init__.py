"""
The table of operations: which IAM actions each requires, where it carries a guardrail, how its reply shows an intervention.

To add an operation, add one row to the table of its service (`runtime`, `control`, `agent_runtime`,
`agent`, `data_automation`) and one test case. The rows of `chat_completions`
belong to an API that boto3 does not have.
Source: Bedrock API Reference, "Actions"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon
Bedrock".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from guardedbedrock.bedrock.operations.agent import AGENT
from guardedbedrock.bedrock.operations.agent_runtime import AGENT_RUNTIME
from guardedbedrock.bedrock.operations.chat_completions import CHAT_COMPLETIONS
from guardedbedrock.bedrock.operations.control import CONTROL
from guardedbedrock.bedrock.operations.data_automation import DATA_AUTOMATION
from guardedbedrock.bedrock.operations.row import Operation, ReplyFormat, RequiredAction, When
from guardedbedrock.bedrock.operations.runtime import RUNTIME, RUNTIME_SERVICE
from guardedbedrock.bedrock.request_paths import OperationPaths

__all__ = [
    "MODEL_CALLING_PATHS",
    "OPERATIONS",
    "REVIEWED",
    "ROWS",
    "RUNTIME_PATHS",
    "RUNTIME_SERVICE",
    "SERVICES",
    "TABLE",
    "Operation",
    "ReplyFormat",
    "RequiredAction",
    "When",
    "find_operation",
]

SERVICES: Final = (
    RUNTIME_SERVICE,
    "bedrock",
    "bedrock-agent-runtime",
    "bedrock-agent",
    "bedrock-data-automation-runtime",
)
"""The boto3 services whose clients are guarded."""

REVIEWED: Final = "1.44.8"
"""The newest botocore whose operations are all in the table."""

TABLE: Final = (*RUNTIME, *CONTROL, *AGENT_RUNTIME, *AGENT, *DATA_AUTOMATION)
"""Every known operation of boto3, in the order of `SERVICES`."""

_ALL: Final = (*TABLE, *CHAT_COMPLETIONS)


class _Rows(dict[tuple[str, str], Operation]):
    """Rows by service and name; a missing row is made on lookup and not stored."""

    def __missing__(self, key: tuple[str, str]) -> Operation:
        service, name = key
        return Operation(
            name,
            service,
            (RequiredAction(name, "unknown"),),
            inference=service == RUNTIME_SERVICE,
            indirect_effects=f"this version of guardedbedrock does not know {name}; its resource type is unknown",
            is_known=False,
        )


ROWS: Final[Mapping[tuple[str, str], Operation]] = _Rows({(row.service, row.name): row for row in _ALL})
"""Rows by service and name, as `find_operation` looks them up."""

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({row.name: row for row in reversed(_ALL)})
"""Every known operation by name; if two services share a name, the service that `SERVICES` lists first wins."""

RUNTIME_PATHS: Final = OperationPaths({row.name: row.path for row in (*RUNTIME, *CHAT_COMPLETIONS)})
"""Finds the operation of ``bedrock-runtime`` that a request reaches."""

MODEL_CALLING_PATHS: Final[Mapping[str, OperationPaths]] = {
    service: OperationPaths({row.name: row.path for row in TABLE if row.service == service and row.path})
    for service in SERVICES
    if service != RUNTIME_SERVICE
}
"""For each other service, finds the operation that calls models, directly or indirectly, and that a request reaches."""


def find_operation(service: str, name: str) -> Operation:
    """
    Return the row of an operation.

    An operation that is not in the table requires the action of the same name on an unknown resource. In ``bedrock-runtime`` it
    also counts as inference without a guardrail location.
    """
    return ROWS[service, name]
