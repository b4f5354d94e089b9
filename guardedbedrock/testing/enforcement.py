"""Guardrails that an account or an organization puts on every model call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from guardedbedrock.testing.runtime.prompts import Prompt, Seen

Guarding: TypeAlias = Literal["COMPREHENSIVE", "SELECTIVE"]
"""Whether all of a prompt is assessed, whatever the caller marked, or what the caller marked."""

Origin: TypeAlias = Literal["ACCOUNT_ENFORCED", "ORGANIZATION_ENFORCED"]

_GUARDINGS: Final = {"COMPREHENSIVE", "SELECTIVE"}
_EVERY: Final = "ALL"


@dataclass(frozen=True, slots=True)
class FakeEnforcement:
    """
    A guardrail that is enforced.

    Args:
        guardrail: ARN, or the short ID, which is then one of the fake's own region and account.
        version: A number as text.
        system: How much of a system prompt is assessed; of one that nobody marked, ``SELECTIVE`` assesses nothing.
        messages: How much of the messages; where nobody marked anything, ``SELECTIVE`` assesses all.
        included_models: IDs or ARNs of the models it is enforced on; ``ALL`` is all.
        excluded_models: Those that it is not enforced on, even if they are included.
        origin: Who enforces it.

    Raises:
        ConfigurationError: A way of guarding is none that there is.
    """

    guardrail: str
    version: str
    system: Guarding = "COMPREHENSIVE"
    messages: Guarding = "COMPREHENSIVE"
    included_models: tuple[str, ...] = (_EVERY,)
    excluded_models: tuple[str, ...] = ()
    origin: Origin = "ORGANIZATION_ENFORCED"

    def __post_init__(self) -> None:
        if strange := sorted({self.system, self.messages} - _GUARDINGS):
            raise ConfigurationError(f"{strange[0]!r} is neither 'COMPREHENSIVE' nor 'SELECTIVE'")

    def covers(self, model: str) -> bool:
        """Say whether it is enforced on a model, called by its ID or ARN or through an inference profile."""
        return _any_is(self.included_models, model) and not _any_is(self.excluded_models, model)

    def sees(self, prompt: Prompt) -> Seen:
        """Give what of a prompt it assesses."""
        system = prompt.system.choice if self.system == "SELECTIVE" else prompt.system.all
        selective = self.messages == "SELECTIVE" and prompt.is_marked
        return system.also(prompt.messages.choice if selective else prompt.messages.all)


def own_choice(prompt: Prompt) -> Seen:
    """Give what the request's own guardrail assesses: what the caller marked, else all messages."""
    return prompt.marked if prompt.is_marked else prompt.messages.all


def _any_is(models: tuple[str, ...], model: str) -> bool:
    called = model.rpartition("/")[2]
    names = (name.rpartition("/")[2] for name in models)
    return any(name in {_EVERY, called} or called.endswith(f".{name}") for name in names)
