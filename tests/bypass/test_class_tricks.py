"""Client classes that are changed after the client was created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import HR, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.aws.client.mixin import GuardedClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make


def other_bases(env: Harness, _: pytest.MonkeyPatch) -> None:
    """Remove the mixin from the bases."""
    type(env.client).__bases__ = (BaseClient,)


def other_class(env: Harness, _: pytest.MonkeyPatch) -> None:
    """Set the class of the client to one without the mixin."""
    env.client.__class__ = type("BedrockRuntime", (BaseClient,), {**vars(type(env.client))})


def on_the_client(env: Harness, _: pytest.MonkeyPatch) -> None:
    """Set botocore's own method on the client."""
    env.client._make_api_call = BaseClient._make_api_call.__get__(env.client)


def on_its_class(env: Harness, _: pytest.MonkeyPatch) -> None:
    """Set botocore's own method on the client's class."""
    type(env.client)._make_api_call = BaseClient._make_api_call


def on_the_mixin(_: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set botocore's own method on the mixin."""
    monkeypatch.setattr(GuardedClient, "_make_api_call", BaseClient._make_api_call)


def without_notes(_: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide from the gate what botocore serializes, and skip the stages."""
    monkeypatch.setattr(GuardedClient, "_convert_to_request_dict", BaseClient._convert_to_request_dict)
    monkeypatch.setattr(GuardedClient, "_make_api_call", BaseClient._make_api_call)


@pytest.mark.parametrize("change", [other_bases, other_class, on_the_client, on_its_class, on_the_mixin, without_notes])
def test_changed_class_cannot_bypass_the_gate(
    harness: Make, monkeypatch: pytest.MonkeyPatch, change: Callable[[Harness, pytest.MonkeyPatch], None]
) -> None:
    env = harness()
    change(env, monkeypatch)

    for params in (ask("converse"), GUARDED):
        with pytest.raises(GuardrailTamperedError):
            env.client.converse(**params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_request_that_was_not_seen_at_serialization_is_read_strictly(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    env = harness()
    monkeypatch.setattr(GuardedClient, "_convert_to_request_dict", BaseClient._convert_to_request_dict)

    assert try_all(env) == 0
    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []


def test_subclass_of_the_client_class_is_guarded(harness: Make) -> None:
    env = harness()
    env.client.__class__ = type("Mine", (type(env.client),), {})

    assert try_all(env) == 0
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", ask("converse"))

    assert unguarded(env.fake) == []
