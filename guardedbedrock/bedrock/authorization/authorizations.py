"""
The questions that a call puts to IAM: one `iam.Request` for each action and resource.

Source: Bedrock User Guide, "Set up permissions to use guardrails", "Enforce the use of specific guardrails", "Using
resource-based policies for guardrails", "Permissions for using cross-Region inference with guardrails" and "Control permissions
for API keys"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS, AuthorizationSet, RequiredAuthorization
from guardedbedrock.bedrock.authorization.callers import Caller
from guardedbedrock.bedrock.authorization.condition_keys import ANY_REQUEST_TAG, TAG_KEYS, carries
from guardedbedrock.bedrock.guardrail.approved import Guardrail, identifier_key, to_arn
from guardedbedrock.bedrock.guardrail.location import Params
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN, Inventory
from guardedbedrock.bedrock.resources.models import GUARDRAIL_KEY, REGION_KEY, Resource
from guardedbedrock.bedrock.resources.profiles import guardrail_destinations
from guardedbedrock.bedrock.resources.targets import everything, read, targets
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.matching.arns import account_of

Keys: TypeAlias = Mapping[str, object]
Named: TypeAlias = tuple[str, str | None]

_ANY_TAG: Final = frozenset({"aws:ResourceTag/*"})
_TIER_KEY: Final = "bedrock:ServiceTier"
_TOKEN_KEY: Final = "bedrock:BearerTokenType"  # noqa: S105  # a condition key


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of every question of one call, and what is not."""

    caller: Caller
    known: Keys
    unknown: frozenset[str]

    def also(self, known: Keys | None = None, unknown: frozenset[str] = frozenset()) -> _Told:
        return _Told(self.caller, {**self.known, **(known or {})}, self.unknown | unknown)

    def question(self, action: str, resource: Resource, *, undocumented: bool = False) -> RequiredAuthorization:
        """Ask an action on a resource, with those keys only that the action can carry."""
        account = "" if "resource:account" in resource.unknown else account_of(resource.arn)
        owner = {"aws:ResourceAccount": account} if account else {}
        context = {**self.known, **owner, **resource.context}
        unknown = (self.unknown | resource.unknown) - resource.context.keys()
        if not account:
            unknown |= {"aws:ResourceAccount"}
        if GUARDRAIL_KEY in resource.unknown and GUARDRAIL_KEY not in context and GUARDRAIL_KEY not in self.unknown:
            # Whether AWS sets the key on this authorization too is not documented; without a guardrail it is absent for sure.
            unknown -= {GUARDRAIL_KEY}
        context = {key: value for key, value in context.items() if key not in resource.unknown and carries(action, key)}
        unknown = frozenset(key for key in unknown if carries(action, key))
        present = {key: value for key, value in context.items() if value is not None}
        request = Request(self.caller.principal, action, resource.arn, present, unknown, account or self.caller.account)
        return RequiredAuthorization(request, resource.one_of, undocumented or resource.undocumented)


def authorizations(
    operation: Operation, params: Params, caller: Caller, inventory: Inventory = NOTHING_KNOWN
) -> AuthorizationSet:
    """
    Write out every authorization of a call, at a time that is not known, in the order in which AWS asks them.

    Args:
        operation: A row of `OPERATIONS`.
        params: Parameters as they would be sent, guardrail included.
        caller: Who calls, and from which region.
        inventory: What is known of the resources that the parameters name.

    Raises:
        KeyError: A parameter is missing that names a resource.
    """
    told = _Told(caller, caller.known, caller.unknown | TIME_KEYS)
    named = _guardrail(operation, params, caller)
    if named and operation.inference and caller.vocabulary == "invoke-with-guardrail":
        guarded = told.also({GUARDRAIL_KEY: identifier_key(*named)})
        return AuthorizationSet((guarded.question("bedrock:InvokeModelWithGuardrail", _of_guardrail(named[0], inventory)),))
    parts = (
        _bearing(told),
        _own(operation, params, told, inventory, named),
        _tagging(operation, params, told),
        _applying(operation, told, inventory, named),
    )
    return AuthorizationSet(tuple(question for part in parts for question in part))


def _bearing(told: _Told) -> Iterator[RequiredAuthorization]:
    """A Bedrock API key has to be allowed as such."""
    if told.caller.bearer:
        kind = Resource("*", {_TOKEN_KEY: told.caller.bearer})
        nobody_knows = Resource("*", unknown=frozenset({_TOKEN_KEY}))
        yield told.question("bedrock:CallWithBearerToken", nobody_knows if told.caller.bearer == "unknown" else kind)


def _own(
    operation: Operation, params: Params, told: _Told, inventory: Inventory, named: Named | None
) -> Iterator[RequiredAuthorization]:
    """Ask what the row of the operation says."""
    told = told.also(*_request_keys(operation, params))
    if operation.inference and _TIER_KEY not in told.known:
        told = told.also(unknown=frozenset({_TIER_KEY}))
    if operation.inference and named:
        told = told.also({GUARDRAIL_KEY: identifier_key(*named)})
    elif operation.inference and _enforced(told.caller, inventory):
        # Whether a guardrail that is enforced shows in the key is not documented.
        told = told.also(unknown=frozenset({GUARDRAIL_KEY}))
    for ask in operation.asks:
        hidden = frozenset() if ask.own_guardrail else frozenset({GUARDRAIL_KEY})
        asking = told.also(unknown=hidden)
        for resource in targets(ask, params, told.caller, inventory):
            yield asking.question(resource.action or ask.full, resource, undocumented=ask.when == "perhaps")


def _tagging(operation: Operation, params: Params, told: _Told) -> Iterator[RequiredAuthorization]:
    """Creating something with tags is tagging it; where AWS lists no tags for the action, that is not documented."""
    if told.caller.vocabulary != "aws":
        return
    undocumented = not is_tagging_documented(operation)
    for path, resource_type in operation.tags:
        tags = _tag_keys(read(params, path))
        if tags:
            new = Resource(everything(resource_type, told.caller).arn, unknown=_ANY_TAG)
            yield told.also(tags).question("bedrock:TagResource", new, undocumented=undocumented)


def is_tagging_documented(operation: Operation) -> bool:
    """Say whether AWS documents that an action which is surely asked takes tags."""
    return any(ask.when == "always" and carries(ask.full, TAG_KEYS) for ask in operation.asks)


def _applying(operation: Operation, told: _Told, inventory: Inventory, named: Named | None) -> Iterator[RequiredAuthorization]:
    """Every guardrail that runs has to be allowed: the call's own, then those that are enforced, each with its profile."""
    if not operation.inference:
        shielded = [named[0]] if named else []
        yield from (told.question("bedrock:ApplyGuardrail", one) for arn in shielded for one in _shield(arn, inventory))
        return
    enforced = [guardrail.arn for guardrail in _enforced(told.caller, inventory)]
    for arn in dict.fromkeys([named[0], *enforced] if named else enforced):
        for resource in (_of_guardrail(arn, inventory), *_shield(arn, inventory)):
            yield told.question("bedrock:ApplyGuardrail", resource)


def _enforced(caller: Caller, inventory: Inventory) -> list[Guardrail]:
    return [one for one in inventory.enforced if one.region == caller.region and caller.vocabulary == "aws"]


def _shield(guardrail: str, inventory: Inventory) -> Iterator[Resource]:
    """The guardrail profile in the region that it routes to, one of several; its account is the guardrail's."""
    profile = inventory.profiles.get(guardrail)
    if not profile:
        return
    _, partition, _, region, account, _ = guardrail.split(":", 5)
    name = profile.rpartition("/")[2]
    regions = guardrail_destinations(name, region)
    one_of = f"guardrail-profile/{name} routes to one of {', '.join(regions)}" if regions and len(regions) > 1 else ""
    unknown = frozenset({REGION_KEY}) if regions else frozenset({REGION_KEY, "resource:region"})
    for destination in regions or ("*",):
        yield Resource(
            f"arn:{partition}:bedrock:{destination}:{account}:guardrail-profile/{name}", unknown=unknown, one_of=one_of
        )


def _guardrail(operation: Operation, params: Params, caller: Caller) -> Named | None:
    identifier, version = operation.place.read(params) if operation.place else (None, None)
    if not identifier:
        return None
    return to_arn(identifier, partition=caller.partition, region=caller.region, account=caller.account), version


def _of_guardrail(arn: str, inventory: Inventory) -> Resource:
    known = inventory.tags.get(arn)
    if known is None:
        return Resource(arn, unknown=_ANY_TAG)
    return Resource(arn, {f"aws:ResourceTag/{key}": value for key, value in known.items()})


def _request_keys(operation: Operation, params: Params) -> tuple[Keys, frozenset[str]]:
    """Read the condition keys that the parameters give; of two lists of tags nobody knows which one is the request's."""
    found = {key: value for key, path in operation.keys if isinstance(value := read(params, path), str)}
    lists = [tags for path, _ in operation.tags or (("tags", ""),) if (tags := _tag_keys(read(params, path)))]
    if len(lists) > 1:
        return found, frozenset({ANY_REQUEST_TAG, TAG_KEYS})
    keys = params.get("tagKeys")
    tags = {TAG_KEYS: list(keys)} if keys else lists[0] if lists else {}
    return {**found, **tags}, frozenset()


def _tag_keys(tags: Any) -> Keys:
    """Write tags as condition keys, from either of the two shapes that Bedrock uses."""
    pairs: Mapping[str, str] = tags if isinstance(tags, Mapping) else {tag["key"]: tag.get("value", "") for tag in tags or ()}
    if not pairs:
        return {}
    return {TAG_KEYS: list(pairs), **{f"aws:RequestTag/{key}": value for key, value in pairs.items()}}
