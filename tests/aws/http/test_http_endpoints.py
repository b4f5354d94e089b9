"""Which requests of HTTP clients are guarded: hosts of Bedrock in every spelling, and no others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness.clients import HR, MODEL, POLICIES, PUBLIC, ROLE, Recorder
from harness.http_senders import API_KEY, CHAT

from guardedbedrock import ConfigurationError, Guard, Guardrail, GuardrailNotApprovedError, UnguardableOperationError
from guardedbedrock.core.events import SentWithoutGuardrail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from harness.http_senders import Sender, Sent

WEST: Final = Guardrail("arn:aws:bedrock:us-west-2:123456789012:guardrail/west00000001", version="2", name="west")
CHINA: Final = Guardrail("arn:aws-cn:bedrock:cn-north-1:123456789012:guardrail/china0000001", version="2", name="china")
ISO: Final = Guardrail("arn:aws-iso:bedrock:us-iso-east-1:123456789012:guardrail/iso000000001", version="2", name="iso")
ASK: Final = {"model": MODEL, "messages": [{"role": "user", "content": "hello there"}]}


class Wire:
    """A transport that stores the requests that it receives."""

    def __init__(self, sender: Sender) -> None:
        self.requests: list[Any] = []
        self.module = sender.module
        self.transport = self.module.MockTransport(self._answer)

    def _answer(self, request: Any) -> Any:
        self.requests.append(request)
        return self.module.Response(200, json={})

    @property
    def guardrails(self) -> list[str | None]:
        """The guardrail in the headers of each request."""
        return [request.headers.get("X-Amzn-Bedrock-GuardrailIdentifier") for request in self.requests]


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", raising=False)


def guard(**options: Any) -> Guard:
    return Guard(**{"guardrails": [HR, PUBLIC, WEST, CHINA, ISO], "principal": ROLE, "listeners": (), **options})


def post(sender: Sender, wire: Wire, url: str, made: Guard | None = None, **options: Any) -> Sent:
    return sender.post(made or guard(), url, json=ASK, transport=wire.transport, **{"headers": API_KEY, **options})


@pytest.mark.parametrize(
    ("host", "guardrail"),
    [
        ("bedrock-runtime.us-east-1.amazonaws.com", HR),
        ("bedrock-runtime.us-west-2.amazonaws.com", WEST),
        ("BEDROCK-Runtime.US-West-2.AmazonAWS.com", WEST),
        ("bedrock-runtime.us-west-2.amazonaws.com.", WEST),
        ("bedrock-runtime.us-west-2.amazonaws.com:443", WEST),
        ("user:secret@bedrock-runtime.us-west-2.amazonaws.com", WEST),
        ("bedrock-runtime-fips.us-west-2.amazonaws.com", WEST),
        ("bedrock-runtime.us-west-2.api.aws", WEST),
        ("bedrock-runtime-fips.us-west-2.api.aws", WEST),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", CHINA),
        ("bedrock-runtime.us-iso-east-1.c2s.ic.gov", ISO),
        ("vpce-0123456789abcdef0-abcdefgh.bedrock-runtime.us-west-2.vpce.amazonaws.com", WEST),
        ("vpce-0123456789abcdef0-abcdefgh-us-west-2a.bedrock-runtime.us-west-2.vpce.amazonaws.com", WEST),
    ],
)
def test_a_host_of_bedrock_is_guarded_with_a_guardrail_of_its_region(sender: Sender, host: str, guardrail: Guardrail) -> None:
    wire = Wire(sender)

    assert post(sender, wire, f"https://{host}{CHAT}").status == 200
    assert wire.guardrails == [guardrail.arn]


@pytest.mark.parametrize(
    "url",
    [
        f"https://api.openai.com{CHAT}",
        "https://api.openai.com/v1/chat/completions",
        "https://bedrock.us-east-1.amazonaws.com/guardrails",
        f"https://bedrock-runtime.example.com{CHAT}",
        f"https://my-bedrock-runtime.us-east-1.amazonaws.com{CHAT}",
        f"https://bedrock-runtime.us-east-1.amazonaws.com.example.com{CHAT}",
        f"https://example.com/bedrock-runtime.us-east-1.amazonaws.com{CHAT}",
    ],
)
def test_another_host_is_not_touched(sender: Sender, url: str) -> None:
    wire, recorder = Wire(sender), Recorder()

    assert post(sender, wire, url, guard(listeners=[recorder]), headers={**API_KEY, "Accept-Encoding": "x"}).status == 200
    assert (wire.guardrails, recorder.calls) == ([None], [])
    assert wire.requests[0].headers["Accept-Encoding"] == "x"


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {**API_KEY, "Host": "bedrock-runtime.us-west-2.amazonaws.com"}},
        {"headers": {**API_KEY, "host": "Bedrock-Runtime.us-west-2.amazonaws.com.:443"}},
        {"extensions": {"sni_hostname": "bedrock-runtime.us-west-2.amazonaws.com"}},
        {"extensions": {"sni_hostname": b"bedrock-runtime.us-west-2.amazonaws.com"}},
    ],
)
def test_an_address_with_the_host_or_tls_name_of_bedrock_is_guarded(sender: Sender, options: dict[str, Any]) -> None:
    wire = Wire(sender)

    post(sender, wire, f"https://203.0.113.9{CHAT}", **options)

    assert wire.guardrails == [WEST.arn]


def test_a_region_without_an_approved_guardrail_is_refused(sender: Sender) -> None:
    wire = Wire(sender)

    sent = post(sender, wire, f"https://bedrock-runtime.eu-west-1.amazonaws.com{CHAT}")

    assert (wire.requests, type(sent.error)) == ([], GuardrailNotApprovedError)


@pytest.mark.parametrize("by", ["environment", "argument"])
@pytest.mark.parametrize(
    "base", ["http://gateway.example:8080", "http://GATEWAY.example.:8080/", "http://gateway.example:8080/aws"]
)
def test_an_endpoint_url_is_guarded(sender: Sender, monkeypatch: pytest.MonkeyPatch, by: str, base: str) -> None:
    wire = Wire(sender)
    options: dict[str, Any] = {"region_name": "us-west-2"}
    if by == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", base)
    else:
        options["endpoint_url"] = base
    prefix = "/aws" if base.endswith("/aws") else ""

    assert post(sender, wire, f"http://gateway.example:8080{prefix}{CHAT}", **options).status == 200
    assert post(sender, wire, f"http://gateway.example:9090{prefix}{CHAT}", **options).status == 200
    assert wire.guardrails == [WEST.arn, None]
    assert post(sender, wire, f"http://gateway.example:8080/other{CHAT}", **options).status == 403


def test_the_region_of_an_endpoint_url_is_that_of_the_session(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(sender)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")

    post(sender, wire, f"http://gateway.example{CHAT}", endpoint_url="http://gateway.example")

    assert wire.guardrails == [WEST.arn]


MANTLE: Final = "https://bedrock-mantle.us-east-1.api.aws"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages", "/v1/models"])
def test_mantle_is_refused_because_it_has_no_guardrails(sender: Sender, path: str) -> None:
    wire = Wire(sender)

    sent = post(sender, wire, MANTLE + path)

    assert (wire.requests, sent.status, type(sent.error)) == ([], 403, UnguardableOperationError)
    assert b"on_mantle" in sent.content


def test_mantle_that_is_allowed_leaves_an_event(sender: Sender) -> None:
    wire, recorder = Wire(sender), Recorder()

    sent = post(sender, wire, f"{MANTLE}/v1/chat/completions", guard(on_mantle="allow", listeners=[recorder]))

    assert (sent.status, wire.guardrails) == (200, [None])
    assert [event.model for event in recorder.last.of(SentWithoutGuardrail)] == ["bedrock-mantle.us-east-1.api.aws"]
    assert recorder.last.closed == [None]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/anthropic/v1/messages"])
def test_on_mantle_holds_for_requests_that_botocore_signs(path: str) -> None:
    recorder = Recorder()
    request = AWSRequest(method="POST", url=MANTLE + path, data=b"{}")
    signer = SigV4Auth(Credentials("testing", "testing"), "bedrock-mantle", "us-east-1")

    with guard(policies=POLICIES).install(strict=True), pytest.raises(UnguardableOperationError):
        signer.add_auth(request)
    with guard(policies=POLICIES, on_mantle="allow", listeners=[recorder]).install(strict=True):
        signer.add_auth(request)

    assert [event.kind for event in recorder.last.of(SentWithoutGuardrail)] == ["mantle"]


@pytest.mark.parametrize("body", [b"{}", b'{"model": "a", "stream": "yes"}'])
def test_a_signed_chat_completion_that_cannot_be_read_is_refused(body: bytes) -> None:
    request = AWSRequest(method="POST", url=f"https://bedrock-runtime.us-east-1.amazonaws.com{CHAT}", data=body)

    with guard().install(strict=True), pytest.raises(Exception, match="cannot be read"):
        SigV4Auth(Credentials("testing", "testing"), "bedrock", "us-east-1").add_auth(request)


@pytest.mark.parametrize(
    "url", ["gateway.corp:8443", "gateway.corp", "//gateway.corp", "https://gateway.corp:bad", "https://", 5]
)
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_an_invalid_endpoint_url_is_a_configuration_error(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, url: Any, source: str
) -> None:
    """A gateway that is not recognized would not be guarded."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", str(url) if source == "environment" else "")
    options = {"endpoint_url": url} if source == "argument" else {}

    with pytest.raises(ConfigurationError, match=r"not a URL; set it to"):
        sender.client(guard(), **options)


