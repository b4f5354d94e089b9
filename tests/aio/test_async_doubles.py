"""Doubles in the tests of applications, with async clients: as `aws/test_doubles.py`."""

from __future__ import annotations

import copy
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import AsyncMock, Mock, patch

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from harness.clients import ask

from guardedbedrock.stages.retry.policy import RetryPolicy

if TYPE_CHECKING:
    from harness.aio import Make

pytestmark = pytest.mark.anyio
API_CALL: Final = "aiobotocore.client.AioBaseClient._make_api_call"
BODY: Final = b'{"content": [{"text": "hi"}]}'


def no_wait(seconds: float) -> None:
    """Fail: a double is never retried."""
    pytest.fail(f"waited {seconds} s to retry the answer of a double")


PATIENT: Final = RetryPolicy(attempts=3, sleep=no_wait)


async def test_a_throttle_that_a_stubber_queued_is_raised_at_once(harness: Make) -> None:
    env = await harness(retry=PATIENT)
    with Stubber(env.client) as stubber:
        stubber.add_client_error("converse", "ThrottlingException", http_status_code=429)
        with pytest.raises(env.client.exceptions.ThrottlingException):
            await env.client.converse(**ask("converse"))


async def test_an_error_of_a_patched_call_is_raised_at_once_and_unchanged(harness: Make) -> None:
    env = await harness(retry=PATIENT)
    response = {"Error": {"Code": "ThrottlingException", "Message": "no"}}
    error = ClientError(copy.deepcopy(response), "Converse")
    with patch(API_CALL, AsyncMock(side_effect=error)), pytest.raises(ClientError) as raised:
        await env.client.converse(**ask("converse"))

    assert raised.value is error
    assert error.response == response


async def events() -> Any:
    yield {"messageStop": {"stopReason": "end_turn"}}


REPLIES: Final[dict[str, Any]] = {
    "None": lambda: None,
    "mock": Mock,
    "file body": lambda: {"body": BytesIO(BODY)},
    "text file body": lambda: {"body": StringIO(BODY.decode())},
    "async mock body": lambda: {"body": AsyncMock()},
    "list": lambda: {"stream": [], "body": []},
    "async iterator": lambda: {"stream": events(), "body": events()},
}


@pytest.mark.parametrize("method", ["converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"])
@pytest.mark.parametrize("make", REPLIES.values(), ids=REPLIES)
async def test_the_reply_of_a_patched_call_is_the_same_object_unchanged(harness: Make, method: str, make: Any) -> None:
    env, reply = await harness(retry=PATIENT), make()
    before = dict(reply) if isinstance(reply, dict) else reply
    for _ in range(2):
        with patch(API_CALL, AsyncMock(return_value=reply)):
            assert await getattr(env.client, method)(**ask(method)) is reply
        assert reply == before
