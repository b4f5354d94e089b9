"""Events of the client that are unregistered or replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from botocore.hooks import HierarchicalEmitter
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import HR

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

EVENTS: Final = ("before-sign", "before-call", "before-send", "before-parameter-build", "choose-signer", "request-created")


def by_name(client: Any) -> None:
    """Unregister every handler that could belong to the guard, by event and by name."""
    for event in EVENTS:
        for name in (event, f"{event}.bedrock-runtime"):
            for known in ("guardedbedrock", "guardedbedrock-gate", "guardedbedrock-client-class"):
                client.meta.events.unregister(name, unique_id=known)


def signing(client: Any) -> None:
    """Unregister botocore's own signer, so that nothing is signed."""
    client.meta.events.unregister("request-created.bedrock-runtime", client._request_signer.handler)


def all_of_them(client: Any) -> None:
    """Replace the emitter of the client by one without handlers."""
    client.meta.events = HierarchicalEmitter()
    client._endpoint._event_emitter = client.meta.events


@pytest.mark.parametrize("unregister", [by_name, signing, all_of_them])
def test_unregistered_events_do_not_disable_the_guard(harness: Make, unregister: Callable[[Any], None]) -> None:
    env = harness()
    unregister(env.client)

    assert try_all(env) == 0
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", GUARDED)

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []
