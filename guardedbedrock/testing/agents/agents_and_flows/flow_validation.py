"""ValidateFlowDefinition: the problems of a flow that its nodes and connections show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import ApiParams

_ENDS: Final = (("Input", "MissingStartingNodes", "missingStartingNodes"), ("Output", "MissingEndingNodes", "missingEndingNodes"))


def validate_flow(params: ApiParams) -> ApiParams:
    """
    Return the problems of a flow.

    It reports missing input and output nodes, connections of unknown nodes, duplicate connections, and nodes that no connection
    leads to. It does not check expressions and types.
    """
    definition = params["definition"]
    return {"validations": list(_problems(definition.get("nodes", []), definition.get("connections", [])))}


def _problems(nodes: list[ApiParams], connections: list[ApiParams]) -> Iterator[ApiParams]:
    for kind, problem, member in _ENDS:
        if all(node["type"] != kind for node in nodes):
            yield _problem(problem, member, f"The flow has no {kind.lower()} node.")
    names = {node["name"] for node in nodes}
    seen: set[tuple[str, str, str]] = set()
    for connection in connections:
        name, source, target = connection["name"], connection["source"], connection["target"]
        if source not in names:
            text = f"The connection {name} begins at the unknown node {source}."
            yield _problem("UnknownConnectionSource", "unknownConnectionSource", text, connection=name)
        if target not in names:
            text = f"The connection {name} ends at the unknown node {target}."
            yield _problem("UnknownConnectionTarget", "unknownConnectionTarget", text, connection=name)
        key = source, target, repr(sorted(connection.get("configuration", {}).items()))
        if key in seen:
            text = f"The nodes {source} and {target} are connected twice."
            yield _problem("DuplicateConnections", "duplicateConnections", text, source=source, target=target)
        seen.add(key)
    reached = {connection["target"] for connection in connections}
    for node in nodes:
        if node["type"] != "Input" and node["name"] not in reached:
            yield _problem("UnreachableNode", "unreachableNode", f"No connection leads to {node['name']}.", node=node["name"])


def _problem(kind: str, member: str, message: str, **details: Any) -> ApiParams:
    return {"message": message, "severity": "Error", "type": kind, "details": {member: details}}
