"""Requests of guarded HTTP clients, sent to a fake over a real socket by each library, sync and async."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationNotFoundError
from harness.clients import DENIED_MODEL, HR, MODEL, POLICY, PUBLIC, ROLE, WEAK
from harness.http_senders import API_KEY, CHAT
from harness.installed import MISSING

from guardedbedrock import (
    AccessDeniedError,
    ConfigurationError,
    ExplicitDenyError,
    Guard,
    GuardrailInterventionError,
    GuardrailNotApprovedError,
    GuardrailTamperedError,
    ImplicitDenyError,
    PartlyGuardedError,
    PreflightUnavailableError,
    UnguardableOperationError,
    UnguardedReplyError,
    iam,
)
from guardedbedrock.core.events import (
    CallRefused,
    DeniedByAws,
    GuardrailIntervened,
    ResponseReceived,
    SentWithoutGuardrail,
    StreamInterrupted,
)
from guardedbedrock.testing.faults import BreakStream, HangUp, Rechunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.http_senders import Sender, Sent

TEXT: Final = "hello there"
REF: Final = (HR.arn, HR.version)
HEADERS: Final = {"X-Amzn-Bedrock-GuardrailIdentifier": HR.arn, "X-Amzn-Bedrock-GuardrailVersion": HR.version}
INVOCATION: Final = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50}


def chat(text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}


def conversation(text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": text}]}], **more}


def invocation(text: str = TEXT, **more: Any) -> dict[str, Any]:
    return {**INVOCATION, "messages": [{"role": "user", "content": text}], **more}


def requests(text: str = TEXT, model: str = MODEL) -> list[tuple[str, str, dict[str, Any]]]:
    """List operation, path and body of each kind of request."""
    return [
        ("ChatCompletions", CHAT, chat(text, model=model)),
        ("ChatCompletions", "/v1/chat/completions", chat(text, model=model, stream=False)),
        ("ChatCompletionsStream", CHAT, chat(text, model=model, stream=True)),
        ("InvokeModel", f"/model/{model}/invoke", invocation(text)),
        ("InvokeModelWithResponseStream", f"/model/{model}/invoke-with-response-stream", invocation(text)),
        ("Converse", f"/model/{model}/converse", conversation(text)),
        ("ConverseStream", f"/model/{model}/converse-stream", conversation(text)),
    ]


ROUTES: Final = pytest.mark.parametrize(("operation", "path", "body"), requests(), ids=[f"{p}-{o}" for o, p, _ in requests()])
STREAMS: Final = [each for each in requests("salary") if each[0].endswith("Stream")]


def signed(url: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Sign a request as the Anthropic SDK and LiteLLM do; return the keywords of a request."""
    data = json.dumps(body).encode()
    request = AWSRequest(method="POST", url=url, data=data, headers={"Content-Type": "application/json", **headers})
    SigV4Auth(Credentials("testing", "testing"), "bedrock", "us-east-1").add_auth(request)
    return {"content": data, "headers": dict(request.headers.items())}


@ROUTES
def test_the_approved_guardrail_arrives_and_the_response_is_unchanged(
    env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]
) -> None:
    fake, guard, recorder = env()

    sent = sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)
    named = {**body, "guardrailConfig": dict(zip(("guardrailIdentifier", "guardrailVersion"), REF, strict=True))}
    plain = sender.post(
        None, fake.endpoint_url + path, json=named if "Converse" in operation else body, headers={**API_KEY, **HEADERS}
    )

    assert (sent.status, sent.content, sent.headers["content-type"]) == (200, plain.content, plain.headers["content-type"])
    assert [(each.operation, each.guardrail) for each in fake.requests] == [(operation, REF)] * 2
    assert [event.status for event in recorder.last.of(ResponseReceived)] == [200]
    assert recorder.last.closed == [None]


@ROUTES
def test_a_denied_model_is_not_called(env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]) -> None:
    fake, guard, recorder = env()
    denied = {**body, "model": DENIED_MODEL} if "model" in body else body

    sent = sender.post(guard, fake.endpoint_url + path.replace(MODEL, DENIED_MODEL), json=denied, headers=API_KEY)

    assert fake.requests == []
    assert (sent.status, type(sent.error)) == (403, ExplicitDenyError)
    assert sent.error.operation_name == operation
    assert recorder.last.closed == [sent.error]
    assert sent.error.message in shown(sent)


