"""
The authorizations of a call: one `iam.Request` for each action and resource.

Source: Bedrock User Guide, "Set up permissions to use guardrails", "Enforce the use of specific guardrails", "Using
resource-based policies for guardrails", "Permissions for using cross-Region inference with guardrails" and "Control permissions
for API keys"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from guardedbedrock.bedrock.actions import APPLY, GUARDRAIL_KEY
from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS, AuthorizationSet, RequiredAuthorization
from guardedbedrock.bedrock.authorization.condition_keys import ANY_REQUEST_TAG, TAG_KEYS, carries
from guardedbedrock.bedrock.caller import Caller, merge_keys
from guardedbedrock.bedrock.guardrail.guardrail import identifier_key, to_arn
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.parameters import Params, read_parameter
from guardedbedrock.bedrock.resources.enforced_guardrails import is_enforced
from guardedbedrock.bedrock.resources.find_resources import any_of_type, find_resources, with_tags
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN, Inventory
from guardedbedrock.bedrock.resources.models import REGION_KEY, Resource
from guardedbedrock.bedrock.resources.profiles import guardrail_destinations
from guardedbedrock.iam.matching.arns import account_of
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.requests import Request

Keys: TypeAlias = Mapping[str, object]
NamedGuardrail: TypeAlias = tuple[str, str | None]
"""ARN and version of the guardrail that a call names."""

_ANY_TAG: Final = frozenset({"aws:ResourceTag/*"})
_TIER_KEY: Final = "bedrock:ServiceTier"
_TOKEN_KEY: Final = "bedrock:BearerTokenType"  # noqa: S105  # a condition key


@dataclass(frozen=True, slots=True)
class _Context:
    """The context keys that the authorizations of one call share: those that are known, and those that are not."""

    caller: Caller
    known: Keys
    unknown: frozenset[str]

    def plus(self, known: Keys | None = None, unknown: frozenset[str] = frozenset()) -> _Context:
        return _Context(self.caller, merge_keys(self.known, known or {}), self.unknown | unknown)

    def require(self, action: str, resource: Resource, *, undocumented: bool = False) -> RequiredAuthorization:
        """Require an action on a resource, with the keys that the authorization of this action can carry."""
        account = "" if "resource:account" in resource.unknown else account_of(resource.arn)
        owner = {"aws:ResourceAccount": account} if account else {}
        context = merge_keys(self.known, owner, resource.context)
        unknown = (self.unknown | resource.unknown) - resource.context.keys()
        hidden = {key.lower() for key in resource.unknown}
        if not account:
            unknown |= {"aws:ResourceAccount"}
        if GUARDRAIL_KEY in resource.unknown and GUARDRAIL_KEY not in context and GUARDRAIL_KEY not in self.unknown:
            # AWS does not document whether it sets the key on this authorization; without a guardrail the key is surely absent.
            unknown -= {GUARDRAIL_KEY}
        context = {key: value for key, value in context.items() if key.lower() not in hidden and carries(action, key)}
        unknown = frozenset(key for key in unknown if carries(action, key))
        present = {key: value for key, value in context.items() if value is not None}
        given = {key.lower() for key in present}
        partly_known = {
            key: patterns
            for key, patterns in self.caller.partly_known.items()
            if key.lower() not in given and carries(action, key)
        }
        request = Request(
            principal=self.caller.principal,
            action=action,
            resource=resource.arn,
            context=present,
            unknown=unknown,
            resource_account=account or self.caller.account,
            partly_known=partly_known,
            # The guard reports the denial of an RCP with the setting `rcp_applies`; the engine decides as if RCPs applied.
            rcp_applies=True,
        )
        return RequiredAuthorization(request, resource.one_of, undocumented or resource.undocumented)


def authorizations(
    operation: Operation, params: Params, caller: Caller, inventory: Inventory = NOTHING_KNOWN
) -> AuthorizationSet:
    """
    Return every authorization of a call, at an unknown time, in the order in which AWS evaluates them.

    Args:
        operation: A row of `OPERATIONS`.
        params: The parameters as they would be sent, with the guardrail.
        caller: The principal and its client.
        inventory: What is known of the resources that the parameters name.

    Raises:
        KeyError: A parameter that names a resource is missing.
    """
    context = _Context(caller, caller.known, caller.unknown | TIME_KEYS)
    guardrails = named_guardrails(operation, params, caller)
    parts = (
        _use_of_api_key(context),
        _required_actions(operation, params, context, inventory, guardrails[0] if guardrails else None),
        _tagging(operation, params, context),
        _use_of_guardrails(operation, params, context, inventory, guardrails),
    )
    return AuthorizationSet(tuple(required for part in parts for required in part))


def named_guardrail(operation: Operation, params: Params, caller: Caller) -> NamedGuardrail | None:
    """Return the ARN and version of the first guardrail that a call names; None if it names none."""
    return next(iter(named_guardrails(operation, params, caller)), None)


def named_guardrails(operation: Operation, params: Params, caller: Caller) -> tuple[NamedGuardrail, ...]:
    """Return the ARN and version of every guardrail that a call names, each once."""
    where = {"partition": caller.partition, "region": caller.region, "account": caller.account}
    named = [(to_arn(identifier, **where), version) for identifier, version in operation.guardrail_refs(params) if identifier]
    return tuple(dict.fromkeys(named))


def guardrail_authorization(
    action: str, guardrail: NamedGuardrail, caller: Caller, inventory: Inventory
) -> RequiredAuthorization:
    """Return the authorization of an action on a guardrail, with ``bedrock:GuardrailIdentifier``."""
    known = merge_keys(caller.known, {GUARDRAIL_KEY: identifier_key(*guardrail)})
    context = _Context(caller, known, caller.unknown | TIME_KEYS)
    return context.require(action, with_tags(guardrail[0], "guardrail", inventory))


def is_tagging_documented(operation: Operation) -> bool:
    """Return whether AWS documents that an action which the operation always requires supports tags."""
    return any(required.when == "always" and carries(required.iam_action, TAG_KEYS) for required in operation.required_actions)


def _use_of_api_key(context: _Context) -> Iterator[RequiredAuthorization]:
    """Require the use of a Bedrock API key, if the client has one."""
    kind = context.caller.bearer
    if kind:
        known = Resource("*", {_TOKEN_KEY: kind})
        yield context.require(
            "bedrock:CallWithBearerToken", Resource("*", unknown=frozenset({_TOKEN_KEY})) if kind == "unknown" else known
        )


def _required_actions(
    operation: Operation, params: Params, context: _Context, inventory: Inventory, guardrail: NamedGuardrail | None
) -> Iterator[RequiredAuthorization]:
    """Require the actions of the operation's row."""
    context = context.plus(*_request_keys(operation, params))
    if operation.inference and _TIER_KEY.lower() not in {key.lower() for key in context.known}:
        context = context.plus(unknown=frozenset({_TIER_KEY}))
    if operation.inference and guardrail:
        context = context.plus({GUARDRAIL_KEY: identifier_key(*guardrail)})
    elif operation.inference and any(_enforced(operation, params, context.caller, inventory)):
        # AWS does not document whether the key shows a guardrail that the account enforces.
        context = context.plus(unknown=frozenset({GUARDRAIL_KEY}))
    for required in operation.required_actions:
        own = context if required.carries_guardrail else context.plus(unknown=frozenset({GUARDRAIL_KEY}))
        for resource in find_resources(required, params, context.caller, inventory):
            action = resource.action or required.iam_action
            yield own.require(action, resource, undocumented=required.when == "undocumented")


