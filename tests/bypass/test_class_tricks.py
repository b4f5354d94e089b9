"""The class of a guarded client made another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from aws.rig import HR, ask
from botocore.client import BaseClient
from bypass.rig import GUARDED, METHODS, try_all, unguarded

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.aws.client import GuardedClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws.rig import House, Make


def other_bases(made: House, _: pytest.MonkeyPatch) -> None:
    """Take the mixin out of the bases."""
    type(made.client).__bases__ = (BaseClient,)


def other_class(made: House, _: pytest.MonkeyPatch) -> None:
    """Make the client one of a class without the mixin."""
    made.client.__class__ = type("BedrockRuntime", (BaseClient,), {**vars(type(made.client))})


def on_the_client(made: House, _: pytest.MonkeyPatch) -> None:
    """Put botocore's own method on the client."""
    made.client._make_api_call = BaseClient._make_api_call.__get__(made.client)


def on_its_class(made: House, _: pytest.MonkeyPatch) -> None:
    """Put botocore's own method on the client's class."""
    type(made.client)._make_api_call = BaseClient._make_api_call


def on_the_mixin(_: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put botocore's own method on the mixin."""
    monkeypatch.setattr(GuardedClient, "_make_api_call", BaseClient._make_api_call)


def without_notes(_: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate see nothing of what botocore writes, and leave the stages out."""
    monkeypatch.setattr(GuardedClient, "_convert_to_request_dict", BaseClient._convert_to_request_dict)
    monkeypatch.setattr(GuardedClient, "_make_api_call", BaseClient._make_api_call)


@pytest.mark.parametrize("change", [other_bases, other_class, on_the_client, on_its_class, on_the_mixin, without_notes])
def test_the_gate_stands_where_the_class_does_not_reach(
    house: Make, monkeypatch: pytest.MonkeyPatch, change: Callable[[House, pytest.MonkeyPatch], None]
) -> None:
    """What went round the stages is not authorized, and does not go out."""
    made = house()
    change(made, monkeypatch)

    for params in (ask("converse"), GUARDED):
        with pytest.raises(GuardrailTamperedError):
            made.client.converse(**params)

    assert unguarded(made.fake) == made.fake.requests == []


def test_without_notes_every_request_is_read(house: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where botocore writes its requests elsewhere one day, calls go on, each read strictly."""
    made = house()
    monkeypatch.setattr(GuardedClient, "_convert_to_request_dict", BaseClient._convert_to_request_dict)

    assert try_all(made) == 0
    assert [request.guardrail for request in made.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(made.fake) == []


def test_a_patched_serializer_is_noticed(house: Make) -> None:
    """What writes requests may leave out what it does not know; it was told, and is read."""
    made = house()

    class Leaving:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def serialize_to_request(self, params: Any, operation_model: Any) -> Any:
            kept = {name: value for name, value in params.items() if not name.startswith("guardrail")}
            return self._inner.serialize_to_request(kept, operation_model)

    made.client._serializer = Leaving(made.client._serializer)

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_subclass_of_the_clients_class_is_guarded(house: Make) -> None:
    """As its parent is."""
    made = house()
    made.client.__class__ = type("Mine", (type(made.client),), {})

    assert try_all(made) == 0
    with suppress(GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "Converse", ask("converse"))

    assert unguarded(made.fake) == []
