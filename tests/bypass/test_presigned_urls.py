"""Presigned URLs: those that bind the guardrail are handed out, the others are refused."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import UnknownClientMethodError
from botocore.signers import generate_presigned_url
from bypass.tampering import HEADERS, strip, swap, turn
from harness.bypass import unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, S3, WEAK, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make


def test_a_presigned_invoke_model_binds_the_guardrail(harness: Make) -> None:
    """Identifier and version are signed headers, so the URL is good for nothing without them."""
    env = harness()

    url = env.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert "x-amzn-bedrock-guardrailidentifier%3Bx-amzn-bedrock-guardrailversion" in url
    assert unguarded(env.fake) == env.fake.requests == []


def use(url: str, named: tuple[str, str] | None) -> int:
    """Send a request to a presigned URL, as whoever got it can, and give its status."""
    headers = {"Content-Type": "application/json", **(dict(zip(HEADERS, named, strict=True)) if named else {})}
    request = urllib.request.Request(url, b"", headers, method="POST")  # noqa: S310  # the fake's
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_whoever_has_the_url_can_not_leave_the_guardrail_out(harness: Make) -> None:
    """Nor name another: the service finds that the signature does not match. With the right one it goes on to read the body."""
    env = harness(fake={"verify_signatures": True})
    url = env.client.generate_presigned_url("invoke_model", {"modelId": MODEL})

    statuses = [use(url, named) for named in (None, (WEAK["guardrailIdentifier"], "1"), (HR.arn, "1"))]

    assert statuses == [403, 403, 403]
    assert use(url, (HR.arn, HR.version)) == 400
    assert unguarded(env.fake, answered=True) == []


@pytest.mark.parametrize("handler", [strip, swap, turn])
def test_a_handler_does_not_get_past_the_guard_of_a_presigned_url(harness: Make, handler: Callable[..., Any]) -> None:
    """A URL that would bind another model, or no guardrail, is not handed out."""
    env = harness()
    env.client.meta.events.register("before-sign", handler)

    with pytest.raises(GuardrailTamperedError):
        env.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert unguarded(env.fake) == env.fake.requests == []


@pytest.mark.parametrize("method", ["converse", "converse_stream", "start_async_invoke"])
def test_presigning_what_can_not_bind_a_guardrail_is_refused(harness: Make, method: str) -> None:
    """Whoever has such a URL could leave the guardrail out."""
    params = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3} if method == "start_async_invoke" else ask("converse")
    env = harness(allow_unguarded=["StartAsyncInvoke"])

    with pytest.raises(env.client.exceptions.AccessDeniedException, match="presigned URL"):
        env.client.generate_presigned_url(method, params)

    assert unguarded(env.fake) == env.fake.requests == []


def test_presigning_is_checked_as_a_call_is(harness: Make) -> None:
    """A denied model, an unapproved guardrail, and botocore's own function past the guard are refused."""
    env = harness()
    client = env.client

    with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
        client.generate_presigned_url("invoke_model", ask("invoke_model", model=DENIED_MODEL))
    with pytest.raises(client.exceptions.AccessDeniedException, match="is not approved"):
        client.generate_presigned_url("invoke_model", {**ask("invoke_model"), **WEAK})
    with pytest.raises(GuardrailTamperedError):
        generate_presigned_url(client, "invoke_model", ask("invoke_model"))

    assert unguarded(env.fake) == env.fake.requests == []


def test_presigning_what_is_no_inference_is_as_ever(harness: Make) -> None:
    """Lists can be presigned, an unknown method is botocore's error."""
    env = harness()

    assert "/async-invoke?" in env.client.generate_presigned_url("list_async_invokes")
    with pytest.raises(UnknownClientMethodError, match="nonsense"):
        env.client.generate_presigned_url("nonsense")

    assert unguarded(env.fake) == []
