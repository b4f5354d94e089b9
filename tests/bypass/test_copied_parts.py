"""Parts of a guarded client in another's hands, and parts of another in a guarded client."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from bypass.tampering import strip_prepared
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import House, Make

UNGUARDED: Final = ask("converse")


def past(client: Any) -> None:
    """Call past the guard."""
    for params in (UNGUARDED, GUARDED):
        with pytest.raises(GuardrailTamperedError):
            BaseClient._make_api_call(client, "Converse", params)


def test_signer_and_endpoint_take_the_gate_along(house: Make) -> None:
    """A client that nobody guards, with the parts of one that is, is refused."""
    made, other = house(), house(mode="off")
    other.client._request_signer = made.client._request_signer
    other.client._endpoint = made.client._endpoint

    past(other.client)

    assert unguarded(made.fake, other.fake) == made.fake.requests == []


@pytest.mark.parametrize("part", ["_request_signer", "_endpoint"])
def test_a_copy_of_a_part_has_the_gate(house: Make, part: str) -> None:
    """Its class has it."""
    made = house()
    setattr(made.client, part, copy.copy(getattr(made.client, part)))

    past(made.client)

    assert unguarded(made.fake) == made.fake.requests == []


def test_a_copy_of_the_client_is_guarded(house: Make) -> None:
    """As the client is."""
    made = house()
    twin = object.__new__(type(made.client))  # botocore's clients do not take `copy.copy`
    vars(twin).update(vars(made.client))

    twin.converse(**ask("converse"))
    past(twin)

    assert len(made.fake.requests) == 1
    assert unguarded(made.fake) == []


def other_session(made: House) -> None:
    """Put an HTTP session in the place of the guarded one."""
    made.client._endpoint.http_session = URLLib3Session()


def other_send(made: House) -> None:
    """Put a method that sends by itself in the place of the guarded one."""
    made.client._endpoint._send = URLLib3Session().send


def other_both(made: House) -> None:
    """Put both in."""
    other_session(made)
    other_send(made)


def on_class(made: House) -> None:
    """Leave the method that sends as botocore has it."""
    plain = type(made.client._endpoint).__mro__[1]
    made.client._endpoint._send = plain._send.__get__(made.client._endpoint)


@pytest.mark.parametrize("put", [other_session, other_send, other_both, on_class])
@pytest.mark.parametrize("signer", [None, Config(signature_version=UNSIGNED)], ids=["signed", "unsigned"])
def test_what_sends_may_be_another_and_has_the_gate_in_front(house: Make, put: Any, signer: Any) -> None:
    """Also where nothing is signed, so that the gate stands before the sending alone."""
    made = house(config=signer)
    put(made)

    assert try_all(made) == 0
    past(made.client)
    made.client.meta.events.register("before-send", strip_prepared)
    assert try_all(made) == len(METHODS)

    assert len(made.fake.requests) == len(METHODS)
    assert unguarded(made.fake) == []


@pytest.mark.parametrize("name", ["http_session", "_send"])
def test_what_sends_can_not_be_deleted(house: Make, name: str) -> None:
    """Nothing lies under it."""
    made = house()

    with pytest.raises(AttributeError):
        delattr(made.client._endpoint, name)
    kept = dict(vars(made.client._endpoint))
    vars(made.client._endpoint).pop(name, None)
    with suppress(AttributeError, GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "Converse", UNGUARDED)
    vars(made.client._endpoint).update(kept)

    assert unguarded(made.fake) == made.fake.requests == []


def test_what_wraps_the_session_wraps_it(house: Make) -> None:
    """Tools that record or delay requests put a session of their own around the one they find, and go on to work."""
    made = house()
    sent: list[str] = []
    inner = made.client._endpoint.http_session

    class Recording:
        def send(self, request: Any) -> Any:
            sent.append(request.method)
            return inner.send(request)

        def close(self) -> None:
            inner.close()

    made.client._endpoint.http_session = Recording()

    assert try_all(made) == 0
    assert sent == ["POST"] * len(METHODS)
    assert unguarded(made.fake) == []
