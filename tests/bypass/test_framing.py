"""Two requests in one: a body that is longer than its header says holds another request behind it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import HeadersDict
from botocore.config import Config
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

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


NO_BODY: Final[dict[str, Callable[[Any], None]]] = {
    "a body": lambda request: setattr(request, "body", SECOND),
    "chunks": lambda request: request.headers.update({"Transfer-Encoding": "chunked"}),
    "a length": lambda request: request.headers.update({"Content-Length": "99"}),
}


@pytest.mark.parametrize("edit", NO_BODY.values(), ids=NO_BODY)
def test_a_list_smuggles_nothing(house: Make, edit: Callable[[Any], None]) -> None:
    """Nor does a request that has no body."""
    made = house()
    on(made, "before-send", lambda request, **_: edit(request))

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


class Short(bytes):
    """Bytes that say they are fewer."""

    def __len__(self) -> int:
        """Lie."""
        return 2


class ShortArray(bytearray):
    """The same, as a caller may give them."""

    def __len__(self) -> int:
        """Lie."""
        return 2


class ShortFile(BytesIO):
    """A file that ends before its end."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Lie."""
        return min(super().seek(offset, whence), 2)

    def tell(self) -> int:
        """Lie."""
        return min(super().tell(), 2)


class Pipe:
    """What can be read once, and has no length."""

    def __init__(self, data: bytes) -> None:
        """Keep what is to be read."""
        self.read = BytesIO(data).read


@pytest.mark.parametrize("body", [ShortArray(b"{}" + SECOND), ShortFile(b"{}" + SECOND)], ids=["bytes", "file"])
def test_a_callers_body_smuggles_nothing(house: Make, body: Any) -> None:
    """It is as long as it is when it is read."""
    made = house()

    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(modelId=MODEL, body=body)

    assert unguarded(made.fake) == made.fake.requests == []


BEHIND: Final[dict[str, Any]] = {
    "bytes": Short(b"{}" + SECOND),
    "text": "\u00e9" * len(SECOND) + SECOND.decode(),
    "a file": ShortFile(b"{}" + SECOND),
}


@pytest.mark.parametrize("body", BEHIND.values(), ids=BEHIND)
def test_a_handlers_body_smuggles_nothing(house: Make, body: Any) -> None:
    """Nor does one that is put in once the request is written."""
    made = house()
    on(made, "before-call", lambda params, **_: params.update(body=body))

    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(modelId=MODEL, body=b"{}")

    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("length", ["0", "2", "a"])
def test_a_body_without_a_length_smuggles_nothing(house: Make, length: str) -> None:
    """What is said of it is held against what it was."""
    made = house()

    def pipe(request: Any, **_: Any) -> None:
        request.body = Pipe(SECOND)
        request.headers["Content-Length"] = length

    on(made, "before-send", pipe)
    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(modelId=MODEL, body=b"{}")

    assert unguarded(made.fake) == made.fake.requests == []


def test_a_body_that_can_not_be_read_is_refused(house: Make) -> None:
    """Nobody knows what it holds."""
    made = house()
    on(made, "before-send", lambda request, **_: setattr(request, "body", iter([SECOND])))

    assert try_all(made) == len(METHODS)
    assert unguarded(made.fake) == made.fake.requests == []


def test_a_body_without_a_length_gets_one(house: Make) -> None:
    """And passes, with what the server has to know of it."""
    made = house(config=Config(signature_version=UNSIGNED))
    data = ask("invoke_model")["body"]

    made.client.invoke_model(modelId=MODEL, body=Pipe(data))

    assert [request.incoming.body for request in made.fake.requests] == [data]
    assert unguarded(made.fake) == []


def said_otherwise(request: Any) -> None:
    """Let a method of the headers say another length."""
    said = [(name, "0" if name == "Content-Length" else value) for name, value in request.headers.items()]
    request.headers.items = lambda: said


def kept_otherwise(request: Any) -> None:
    """Let what keeps the headers give another length to whoever asks in another way."""

    class Kept(dict[Any, Any]):
        def __getitem__(self, key: Any) -> Any:
            return "0" if str(key) == "Content-Length" else super().__getitem__(key)

    request.headers._dict = Kept(request.headers._dict)


def named_otherwise(request: Any) -> None:
    """Let the name of a header be another one where it is sent."""
    plain = type(next(iter(request.headers._dict)))

    class Name(plain):  # type: ignore[misc]
        def __hash__(self) -> int:
            return hash("transfer-encoding")

        def __eq__(self, other: object) -> bool:
            return type(other) is plain and str(other) == "Transfer-Encoding"

        def __str__(self) -> str:
            return "Transfer-Encoding"

    request.headers._dict[Name("X-Trace")] = "chunked"


@pytest.mark.parametrize("edit", [said_otherwise, kept_otherwise, named_otherwise])
def test_headers_say_one_length(house: Make, edit: Callable[[Any], None]) -> None:
    """To the gate the same as to the connection."""
    made = house()
    on(made, "before-send", lambda request, **_: edit(request))

    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(modelId=MODEL, body=SECOND)

    assert unguarded(made.fake) == made.fake.requests == []
