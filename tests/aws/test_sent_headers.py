"""Headers of a request between the gate and the HTTP session: their names ignore case, as in botocore's own class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.httpsession import URLLib3Session
from harness.clients import HR, Make, ask

from guardedbedrock.aws.gate.sent_headers import SentHeaders, read_sent_headers

USES: Final[dict[str, Callable[[Any], object]]] = {
    "get": lambda headers: (headers["USER-agent"], headers.get("user-AGENT"), headers.get("none"), headers.get("none", 1)),
    "contains": lambda headers: ("user-agent" in headers, "none" in headers),
    "set": lambda headers: headers.__setitem__("USER-AGENT", "mine"),
    "add": lambda headers: headers.__setitem__("X-New", "1"),
    "delete": lambda headers: headers.__delitem__("user-agent"),
    "pop": lambda headers: (headers.pop("USER-AGENT"), headers.pop("none", 2)),
    "setdefault": lambda headers: (headers.setdefault("user-agent", "x"), headers.setdefault("X-New", "y")),
    "update": lambda headers: headers.update({"user-agent": "mine"}, x_new="1"),
    "update with pairs": lambda headers: headers.update([("USER-AGENT", "mine")]),
    "copy": lambda headers: headers.copy()["user-agent"],
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_sent_headers_behave_like_those_of_botocore(use: Callable[[Any], object]) -> None:
    plain = {"User-Agent": "boto3", "Content-Length": "2"}
    ours, theirs = SentHeaders(plain), HeadersDict(plain)

    assert use(ours) == use(theirs)
    lower = [{name.lower(): value for name, value in headers.items()} for headers in (ours, theirs)]
    assert lower[0] == lower[1]
    assert len(ours) == len(theirs)


@pytest.mark.parametrize("name", ["none", "NONE"])
def test_missing_header_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        SentHeaders({"a": "1"})[name]


def test_copy_keeps_its_class() -> None:
    """urllib3 copies the headers and adds those of a proxy."""
    copied = SentHeaders({"Host": "a"}).copy()
    copied.update({"host": "b"})

    assert dict(copied) == {"Host": "b"}


def test_name_in_bytes_is_refused() -> None:
    request = AWSPreparedRequest("POST", "http://localhost", HeadersDict({b"X-Team": "hr"}), b"", False)  # noqa: FBT003

    with pytest.raises(ValueError, match="not valid in HTTP"):
        read_sent_headers(request)


def test_patched_send_reads_and_replaces_headers_in_any_case(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing libraries and tests patch the method of the class."""
    env, send, read = harness(), URLLib3Session.send, []

    def patched(self: Any, request: Any) -> Any:
        read.append(request.headers["authorization"].decode())
        request.headers["user-agent"] = "mine"
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", patched)
    env.client.converse(**ask("converse"))

    (sent,) = env.fake.requests
    assert sent.headers["user-agent"] == "mine"
    assert read == [sent.headers["authorization"]]
    assert sent.guardrail == (HR.arn, HR.version)
