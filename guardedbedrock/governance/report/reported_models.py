"""The models of an access report: those that the user, policies and inference profiles name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.bedrock.resources.profiles import destinations
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.report.scope import PrincipalGroup, ReportedModel
from guardedbedrock.iam import PolicySet

_UNLISTED_MODEL: Final = "unlisted.model-v1:0"
_WILDCARDS: Final = str.maketrans({"*": "sample", "?": "x"})
_FOUNDATION: Final = "foundation-model"
_FIRST_STARS: Final = {
    _FOUNDATION: ("sample", ".sample", "sample.sample"),
    "inference-profile": ("sample", "anthropic.sample", ".anthropic.sample", "us.anthropic.sample"),
}
"""What the first ``*`` of a pattern may stand for in a sample, by resource type."""
_MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*")
_EXAMPLE: Final = "amazon.nova-lite-v1:0"
_SOURCES: Final = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
)


def given_models(models: Sequence[str]) -> tuple[ReportedModel, ...]:
    """
    Return the models that the user names by ID or ARN.

    Raises:
        ConfigurationError: A string is not the ID or ARN of a model.
    """
    for one in models:
        if not _MODEL_ID.fullmatch(one):
            raise ConfigurationError(
                f"--model: `{one}` is not the ID or ARN of a model; write it as in a call, such as `{_EXAMPLE}`"
            )
    return tuple(ReportedModel(one, one, routes=_documented_routes(one)) for one in dict.fromkeys(models))


def models_of(groups: Iterable[PrincipalGroup], snapshot: Mapping[str, Any]) -> Iterator[ReportedModel]:
    """Yield the models that policies and profiles name, a sample for each pattern, and one for every other model."""
    profiles = tuple(snapshot.get("inference_profiles") or ())
    targets = [model.rpartition("/")[2] for one in profiles for model in one["models"]]
    named = sorted({one for group in groups for one in _model_names(group.policies)}, key=lambda one: (one[1], one[0]))
    plain = [name for _, name in named if not _is_pattern(name)]
    foundation = sorted({one for one in (*plain, *targets) if kind_of(one) != "inference-profile"})
    yield from (ReportedModel(one, one) for one in foundation)
    known = {one["id"] for one in profiles}
    for one in sorted({one for one in plain if kind_of(one) == "inference-profile"} - known):
        yield ReportedModel(one, one, routes=_documented_routes(one))
    yield from _profiles_of(profiles)
    for kind, name in named:
        if _is_pattern(name):
            is_repeated = kind != _FOUNDATION and (_FOUNDATION, name) in named
            yield ReportedModel(_sample(kind, name), f"{kind}/{name}" if is_repeated else name)
    yield ReportedModel(_UNLISTED_MODEL, "every other model")


def _profiles_of(profiles: Sequence[Mapping[str, Any]]) -> Iterator[ReportedModel]:
    """Yield each profile once, with the Regions that have it. A call names an application profile by its ARN."""
    by_name: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in profiles:
        name = one["arn"] if one.get("type") == "APPLICATION" else one["id"]
        routes = sorted({_region_of(model) for model in one["models"]} - {""})
        by_name.setdefault(name, {})[one["region"]] = tuple(routes)
    for name, routes_by_region in sorted(by_name.items()):
        yield ReportedModel(name, name, tuple(routes_by_region), routes_by_region)


def _region_of(model: str) -> str:
    """Return the Region of a destination; ``""`` if an ID names the model, which has none."""
    return (model.split(":", 5)[3] or "any Region") if model.startswith("arn:") else ""


def _documented_routes(model: str) -> dict[str, tuple[str, ...]]:
    if kind_of(model) != "inference-profile":
        return {}
    profile = model.rpartition("/")[2]
    return {region: routes for region in _SOURCES if (routes := destinations(profile, region))}


def _model_names(policies: PolicySet) -> Iterator[tuple[str, str]]:
    """Yield resource type and ID or pattern of models in the resources of policies, except the pattern for every model."""
    for _, document in policies:
        for statement in document.statements:
            for resource in statement.resources:
                prefix, _, name = resource.rpartition("/")
                kind = prefix.rpartition(":")[2]
                if kind in _FIRST_STARS and name.strip("*?") and "${" not in name:
                    yield kind, name


def _sample(kind: str, pattern: str) -> str:
    """Return an ID that matches the pattern; one that names a resource of this type if the pattern has such IDs."""
    samples = [pattern.replace("*", first, 1).translate(_WILDCARDS) for first in _FIRST_STARS[kind]]
    return next((one for one in samples if _MODEL_ID.fullmatch(one) and kind_of(one) == kind), samples[0])


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name
