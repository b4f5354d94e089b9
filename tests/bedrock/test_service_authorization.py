"""
The tables of operations, resource types and condition keys against what AWS publishes of them.

`service_authorization.json` and `operation_actions.json` hold what AWS publishes. Every difference stands in
`known_differences.json` with its reason, and one that is no difference any more has to leave that file.
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
PUBLISHED: Final = json.loads((DATA / "service_authorization.json").read_text("utf-8"))
ACTIONS: Final[dict[str, Any]] = {f"bedrock:{name}": action for name, action in PUBLISHED["actions"].items()}
NO_ACTION: Final[dict[str, Any]] = {"types": [], "keys": []}
TYPES: Final[dict[str, Any]] = PUBLISHED["resourceTypes"]
OF_OPERATION: Final = json.loads((DATA / "operation_actions.json").read_text("utf-8"))["operations"]
KNOWN: Final[dict[str, dict[str, str]]] = json.loads((DATA / "known_differences.json").read_text("utf-8"))
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
"""Each resource type that invoking a model is asked on, with an identifier that names one."""
REACHED: Final = {
    "arn": frozenset(TYPES),
    "automated-reasoning-policy": frozenset({"automated-reasoning-policy-version"}),
    "base-model": frozenset({*INVOKED, "custom-model"}),
    "counted-model": frozenset({"foundation-model"}),
    "inference-profile": frozenset({"application-inference-profile"}),
    "model": frozenset(INVOKED),
    "prompt-router": frozenset({"default-prompt-router"}),
}
"""Types that a parameter may name beside, or in place of, the one that an `RequiredAction.on` is called."""
BESIDE: Final = (
    ("bedrock:ApplyGuardrail", "guardrail-profile"),
    ("bedrock:CallWithBearerToken", ""),
    ("bedrock:RenderPrompt", "prompt"),
    ("bedrock:RenderPrompt", "prompt-version"),
    *(("bedrock:TagResource", resource_type) for row in TABLE for _, resource_type in row.tags),
)
"""Actions that no row names, each with a resource type: of guardrails, API keys, prompts and tags."""


def asked_on(ask: RequiredAction) -> frozenset[str]:
    """Say which resource types an action of a row is asked on; of those that a parameter may name, the ones that AWS lists."""
    named = REACHED.get(ask.resource_type, frozenset())
    return named & types_of(ask.iam_action) | ({ask.resource_type} & TYPES.keys())


def types_of(action: str) -> frozenset[str]:
    """Say which resource types AWS lists for an action."""
    return frozenset(name.rstrip("*") for name in ACTIONS.get(action, NO_ACTION)["types"])


def asked() -> dict[str, set[str]]:
    """Give every action of Bedrock that is asked of anything, with the resource types it is asked on."""
    found: dict[str, set[str]] = {}
    asks = ((ask.iam_action, name) for row in TABLE for ask in row.required_actions for name in asked_on(ask) or {""})
    for action, resource_type in (*asks, *BESIDE):
        if action.startswith("bedrock:"):
            found.setdefault(action, set()).update({resource_type} - {""})
    return found


def actions_of(row: Operation) -> set[str]:
    """Give the actions that an operation asks by its row, its tags and its guardrail."""
    tagging = {"bedrock:TagResource"} if row.tags else set()
    guarding = {"bedrock:ApplyGuardrail"} if row.location is not None else set()
    return {ask.iam_action for ask in row.required_actions} | tagging | guarding


def unpublished() -> Iterator[str]:
    """Say which action of Bedrock is asked that AWS does not list."""
    yield from asked().keys() - ACTIONS.keys()


def differing_actions() -> Iterator[str]:
    """Say which operation asks another set of actions than AWS says."""
    for row in TABLE:
        published = set(OF_OPERATION.get(row.service, {}).get(row.name, [f"bedrock:{row.name}"]))
        yield from (f"{row.name} asks {action}" for action in actions_of(row) - published)
        yield from (f"{row.name} does not ask {action}" for action in published - actions_of(row))


def differing_resources() -> Iterator[str]:
    """Say which action is asked on another set of resource types than AWS says, and which type nothing is asked on."""
    for action, types in asked().items():
        yield from (f"{action} is asked on {name}" for name in types - types_of(action))
        yield from (f"{action} is not asked on {name}" for name in types_of(action) - types)
    yield from (f"nothing is asked on {name}" for name in TYPES.keys() - set().union(*asked().values()))


def differing_keys() -> Iterator[str]:
    """Say which action carries other condition keys than AWS says."""
    every = ACTIONS.keys() | asked().keys()
    yield from (f"{action} is no action" for action in CARRIED if action.startswith("bedrock:") and action not in every)
    for action in asked().keys() | (CARRIED.keys() & ACTIONS.keys()):
        published = {key.replace("${TagKey}", "*") for key in ACTIONS.get(action, NO_ACTION)["keys"]}
        carried = CARRIED.get(action, frozenset())
        yield from (f"{action} carries {key}" for key in carried - published)
        yield from (f"{action} does not carry {key}" for key in published - carried)


def differing_tags() -> Iterator[str]:
    """Say which operation takes tags where AWS lists none for its action, and the other way round."""
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
def test_what_differs_from_what_aws_publishes_is_known(what: str) -> None:
    """A difference that is not in the file has to be looked at, and one that is gone has to leave it."""
    assert sorted(set(DIFFERING[what]())) == sorted(KNOWN[what])


def test_a_known_difference_has_a_reason() -> None:
    """A difference that nobody can explain is a mistake."""
    assert KNOWN.keys() == DIFFERING.keys()
    assert [name for differences in KNOWN.values() for name, reason in differences.items() if not reason.endswith(".")] == []


def test_no_action_depends_on_another() -> None:
    """If AWS comes to list dependent actions, somebody has to ask them too."""
    assert {name: action["dependent"] for name, action in ACTIONS.items() if action["dependent"]} == {}


@pytest.mark.parametrize("name", TYPES)
def test_an_arn_is_written_as_aws_writes_it(name: str) -> None:
    """Up to the name of the resource, with the caller's partition, region and account."""
    head, _, _ = TYPES[name]["arn"].partition("/")
    places = {"${Partition}": "{partition}", "${Region}": "{region}", "${Account}": "{account}"}
    for place, written in places.items():
        head = head.replace(place, written)

    assert RESOURCE_TYPES[name].partition("/")[0] == head
    assert TYPES[name]["arn"].partition("/")[2].startswith(RESOURCE_TYPES[name].partition("/")[2])


