"""Parts of a guarded client that are used by another client."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make

UNGUARDED: Final = ask("converse")


def past(client: Any) -> None:
    """Call past the guard."""
    for params in (UNGUARDED, GUARDED):
        with pytest.raises(GuardrailTamperedError):
            BaseClient._make_api_call(client, "Converse", params)


def test_gate_stays_in_front_of_a_signer_and_endpoint_used_by_another_client(harness: Make) -> None:
    env, other = harness(), harness(mode="off")
    other.client._request_signer = env.client._request_signer
    other.client._endpoint = env.client._endpoint

    past(other.client)

    assert unguarded(env.fake, other.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("part", ["_request_signer", "_endpoint"])
def test_copy_of_a_signer_or_endpoint_is_behind_the_gate(harness: Make, part: str) -> None:
    env = harness()
    setattr(env.client, part, copy.copy(getattr(env.client, part)))

    past(env.client)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_copy_of_a_client_is_guarded(harness: Make) -> None:
    env = harness()
    twin = object.__new__(type(env.client))  # botocore's clients do not take `copy.copy`
    vars(twin).update(vars(env.client))

    twin.converse(**ask("converse"))
    past(twin)

    assert len(env.fake.requests) == 1
    assert unguarded(env.fake) == []


def test_wrapper_around_the_http_session_works(harness: Make) -> None:
    env = harness()
    sent: list[str] = []
    inner = env.client._endpoint.http_session

    class Recording:
        def send(self, request: Any) -> Any:
            sent.append(request.method)
            return inner.send(request)

        def close(self) -> None:
            inner.close()

    env.client._endpoint.http_session = Recording()

    assert try_all(env) == 0
    assert sent == ["POST"] * len(METHODS)
    assert unguarded(env.fake) == []
