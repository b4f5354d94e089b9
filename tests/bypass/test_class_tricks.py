"""The class of a guarded client made another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import HR, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.aws.client.mixin import GuardedClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import House, Make


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


class Twice:
    """Writes requests in which the guardrail stands twice: another one first, and the authorized one where botocore has it."""

    def __init__(self, serializer: Any) -> None:
        """Stand before a serializer, whole or by its method."""
        self._serializer = serializer

    def serialize_to_request(self, params: Any, operation_model: Any) -> Any:
        """Write what is asked for, and one more."""
        write = getattr(self._serializer, "serialize_to_request", self._serializer)
        request = write(params, operation_model)
        request["body"] = b'{"guardrailConfig": {"guardrailIdentifier": "weak", "guardrailVersion": "1"}, ' + request["body"][1:]
        return request

    def __getattr__(self, name: str) -> Any:
        """Be like it in all else."""
        return getattr(self._serializer, name)


def around(holder: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one that writes twice around what a holder has."""
    plain = getattr(holder, name)
    twice: Any = Twice(plain)
    if isinstance(holder, type):
        twice = lambda self, *args: Twice(plain.__get__(self)).serialize_to_request(*args)  # noqa: E731
    elif name == "serialize_to_request":
        twice = twice.serialize_to_request
    monkeypatch.setattr(holder, name, twice)


WRITERS: Final[dict[str, Callable[[Any], tuple[Any, str]]]] = {
    "the serializer": lambda client: (client, "_serializer"),
    "the one within": lambda client: (client._serializer, "_serializer"),
    "its method": lambda client: (client._serializer, "serialize_to_request"),
    "the method of the one within": lambda client: (client._serializer._serializer, "serialize_to_request"),
    "the method of its class": lambda client: (type(client._serializer), "serialize_to_request"),
    "the method of the class within": lambda client: (type(client._serializer._serializer), "serialize_to_request"),
}


@pytest.mark.parametrize("where", WRITERS.values(), ids=WRITERS)
def test_another_writer_is_read_strictly(
    house: Make, monkeypatch: pytest.MonkeyPatch, where: Callable[[Any], tuple[Any, str]]
) -> None:
    """The end of a body says nothing where it is not botocore that wrote it."""
    made = house()
    around(*where(made.client), monkeypatch)

    assert try_all(made, ("converse", "converse_stream")) == 2
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_method_of_the_writer_is_put_in(house: Make) -> None:
    """One of those that it is made up of."""
    made = house()
    inner = made.client._serializer._serializer
    plain = inner._serialize_payload

    def twice(partitioned: Any, parameters: Any, serialized: Any, *args: Any) -> None:
        plain(partitioned, parameters, serialized, *args)
        serialized["body"] = b'{"guardrailConfig": {}, ' + serialized["body"][1:]

    inner._serialize_payload = twice

    assert try_all(made, ("converse", "converse_stream")) == 2
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_subclass_of_the_clients_class_is_guarded(house: Make) -> None:
    """As its parent is."""
    made = house()
    made.client.__class__ = type("Mine", (type(made.client),), {})

    assert try_all(made) == 0
    with suppress(GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "Converse", ask("converse"))

    assert unguarded(made.fake) == []


class Writing(Twice):
    """One that says it equals whatever it is compared with, and all of it too."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, _: object) -> bool:
        """Lie."""
        return True

    def __getattribute__(self, name: str) -> Any:
        """Show the attributes of what it stands before, and a method that equals every other."""
        if name == "__dict__":
            return vars(object.__getattribute__(self, "_serializer"))
        found = object.__getattribute__(self, name)
        return (
            type("Method", (), {"__call__": lambda _, *args: found(*args), "__eq__": lambda *_: True})()
            if callable(found)
            else found
        )


def another_class(client: Any) -> None:
    """Make the serializer within one of a class that writes twice."""
    inner = client._serializer._serializer

    def twice(self: Any, partitioned: Any, parameters: Any, serialized: Any, *args: Any) -> None:
        super(type(self), self)._serialize_payload(partitioned, parameters, serialized, *args)
        serialized["body"] = b'{"guardrailConfig": {}, ' + serialized["body"][1:]

    inner.__class__ = type("Mine", (type(inner),), {"_serialize_payload": twice})


def one_that_equals_it(client: Any) -> None:
    """Put a liar in the place of the serializer within."""
    client._serializer._serializer = Writing(client._serializer._serializer)


def method_for_validator(client: Any) -> None:
    """Put a method onto the serializer, and take something else off."""
    outer = client._serializer
    outer.serialize_to_request = Twice(outer._serializer).serialize_to_request
    del outer._param_validator


@pytest.mark.parametrize("change", [another_class, one_that_equals_it, method_for_validator])
def test_a_writer_is_known_by_what_it_is(house: Make, change: Callable[[Any], None]) -> None:
    """And not by what it says."""
    made = house()
    change(made.client)

    assert try_all(made, ("converse", "converse_stream")) == 2
    assert unguarded(made.fake) == made.fake.requests == []