def _tagging(operation: Operation, params: Params, context: _Context) -> Iterator[RequiredAuthorization]:
    """Require ``bedrock:TagResource`` for a resource that is created with tags."""
    undocumented = not is_tagging_documented(operation)
    for path, resource_type in operation.tags:
        tags = _tag_keys(read_parameter(params, path))
        if tags:
            created = any_of_type(resource_type, context.caller)
            created = replace(created, unknown=created.unknown | _ANY_TAG)
            yield context.plus(tags).require("bedrock:TagResource", created, undocumented=undocumented)


def _use_of_guardrails(
    operation: Operation, params: Params, context: _Context, inventory: Inventory, guardrails: tuple[NamedGuardrail, ...]
) -> Iterator[RequiredAuthorization]:
    """Require ``bedrock:ApplyGuardrail`` on every guardrail that runs: the call's own, then the enforced ones, with profiles."""
    if operation.configures_inference:
        return  # the service role applies the guardrail
    if not operation.inference:
        for resource in _guardrail_profile(guardrails[0][0], inventory) if guardrails else ():
            yield context.require(APPLY, resource)
        return
    certain: dict[str, Truth] = {arn: True for arn, _ in guardrails}
    for arn, is_certain in _enforced(operation, params, context.caller, inventory):
        certain[arn] = certain.get(arn) or is_certain
    for arn, is_certain in certain.items():
        for resource in (with_tags(arn, "guardrail", inventory), *_guardrail_profile(arn, inventory)):
            yield context.require(APPLY, resource, undocumented=not is_certain)