def shown(sent: Sent) -> str:
    """Read the message of an error in the shape of AWS or OpenAI."""
    body = json.loads(sent.content)
    return str(body["error"]["message"] if "error" in body else body["Message"])


@ROUTES
def test_another_guardrail_is_refused(env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]) -> None:
    fake, guard, recorder = env()
    headers = {f"X-Amzn-Bedrock-{name[0].upper()}{name[1:]}": value for name, value in WEAK.items()}
    named = {**body, "guardrailConfig": WEAK} if "Converse" in operation else body

    sent = sender.post(guard, fake.endpoint_url + path, json=named, headers={**API_KEY, **headers})

    assert fake.requests == []
    assert (sent.status, type(sent.error)) == (403, GuardrailNotApprovedError)
    assert [event.enforced for event in recorder.last.of(CallRefused)] == [True]


@ROUTES
def test_an_intervention_is_reported(env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]) -> None:
    fake, guard, recorder = env()
    text = json.loads(json.dumps(body).replace(TEXT, "salary"))

    sent = sender.post(guard, fake.endpoint_url + path, json=text, headers=API_KEY)

    assert sent.status == 200
    (event,) = recorder.last.of(GuardrailIntervened)
    assert (event.intervention.guardrail, event.intervention.version) == (HR.id, HR.version)
    assert fake.requests[0].operation == operation


@pytest.mark.parametrize(("_", "path", "body"), [each for each in requests("salary") if not each[0].endswith("Stream")])
def test_a_raised_intervention_is_a_403_response(env: Any, sender: Sender, _: str, path: str, body: dict[str, Any]) -> None:
    fake, guard, recorder = env(on_intervention="raise")

    sent = sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)

    assert (sent.status, type(sent.error)) == (403, GuardrailInterventionError)
    assert recorder.last.closed == [sent.error]
    assert "salary" not in shown(sent)


@pytest.mark.parametrize(("_", "path", "body"), [each for each in STREAMS if "invoke" not in each[1]])
def test_a_raised_intervention_ends_a_stream(env: Any, sender: Sender, _: str, path: str, body: dict[str, Any]) -> None:
    fake, guard, recorder = env(on_intervention="raise")

    with pytest.raises(GuardrailInterventionError):
        sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)

    assert [type(error) for error in recorder.last.closed] == [GuardrailInterventionError]


@pytest.mark.parametrize("pieces", [1, 7, 4096])
@pytest.mark.parametrize(("operation", "path", "body"), STREAMS)
def test_a_stream_is_read_however_its_bytes_are_cut(  # noqa: PLR0913, PLR0917
    env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any], pieces: int
) -> None:
    fake, guard, recorder = env()
    fake.fault(Rechunk(pieces))

    sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)

    assert len(recorder.last.of(GuardrailIntervened)) == 1
    assert fake.requests[0].operation == operation


@pytest.mark.parametrize(("operation", "path", "body"), [each for each in requests() if each[0].endswith("Stream")])
def test_an_error_event_is_reported_and_passed_on(
    env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]
) -> None:
    fake, guard, recorder = env()
    fake.fault(BreakStream("throttlingException", "slow down", 2))

    sent = sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)

    assert b"slow down" in sent.content
    assert [event.code for event in recorder.last.of(StreamInterrupted)] == ["throttlingException"]
    assert [each.operation for each in fake.requests] == [operation]


