"""
The questions that a call puts to IAM: one `iam.Request` for each action and resource, all of which must be allowed.

Source: Bedrock User Guide, "Set up permissions to use guardrails" and "Enforce the use of specific guardrails"; Service
Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from guardedbedrock.bedrock.callers import Caller
from guardedbedrock.bedrock.guardrails import identifier_key, to_arn
from guardedbedrock.bedrock.models import Resource, foundation_model, resources
from guardedbedrock.bedrock.operations import Operation, Target
from guardedbedrock.bedrock.placement import Params
from guardedbedrock.iam.requests import Request

GuardrailTags = Mapping[str, Mapping[str, str]]
"""Guardrail ARN to its resource tags; an ARN that is not here has tags that nobody fetched."""

TIME_KEYS: Final = frozenset({"aws:CurrentTime", "aws:EpochTime"})
GUARDRAIL_KEY: Final = "bedrock:GuardrailIdentifier"
_NO_TAGS: Final[GuardrailTags] = {}
_UNKNOWN_TAGS: Final = frozenset({"aws:ResourceTag/*"})
_UNKNOWN_TIER: Final = frozenset({"bedrock:ServiceTier"})


def authorizations(
    operation: Operation,
    params: Params,
    caller: Caller,
    *,
    guardrail_tags: GuardrailTags = _NO_TAGS,
    now: datetime | None = None,
) -> tuple[Request, ...]:
    """
    Write out every authorization of a call, in the order in which AWS asks them.

    Args:
        operation: A row of `OPERATIONS`.
        params: Parameters as they would be sent, guardrail included.
        caller: Who calls, and from which region.
        guardrail_tags: Resource tags of guardrails, by ARN.
        now: For ``aws:CurrentTime`` and ``aws:EpochTime``; None leaves both unknown.
    """
    known = {**caller.known, **_request_tags(params)}
    requests = tuple(_requests(operation, params, caller, known, guardrail_tags))
    return at(requests, now) if now else requests


def at(requests: Iterable[Request], now: datetime) -> tuple[Request, ...]:
    """Ask the same at a known time."""
    moment = now.astimezone(UTC)
    time = {"aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": str(int(moment.timestamp()))}
    return tuple(
        replace(request, context={**request.context, **time}, unknown=frozenset(request.unknown) - TIME_KEYS)
        for request in requests
    )


def _requests(
    operation: Operation, params: Params, caller: Caller, known: dict[str, object], tags: GuardrailTags
) -> Iterator[Request]:
    unknown = caller.unknown | TIME_KEYS
    named = _guardrail(operation, params, caller)
    if named and operation.inference:
        if caller.vocabulary == "invoke-with-guardrail":
            told = {**known, GUARDRAIL_KEY: identifier_key(*named)}
            yield _request("InvokeModelWithGuardrail", _of_guardrail(named[0], tags), caller, told, unknown)
            return
        known = {**known, GUARDRAIL_KEY: identifier_key(*named)}
    if operation.inference:
        unknown = unknown | _UNKNOWN_TIER
    for action, target in operation.asks:
        for resource in _TARGETS[target](params, caller, tags):
            yield _request(action, resource, caller, known, unknown)
    if operation.tagging and "aws:TagKeys" in known and caller.vocabulary == "aws":
        yield _request("TagResource", _guardrails(params, caller, tags)[0], caller, known, unknown)
    if named and operation.inference:
        untold = {key: value for key, value in known.items() if key != GUARDRAIL_KEY}
        yield _request("ApplyGuardrail", _of_guardrail(named[0], tags), caller, untold, unknown)


def _request(action: str, resource: Resource, caller: Caller, known: Mapping[str, object], unknown: frozenset[str]) -> Request:
    context = {**known, **resource.context}
    open_keys = unknown | resource.unknown
    if resource.unknown and GUARDRAIL_KEY in resource.unknown:
        # Whether AWS sets the key on this authorization too is not documented; without a guardrail it is absent for sure.
        open_keys = open_keys if context.pop(GUARDRAIL_KEY, None) else open_keys - {GUARDRAIL_KEY}
    if resource.unknown and "aws:RequestedRegion" in resource.unknown:
        context.pop("aws:RequestedRegion", None)
    account = None if ":foundation-model/" in resource.arn else resource.arn.split(":", 5)[4] if resource.arn != "*" else None
    return Request(caller.principal, f"bedrock:{action}", resource.arn, context, open_keys, account or caller.account)


def _guardrail(operation: Operation, params: Params, caller: Caller) -> tuple[str, str | None] | None:
    identifier, version = operation.place.read(params) if operation.place else (None, None)
    if not identifier:
        return None
    return to_arn(identifier, partition=caller.partition, region=caller.region, account=caller.account), version


def _request_tags(params: Params) -> dict[str, object]:
    """Read the tags that a request carries, in either of the two shapes that Bedrock uses."""
    tags = params.get("tags") or ()
    pairs: dict[str, str] = tags if isinstance(tags, dict) else {tag["key"]: tag.get("value", "") for tag in tags}
    keys = list(pairs) + list(params.get("tagKeys") or ())
    if not keys:
        return {}
    return {"aws:TagKeys": keys, **{f"aws:RequestTag/{key}": value for key, value in pairs.items()}}


def _of_guardrail(arn: str, tags: GuardrailTags) -> Resource:
    known = tags.get(arn)
    if known is None:
        return Resource(arn, unknown=_UNKNOWN_TAGS)
    return Resource(arn, {f"aws:ResourceTag/{key}": value for key, value in known.items()})


def _model(params: Params, caller: Caller, _tags: GuardrailTags) -> tuple[Resource, ...]:
    return resources(params["modelId"], caller)


def _foundation_model(params: Params, caller: Caller, tags: GuardrailTags) -> tuple[Resource, ...]:
    """CountTokens knows foundation models only: of a profile, the models behind it."""
    behind = [resource for resource in _model(params, caller, tags) if ":foundation-model/" in resource.arn]
    return tuple(behind) or (Resource(foundation_model(caller, "*"), unknown=frozenset({"resource:id"})),)


def _one_guardrail(params: Params, caller: Caller, tags: GuardrailTags) -> tuple[Resource, ...]:
    place: dict[str, Any] = {"partition": caller.partition, "region": caller.region, "account": caller.account}
    return (_of_guardrail(to_arn(params["guardrailIdentifier"], **place), tags),)


def _guardrails(_params: Params, caller: Caller, _tags: GuardrailTags) -> tuple[Resource, ...]:
    return (Resource(to_arn("*", partition=caller.partition, region=caller.region, account=caller.account)),)


def _tagged(params: Params, _caller: Caller, tags: GuardrailTags) -> tuple[Resource, ...]:
    return (_of_guardrail(params["resourceARN"], tags),)


def _async_invoke(params: Params, _caller: Caller, _tags: GuardrailTags) -> tuple[Resource, ...]:
    return (Resource(params["invocationArn"], unknown=_UNKNOWN_TAGS),)


def _any(_params: Params, _caller: Caller, _tags: GuardrailTags) -> tuple[Resource, ...]:
    return (Resource("*"),)


_TARGETS: Final[Mapping[Target, Callable[[Params, Caller, GuardrailTags], tuple[Resource, ...]]]] = {
    "any": _any,
    "async-invoke": _async_invoke,
    "foundation-model": _foundation_model,
    "guardrail": _one_guardrail,
    "guardrails": _guardrails,
    "model": _model,
    "tagged": _tagged,
}
