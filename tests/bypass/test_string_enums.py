"""Model IDs and guardrails that are members of a string enum."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, unguarded
from harness.clients import CONVERSATIONS, DENIED_MODEL, HR, MODEL, PUBLIC, WEAK, ask, read

from guardedbedrock import AccessDeniedError, Guardrail, GuardrailNotApprovedError

if TYPE_CHECKING:
    from harness.clients import Make


class Model(StrEnum):
    """A string enum that is formatted as its value."""

    ALLOWED = MODEL
    DENIED = DENIED_MODEL
    NOVA = "amazon.nova-lite-v1:0"


class NamedModel(str, Enum):  # noqa: UP042  # how string enums were written before Python 3.11
    """A string enum that is formatted as ``NamedModel.ALLOWED``."""

    ALLOWED = MODEL
    DENIED = DENIED_MODEL


class DisplayModel(str):
    """A string enum that is formatted as a display name."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Claude"

    def __format__(self, spec: str) -> str:
        return "Claude"


ALLOWED: Final = (Model.ALLOWED, NamedModel.ALLOWED, DisplayModel(MODEL))
DENIED: Final = (Model.DENIED, NamedModel.DENIED, DisplayModel(DENIED_MODEL))
IDS: Final = ("StrEnum", "str and Enum", "str subclass")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", DENIED, ids=IDS)
def test_policy_denies_the_model_that_would_be_sent(harness: Make, model: str, method: str) -> None:
    env = harness()

    with pytest.raises(AccessDeniedError):
        getattr(env.client, method)(**{**ask(method), "modelId": model})

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", ALLOWED, ids=IDS)
def test_call_with_an_enum_member_is_guarded(harness: Make, model: str, method: str) -> None:
    env = harness()

    read(getattr(env.client, method)(**{**ask(method), "modelId": model}))

    assert [(request.params["modelId"], request.guardrail) for request in env.fake.requests] == [(MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


def test_enum_member_selects_the_guardrail_for_its_model(harness: Make) -> None:
    for_nova = Guardrail(PUBLIC.arn, version=PUBLIC.version, models=("amazon.*",))
    env = harness(guardrails=[for_nova, HR])

    env.client.converse(**{**ask("converse"), "modelId": Model.NOVA})
    env.client.converse(**{**ask("converse"), "modelId": Model.ALLOWED})

    assert [request.guardrail for request in env.fake.requests] == [(PUBLIC.arn, PUBLIC.version), (HR.arn, HR.version)]
    assert unguarded(env.fake) == []


class Approved(StrEnum):
    """The approved guardrail."""

    IDENTIFIER = HR.arn
    VERSION = HR.version


@pytest.mark.parametrize("method", METHODS)
def test_guardrail_of_enum_members_is_approved(harness: Make, method: str) -> None:
    env = harness()
    named: dict[str, Any] = {"guardrailIdentifier": Approved.IDENTIFIER, "guardrailVersion": Approved.VERSION}

    read(getattr(env.client, method)(**ask(method), **({"guardrailConfig": named} if method in CONVERSATIONS else named)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("method", CONVERSATIONS)
def test_unapproved_guardrail_in_a_str_subclass_is_refused(harness: Make, method: str) -> None:
    env = harness()
    named = {name: DisplayModel(value) for name, value in WEAK.items()}

    with pytest.raises(GuardrailNotApprovedError):
        getattr(env.client, method)(**ask(method), guardrailConfig=named)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_parameter_name_in_a_str_subclass_is_the_parameter(harness: Make) -> None:
    env = harness()

    with pytest.raises(GuardrailNotApprovedError):
        env.client.converse(**ask("converse"), **{DisplayModel("guardrailConfig"): WEAK})

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
