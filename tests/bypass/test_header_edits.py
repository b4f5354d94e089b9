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
    "no text": lambda headers: replaced(headers, VERSION, 3),
}
SIGNING_EDITS: Final[dict[str, Callable[[Any], None]]] = {
    **EDITS,
    "twice": lambda headers: headers.__setitem__(IDENTIFIER, WEAK["guardrailIdentifier"]),
    "twice, once in lower case": lambda headers: headers.__setitem__(IDENTIFIER.lower(), WEAK["guardrailIdentifier"]),
    "twice the same": lambda headers: headers.__setitem__(IDENTIFIER, HR.arn),
}


@pytest.mark.parametrize("edit", SIGNING_EDITS.values(), ids=SIGNING_EDITS)
def test_headers_that_are_to_be_signed_are_read_whole(harness: Make, edit: Callable[[Any], None]) -> None:
    """A header that stands twice says nothing: either may be the one that is sent."""
    env = harness()
    on(env, "before-sign", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == env.fake.requests == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_headers_that_are_about_to_leave_are_read_again(harness: Make, edit: Callable[[Any], None]) -> None:
    """What was signed may be changed before it is sent."""
    env = harness()
    on(env, "before-send", lambda request, **_: edit(request.headers))

    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == env.fake.requests == []


@pytest.mark.parametrize("kind", [dict, HTTPHeaders])
def test_headers_of_another_kind_are_read_whole_too(harness: Make, kind: type) -> None:
    """A plain dictionary tells names by their case, so one guardrail may stand beside the other."""
    env = harness()

    def other_headers(request: Any, **_: Any) -> None:
        headers = kind()
        for name, value in request.headers.items():
            headers[name] = value
        headers["x-amzn-bedrock-guardrailidentifier"] = WEAK["guardrailIdentifier"]
        request.headers = headers

    on(env, "before-send", other_headers)
    for method in INVOCATIONS:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == env.fake.requests == []


def test_a_conversations_headers_change_nothing(harness: Make) -> None:
    """A guardrail in the headers of Converse is none, and the one in its body stays."""
    env = harness()

    def add(request: Any, **_: Any) -> None:
        for name, value in zip(HEADERS, WEAK.values(), strict=True):
            request.headers[name] = value

    on(env, "before-sign", add)
    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []
