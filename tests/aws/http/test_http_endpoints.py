"""Which requests of HTTP clients are guarded: hosts of Bedrock in every spelling, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness.clients import HR, MODEL, POLICIES, PUBLIC, ROLE, Recorder
from harness.http_senders import API_KEY, CHAT

from guardedbedrock import Guard, Guardrail, GuardrailNotApprovedError, UnguardableOperationError
from guardedbedrock.core.events import SentWithoutGuardrail

if TYPE_CHECKING:
    from harness.http_senders import Sender, Sent

WEST: Final = Guardrail("arn:aws:bedrock:us-west-2:123456789012:guardrail/west00000001", version="2", name="west")
CHINA: Final = Guardrail("arn:aws-cn:bedrock:cn-north-1:123456789012:guardrail/china0000001", version="2", name="china")
ASK: Final = {"model": MODEL, "messages": [{"role": "user", "content": "hello there"}]}


class Wire:
    """A transport that keeps what it is given."""

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
    return Guard(**{"guardrails": [HR, PUBLIC, WEST, CHINA], "principal": ROLE, "listeners": (), **options})


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
def test_an_address_that_stands_for_a_host_of_bedrock_is_guarded(sender: Sender, options: dict[str, Any]) -> None:
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
