"""
Models: the resources that AWS authorizes a call to a model on.

An identifier does not contain everything: the region that a profile routes to, or the model of an application profile or a
prompt. These come from the inventory, or for system-defined profiles from AWS's documentation. Otherwise they are unknown, and
are never guessed.
Source: Bedrock User Guide, "Prerequisites for inference profiles", "Global cross-Region inference", "Supported Regions and models
for inference profiles", "Prerequisites for Prompt management" and "Intelligent prompt routing"; Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from guardedbedrock.bedrock.actions import GUARDRAIL_KEY
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN, Inventory, models_of
from guardedbedrock.bedrock.resources.profiles import destinations
from guardedbedrock.bedrock.resources.resource_types import arn_of
from guardedbedrock.iam.matching.arns import split

GEOGRAPHIES: Final = frozenset({"amer", "apac", "au", "ca", "eu", "in", "jp", "sa", "uk", "us", "us-gov"})
"""First labels of system-defined inference profiles that route within a geography."""

PROVIDERS: Final = frozenset(
    {
        "ai21",
        "amazon",
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "luma",
        "meta",
        "minimax",
        "mistral",
        "moonshot",
        "moonshotai",
        "nvidia",
        "openai",
        "qwen",
        "stability",
        "twelvelabs",
        "writer",
        "xai",
        "zai",
    }
)
"""First labels of model IDs; a label before one of them is a geography, also one that AWS adds later."""

REGION_KEY: Final = "aws:RequestedRegion"
_PROFILE_KEY: Final = "bedrock:InferenceProfileArn"
_ROUTER_KEY: Final = "bedrock:PromptRouterArn"
_TAGS: Final = "aws:ResourceTag/*"
_ANY_PART: Final = frozenset({"resource:region", "resource:account", "resource:id"})


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One resource of an authorization.

    Args:
        arn: Its ARN; an unknown part is written ``*`` and listed in `unknown`.
        context: Context keys that only this authorization carries; None removes a key.
        unknown: Context keys and ARN parts that are unknown in this authorization.
        action: Replaces the action of the operation.
        one_of: See `RequiredAuthorization`.
        undocumented: See `RequiredAuthorization`.
    """

    arn: str
    context: Mapping[str, object] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    action: str = ""
    one_of: str = ""
    undocumented: bool = False


Reading: TypeAlias = Callable[[str, Caller, Inventory], Iterator[Resource]]


def resources(model_id: str, caller: Caller, inventory: Inventory = NOTHING_KNOWN) -> tuple[Resource, ...]:
    """
    Return every resource that invoking a model is authorized on, in the order in which AWS evaluates them.

    Args:
        model_id: The identifier in the call: an ID, or the ARN of anything that can be invoked.
        caller: The caller, with its region, account and partition.
        inventory: What is known of the models that it resolves to.
    """
    if model_id in inventory.resolved_models and not model_id.startswith("arn:"):
        known = {**inventory.resolved_models, profile_arn(model_id, caller): inventory.resolved_models[model_id]}
        inventory = replace(inventory, resolved_models=known)
    kind = kind_of(model_id)
    if not kind and "." in model_id and model_id in inventory.resolved_models:
        kind = "inference-profile"  # the configuration says that this name is a profile
    arn = arn_of(kind, model_id, caller) if kind and not model_id.startswith("arn:") else model_id
    return tuple(_BY_KIND.get(kind, _resource_itself)(arn, caller, inventory))


def kind_of(model_id: str) -> str:
    """
    Return the resource type that an identifier names; ``""`` if it names none.

    >>> kind_of("us.anthropic.claude-sonnet-4-20250514-v1:0")
    'inference-profile'
    """
    parts = split(model_id)
    if parts is not None:
        return "sagemaker" if parts[2] == "sagemaker" else parts[5].partition("/")[0]
    label, _, rest = model_id.partition(".")
    if not rest:
        return ""
    provider, _, name = rest.partition(".")
    if label == "global" or (name and (label in GEOGRAPHIES or provider in PROVIDERS)):
        return "inference-profile"
    # The first of three unknown labels is a geography or a provider.
    return "" if name and label not in PROVIDERS else "foundation-model"


def base_model_id(model_id: str) -> str | None:
    """
    Return the ID of a foundation model, or of the model of a system-defined profile; None for any other identifier.

    >>> base_model_id("us.anthropic.claude-sonnet-4-20250514-v1:0")
    'anthropic.claude-sonnet-4-20250514-v1:0'
    """
    parts = split(model_id)
    kind, name = kind_of(model_id), parts[5].partition("/")[2] if parts else model_id
    if kind == "inference-profile":
        name = name.partition(".")[2]
    elif kind != "foundation-model":
        return None
    return None if "/" in name else name  # a wildcard must not match what precedes or follows a slash


def foundation_model(caller: Caller, model: str, region: str | None = None) -> str:
    """Return the ARN of a foundation model; its account field is empty."""
    return f"arn:{caller.partition}:bedrock:{caller.region if region is None else region}::foundation-model/{model}"


def profile_arn(profile: str, caller: Caller) -> str:
    """Return the ARN of a system-defined inference profile."""
    return arn_of("inference-profile", profile, caller)


def _as_arn(model_id: str, caller: Caller) -> str:
    kind = kind_of(model_id)
    return arn_of(kind, model_id, caller) if kind and not model_id.startswith("arn:") else model_id


def _resource_itself(arn: str, caller: Caller, _: Inventory) -> Iterator[Resource]:
    if arn.startswith("arn:"):
        yield Resource(arn, unknown=frozenset({_TAGS}))
    elif "." in arn:  # a foundation model or a profile: a name with a dot is not the name of another resource
        yield _some_resource(caller)
    else:
        somewhere = f"arn:{caller.partition}:bedrock:{caller.region}:{caller.account}:*"
        yield Resource(somewhere, unknown=frozenset({"resource:id", _TAGS}))


def _foundation(arn: str, _caller: Caller, _inventory: Inventory) -> Iterator[Resource]:
    yield Resource(arn)


def _profile(arn: str, caller: Caller, inventory: Inventory) -> Iterator[Resource]:
    """A system-defined profile: its ARN, then the model in each region that it routes to."""
    yield _profile_resource(arn, inventory, frozenset())
    yield from _routed(arn, _models_of_profile(arn, caller, inventory))


def _application_profile(arn: str, caller: Caller, inventory: Inventory) -> Iterator[Resource]:
    """
    An application profile: its ARN, then its models.

    AWS authorizes the models of the system-defined profile that it may be made from, but not that profile.
    """
    yield _profile_resource(arn, inventory, frozenset({_TAGS}))
    yield from _routed(arn, _models_of_profile(arn, caller, inventory))


def _models_of_profile(arn: str, caller: Caller, inventory: Inventory, within: tuple[str, ...] = ()) -> tuple[str, ...]:
    """
    Return the ARNs of the models that a profile routes to; an unknown region or name is written ``*``.

    Args:
        arn: The ARN of the profile.
        caller: The caller.
        inventory: What is known of the models; a profile in it may name another profile.
        within: The profiles that name this one.
    """
    named = None if arn in within else models_of(arn, inventory.resolved_models)
    if named is None:
        return _documented_models(arn, caller)
    found = [one for model in named for one in _models_of(_as_listed(model, caller), caller, inventory, (*within, arn))]
    return tuple(dict.fromkeys(found))


def _as_listed(model: str, caller: Caller) -> str:
    """Return the ARN of what a profile lists; a name in an unknown form counts as a foundation model."""
    arn = _as_arn(model, caller)
    return arn if arn.startswith("arn:") else foundation_model(caller, model)


def _models_of(arn: str, caller: Caller, inventory: Inventory, within: tuple[str, ...]) -> tuple[str, ...]:
    is_profile = kind_of(arn) in ("inference-profile", "application-inference-profile")
    return _models_of_profile(arn, caller, inventory, within) if is_profile else (arn,)


def _documented_models(arn: str, caller: Caller) -> tuple[str, ...]:
    """Return the models that AWS documents for a system-defined profile; an application profile has any model."""
    profile, source = arn.rpartition("/")[2], arn.split(":", 5)[3]
    if kind_of(arn) == "application-inference-profile":
        return (foundation_model(caller, "*", "*"),)
    geography, _, model = profile.partition(".")
    regions = (source, "") if geography == "global" else destinations(profile, source) or ("*",)
    return tuple(foundation_model(caller, model, region) for region in regions)