def test_a_broken_connection_raises_the_error_of_the_library(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env()
    fake.fault(HangUp(after=300))

    with pytest.raises(sender.module.TransportError):
        sender.post(guard, fake.endpoint_url + CHAT, json=chat(stream=True), headers=API_KEY)

    assert len(recorder.last.of(StreamInterrupted)) == 1
    assert len(recorder.last.closed) == 1


def test_an_unreachable_endpoint_raises_the_error_of_the_library(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env()
    url = fake.endpoint_url
    fake.close()

    with pytest.raises(sender.module.ConnectError) as failed:
        sender.post(guard, url + CHAT, json=chat(), headers=API_KEY)

    assert recorder.last.closed == [failed.value]


def test_a_stream_that_is_left_early_ends_its_observation(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env()
    url = fake.endpoint_url + CHAT

    if sender.is_async:

        async def leave() -> None:
            async with sender.client(guard) as client, client.stream("POST", url, json=chat(stream=True)) as response:
                await anext(response.aiter_bytes(10))

        asyncio.run(leave())
    else:
        with sender.client(guard) as client, client.stream("POST", url, json=chat(stream=True)) as response:
            next(response.iter_bytes(10))

    assert recorder.last.closed == [None]


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat()), (f"/model/{MODEL}/invoke", invocation())])
def test_a_denial_of_aws_is_passed_on_with_the_typed_error(env: Any, sender: Sender, path: str, body: dict[str, Any]) -> None:
    denies = {
        "Version": "2012-10-17",
        "Statement": [POLICY["Statement"][0], {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*"}],
    }
    fake, guard, recorder = env({"policies": iam.PolicySet(identity=[POLICY], scp=[denies])})

    sent = sender.post(guard, fake.endpoint_url + path, json=body, headers=API_KEY)

    status = 401 if path == CHAT else 403
    assert (sent.status, type(sent.error), sent.error.simulated) == (status, ExplicitDenyError, False)
    assert (sent.error.policy_type, sent.error.action) == ("scp", "bedrock:InvokeModel")
    assert sent.error.message == shown(sent)
    assert [event.error for event in recorder.last.of(DeniedByAws)] == [sent.error]
    assert recorder.last.closed == [sent.error]


def test_another_error_of_aws_is_passed_on(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env()
    fake.fail_next(429, "ThrottlingException", "slow down")

    sent = sender.post(guard, fake.endpoint_url + CHAT, json=chat(), headers=API_KEY)

    assert (sent.status, sent.error, shown(sent)) == (429, None, "slow down")
    assert [str(error.response["Error"]["Code"]) for error in recorder.last.closed] == ["ThrottlingException"]


def test_an_api_key_needs_call_with_bearer_token(env: Any, sender: Sender) -> None:
    models = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
    fake, guard, _ = env(policies=iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [models]}]))

    sent = sender.post(guard, fake.endpoint_url + CHAT, json=chat(), headers=API_KEY)
    by_signature = sender.post(guard, fake.endpoint_url + CHAT, **signed(fake.endpoint_url + CHAT, chat(), **HEADERS))

    assert (type(sent.error), sent.error.action) == (ImplicitDenyError, "bedrock:CallWithBearerToken")
    assert (by_signature.status, [each.guardrail for each in fake.requests]) == (200, [REF])


@pytest.mark.parametrize(("stream", "action"), [(False, "bedrock:InvokeModel"), (True, "bedrock:InvokeModelWithResponseStream")])
def test_a_chat_completion_is_authorized_like_invoke_model(env: Any, sender: Sender, stream: bool, action: str) -> None:  # noqa: FBT001
    deny = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [POLICY["Statement"][0], deny]}])
    fake, guard, _ = env(policies=policies)

    denied = sender.post(guard, fake.endpoint_url + CHAT, json=chat(stream=stream), headers=API_KEY)
    allowed = sender.post(guard, fake.endpoint_url + CHAT, json=chat(stream=not stream), headers=API_KEY)

    assert (denied.error.action, denied.error.resource) == (action, f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}")
    assert (allowed.status, len(fake.requests)) == (200, 1)


@ROUTES
def test_a_signed_request_without_a_guardrail_is_refused(
    env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]
) -> None:
    fake, guard, recorder = env()

    sent = sender.post(guard, fake.endpoint_url + path, **signed(fake.endpoint_url + path, body))

    assert fake.requests == []
    assert (sent.status, type(sent.error), sent.error.operation_name) == (403, GuardrailTamperedError, operation)
    assert "install(strict=True)" in shown(sent)
    assert len(recorder.last.of(CallRefused)) == 1


