"""The operations on executions of flows. An execution is running until a Get has returned it once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.agents.agents_and_flows.versions import identifier_of
from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.wire import ApiParams

_RUNNING: Final = "Running"
_SUMMARY: Final = ("executionArn", "flowIdentifier", "flowAliasIdentifier", "flowVersion", "status", "createdAt", "endedAt")
_SHOWN: Final = ("executionArn", "flowIdentifier", "flowAliasIdentifier", "flowVersion", "status", "startedAt", "endedAt")


class FlowExecutions:
    """
    The executions of all flows.

    Args:
        prefix: ARN of the region and account, up to the type of the resource.
        find_version: Returns the version of a flow that an alias routes to, or raises ``ResourceNotFoundException``.
    """

    def __init__(self, prefix: str, find_version: Callable[[str, str], ApiParams]) -> None:
        self._prefix, self._find_version, self._numbers = prefix, find_version, count(1)
        self._executions: dict[str, ApiParams] = {}

    def start(self, params: ApiParams, output: str) -> ApiParams:
        """
        Start an execution.

        Args:
            params: Parameters of the request.
            output: The output of the flow.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        flow, alias = identifier_of(params["flowIdentifier"]), identifier_of(params["flowAliasIdentifier"])
        name = params.get("flowExecutionName") or f"execution-{next(self._numbers)}"
        arn, now = f"{self._prefix}flow/{flow}/alias/{alias}/execution/{name}", datetime.now(UTC)
        if arn in self._executions:
            raise conflict(f"An execution with the name {name} already exists.")
        version = self._find_version(flow, alias)
        self._executions[arn] = {
            "executionArn": arn,
            "flowIdentifier": flow,
            "flowAliasIdentifier": alias,
            "flowVersion": version["version"],
            "status": _RUNNING,
            "createdAt": now,
            "startedAt": now,
            "inputs": params["inputs"],
            "output": output,
            "flow": version,
        }
        return {"executionArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return an execution. The next call returns it as succeeded."""
        execution = self._find(params)
        shown: ApiParams = {name: execution[name] for name in _SHOWN if name in execution}
        if execution["status"] == _RUNNING:
            execution |= {"status": "Succeeded", "endedAt": datetime.now(UTC)}
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return the executions of a flow, or of one alias, the latest first."""
        flow, alias = identifier_of(params["flowIdentifier"]), identifier_of(params.get("flowAliasIdentifier", ""))
        found = [each for each in self._executions.values() if each["flowIdentifier"] == flow]
        found = [each for each in found if alias in {"", each["flowAliasIdentifier"]}][::-1]
        return page("flowExecutionSummaries", [{name: each[name] for name in _SUMMARY if name in each} for each in found], params)

    def stop(self, params: ApiParams) -> ApiParams:
        """
        Stop an execution.

        Raises:
            ServiceError: ``ConflictException`` (409) for an execution that has ended.
        """
        execution = self._find(params)
        if execution["status"] != _RUNNING:
            raise conflict(f"The execution has the status {execution['status']} and cannot be stopped.")
        execution |= {"status": "Aborted", "endedAt": datetime.now(UTC)}
        return {"executionArn": execution["executionArn"], "status": "Aborted"}

    def list_events(self, params: ApiParams) -> ApiParams:
        """Return the input of a flow and its output, as events of the flow or of its nodes."""
        execution = self._find(params)
        kind = params["eventType"].lower()
        given = [(each["nodeName"], each["content"]["document"], execution["startedAt"]) for each in execution["inputs"]]
        events = [_event(f"{kind}InputEvent", *each) for each in given]
        if "endedAt" in execution and execution["status"] != "Aborted":
            events.append(_event(f"{kind}OutputEvent", _output_node(execution), execution["output"], execution["endedAt"]))
        return page("flowExecutionEvents", events, params)

    def snapshot(self, params: ApiParams) -> ApiParams:
        """Return the definition of the flow at the start of an execution."""
        execution = self._find(params)
        flow = execution["flow"]
        return {
            "definition": json.dumps(flow.get("definition", {})),
            "executionRoleArn": flow["executionRoleArn"],
            **{name: execution[name] for name in ("flowIdentifier", "flowAliasIdentifier", "flowVersion")},
        }

    def _find(self, params: ApiParams) -> ApiParams:
        flow, alias = identifier_of(params["flowIdentifier"]), identifier_of(params["flowAliasIdentifier"])
        name = identifier_of(params["executionIdentifier"])
        arn = f"{self._prefix}flow/{flow}/alias/{alias}/execution/{name}"
        if arn not in self._executions:
            raise not_found(f"Execution {name} of flow {flow} does not exist.")
        return self._executions[arn]


def _event(name: str, node: str, document: object, at: datetime) -> ApiParams:
    return {name: {"nodeName": node, "fields": [{"name": "document", "content": {"document": document}}], "timestamp": at}}


def _output_node(execution: ApiParams) -> str:
    nodes = execution["flow"].get("definition", {}).get("nodes", ())
    return next((node["name"] for node in nodes if node["type"] == "Output"), "Output")
