"""A guardrail that an account or an organization enforces on model calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.guardrail import DRAFT, is_version
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.checks import check_string, check_strings

GuardedContent: TypeAlias = Literal["COMPREHENSIVE", "SELECTIVE"]
"""``COMPREHENSIVE`` assesses all content; ``SELECTIVE`` assesses the content that the caller marked."""

EnforcementOrigin: TypeAlias = Literal["ACCOUNT_ENFORCED", "ORGANIZATION_ENFORCED"]

_GUARDED_CONTENT: Final = {"COMPREHENSIVE", "SELECTIVE"}
_ORIGINS: Final[tuple[EnforcementOrigin, ...]] = ("ACCOUNT_ENFORCED", "ORGANIZATION_ENFORCED")
_ALL_MODELS: Final = "ALL"


@dataclass(frozen=True, slots=True)
class FakeEnforcement:
    """
    An enforced guardrail.

    Args:
        guardrail: ARN, or short ID of a guardrail in the region and account of the fake.
        version: A number, as a string.
        system: Which content of system prompts is assessed. ``SELECTIVE`` assesses nothing of a system prompt without marks.
        messages: Which content of messages is assessed. ``SELECTIVE`` assesses everything if the caller marked nothing.
        included_models: IDs or ARNs of the models that it is enforced on; ``ALL`` means all.
        excluded_models: IDs or ARNs of models that it is not enforced on. Exclusion overrides inclusion.
        origin: ``ACCOUNT_ENFORCED`` or ``ORGANIZATION_ENFORCED``.

    Raises:
        ConfigurationError: The version is not a number, ``system``, ``messages`` or ``origin`` is unknown, or a value has the
            wrong type.
    """

    guardrail: str
    version: str
    system: GuardedContent = "COMPREHENSIVE"
    messages: GuardedContent = "COMPREHENSIVE"
    included_models: tuple[str, ...] = (_ALL_MODELS,)
    excluded_models: tuple[str, ...] = ()
    origin: EnforcementOrigin = "ORGANIZATION_ENFORCED"

    def __post_init__(self) -> None:
        for name in ("guardrail", "version", "system", "messages", "origin"):
            check_string(f"enforced: {name}", getattr(self, name))
        check_strings("enforced: included_models", self.included_models)
        check_strings("enforced: excluded_models", self.excluded_models)
        if unknown := sorted({self.system, self.messages} - _GUARDED_CONTENT):
            raise ConfigurationError(f"enforced: {unknown[0]!r} is neither 'COMPREHENSIVE' nor 'SELECTIVE'")
        if self.origin not in _ORIGINS:
            raise ConfigurationError(f"enforced: origin: {self.origin!r} is not one of {', '.join(_ORIGINS)}")
        if not is_version(self.version) or self.version == DRAFT:
            raise ConfigurationError(
                f"enforced: version: {self.version!r} is not a published version; write a number as a string, such as '3'"
            )

    def covers(self, model: str) -> bool:
        """Return whether it is enforced on a model: an ID, an ARN, or the ID of an inference profile."""
        return _names_model(self.included_models, model) and not _names_model(self.excluded_models, model)


def _names_model(models: tuple[str, ...], model: str) -> bool:
    called = model.rpartition("/")[2]
    names = (name.rpartition("/")[2] for name in models)
    return any(name in {_ALL_MODELS, called} or called.endswith(f".{name}") for name in names)