def _profile_resource(arn: str, inventory: Inventory, unknown: frozenset[str]) -> Resource:
    """The profile itself; AWS does not document whether its authorization carries the guardrail of the call."""
    if inventory.guardrail_on_profiles == "unknown":
        return Resource(arn, unknown=unknown | {GUARDRAIL_KEY})
    return Resource(arn, {} if inventory.guardrail_on_profiles == "present" else {GUARDRAIL_KEY: None}, unknown)


def _routed(arn: str, models: tuple[str, ...]) -> Iterator[Resource]:
    """
    The models that a profile routes to: AWS authorizes one of them; for a global profile, AWS authorizes all of them.

    The ARN of a global model has no region; its ``aws:RequestedRegion`` is ``unspecified``.
    """
    regions = [model.split(":", 5)[3] for model in models]
    alone = len(models) == 1 or "" in regions
    names = dict.fromkeys("an unknown Region" if region == "*" else region for region in regions)
    one_of = "" if alone else f"{arn.split(':', 5)[5]} routes to one of {', '.join(names)}"
    for model, region in zip(models, regions, strict=True):
        yield _routed_model(model, region, {_PROFILE_KEY: arn}, one_of)


def _routed_model(model: str, region: str, context: Mapping[str, object], one_of: str = "") -> Resource:
    if region != "*":
        return Resource(model, {**context, REGION_KEY: region or "unspecified"}, one_of=one_of)
    unknown_name = frozenset({"resource:id"}) if model.endswith("*") else frozenset[str]()
    return Resource(model, context, unknown_name | {"resource:region", REGION_KEY}, one_of=one_of)


def some_model(caller: Caller) -> Resource:
    """Return an unknown foundation model in an unknown region."""
    return _routed_model(foundation_model(caller, "*", "*"), "*", {})


def _some_resource(caller: Caller) -> Resource:
    """Return a resource of which nothing is known: a model or a profile in any account and region."""
    unknown = _ANY_PART | {REGION_KEY, _PROFILE_KEY, _ROUTER_KEY, _TAGS, GUARDRAIL_KEY}
    return Resource(f"arn:{caller.partition}:bedrock:*:*:*", unknown=unknown)


def _router(arn: str, caller: Caller, inventory: Inventory) -> Iterator[Resource]:
    """A prompt router: its ARN; AWS does not document whether it authorizes the models that the router chooses among."""
    yield Resource(arn, unknown=frozenset({GUARDRAIL_KEY, _TAGS}))
    resolved = models_of(arn, inventory.resolved_models)
    routed = (
        [some_model(caller)] if resolved is None else [one for model in resolved for one in resources(model, caller, inventory)]
    )
    for resource in routed:
        yield replace(resource, unknown=resource.unknown | {_ROUTER_KEY, _PROFILE_KEY}, one_of="", undocumented=True)


def _prompt(arn: str, caller: Caller, inventory: Inventory) -> Iterator[Resource]:
    """A prompt: rendering it, then its model, which only the inventory knows."""
    yield Resource(arn, {GUARDRAIL_KEY: None}, frozenset({_TAGS}), action="bedrock:RenderPrompt")
    resolved = models_of(arn, inventory.resolved_models)
    if resolved is None:
        yield _some_resource(caller)
    for model in resolved or ():
        yield from resources(model, caller, inventory)


def _marketplace(arn: str, caller: Caller, _inventory: Inventory) -> Iterator[Resource]:
    """A Marketplace endpoint: one constant Bedrock resource; AWS does not document what SageMaker authorizes."""
    yield Resource(arn_of("bedrock-marketplace-model-endpoint", "all-access", caller), unknown=frozenset({GUARDRAIL_KEY}))
    unknown = frozenset({"aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:ViaAWSService", _TAGS})
    yield Resource(arn, {GUARDRAIL_KEY: None}, unknown, action="sagemaker:InvokeEndpoint", undocumented=True)


_BY_KIND: Final[Mapping[str, Reading]] = {
    "application-inference-profile": _application_profile,
    "default-prompt-router": _router,
    "foundation-model": _foundation,
    "inference-profile": _profile,
    "prompt": _prompt,
    "prompt-router": _router,
    "sagemaker": _marketplace,
}
