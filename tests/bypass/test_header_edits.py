"""Guardrail headers of InvokeModel, in any case and repeated."""

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


def replaced(headers: Any, name: str, value: Any) -> None:
    """Replace the value of a header."""
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
    "no string": lambda headers: replaced(headers, VERSION, 3),
}
SIGNING_EDITS: Final[dict[str, Callable[[Any], None]]] = {
    **EDITS,
    "twice": lambda headers: headers.__setitem__(IDENTIFIER, WEAK["guardrailIdentifier"]),
    "twice, once in lower case": lambda headers: headers.__setitem__(IDENTIFIER.lower(), WEAK["guardrailIdentifier"]),
    "twice the same": lambda headers: headers.__setitem__(IDENTIFIER, HR.arn),
}


@pytest.mark.parametrize("edit", SIGNING_EDITS.values(), ids=SIGNING_EDITS)
def test_changed_guardrail_headers_are_refused_at_signing(harness: Make, edit: Callable[[Any], None]) -> None:
    env = harness()
    on(env, "before-sign", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_changed_guardrail_headers_are_refused_at_sending(harness: Make, edit: Callable[[Any], None]) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


OTHERS: Final[dict[str, tuple[type, str | bytes]]] = {
    "dict": (dict, IDENTIFIER.lower()),
    "dict, in bytes": (dict, IDENTIFIER.lower().encode()),
    "HTTPHeaders": (HTTPHeaders, IDENTIFIER.lower()),
}


@pytest.mark.parametrize(("kind", "repeated"), OTHERS.values(), ids=OTHERS)
def test_repeated_guardrail_header_in_another_header_type_is_refused(harness: Make, kind: type, repeated: Any) -> None:
    env = harness()

    def other_headers(request: Any, **_: Any) -> None:
        headers = kind()
        for name, value in request.headers.items():
            headers[name] = value
        headers[repeated] = WEAK["guardrailIdentifier"]
        request.headers = headers

    on(env, "before-send", other_headers)
    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_guardrail_headers_on_converse_have_no_effect(harness: Make) -> None:
    env = harness()

    def add(request: Any, **_: Any) -> None:
        for name, value in zip(HEADERS, WEAK.values(), strict=True):
            request.headers[name] = value

    on(env, "before-sign", add)
    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []
