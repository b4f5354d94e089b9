"""An inference profile of the fake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.checks import check_mapping, check_string, check_strings

if TYPE_CHECKING:
    from collections.abc import Mapping

ProfileKind: TypeAlias = Literal["SYSTEM_DEFINED", "APPLICATION"]
"""Whether AWS or the account defined an inference profile."""

RESOURCE_TYPES: Final[Mapping[ProfileKind, str]] = {
    "SYSTEM_DEFINED": "inference-profile",
    "APPLICATION": "application-inference-profile",
}
"""Kind of a profile to the resource type in its ARN."""

_MAX_MODELS: Final = 5


@dataclass(frozen=True, slots=True)
class FakeInferenceProfile:
    """
    An inference profile.

    Args:
        identifier: ARN, or ID of a profile in the region and account of the fake.
        models: ARNs of the foundation models that it resolves to, one to five.
        name: Display name; derived from the ID by default.
        kind: ``SYSTEM_DEFINED`` or ``APPLICATION``.
        tags: Tags of an application profile.

    Raises:
        ConfigurationError: The kind is unknown or contradicts the ARN or the tags, or a model is not a foundation model ARN.
    """

    identifier: str
    models: tuple[str, ...]
    name: str = ""
    kind: ProfileKind = "SYSTEM_DEFINED"
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("identifier", "name", "kind"):
            check_string(name, getattr(self, name))
        check_strings("models", self.models)
        check_mapping("tags", self.tags)
        if self.kind not in RESOURCE_TYPES:
            raise ConfigurationError(f"kind: {self.kind!r} is not one of {', '.join(RESOURCE_TYPES)}")
        if self.identifier.startswith("arn:") and f":{RESOURCE_TYPES[self.kind]}/" not in self.identifier:
            raise ConfigurationError(f"identifier: {self.identifier!r} is not the ARN of a profile of kind {self.kind}")
        if self.tags and self.kind == "SYSTEM_DEFINED":
            raise ConfigurationError("tags: only an application profile can have tags")
        if not 0 < len(self.models) <= _MAX_MODELS:
            raise ConfigurationError(f"models: expected 1 to {_MAX_MODELS} models, got {len(self.models)}")
        for model in self.models:
            if ":foundation-model/" not in model:
                raise ConfigurationError(f"models: {model!r} is not the ARN of a foundation model")

    def arn(self, region: str, account: str) -> str:
        """Return the ARN of the profile in a region and account."""
        whole = self.identifier.startswith("arn:")
        return self.identifier if whole else f"arn:aws:bedrock:{region}:{account}:{RESOURCE_TYPES[self.kind]}/{self.identifier}"