@pytest.mark.parametrize("name", ["agent-alias", "flow-alias", "flow-execution"])
def test_a_name_of_several_parts_is_put_together_as_aws_does(name: str) -> None:
    """Each part stands where the template has it."""
    parts = [part.partition("}")[0] for part in TYPES[name]["arn"].split("/", 1)[1].split("${")[1:]]
    written = TYPES[name]["arn"].replace("${Partition}", "aws").replace("${Region}", "us-east-1")
    written = written.replace("${Account}", "111122223333").replace("${", "").replace("}", "")

    (resource,) = find_resources(
        RequiredAction("GetIt", name, tuple(parts)), {part: part for part in parts}, CALLER, NOTHING_KNOWN
    )

    assert resource.arn == written


def test_the_resource_types_are_those_of_aws() -> None:
    """With the same ones that can carry tags."""
    assert RESOURCE_TYPES.keys() == TYPES.keys()
    assert {name for name in TYPES if is_taggable(name)} == {name for name, each in TYPES.items() if each["taggable"]}


@pytest.mark.parametrize("name", INVOKED)
def test_a_model_of_every_kind_is_asked_on_its_type(name: str) -> None:
    """What `REACHED` says of models holds."""
    row = next(row for row in TABLE if row.name == "Converse")
    questions = authorizations(row, {"modelId": INVOKED[name]}, CALLER)
    prefix = RESOURCE_TYPES[name].format(partition="aws", region="us-east-1", account="111122223333")

    assert [one.resource for one in questions.requests if one.resource.startswith(prefix)] != []


@pytest.mark.parametrize("row", [row for row in TABLE if row.tags], ids=lambda row: row.name)
def test_what_is_created_with_tags_can_be_tagged(row: Operation) -> None:
    """The tags are put on a type that TagResource knows, but for what is known to differ."""
    known = {name.rpartition(" ")[2] for name in KNOWN["resources"] if name.startswith("bedrock:TagResource is asked on ")}

    assert {resource_type for _, resource_type in row.tags} - types_of("bedrock:TagResource") <= known