@pytest.mark.parametrize(("operation", "path", "body"), [each for each in requests() if "Converse" not in each[0]])
def test_strict_installation_adds_the_guardrail_before_signing(
    env: Any, sender: Sender, operation: str, path: str, body: dict[str, Any]
) -> None:
    fake, guard, _ = env({"guardrails": (), "verify_signatures": True})
    fake.configure(guardrails=[], verify_signatures=False)

    with guard.install(strict=True):
        request = signed(fake.endpoint_url + path, body)
    sender.post(guard, fake.endpoint_url + path, **request)

    assert [(each.operation, each.guardrail) for each in fake.requests] == [(operation, REF)]


def test_a_signature_stays_valid(env: Any, sender: Sender) -> None:
    fake, guard, _ = env({"verify_signatures": True})
    url = fake.endpoint_url + f"/model/{MODEL}/invoke"

    with guard.install(strict=True):
        request = signed(url, invocation())

    assert sender.post(guard, url, **request).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses",
        "/openai/v1/responses",
        "/v1/completions",
        "/openai/v1/models",
        "/anthropic/v1/messages",
        f"/model/{MODEL}/invoke-next",
        f"/openai/model/{MODEL}/invoke",
        f"/other/model/{MODEL}/invoke",
        "/other/v1/chat/completions",
        "/v1//chat/completions",
        "/",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_unknown_path_is_refused(env: Any, sender: Sender, path: str, method: str) -> None:
    fake, guard, recorder = env()

    sent = sender.post(guard, fake.endpoint_url + path, method=method, headers=API_KEY)

    assert fake.requests == []
    assert (sent.status, type(sent.error)) == (403, UnguardableOperationError)
    assert recorder.last.closed == [sent.error]


def test_a_target_that_overrides_the_path_is_refused(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()
    url = fake.endpoint_url + "/guardrail-checks/invoke"

    sent = sender.post(guard, url, json=chat(), headers=API_KEY, extensions={"target": CHAT.encode()})

    assert (fake.requests, type(sent.error)) == ([], UnguardableOperationError)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b'{"messages": []}',
        b'{"model": 7, "messages": []}',
        b'{"model": "", "messages": []}',
        b'{"model": "a", "model": "b", "messages": []}',
        b'{"model": "a", "stream": "true", "messages": []}',
        b'{"model": "a", "stream": 1, "messages": []}',
        b'\xef\xbb\xbf{"model": "a", "messages": []}',
        '{"model": "a", "messages": []}'.encode("utf-16"),
    ],
)
def test_a_chat_completion_that_cannot_be_read_is_refused(env: Any, sender: Sender, body: bytes) -> None:
    fake, guard, _ = env()

    sent = sender.post(guard, fake.endpoint_url + CHAT, content=body, headers=API_KEY)

    assert (fake.requests, sent.status, type(sent.error)) == ([], 403, GuardrailTamperedError)


