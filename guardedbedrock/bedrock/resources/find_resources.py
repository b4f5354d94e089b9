"""Find the resources of a required action in the parameters of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.operations import RequiredAction
from guardedbedrock.bedrock.parameters import Params, read_parameter
from guardedbedrock.bedrock.resources.inventory import Inventory
from guardedbedrock.bedrock.resources.models import REGION_KEY, Resource, kind_of, resources, some_model
from guardedbedrock.bedrock.resources.resource_types import RESOURCE_TYPES, arn_of, is_taggable, name_in

_ANY_TAG: Final = frozenset({"aws:ResourceTag/*"})
_UNKNOWN_NAME: Final = frozenset({"resource:id"})
_GROUNDING: Final = "nova_grounding"
_PART_SEPARATORS: Final[Mapping[str, tuple[str, ...]]] = {
    "agent-alias": ("", "/"),
    "flow-alias": ("", "/alias/"),
    "flow-execution": ("", "/alias/", "/execution/"),
    "prompt-version": ("", ":"),
}
"""Separators before each part of a name that has several parts."""

Naming: TypeAlias = Callable[[RequiredAction, str, Caller, Inventory], tuple[Resource, ...]]


def find_resources(required: RequiredAction, params: Params, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """
    Return the resources that AWS authorizes a required action on.

    Raises:
        KeyError: A parameter that names a resource is missing.
    """
    if not required.parameters:
        unnamed = _unnamed(required.resource_type, caller)
        return _one_or_all(required, unnamed) if required.when == "either" else unnamed
    if required.resource_type in _PART_SEPARATORS:
        return _multipart(required, params, caller)
    given = read_parameter(params, required.parameters[0])
    if given is None:
        return _unnamed("any", caller) if required.when == "either" else _without_parameter(required, caller)
    naming, names = _NAMING.get(required.resource_type, _named), given if isinstance(given, list) else [given]
    found = tuple(one for name in names for one in naming(required, name, caller, inventory))
    if required.when == "either":
        return _one_or_all(required, found)
    return found or _without_name(required, caller)


def _one_or_all(required: RequiredAction, found: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """AWS authorizes the action on one of these resources or on ``*``; it does not document which."""
    return tuple(
        replace(one, one_of=f"AWS authorizes {required.action} on one resource or on all") for one in (*found, Resource("*"))
    )


def _without_parameter(required: RequiredAction, caller: Caller) -> tuple[Resource, ...]:
    """Require a parameter at the top level that is always present; botocore rejects a call without it."""
    if required.when == "always" and required.parameters[0].isidentifier():
        raise KeyError(required.parameters[0])
    return _without_name(required, caller)


def _without_name(required: RequiredAction, caller: Caller) -> tuple[Resource, ...]:
    """Return the resource of an action that is always required although no parameter names the resource."""
    return _unnamed("unknown", caller) if required.when == "always" else ()


def any_of_type(resource_type: str, caller: Caller) -> Resource:
    """Return the ARN pattern of all resources of a type: the resource of an action that creates one."""
    if resource_type == "unknown":
        anything = f"arn:{caller.partition}:bedrock:{caller.region}:{caller.account}:*"
        return Resource(anything, unknown=_UNKNOWN_NAME)
    name = "all-access" if resource_type == "bedrock-marketplace-model-endpoint" else "*"
    return Resource(arn_of(resource_type, name, caller))


def _unnamed(on: str, caller: Caller) -> tuple[Resource, ...]:
    if on == "unknown":
        return tuple(_unknown_resource(caller))
    return (Resource("*") if on == "any" else any_of_type(on, caller),)


def _unknown_resource(caller: Caller) -> Iterator[Resource]:
    """Yield the candidates for an action whose resource type is unknown: ``*``, or any resource of the service."""
    one_of = "the resource type of this action is unknown"
    yield Resource("*", one_of=one_of)
    unknown = frozenset({"resource:region", "resource:account", "resource:id", *_ANY_TAG, "aws:RequestTag/*", "aws:TagKeys"})
    yield Resource(f"arn:{caller.partition}:bedrock:*:*:*", unknown=unknown, one_of=one_of)


def _named(required: RequiredAction, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    arn = arn_of(required.resource_type, name, caller)
    if required.accepts_names and not name.startswith("arn:"):
        return (Resource(arn_of(required.resource_type, "*", caller), unknown=_ANY_TAG | _UNKNOWN_NAME),)
    return (with_tags(arn, required.resource_type, inventory),)


def with_tags(arn: str, resource_type: str, inventory: Inventory) -> Resource:
    """Return a resource with its tags; if they are unknown, with unknown tags if AWS can tag the type."""
    known = inventory.tags.get(arn)
    if known is not None:
        return Resource(arn, {f"aws:ResourceTag/{key}": value for key, value in known.items()})
    return Resource(arn, unknown=_ANY_TAG if is_taggable(resource_type) else frozenset())


def _multipart(required: RequiredAction, params: Params, caller: Caller) -> tuple[Resource, ...]:
    if required.when == "undocumented" and not params.keys() >= set(required.parameters):
        return ()
    names = [params[path] for path in required.parameters]
    unknown = _ANY_TAG if is_taggable(required.resource_type) else frozenset()
    if names[-1].startswith("arn:"):
        return (Resource(names[-1], unknown=unknown),)
    name = "".join(between + name_in(each) for between, each in zip(_PART_SEPARATORS[required.resource_type], names, strict=True))
    return (Resource(arn_of(required.resource_type, name, caller), unknown=unknown),)


def _by_arn(_required: RequiredAction, name: str, _caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    return (with_tags(name, "", inventory),)


def _model(_required: RequiredAction, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    return resources(name, caller, inventory)


def _base_model(_required: RequiredAction, name: str, caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    """Return the named model or profile itself, without the models that it resolves to."""
    kind = kind_of(name)
    if name.startswith("arn:") or kind:
        arn = arn_of(kind, name, caller) if kind in RESOURCE_TYPES else name
        return (Resource(arn, unknown=_ANY_TAG if is_taggable(kind) else frozenset()),)
    unknown = _UNKNOWN_NAME | _ANY_TAG | {"resource:account"}
    return (Resource(f"arn:{caller.partition}:bedrock:{caller.region}:*:*", unknown=unknown),)


def _counted_model(_required: RequiredAction, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """CountTokens is authorized on foundation models only; a profile resolves to its models."""
    models = tuple(one for one in resources(name, caller, inventory) if ":foundation-model/" in one.arn)
    return models or (some_model(caller),)


def _profile(required: RequiredAction, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """Return a system-defined profile if the ID has a dot, else an application profile."""
    kind = required.resource_type if "." in name else "application-inference-profile"
    return (with_tags(arn_of(kind, name, caller), kind, inventory),)


def _role(_required: RequiredAction, name: str, _caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    context = {"iam:PassedToService": "bedrock.amazonaws.com"}
    return (Resource(name, context, frozenset({"iam:AssociatedResourceArn", *_ANY_TAG})),)


def _system_tool(required: RequiredAction, name: str, caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    """Return the ARN of a tool that the service runs; AWS documents how one tool name maps to an ARN."""
    known = f"amazon.{name}" if name == _GROUNDING else "*"
    unknown = _UNKNOWN_NAME | {REGION_KEY} if known == "*" else frozenset()
    return (Resource(arn_of(required.resource_type, known, caller), {} if unknown else {REGION_KEY: "unspecified"}, unknown),)


_NAMING: Final[Mapping[str, Naming]] = {
    "arn": _by_arn,
    "base-model": _base_model,
    "counted-model": _counted_model,
    "inference-profile": _profile,
    "model": _model,
    "role": _role,
    "system-tool": _system_tool,
}
