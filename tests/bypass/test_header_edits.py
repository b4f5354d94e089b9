"""Headers: the guardrail of InvokeModel stands in two of them, whatever their case and however often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.compat import HTTPHeaders
from bypass.tampering import HEADERS
from harness.bypass import on, unguarded
from harness.clients import HR, WEAK, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

IDENTIFIER, VERSION = HEADERS
INVOCATIONS: Final = ("invoke_model", "invoke_model_with_response_stream")


class Text(str):
    """Compares as the right one, and leaves as another."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        """Give what is sent."""
        return WEAK["guardrailIdentifier"].encode()


def replaced(headers: Any, name: str, value: Any) -> None:
    """Put a header in the place of one."""
    del headers[name]
    headers[name] = value


EDITS: Final[dict[str, Callable[[Any], None]]] = {
    "taken out": lambda headers: headers.__delitem__(IDENTIFIER),
    "version taken out": lambda headers: headers.__delitem__(VERSION),
    "emptied": lambda headers: replaced(headers, IDENTIFIER, ""),
    "another": lambda headers: replaced(headers, IDENTIFIER, WEAK["guardrailIdentifier"]),
    "another version": lambda headers: replaced(headers, VERSION, "DRAFT"),
    "in lower case": lambda headers: replaced(headers, IDENTIFIER.lower(), WEAK["guardrailIdentifier"]),
    "two in one": lambda headers: replaced(headers, IDENTIFIER, f"{HR.arn}, {WEAK['guardrailIdentifier']}"),
    "a space before": lambda headers: replaced(headers, IDENTIFIER, f" {HR.arn}"),
    "bytes": lambda headers: replaced(headers, IDENTIFIER, WEAK["guardrailIdentifier"].encode()),
    "a text that leaves as another": lambda headers: replaced(headers, IDENTIFIER, Text(HR.arn)),
    "no text": lambda headers: replaced(headers, VERSION, 3),
}
SIGNING_EDITS: Final[dict[str, Callable[[Any], None]]] = {
    **EDITS,
    "twice": lambda headers: headers.__setitem__(IDENTIFIER, WEAK["guardrailIdentifier"]),
    "twice, once in lower case": lambda headers: headers.__setitem__(IDENTIFIER.lower(), WEAK["guardrailIdentifier"]),
    "twice the same": lambda headers: headers.__setitem__(IDENTIFIER, HR.arn),
}


@pytest.mark.parametrize("edit", SIGNING_EDITS.values(), ids=SIGNING_EDITS)
def test_headers_that_are_to_be_signed_are_read_whole(house: Make, edit: Callable[[Any], None]) -> None:
    """A header that stands twice says nothing: either may be the one that is sent."""
    made = house()
    on(made, "before-sign", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_headers_that_are_about_to_leave_are_read_again(house: Make, edit: Callable[[Any], None]) -> None:
    """What was signed may be changed before it is sent."""
    made = house()
    on(made, "before-send", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("kind", [dict, HTTPHeaders])
def test_headers_of_another_kind_are_read_whole_too(house: Make, kind: type) -> None:
    """A plain dictionary tells names by their case, so one guardrail may stand beside the other."""
    made = house()

    def other_headers(request: Any, **_: Any) -> None:
        headers = kind()
        for name, value in request.headers.items():
            headers[name] = value
        headers["x-amzn-bedrock-guardrailidentifier"] = WEAK["guardrailIdentifier"]
        request.headers = headers

    on(made, "before-send", other_headers)
    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []


def test_a_conversations_headers_change_nothing(house: Make) -> None:
    """A guardrail in the headers of Converse is none, and the one in its body stays."""
    made = house()

    def add(request: Any, **_: Any) -> None:
        for name, value in zip(HEADERS, WEAK.values(), strict=True):
            request.headers[name] = value

    on(made, "before-sign", add)
    made.client.converse(**ask("converse"))

    assert [request.guardrail for request in made.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(made.fake) == []


def test_headers_are_read_as_the_connection_reads_them(house: Make) -> None:
    """A method put onto them says something else than they are."""
    made = house()

    def without(request: Any, **_: Any) -> None:
        kept = [(name, value) for name, value in request.headers.items() if "Guardrail" not in name]
        request.headers.items = lambda: kept

    on(made, "before-send", without)
    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []
