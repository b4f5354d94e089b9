"""Bodies that are changed after serialization, and bodies that two parsers read differently."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import CONFIG, on, unguarded
from harness.clients import HR, WEAK, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

MESSAGES: Final = json.dumps(ask("converse")["messages"])
RIGHT: Final = json.dumps(CONFIG)
OTHER: Final = json.dumps(WEAK)
WHOLE: Final = f'{{"messages": {MESSAGES}, "guardrailConfig": {RIGHT}}}'
BODIES: Final[dict[str, Any]] = {
    "no guardrail": f'{{"messages": {MESSAGES}}}'.encode(),
    "an empty one": f'{{"messages": {MESSAGES}, "guardrailConfig": {{}}}}'.encode(),
    "another": f'{{"messages": {MESSAGES}, "guardrailConfig": {OTHER}}}'.encode(),
    "another version": f'{{"messages": {MESSAGES}, "guardrailConfig": {RIGHT}}}'.replace('"3"', '"1"').encode(),
    "a number for a version": f'{{"messages": {MESSAGES}, "guardrailConfig": {RIGHT}}}'.replace('"3"', "3").encode(),
    "one level down": f'{{"messages": {MESSAGES}, "x": {{"y": 1, "guardrailConfig": {RIGHT}}}}}'.encode(),
    "in a string": json.dumps(
        {"messages": [{"role": "user", "content": [{"text": f', "guardrailConfig": {RIGHT}}}'}]}]}
    ).encode(),
    "twice, the right one last": f'{{"guardrailConfig": {OTHER}, "messages": {MESSAGES}, "guardrailConfig": {RIGHT}}}'.encode(),
    "twice, the right one first": f'{{"guardrailConfig": {RIGHT}, "messages": {MESSAGES}, "guardrailConfig": {OTHER}}}'.encode(),
    "twice, once in escapes": f'{{"guardrail\\u0043onfig": {{}}, "messages": {MESSAGES}, "guardrailConfig": {RIGHT}}}'.encode(),
    "twice within": WHOLE.replace('"guardrailVersion"', '"guardrailIdentifier": "weak00000001", "guardrailVersion"').encode(),
    "after the end": f'{{"messages": {MESSAGES}}}, "guardrailConfig": {RIGHT}}}'.encode(),
    "after a second value": f'{{"messages": {MESSAGES}}} {WHOLE}'.encode(),
    "in another case": f'{{"messages": {MESSAGES}, "GuardrailConfig": {RIGHT}}}'.encode(),
    "in a list": f"[{WHOLE}]".encode(),
    "UTF-16": WHOLE.encode("utf-16"),
    "UTF-32, no mark": WHOLE.encode("utf-32-le"),
    "UTF-8 with a mark": WHOLE.encode("utf-8-sig"),
    "a NUL": WHOLE.encode() + b"\0",
    "compressed": gzip.compress(WHOLE.encode()),
    "in chunks": b"5\r\n" + WHOLE.encode(),
    "text": f'{{"messages": {MESSAGES}}}',
    "nested beyond reading": b'{"x": ' + b"[" * 200_000,
    "nothing": b"",
}


NOT_BYTES: Final[dict[str, Any]] = {"bytearray": bytearray(WHOLE.encode()), "text": WHOLE}


def put(body: Any) -> Callable[..., None]:
    """Return a handler that replaces the body."""

    def handler(params: Any = None, request: Any = None, **_: Any) -> None:
        if params is not None:
            params["body"] = body
        else:
            request.data = body

    return handler


@pytest.mark.parametrize("event", ["before-call", "before-sign", "request-created"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_changed_body_is_read_strictly(harness: Make, body: Any, event: str) -> None:
    env = harness()
    on(env, event, put(body))

    for method in ("converse", "converse_stream"):
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("event", ["before-call", "before-sign"])
@pytest.mark.parametrize("body", NOT_BYTES.values(), ids=NOT_BYTES)
def test_body_that_can_change_after_the_signature_is_refused(harness: Make, body: Any, event: str) -> None:
    env = harness()
    on(env, event, put(body))

    for method in ("converse", "converse_stream"):
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("body", NOT_BYTES.values(), ids=NOT_BYTES)
def test_body_that_is_not_bytes_is_sent_as_the_bytes_that_were_verified(harness: Make, body: Any) -> None:
    env = harness()
    on(env, "request-created", put(body))

    env.client.converse(**ask("converse"))

    assert [request.http_request.body for request in env.fake.requests] == [WHOLE.encode()]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("name", ["Content-Encoding", "Transfer-Encoding"])
def test_encoded_body_is_refused(harness: Make, name: str) -> None:
    env = harness()
    inner = f'{{"messages": {MESSAGES}}}'.encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner) + f', "guardrailConfig": {RIGHT}}}'.encode()

    def encode(request: Any, **_: Any) -> None:
        request.headers[name] = "chunked" if name == "Transfer-Encoding" else "gzip"
        request.data = chunked if name == "Transfer-Encoding" else gzip.compress(WHOLE.encode())

    on(env, "before-sign", encode)
    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**ask("converse"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_rewritten_body_with_the_authorized_content_is_sent(harness: Make) -> None:
    env = harness()

    def again(params: dict[str, Any], **_: Any) -> None:
        params["body"] = json.dumps({"guardrailConfig": CONFIG, **json.loads(params["body"]), "inferenceConfig": {}}).encode()

    on(env, "before-call", again)
    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


def test_changed_model_in_the_body_of_an_async_invoke_is_refused(harness: Make) -> None:
    env = harness(allow_unguarded=["StartAsyncInvoke"])
    job = {"modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}}}
    edits = {
        "another": lambda body: body.replace(b"haiku-20240307", b"opus-20240229"),
        "twice": lambda body: b'{"modelId": "anthropic.claude-3-opus-20240229-v1:0", ' + body[1:],
    }
    for edit in edits.values():
        env.client.meta.events.register("before-call", lambda params, edit=edit, **_: params.update(body=edit(params["body"])))
        with pytest.raises(GuardrailTamperedError):
            env.client.start_async_invoke(modelId=ask("converse")["modelId"], **job)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
