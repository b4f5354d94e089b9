"""The working draft of a guardrail, which changes whenever the guardrail is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from harness.bypass import METHODS, unguarded
from harness.clients import HR, ask, read

from guardedbedrock import ConfigurationError, Guard, Guardrail, GuardrailNotApprovedError, GuardrailTamperedError
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from harness.clients import Make

DRAFT: Final = Guardrail(HR.arn, version="DRAFT", name="draft")


def named(method: str, version: str) -> dict[str, Any]:
    """Return parameters that name a version of the guardrail."""
    both = {"guardrailIdentifier": HR.arn, "guardrailVersion": version}
    return {**ask(method), **({"guardrailConfig": both} if method.startswith("converse") else both)}


def test_draft_without_allow_draft_is_a_configuration_error(harness: Make) -> None:
    env = harness()

    with pytest.raises(ConfigurationError, match="allow_draft"):
        Guard(guardrails=[DRAFT], listeners=())

    assert unguarded(env.fake) == []


@pytest.mark.parametrize("method", METHODS)
def test_draft_of_an_approved_guardrail_is_refused(harness: Make, method: str) -> None:
    env = harness()

    with pytest.raises(GuardrailNotApprovedError):
        getattr(env.client, method)(**named(method, "DRAFT"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", named("converse", "DRAFT"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", METHODS)
def test_approved_draft_does_not_approve_a_numbered_version(harness: Make, method: str) -> None:
    shelf = [FakeGuardrail(HR.arn, version="DRAFT"), FakeGuardrail(HR.arn, version="3")]
    env = harness(guardrails=[DRAFT], allow_draft=True, fake={"guardrails": shelf})

    read(getattr(env.client, method)(**ask(method)))
    with pytest.raises(GuardrailNotApprovedError):
        getattr(env.client, method)(**named(method, "3"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, "DRAFT")]
    assert unguarded(env.fake, approved=[DRAFT]) == []
