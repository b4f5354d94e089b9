"""Inference profiles for the fake."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

ProfileKind: TypeAlias = Literal["SYSTEM_DEFINED", "APPLICATION"]
"""Who defined an inference profile: AWS, or somebody in the account."""

RESOURCE_TYPES: Final[Mapping[ProfileKind, str]] = {
    "SYSTEM_DEFINED": "inference-profile",
    "APPLICATION": "application-inference-profile",
}
"""Kind of a profile to what its ARN calls it."""

_MOST_MODELS: Final = 5


@dataclass(frozen=True, slots=True)
class FakeInferenceProfile:
    """
    An inference profile that exists.

    Args:
        identifier: ARN, or the ID, which is then one of the fake's own region and account.
        models: ARNs of the foundation models behind it, one to five.
        name: For people; made from the ID unless given.
        kind: ``SYSTEM_DEFINED`` or ``APPLICATION``.
        tags: Of an application profile.

    Raises:
        ConfigurationError: The kind is not one, or does not fit the ARN or the tags; or the models are not ARNs of models.
    """

    identifier: str
    models: tuple[str, ...]
    name: str = ""
    kind: ProfileKind = "SYSTEM_DEFINED"
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in RESOURCE_TYPES:
            raise ConfigurationError(f"kind: {self.kind!r} is not one of {', '.join(RESOURCE_TYPES)}")
        if self.identifier.startswith("arn:") and f":{RESOURCE_TYPES[self.kind]}/" not in self.identifier:
            raise ConfigurationError(f"identifier: {self.identifier!r} is not the ARN of a profile of kind {self.kind}")
        if self.tags and self.kind == "SYSTEM_DEFINED":
            raise ConfigurationError("tags: only an application profile has any")
        if not 0 < len(self.models) <= _MOST_MODELS:
            raise ConfigurationError(f"models: a profile has one to {_MOST_MODELS}, and this one {len(self.models)}")
        for model in self.models:
            if ":foundation-model/" not in model:
                raise ConfigurationError(f"models: {model!r} is not the ARN of a foundation model")

    def arn(self, region: str, account: str) -> str:
        """Write the ARN of a profile that stands here."""
        whole = self.identifier.startswith("arn:")
        return self.identifier if whole else f"arn:aws:bedrock:{region}:{account}:{RESOURCE_TYPES[self.kind]}/{self.identifier}"
