"""
The tables of operations, resource types and condition keys against the data that AWS publishes.

`service_authorization.json` and `operation_actions.json` contain what AWS publishes. Every difference is listed in
`known_differences.json` with its reason, and an entry that is no longer a difference must be removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock.bedrock.authorization.authorizations import authorizations
from guardedbedrock.bedrock.authorization.condition_keys import CARRIED
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.operations import TABLE, Operation, RequiredAction
from guardedbedrock.bedrock.resources.find_resources import find_resources
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN
from guardedbedrock.bedrock.resources.resource_types import RESOURCE_TYPES, is_taggable

DATA: Final = Path(__file__).parents[1] / "data"
REFERENCE: Final = Path(__file__).parents[2] / "guardedbedrock" / "bedrock" / "reference" / "service_authorization.json"
PUBLISHED: Final = json.loads(REFERENCE.read_text("utf-8"))
ACTIONS: Final[dict[str, Any]] = {f"bedrock:{name}": action for name, action in PUBLISHED["actions"].items()}
NO_ACTION: Final[dict[str, Any]] = {"types": [], "keys": []}
TYPES: Final[dict[str, Any]] = PUBLISHED["resourceTypes"]
OF_OPERATION: Final = json.loads((DATA / "operation_actions.json").read_text("utf-8"))["operations"]
KNOWN: Final = {
    what: {difference: group["reason"] for group in groups for difference in group["differences"]}
    for what, groups in json.loads((DATA / "known_differences.json").read_text("utf-8")).items()
}
"""Kind of difference to the known differences, each with its reason."""
CALLER: Final = Caller("arn:aws:iam::111122223333:user/ada", "us-east-1")

INVOKED: Final = {
    "application-inference-profile": "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc",
    "bedrock-marketplace-model-endpoint": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/abc",
    "custom-model-deployment": "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/abc",
    "default-prompt-router": "arn:aws:bedrock:us-east-1:111122223333:default-prompt-router/abc",
    "foundation-model": "amazon.nova-lite-v1:0",
    "imported-model": "arn:aws:bedrock:us-east-1:111122223333:imported-model/abc",
    "inference-profile": "us.amazon.nova-lite-v1:0",
    "prompt-router": "arn:aws:bedrock:us-east-1:111122223333:prompt-router/abc",
    "provisioned-model": "arn:aws:bedrock:us-east-1:111122223333:provisioned-model/abc",
}
"""Resource types that invoking a model is authorized on, each with an identifier of that type."""
REACHED: Final = {
    "arn": frozenset(TYPES),
    "automated-reasoning-policy": frozenset({"automated-reasoning-policy-version"}),
    "base-model": frozenset({*INVOKED, "custom-model"}),
    "counted-model": frozenset({"foundation-model"}),
    "inference-profile": frozenset({"application-inference-profile"}),
    "model": frozenset(INVOKED),
    "prompt-router": frozenset({"default-prompt-router"}),
}
"""Resource types that a parameter may name in addition to `RequiredAction.resource_type`, or instead of it."""
BESIDE: Final = (
    ("bedrock:ApplyGuardrail", "guardrail-profile"),
    ("bedrock:CallWithBearerToken", ""),
    ("bedrock:RenderPrompt", "prompt"),
    ("bedrock:RenderPrompt", "prompt-version"),
    *(("bedrock:TagResource", resource_type) for row in TABLE for _, resource_type in row.tags),
)
"""Actions that no row lists, each with a resource type: those of guardrails, API keys, prompts and tags."""


def asked_on(ask: RequiredAction) -> frozenset[str]:
    """Return the resource types of a required action; of those that a parameter may name, the ones that AWS lists."""
    named = REACHED.get(ask.resource_type, frozenset())
    return named & types_of(ask.iam_action) | ({ask.resource_type} & TYPES.keys())


def types_of(action: str) -> frozenset[str]:
    """Return the resource types that AWS lists for an action."""
    return frozenset(name.rstrip("*") for name in ACTIONS.get(action, NO_ACTION)["types"])


def asked() -> dict[str, set[str]]:
    """Return every Bedrock action that an operation requires, with its resource types."""
    found: dict[str, set[str]] = {}
    asks = ((ask.iam_action, name) for row in TABLE for ask in row.required_actions for name in asked_on(ask) or {""})
    for action, resource_type in (*asks, *BESIDE):
        if action.startswith("bedrock:"):
            found.setdefault(action, set()).update({resource_type} - {""})
    return found


def actions_of(row: Operation) -> set[str]:
    """Return the actions that an operation requires by its row, its tags and its guardrail."""
    tagging = {"bedrock:TagResource"} if row.tags else set()
    guarding = {"bedrock:ApplyGuardrail"} if row.location is not None and not row.configures_inference else set()
    return {ask.iam_action for ask in row.required_actions} | tagging | guarding


def unpublished() -> Iterator[str]:
    """Yield the required actions that AWS does not list."""
    yield from asked().keys() - ACTIONS.keys()


def differing_actions() -> Iterator[str]:
    """Yield the operations whose actions differ from those that AWS lists."""
    for row in TABLE:
        published = set(OF_OPERATION.get(row.service, {}).get(row.name, [f"bedrock:{row.name}"]))
        yield from (f"{row.name} requires {action}" for action in actions_of(row) - published)
        yield from (f"{row.name} does not require {action}" for action in published - actions_of(row))


def differing_resources() -> Iterator[str]:
    """Yield the actions whose resource types differ from those that AWS lists, and the types without an action."""
    for action, types in asked().items():
        yield from (f"{action} is required on {name}" for name in types - types_of(action))
        yield from (f"{action} is not required on {name}" for name in types_of(action) - types)
    yield from (f"no action is required on {name}" for name in TYPES.keys() - set().union(*asked().values()))


def differing_keys() -> Iterator[str]:
    """Yield the actions whose condition keys differ from those that AWS lists."""
    every = ACTIONS.keys() | asked().keys()
    yield from (f"{action} is not an action" for action in CARRIED if action.startswith("bedrock:") and action not in every)
    for action in asked().keys() | (CARRIED.keys() & ACTIONS.keys()):
        published = {key.replace("${TagKey}", "*") for key in ACTIONS.get(action, NO_ACTION)["keys"]}
        carried = CARRIED.get(action, frozenset())
        yield from (f"{action} carries {key}" for key in carried - published)
        yield from (f"{action} does not carry {key}" for key in published - carried)


def differing_tags() -> Iterator[str]:
    """Yield the operations that take tags although AWS lists no tag keys for the action, and vice versa."""
    for row in TABLE:
        listed = "aws:TagKeys" in ACTIONS.get(f"bedrock:{row.name}", NO_ACTION)["keys"]
        if bool(row.tags) != listed:
            yield f"{row.name} {'takes tags' if row.tags else 'takes none'}"


DIFFERING: Final = {
    "unpublished": unpublished,
    "actions": differing_actions,
    "resources": differing_resources,
    "keys": differing_keys,
    "tags": differing_tags,
}


@pytest.mark.parametrize("what", DIFFERING)
def test_differences_from_the_service_authorization_reference_are_listed(what: str) -> None:
    """Review each new difference, and remove each one that is gone."""
    assert sorted(set(DIFFERING[what]())) == sorted(KNOWN[what])


def test_every_known_difference_has_a_reason() -> None:
    """A difference without an explanation is a mistake."""
    assert KNOWN.keys() == DIFFERING.keys()
    assert [name for differences in KNOWN.values() for name, reason in differences.items() if not reason.endswith(".")] == []


def test_aws_lists_no_dependent_actions() -> None:
    """If AWS lists dependent actions, the table must require them too."""
    assert {name: action["dependent"] for name, action in ACTIONS.items() if action["dependent"]} == {}


@pytest.mark.parametrize("name", TYPES)
def test_resource_types_have_the_arn_format_of_aws(name: str) -> None:
    """The format is compared up to the name of the resource."""
    head, _, _ = TYPES[name]["arn"].partition("/")
    placeholders = {"${Partition}": "{partition}", "${Region}": "{region}", "${Account}": "{account}"}
    for placeholder, written in placeholders.items():
        head = head.replace(placeholder, written)

    assert RESOURCE_TYPES[name].partition("/")[0] == head
    assert TYPES[name]["arn"].partition("/")[2].startswith(RESOURCE_TYPES[name].partition("/")[2])


@pytest.mark.parametrize("name", ["agent-alias", "flow-alias", "flow-execution"])
def test_multipart_names_have_the_arn_format_of_aws(name: str) -> None:
    """Each part is at its position in the template."""
    parts = [part.partition("}")[0] for part in TYPES[name]["arn"].split("/", 1)[1].split("${")[1:]]
    written = TYPES[name]["arn"].replace("${Partition}", "aws").replace("${Region}", "us-east-1")
    written = written.replace("${Account}", "111122223333").replace("${", "").replace("}", "")

    (resource,) = find_resources(
        RequiredAction("GetIt", name, tuple(parts)), {part: part for part in parts}, CALLER, NOTHING_KNOWN
    )

    assert resource.arn == written


def test_resource_types_and_their_tagging_match_aws() -> None:
    """The taggable types match too."""
    assert RESOURCE_TYPES.keys() == TYPES.keys()
    assert {name for name in TYPES if is_taggable(name)} == {name for name, each in TYPES.items() if each["taggable"]}


@pytest.mark.parametrize("name", INVOKED)
def test_every_kind_of_model_is_authorized_on_its_resource_type(name: str) -> None:
    """This verifies the models in `REACHED`."""
    row = next(row for row in TABLE if row.name == "Converse")
    questions = authorizations(row, {"modelId": INVOKED[name]}, CALLER)
    prefix = RESOURCE_TYPES[name].format(partition="aws", region="us-east-1", account="111122223333")

    assert [one.resource for one in questions.requests if one.resource.startswith(prefix)] != []


@pytest.mark.parametrize("row", [row for row in TABLE if row.tags], ids=lambda row: row.name)
def test_resources_created_with_tags_are_taggable(row: Operation) -> None:
    """TagResource supports the type of the tagged resource, except for known differences."""
    known = {name.rpartition(" ")[2] for name in KNOWN["resources"] if name.startswith("bedrock:TagResource is required on ")}

    assert {resource_type for _, resource_type in row.tags} - types_of("bedrock:TagResource") <= known