def test_a_gateway_is_guarded_by_its_host_header_too(sender: Sender) -> None:
    wire = Wire(sender)

    post(sender, wire, f"https://203.0.113.7{CHAT}", endpoint_url="https://gw.corp", headers={**API_KEY, "Host": "gw.corp"})

    assert wire.guardrails == [HR.arn]


def test_a_mounted_transport_that_is_false_is_guarded(sender: Sender) -> None:
    """A transport that counts its requests can be false before its first request."""
    wire = Wire(sender)

    class Counting(type(wire.transport)):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(wire.requests)

    options = {"mounts": {"https://": Counting(wire.transport.handler)}}
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com{CHAT}"
    sender.request(lambda **given: sender.client(guard(), **given), options, url, {"json": ASK, "headers": API_KEY})

    assert wire.guardrails == [HR.arn]


@pytest.mark.parametrize("title", ["caf\u00e9".encode(), "caf\u00e9".encode("latin-1")])
def test_a_header_that_is_not_ascii_is_sent_unchanged(sender: Sender, title: bytes) -> None:
    wire = Wire(sender)

    post(
        sender,
        wire,
        f"https://bedrock-runtime.us-east-1.amazonaws.com{CHAT}",
        headers=[*((name.encode(), value.encode()) for name, value in API_KEY.items()), (b"X-Title", title)],
    )

    assert wire.guardrails == [HR.arn]
    assert [value for name, value in wire.requests[0].headers.raw if name.lower() == b"x-title"] == [title]


def test_a_response_that_is_not_checked_is_not_read_ahead(sender: Sender) -> None:
    """A request that `on_mantle` lets pass; its events arrive as the server sends them."""
    read: list[int] = []

    class Events(sender.module.SyncByteStream, sender.module.AsyncByteStream):  # type: ignore[name-defined,misc]
        def __iter__(self) -> Iterator[bytes]:
            for number in range(3):
                read.append(number)
                yield b"data: %d\n\n" % number

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for event in self:
                yield event

    transport = sender.module.MockTransport(lambda _: sender.module.Response(200, stream=Events()))
    client = sender.client(guard(on_mantle="allow"), transport=transport)
    url = f"https://bedrock-mantle.us-east-1.api.aws{CHAT}"

    async def first_async() -> tuple[bytes, int]:
        async with client, client.stream("POST", url, json=ASK, headers=API_KEY) as response:
            return await anext(response.aiter_raw()), len(read)

    def first() -> tuple[bytes, int]:
        with client, client.stream("POST", url, json=ASK, headers=API_KEY) as response:
            return next(response.iter_raw()), len(read)

    assert (asyncio.run(first_async()) if sender.is_async else first()) == (b"data: 0\n\n", 1)