def _enforced(operation: Operation, params: Params, caller: Caller, inventory: Inventory) -> Iterator[tuple[str, Truth]]:
    """Yield each guardrail that is enforced on a call, and whether that is certain; None if it is not."""
    for guardrail in inventory.enforced:
        if guardrail.region == caller.region:
            answer = is_enforced(guardrail, operation.model(params), inventory)
            if answer is not False:
                yield guardrail.arn, answer


def _guardrail_profile(guardrail: str, inventory: Inventory) -> Iterator[Resource]:
    """Return the guardrail profile in one of the regions that it routes to; its account is the account of the guardrail."""
    profile = inventory.profiles.get(guardrail)
    if not profile:
        return
    _, partition, _, region, account, _ = guardrail.split(":", 5)
    name = profile.rpartition("/")[2]
    regions = guardrail_destinations(name, region)
    one_of = f"guardrail-profile/{name} routes to one of {', '.join(regions)}" if regions and len(regions) > 1 else ""
    unknown = frozenset({REGION_KEY}) if regions else frozenset({REGION_KEY, "resource:region"})
    for destination in regions or ("*",):
        arn = f"arn:{partition}:bedrock:{destination}:{account}:guardrail-profile/{name}"
        yield Resource(arn, unknown=unknown, one_of=one_of)


def _request_keys(operation: Operation, params: Params) -> tuple[Keys, frozenset[str]]:
    """Return the condition keys that the parameters set: those that are known, and those that are not."""
    found = {key: value for key, path in operation.keys if isinstance(value := read_parameter(params, path), str)}
    lists = [tags for path, _ in operation.tags or (("tags", ""),) if (tags := _tag_keys(read_parameter(params, path)))]
    if len(lists) > 1:  # AWS does not document which of two lists of tags sets the keys of the request
        return found, frozenset({ANY_REQUEST_TAG, TAG_KEYS})
    keys = params.get("tagKeys")
    tags = {TAG_KEYS: list(keys)} if keys else lists[0] if lists else {}
    return {**found, **tags}, frozenset()


def _tag_keys(tags: Any) -> Keys:
    """Return the condition keys of tags, from either of the two shapes that Bedrock uses."""
    pairs: Mapping[str, str] = tags if isinstance(tags, Mapping) else {tag["key"]: tag.get("value", "") for tag in tags or ()}
    if not pairs:
        return {}
    return {TAG_KEYS: list(pairs), **{f"aws:RequestTag/{key}": value for key, value in pairs.items()}}
