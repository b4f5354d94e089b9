"""Two requests in one: a body that is longer than its header says holds another request behind it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws.rig import HR, MODEL, ask
from botocore.awsrequest import HeadersDict
from bypass.rig import METHODS, on, try_all, unguarded

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws.rig import Make

SECOND: Final = b"POST /model/m/converse HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
FRAMES: Final[dict[str, Callable[[Any], None]]] = {
    "shorter": lambda headers: headers.update({"Content-Length": "2"}),
    "shorter, in bytes": lambda headers: headers.update({"content-length": b"2"}),
    "nothing": lambda headers: headers.update({"Content-Length": "0"}),
    "longer": lambda headers: headers.update({"Content-Length": "99999"}),
    "not said": lambda headers: headers.__delitem__("Content-Length"),
    "said in another way": lambda headers: headers.update({"Content-Length": f"+{headers['Content-Length']}"}),
    "chunked": lambda headers: headers.update({"Transfer-Encoding": "chunked"}),
    "chunked, with a space": lambda headers: headers.update({"Transfer-Encoding ": "chunked"}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_body_is_as_long_as_is_said(house: Make, frame: Callable[[Any], None]) -> None:
    """Neither the guardrail nor a second request stands behind the end that the server sees."""
    made = house()
    on(made, "before-send", lambda request, **_: frame(request.headers))

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


class TwoFaced(HeadersDict):
    """Headers that are sent otherwise than botocore keeps them."""

    def items(self) -> Any:
        """Say one more than there is."""
        return [*super().items(), ("Transfer-Encoding", "chunked")]


def test_headers_are_read_as_they_are_sent(house: Make) -> None:
    """What botocore keeps of them inside says nothing of a class of somebody else's."""
    made = house()
    on(made, "before-send", lambda request, **_: setattr(request, "headers", TwoFaced(request.headers.items())))

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("body", [SECOND, BytesIO(SECOND)], ids=["bytes", "file"])
def test_an_invocation_smuggles_nothing(house: Make, body: Any) -> None:
    """A body of InvokeModel may be anything, so all of it has to be the body."""
    made = house()
    on(made, "before-sign", lambda request, **_: request.headers.add_header("Content-Length", "0"))

    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(modelId=MODEL, body=body)

    assert unguarded(made.fake) == made.fake.requests == []


def test_a_list_smuggles_nothing(house: Make) -> None:
    """Nor does a request that has no body."""
    made = house()
    on(made, "before-send", lambda request, **_: setattr(request, "body", SECOND))

    with pytest.raises(GuardrailTamperedError):
        made.client.list_async_invokes()

    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("method", ["POST /x HTTP/1.1\r\n\r\nPOST", "post", "PUT"])
def test_the_method_smuggles_nothing(house: Make, method: str) -> None:
    """Nor does the first word of the request."""
    made = house()
    on(made, "before-send", lambda request, **_: setattr(request, "method", method))

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("name", ["X-Team", "x_team", "X.Team!", "x-1"])
def test_a_header_of_the_applications_passes(house: Make, name: str) -> None:
    """Whatever name HTTP allows."""
    made = house()
    on(made, "before-send", lambda request, **_: request.headers.update({name: "hr"}))

    assert try_all(made) == 0
    assert [request.headers[name.lower()] for request in made.fake.requests] == ["hr"] * len(METHODS)
    assert unguarded(made.fake) == []


def test_a_file_passes(house: Make) -> None:
    """Its length is known without reading it, and the guardrail stands in the headers."""
    made = house()
    data = ask("invoke_model")["body"]

    made.client.invoke_model(modelId=MODEL, body=BytesIO(data))

    assert [request.guardrail for request in made.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(made.fake) == []
