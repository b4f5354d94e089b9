"""Bodies of InvokeModel that cannot seek, and guardrail configurations that are not a dict."""

from __future__ import annotations

import io
import os
import socket
from array import array
from collections import UserDict
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ParamValidationError
from botocore.response import StreamingBody
from harness.clients import HR, INVOCATIONS, MODEL, WEAK, ask, read
from pydantic import BaseModel

from guardedbedrock import PartlyGuardedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

DATA: Final[bytes] = ask("invoke_model")["body"]
MODES: Final = ("allow", "warn", "refuse")


def streaming_body(data: bytes) -> Any:
    """Return the body of an S3 object."""
    raw = urllib3.HTTPResponse(io.BytesIO(data), preload_content=False)
    return StreamingBody(raw, len(data))


def http_response(data: bytes) -> Any:
    return urllib3.HTTPResponse(io.BytesIO(data), preload_content=False)


def pipe(data: bytes) -> Any:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(data)
    return os.fdopen(reader, "rb")


def connection(data: bytes) -> Any:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        return here.makefile("rb")


class OnlyRead:
    """A body whose only method is ``read``, which returns one part for each call."""

    def __init__(self, data: bytes) -> None:
        self._parts = [data[:7], data[7:]]

    def read(self, _size: int = -1) -> bytes:
        """Return the next part; nothing after the last."""
        return self._parts.pop(0) if self._parts else b""

    def close(self) -> None:
        """Do nothing."""


BODIES: Final = (streaming_body, http_response, pipe, connection, OnlyRead)


@pytest.fixture(name="signing", params=["unsigned", "api key", "signed"])
def _signing(request: pytest.FixtureRequest, harness: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Create a harness whose client is unsigned, has an API key, or signs with credentials."""
    config = Config(signature_version=UNSIGNED) if request.param == "unsigned" else None
    if request.param == "api key":
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-" + "x" * 24)
    return lambda **options: harness(config=config, fake={"tls": request.param == "api key"}, **options)


@pytest.mark.parametrize("on_partial", MODES)
@pytest.mark.parametrize("method", INVOCATIONS)
@pytest.mark.parametrize("body", BODIES)
def test_body_that_cannot_seek_is_sent(
    signing: Callable[..., Any], body: Callable[[bytes], Any], method: str, on_partial: str
) -> None:
    env = signing(on_partial=on_partial)

    with closing(body(DATA)) as stream:
        read(getattr(env.client, method)(modelId=MODEL, body=stream))

    assert [(request.http_request.body, request.guardrail) for request in env.fake.requests] == [(DATA, (HR.arn, HR.version))]


@pytest.mark.parametrize("body", BODIES)
def test_body_that_cannot_seek_is_sent_again_by_a_retry(harness: Make, body: Callable[[bytes], Any]) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow")

    with closing(body(DATA)) as stream:
        env.client.invoke_model(modelId=MODEL, body=stream)

    assert [request.http_request.body for request in env.fake.requests] == [DATA, DATA]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", [memoryview(DATA), array("B", DATA), {"messages": []}, iter([DATA]), 1], ids=type)
def test_body_that_botocore_rejects_is_its_own_error_in_every_mode(harness: Make, mode: str, body: Any) -> None:
    env = harness(on_partial=mode)

    with pytest.raises(ParamValidationError, match="Invalid type for parameter body"):
        env.client.invoke_model(modelId=MODEL, body=body)

    assert env.fake.requests == []


def test_prompt_that_a_stream_hides_from_the_guardrail_is_refused(harness: Make) -> None:
    env = harness(on_partial="refuse")
    tagged = b'{"amazon-bedrock-guardrailConfig": {"tagSuffix": "xyz"}, ' + DATA[1:]

    with pytest.raises(PartlyGuardedError):
        env.client.invoke_model(modelId=MODEL, body=OnlyRead(tagged))

    assert env.fake.requests == []


class GuardrailConfig(BaseModel):
    """A configuration as frameworks write it."""

    guardrailIdentifier: str  # noqa: N815  # the names are the API's
    guardrailVersion: str  # noqa: N815


CONFIGURATIONS: Final[dict[str, Any]] = {
    "pydantic, unapproved": GuardrailConfig(**WEAK),
    "pydantic, approved": GuardrailConfig(guardrailIdentifier=HR.arn, guardrailVersion=HR.version),
    "UserDict, approved": UserDict({"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}),
    "pairs": list(WEAK.items()),
    "text": HR.arn,
}


@pytest.mark.parametrize("options", [{}, {"on_unapproved": "replace"}, {"mode": "report"}], ids=str)
@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_guardrail_configuration_that_is_not_a_dict_is_rejected_as_by_boto3(
    harness: Make, plain: Any, method: str, config: Any, options: dict[str, Any]
) -> None:
    env = harness(**options)
    messages = []

    for client in (env.client, plain(env.fake)):
        with pytest.raises(ParamValidationError) as rejected:
            getattr(client, method)(**ask(method), guardrailConfig=config)
        messages.append(str(rejected.value))

    assert messages[0] == messages[1]
    assert env.fake.requests == []
