"""
Model identifiers, and the resources that a call with one is authorized on.

Each resource is a separate authorization, and all must be allowed. What the identifier does not tell (the region a profile
routes to, the model behind an application profile) is named among the unknown and never guessed.
Source: Bedrock User Guide, "Prerequisites for inference profiles" and "Global cross-Region inference"; Service Authorization
Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from guardedbedrock.bedrock.callers import Caller
from guardedbedrock.iam.arns import split

GEOGRAPHIES: Final = frozenset({"apac", "au", "ca", "eu", "jp", "sa", "uk", "us", "us-gov"})
"""First labels of system-defined inference profiles that route within a geography."""

_PROFILE_KEY: Final = "bedrock:InferenceProfileArn"
_GUARDRAIL_KEY: Final = "bedrock:GuardrailIdentifier"


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One resource of an authorization.

    Args:
        arn: Its ARN; a part that is not known is written ``*`` and named in `unknown`.
        context: Context keys that only this authorization carries; None takes a key away.
        unknown: Keys and parts that are not known of this authorization.
    """

    arn: str
    context: Mapping[str, object] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


def resources(model_id: str, caller: Caller) -> tuple[Resource, ...]:
    """
    Name every resource that invoking a model is authorized on, in the order in which AWS asks.

    Args:
        model_id: What stands in the call: an ID, or the ARN of anything that can be invoked.
        caller: For region, account and partition.
    """
    parts = split(model_id)
    if parts is not None:
        kind, _, name = parts[5].partition("/")
        return _BY_KIND.get(kind, _itself)(model_id, name, caller)
    label, _, rest = model_id.partition(".")
    if label == "global" or (label in GEOGRAPHIES and rest):
        return _profile(_arn(caller, f"inference-profile/{model_id}"), model_id, caller)
    if rest:
        return (Resource(foundation_model(caller, model_id)),)
    return (Resource(_arn(caller, "*"), unknown=frozenset({"resource:id", "aws:ResourceTag/*"})),)


def foundation_model(caller: Caller, model: str, region: str | None = None) -> str:
    """Write the ARN of a foundation model, whose account is empty."""
    return f"arn:{caller.partition}:bedrock:{caller.region if region is None else region}::foundation-model/{model}"


def _arn(caller: Caller, resource: str) -> str:
    return f"arn:{caller.partition}:bedrock:{caller.region}:{caller.account}:{resource}"


def _itself(arn: str, _name: str, _caller: Caller) -> tuple[Resource, ...]:
    return (Resource(arn, unknown=frozenset({"aws:ResourceTag/*"})),)


def _foundation(arn: str, _name: str, _caller: Caller) -> tuple[Resource, ...]:
    return (Resource(arn),)


def _system_profile(arn: str, name: str, caller: Caller) -> tuple[Resource, ...]:
    return _profile(arn, name, caller)


def _profile(arn: str, name: str, caller: Caller) -> tuple[Resource, ...]:
    """A system-defined profile: its own ARN, then the model in every region that it may route to."""
    geography, _, model = name.partition(".")
    behind = {_PROFILE_KEY: arn}
    first = Resource(arn, unknown=frozenset({_GUARDRAIL_KEY}))
    if geography == "global":
        nowhere = {**behind, "aws:RequestedRegion": "unspecified"}
        return (
            first,
            Resource(foundation_model(caller, model), behind),
            Resource(foundation_model(caller, model, ""), nowhere),
        )
    unknown = frozenset({"resource:region", "aws:RequestedRegion"})
    return first, Resource(foundation_model(caller, model, "*"), behind, unknown)


def _application_profile(arn: str, _name: str, caller: Caller) -> tuple[Resource, ...]:
    unknown = frozenset({"resource:region", "resource:id", "aws:RequestedRegion"})
    behind = Resource(foundation_model(caller, "*", "*"), {_PROFILE_KEY: arn}, unknown)
    return Resource(arn, unknown=frozenset({_GUARDRAIL_KEY, "aws:ResourceTag/*"})), behind


_BY_KIND: Final[Mapping[str, Callable[[str, str, Caller], tuple[Resource, ...]]]] = {
    "foundation-model": _foundation,
    "inference-profile": _system_profile,
    "application-inference-profile": _application_profile,
}