ASKED: Final = json.dumps(conversation()).encode()
UNREADABLE: Final = {
    "a wrong type": b'{"guardrailConfig": 7}',
    "a repeated guardrail": b'{"guardrailConfig": {}, "guardrailConfig": {}}',
    "another repeated key": ASKED[:-1] + b', "inferenceConfig": {"maxTokens": 1, "maxTokens": 2}}',
    "a byte order mark": b"\xef\xbb\xbf" + ASKED,
    "UTF-16": ASKED.decode().encode("utf-16"),
    "trailing data": ASKED + b" {}",
    "a list": b"[]",
    "text": b"x",
    "nothing": b"",
    "a number that JSON cannot write": ASKED[:-1] + b', "inferenceConfig": {"temperature": 1E400}}',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_conversation_that_cannot_be_read_is_refused(env: Any, sender: Sender, body: bytes) -> None:
    """The guard would have to serialize it again, and would lose a part of it."""
    fake, guard, _ = env()

    sent = sender.post(guard, fake.endpoint_url + f"/model/{MODEL}/converse", content=body, headers=API_KEY)

    assert (fake.requests, sent.status, type(sent.error)) == ([], 403, GuardrailTamperedError)


def test_report_mode_sends_a_conversation_that_cannot_be_read_unchanged(env: Any, sender: Sender) -> None:
    fake, guard, _ = env(mode="report")
    body = UNREADABLE["another repeated key"]

    sender.post(guard, fake.endpoint_url + f"/model/{MODEL}/converse", content=body, headers=API_KEY)

    assert [request.http_request.body for request in fake.requests] == [body]


def test_a_repeated_guardrail_header_is_replaced_by_one(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()
    twice = [("X-Amzn-Bedrock-GuardrailIdentifier", HR.arn), ("x-amzn-bedrock-guardrailidentifier", "weak00000001")]

    sender.post(guard, fake.endpoint_url + CHAT, json=chat(), headers=[*API_KEY.items(), *twice])

    assert [each.guardrail for each in fake.requests] == [REF]


@pytest.mark.parametrize("content", ["bytes", "chunks"])
def test_a_body_of_chunks_is_read_and_sent_once(env: Any, sender: Sender, content: str) -> None:
    fake, guard, _ = env()
    data = json.dumps(chat()).encode()

    def chunks() -> Any:
        yield data[:10]
        yield data[10:]

    async def chunks_async() -> Any:
        for chunk in chunks():
            yield chunk

    given = data if content == "bytes" else chunks_async() if sender.is_async else chunks()
    sent = sender.post(guard, fake.endpoint_url + CHAT, content=given, headers=API_KEY)

    assert (sent.status, [each.http_request.body for each in fake.requests]) == (200, [data])


def test_using_chooses_the_guardrail(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()

    with guard.using("customer-facing"):
        sender.post(guard, fake.endpoint_url + CHAT, json=chat(), headers=API_KEY)
    sender.post(guard.choosing("customer-facing"), fake.endpoint_url + CHAT, json=chat(), headers=API_KEY)

    assert [each.guardrail for each in fake.requests] == [(PUBLIC.arn, PUBLIC.version)] * 2


def test_report_mode_reports_and_sends(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env(mode="report")
    url = fake.endpoint_url

    for path, request in [
        (CHAT, {"json": chat(model=DENIED_MODEL), "headers": API_KEY}),
        ("/v1/responses", {"json": chat(), "headers": API_KEY}),
        (CHAT, signed(url + CHAT, chat())),
    ]:
        sender.post(guard, url + path, **request)

    assert [[event.enforced for event in heard.of(CallRefused)] for heard in recorder.calls] == [[False]] * 3
    assert [each.guardrail for each in fake.requests] == [REF, None, None]


def test_mode_off_guards_nothing_and_says_so(env: Any, sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    fake, guard, recorder = env(mode="off")

    sender.post(guard, fake.endpoint_url + CHAT, json=chat(), headers=API_KEY)

    assert ([each.guardrail for each in fake.requests], recorder.calls) == ([None], [])
    assert f"guardedbedrock is off for a new {sender.library} client" in caplog.text


def test_an_embedding_model_gets_no_guardrail_and_leaves_an_event(env: Any, sender: Sender) -> None:
    fake, guard, recorder = env()
    model = "amazon.titan-embed-text-v2:0"

    sent = sender.post(guard, fake.endpoint_url + f"/model/{model}/invoke", json={"inputText": "hello"}, headers=API_KEY)

    assert (sent.status, [each.guardrail for each in fake.requests]) == (200, [None])
    assert [event.kind for event in recorder.last.of(SentWithoutGuardrail)] == ["embedding"]


@pytest.mark.skipif(("bedrock-runtime", "InvokeGuardrailChecks") in MISSING, reason="the installed botocore is too old")
def test_other_operations_are_authorized_too(env: Any, sender: Sender) -> None:
    """The operation reaches no model, so it needs no guardrail."""
    fake, guard, _ = env()

    sent = sender.post(guard, fake.endpoint_url + "/guardrail-checks/invoke", json={}, headers=API_KEY)

    assert (sent.status, [each.operation for each in fake.requests]) == (400, ["InvokeGuardrailChecks"])


def test_an_operation_without_a_guardrail_location_is_refused(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()
    started = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}}}

    sent = sender.post(guard, fake.endpoint_url + "/async-invoke", json=started, headers=API_KEY)

    assert (sent.status, fake.requests, type(sent.error)) == (403, [], UnguardableOperationError)


def test_an_operation_that_the_installed_botocore_lacks_is_refused(
    env: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, guard, _ = env()

    def without(name: str) -> Any:
        raise OperationNotFoundError(name)

    monkeypatch.setattr("guardedbedrock.aws.http.operation_reader.runtime_operation", without)
    sent = sender.post(guard, fake.endpoint_url + "/guardrail-checks/invoke", json={}, headers=API_KEY)

    assert (sent.status, fake.requests, type(sent.error)) == (403, [], UnguardableOperationError)
    assert "does not know InvokeGuardrailChecks" in str(sent.error)


def test_a_partly_guarded_chat_completion_is_refused_on_request(env: Any, sender: Sender) -> None:
    fake, guard, _ = env(on_partial="refuse")
    tagged = chat("<amazon-bedrock-guardrails-guardContent_ab12cd34>x</amazon-bedrock-guardrails-guardContent_ab12cd34> salary")
    body = {**tagged, "amazon-bedrock-guardrailConfig": {"tagSuffix": "ab12cd34"}}

    sent = sender.post(guard, fake.endpoint_url + CHAT, json=body, headers=API_KEY)

    assert (fake.requests, type(sent.error)) == ([], PartlyGuardedError)


def test_a_reply_that_shows_no_guardrail_can_be_refused(env: Any, sender: Sender) -> None:
    fake, guard, _ = env(on_unguarded_reply="raise")
    module = sender.module
    inner = module.MockTransport(lambda _: module.Response(200, json={"content": []}))

    sent = sender.post(guard, fake.endpoint_url + f"/model/{MODEL}/invoke", json=invocation(), transport=inner)

    assert (sent.status, type(sent.error)) == (403, UnguardedReplyError)


@pytest.mark.parametrize("headers", [API_KEY, {}], ids=["api key", "signed by others"])
def test_an_unknown_caller_is_refused(env: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> None:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    fake, guard, _ = env(principal="caller")
    url = fake.endpoint_url + CHAT
    request = {"json": chat(), "headers": headers} if headers else signed(url, chat(), **HEADERS)

    sent = sender.post(guard, url, **request)

    assert (fake.requests, type(sent.error)) == ([], PreflightUnavailableError)


def test_a_transport_is_guarded_like_a_client(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()

    sent = sender.request(
        lambda: sender.plain(transport=sender.transport(guard, retries=1)),
        {},
        fake.endpoint_url + CHAT,
        {"json": chat(), "headers": API_KEY},
    )

    assert (sent.status, [each.guardrail for each in fake.requests]) == (200, [REF])


def test_a_proxy_does_not_go_round_the_guard(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()

    sender.post(guard, f"http://bedrock-runtime.us-east-1.amazonaws.com{CHAT}", json=chat(), proxy=fake.endpoint_url)

    (request,) = fake.requests
    assert request.headers["x-amzn-bedrock-guardrailidentifier"] == HR.arn


def test_a_proxy_of_the_environment_does_not_go_round_the_guard(
    env: Any, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, guard, _ = env()
    monkeypatch.setenv("HTTP_PROXY", fake.endpoint_url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    sender.post(guard, f"http://bedrock-runtime.us-east-1.amazonaws.com{CHAT}", json=chat())

    (request,) = fake.requests
    assert request.headers["x-amzn-bedrock-guardrailidentifier"] == HR.arn


@pytest.mark.parametrize("make", ["client", "transport"])
def test_a_missing_library_is_a_configuration_error(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, make: str, guarded: Callable[[], Guard]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, sender.library, None)

    with pytest.raises(ConfigurationError, match=rf"need {sender.library}, .* install guardedbedrock\[http\]"):
        getattr(sender, make)(guarded())


@pytest.fixture
def guarded() -> Callable[[], Guard]:
    return lambda: Guard(guardrails=[HR], principal=ROLE, listeners=())


def test_simulate_knows_chat_completions(guarded: Callable[[], Guard]) -> None:
    verdict = guarded().simulate("ChatCompletions", {"modelId": MODEL, "body": json.dumps(chat())})

    assert (verdict.decision, verdict.params["guardrailIdentifier"]) == ("allowed", HR.arn)


def test_every_refusal_is_an_access_denied_error(env: Any, sender: Sender) -> None:
    fake, guard, _ = env()

    sent = sender.post(guard, fake.endpoint_url + "/v1/responses", json=chat(), headers=API_KEY)

    assert isinstance(sent.error, AccessDeniedError)
    assert sent.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert json.loads(sent.content)["error"]["code"] == "AccessDeniedException"
