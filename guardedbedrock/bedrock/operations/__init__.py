"""
Every operation, one row each: what it asks of IAM, where a guardrail sits, how its reply shows an intervention.

A new operation is one row here and one case. Source: Bedrock API Reference, "Actions"; Service Authorization Reference,
"Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from guardedbedrock.bedrock.operations.agents import AGENTS
from guardedbedrock.bedrock.operations.control import CONTROL
from guardedbedrock.bedrock.operations.rows import Ask, Operation, Reply, When
from guardedbedrock.bedrock.operations.runtime import RUNTIME
from guardedbedrock.bedrock.operations.unpublished import UNPUBLISHED
from guardedbedrock.bedrock.request_paths import OperationPaths

__all__ = ["OPERATIONS", "REVIEWED", "ROWS", "RUNTIME_PATHS", "SERVICES", "TABLE", "Ask", "Operation", "Reply", "When", "find"]

SERVICES: Final = ("bedrock-runtime", "bedrock", "bedrock-agent-runtime")
"""The boto3 services whose clients are guarded."""

REVIEWED: Final = "1.44.8"
"""The newest botocore whose operations the table has, every one."""

TABLE: Final = (*RUNTIME, *CONTROL, *UNPUBLISHED, *AGENTS)
"""Every known operation, in the order of `SERVICES`."""


class _Rows(dict[tuple[str, str], Operation]):
    """Rows by service and name; one that the table has not is made up when it is asked for, and not kept."""

    def __missing__(self, key: tuple[str, str]) -> Operation:
        service, name = key
        indirect_effects = f"this version of guardedbedrock does not know {name}, so that nobody knows what it is asked on"
        return Operation(
            name,
            service,
            (Ask(name, "somewhere"),),
            inference=service == SERVICES[0],
            indirect_effects=indirect_effects,
            listed=False,
        )


ROWS: Final[Mapping[tuple[str, str], Operation]] = _Rows({(row.service, row.name): row for row in TABLE})
"""What `find` looks up, by service and name."""

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({row.name: row for row in reversed(TABLE)})
"""Every known operation by its name; of a name that two services have, the earlier one of `SERVICES`."""


RUNTIME_PATHS: Final = OperationPaths({row.name: row.path for row in RUNTIME})
"""Finds the operation of ``bedrock-runtime`` that a request reaches."""


def find(service: str, name: str) -> Operation:
    """
    Give the row of an operation.

    One that the table has not is inference without a place for a guardrail where it is of ``bedrock-runtime``; elsewhere it asks
    the action of its own name, on nobody knows what.
    """
    return ROWS[service, name]
