"""From what a row of the table says and the parameters of a call to the resources that are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from guardedbedrock.bedrock.authorization.callers import Caller
from guardedbedrock.bedrock.guardrail.location import Params
from guardedbedrock.bedrock.operations import Ask
from guardedbedrock.bedrock.resources.inventory import Inventory
from guardedbedrock.bedrock.resources.models import REGION_KEY, Resource, foundation_model, kind_of, resources
from guardedbedrock.bedrock.resources.types import RESOURCE_TYPES, arn_of, is_taggable, name_in

_ANY_TAG: Final = frozenset({"aws:ResourceTag/*"})
_UNKNOWN_NAME: Final = frozenset({"resource:id"})
_GROUNDING: Final = "nova_grounding"
_PARTED: Final[Mapping[str, tuple[str, ...]]] = {
    "agent-alias": ("", "/"),
    "flow-alias": ("", "/alias/"),
    "flow-execution": ("", "/alias/", "/execution/"),
}
"""What stands between the parts of a name that has several."""

Naming: TypeAlias = Callable[[Ask, str, Caller, Inventory], tuple[Resource, ...]]


def targets(ask: Ask, params: Params, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """
    Name the resources that an action is asked on.

    Raises:
        KeyError: A parameter is missing that names one.
    """
    if not ask.named:
        return _unnamed(ask.on, caller) if ask.when != "either" else _or_all(ask, _unnamed(ask.on, caller))
    if ask.on in _PARTED:
        return _parted(ask, params, caller)
    given = read(params, ask.named[0])
    if given is None:
        return _unnamed("any", caller) if ask.when == "either" else _missing(ask, caller)
    naming, names = _NAMING.get(ask.on, _named), given if isinstance(given, list) else [given]
    found = tuple(one for name in names for one in naming(ask, name, caller, inventory))
    if ask.when == "either":
        return _or_all(ask, found)
    return found or _nameless(ask, caller)


def _or_all(ask: Ask, found: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """AWS asks it on what was found or on ``*``, and does not say which."""
    return tuple(replace(one, one_of=f"{ask.action} is asked on one resource or on all") for one in (*found, Resource("*")))


def _missing(ask: Ask, caller: Caller) -> tuple[Resource, ...]:
    """A parameter at the top level that is always there has to be there; botocore refuses a call without it."""
    if ask.when == "always" and ask.named[0].isidentifier():
        raise KeyError(ask.named[0])
    return _nameless(ask, caller)


def _nameless(ask: Ask, caller: Caller) -> tuple[Resource, ...]:
    """What is always asked is asked on something, though no parameter names it."""
    return _unnamed("somewhere", caller) if ask.when == "always" else ()


def read(params: Params, path: str) -> Any:
    """
    Read a parameter by its path; None where it is not given.

    >>> read({"models": [{"modelArn": "a"}, {"modelArn": "b"}]}, "models[].modelArn")
    ['a', 'b']
    """
    value: Any = params
    head, each, rest = path.partition("[]")
    for key in head.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if not each or value is None:
        return value
    found = [read(item, rest[1:]) if rest else item for item in value]
    return [one for one in found if one is not None]


def everything(resource_type: str, caller: Caller) -> Resource:
    """Name all resources of a type, which is what creating one is asked on."""
    name = "all-access" if resource_type == "bedrock-marketplace-model-endpoint" else "*"
    return Resource(arn_of(resource_type, name, caller))


def _unnamed(on: str, caller: Caller) -> tuple[Resource, ...]:
    if on == "somewhere":
        return tuple(_somewhere(caller))
    return (Resource("*") if on == "any" else everything(on, caller),)


def _somewhere(caller: Caller) -> Iterator[Resource]:
    """What an operation is asked on that nobody has looked at: on ``*``, or on a resource of the service."""
    one_of = "nobody knows on which resource this is asked"
    yield Resource("*", one_of=one_of)
    unknown = frozenset({"resource:region", "resource:account", "resource:id", *_ANY_TAG, "aws:RequestTag/*", "aws:TagKeys"})
    yield Resource(f"arn:{caller.partition}:bedrock:*:*:*", unknown=unknown, one_of=one_of)


def _named(ask: Ask, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    arn = arn_of(ask.on, name, caller)
    if ask.loose and not name.startswith("arn:"):
        return (Resource(arn_of(ask.on, "*", caller), unknown=_ANY_TAG | _UNKNOWN_NAME),)
    return (_with_tags(arn, ask.on, inventory),)


def _with_tags(arn: str, resource_type: str, inventory: Inventory) -> Resource:
    known = inventory.tags.get(arn)
    if known is not None:
        return Resource(arn, {f"aws:ResourceTag/{key}": value for key, value in known.items()})
    return Resource(arn, unknown=_ANY_TAG if is_taggable(resource_type) else frozenset())


def _parted(ask: Ask, params: Params, caller: Caller) -> tuple[Resource, ...]:
    if ask.when == "perhaps" and not params.keys() >= set(ask.named):
        return ()
    names = [params[path] for path in ask.named]
    unknown = _ANY_TAG if is_taggable(ask.on) else frozenset()
    if names[-1].startswith("arn:"):
        return (Resource(names[-1], unknown=unknown),)
    name = "".join(between + name_in(each) for between, each in zip(_PARTED[ask.on], names, strict=True))
    return (Resource(arn_of(ask.on, name, caller), unknown=unknown),)


def _by_arn(_ask: Ask, name: str, _caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    return (_with_tags(name, "", inventory),)


def _model(_ask: Ask, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    return resources(name, caller, inventory)


def _base_model(_ask: Ask, name: str, caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    """The model or the profile that is named, and nothing behind it."""
    kind = kind_of(name)
    if name.startswith("arn:") or kind:
        arn = arn_of(kind, name, caller) if kind in RESOURCE_TYPES else name
        return (Resource(arn, unknown=_ANY_TAG if is_taggable(kind) else frozenset()),)
    unknown = _UNKNOWN_NAME | _ANY_TAG | {"resource:account"}
    return (Resource(f"arn:{caller.partition}:bedrock:{caller.region}:*:*", unknown=unknown),)


def _counted_model(_ask: Ask, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """CountTokens knows foundation models only: of a profile, the models behind it."""
    behind = tuple(one for one in resources(name, caller, inventory) if ":foundation-model/" in one.arn)
    return behind or (Resource(foundation_model(caller, "*"), unknown=_UNKNOWN_NAME),)


def _profile(ask: Ask, name: str, caller: Caller, inventory: Inventory) -> tuple[Resource, ...]:
    """An ID with a dot is a system-defined profile's, one without an application profile's."""
    kind = ask.on if "." in name else "application-inference-profile"
    return (_with_tags(arn_of(kind, name, caller), kind, inventory),)


def _role(_ask: Ask, name: str, _caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    context = {"iam:PassedToService": "bedrock.amazonaws.com"}
    return (Resource(name, context, frozenset({"iam:AssociatedResourceArn", *_ANY_TAG})),)


def _system_tool(ask: Ask, name: str, caller: Caller, _inventory: Inventory) -> tuple[Resource, ...]:
    """A tool that the service runs itself, in no region; of how their ARNs follow from their names one is documented."""
    known = f"amazon.{name}" if name == _GROUNDING else "*"
    unknown = _UNKNOWN_NAME | {REGION_KEY} if known == "*" else frozenset()
    return (Resource(arn_of(ask.on, known, caller), {} if unknown else {REGION_KEY: "unspecified"}, unknown),)


_NAMING: Final[Mapping[str, Naming]] = {
    "arn": _by_arn,
    "base-model": _base_model,
    "counted-model": _counted_model,
    "inference-profile": _profile,
    "model": _model,
    "role": _role,
    "system-tool": _system_tool,
}
