"""Every member of botocore's Bedrock models that is named like a guardrail: a location of the table, or a known exception."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import botocore.session
import pytest
from harness.installed import MISSING

from guardedbedrock.bedrock.operations import TABLE, Operation

INSTALLED: Final = [row for row in TABLE if (row.service, row.name) not in MISSING]
_SESSION: Final = botocore.session.Session()
SERVICES: Final = tuple(name for name in _SESSION.get_available_services() if name.startswith("bedrock"))

_MANAGES: Final = "names the guardrail that the call manages"
_TIMING: Final = "sets how often a stream is evaluated, and names no guardrail"
_CHECKS: Final = "checks a definition and calls no model"
EXCEPTIONS: Final[dict[tuple[str, str, str], str]] = {
    ("bedrock", "CreateGuardrail", "crossRegionConfig.guardrailProfileIdentifier"): _MANAGES,
    ("bedrock", "CreateGuardrailVersion", "guardrailIdentifier"): _MANAGES,
    ("bedrock", "DeleteGuardrail", "guardrailIdentifier"): _MANAGES,
    ("bedrock", "DeleteGuardrail", "guardrailVersion"): _MANAGES,
    ("bedrock", "GetGuardrail", "guardrailIdentifier"): _MANAGES,
    ("bedrock", "GetGuardrail", "guardrailVersion"): _MANAGES,
    ("bedrock", "ListGuardrails", "guardrailIdentifier"): _MANAGES,
    ("bedrock", "PutEnforcedGuardrailConfiguration", "guardrailInferenceConfig"): _MANAGES,
    ("bedrock", "UpdateGuardrail", "crossRegionConfig.guardrailProfileIdentifier"): _MANAGES,
    ("bedrock", "UpdateGuardrail", "guardrailIdentifier"): _MANAGES,
    ("bedrock-agent", "ValidateFlowDefinition", "definition.nodes[].configuration.knowledgeBase.guardrailConfiguration"): _CHECKS,
    ("bedrock-agent", "ValidateFlowDefinition", "definition.nodes[].configuration.prompt.guardrailConfiguration"): _CHECKS,
    ("bedrock-agent-runtime", "InvokeAgent", "streamingConfigurations.applyGuardrailInterval"): _TIMING,
    ("bedrock-agent-runtime", "InvokeInlineAgent", "streamingConfigurations.applyGuardrailInterval"): _TIMING,
}
"""Service, operation and path of each member that is no guardrail location, with the reason."""


def guardrail_members(shape: Any, path: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every member whose name contains ``guardrail``; a shape within itself is walked once."""
    if shape is None or shape.name in above:
        return
    within = (*above, shape.name)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            if "guardrail" in name.lower():
                yield here
            else:
                yield from guardrail_members(member, here, within)
    elif shape.type_name == "list":
        yield from guardrail_members(shape.member, f"{path}[]", within)
    elif shape.type_name == "map":
        yield from guardrail_members(shape.value, f"{path}{{}}", within)


def members_of(service: str) -> set[tuple[str, str, str]]:
    """Return service, operation and path of every such member of a service."""
    model = _SESSION.get_service_model(service)
    return {
        (service, name, path)
        for name in model.operation_names
        for path in guardrail_members(model.operation_model(name).input_shape)
    }


def located(row: Operation) -> set[tuple[str, str, str]]:
    """Return the members in the guardrail location of a row."""
    if row.location is None:
        return set()
    own = (row.location.identifier, row.location.version)
    paths = [path.replace("?", "") for path in row.location.paths]
    return {(row.service, row.name, member) for path in paths for member in ([path] if path else own)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_member_named_like_a_guardrail_is_in_the_table_or_an_exception(service: str) -> None:
    """Add a new member to the location of its operation, or here with a reason."""
    known = {member for row in TABLE if row.service == service for member in located(row)}

    assert members_of(service) - known - EXCEPTIONS.keys() == set()


def test_every_location_and_every_exception_is_a_member_of_botocore() -> None:
    """A location that botocore does not have would never hold a guardrail."""
    every = {member for service in SERVICES for member in members_of(service)}
    known = {member for row in INSTALLED for member in located(row)}

    assert (known | EXCEPTIONS.keys()) - every == set()


@pytest.mark.parametrize("row", [row for row in INSTALLED if row.location and row.location.models], ids=lambda row: row.name)
def test_every_model_path_of_a_location_is_a_member(row: Operation) -> None:
    """A path that does not exist would choose the guardrail of every model."""
    assert row.location is not None
    shape = _SESSION.get_service_model(row.service).operation_model(row.name).input_shape

    for path in row.location.models:
        found = shape
        for key in path.replace("?", "").replace("[]", ".[]").split("."):
            found = found.member if key == "[]" else found.members[key]
        assert found.type_name == "string"
