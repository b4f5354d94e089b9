"""Presigned URLs: those that contain the guardrail are created, others are refused."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import UnknownClientMethodError
from botocore.signers import generate_presigned_url
from bypass.tampering import HEADERS, strip, swap, turn
from harness.bypass import unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, S3, WEAK, Recorder, ask

from guardedbedrock import AccessDeniedError, GuardrailTamperedError, UnguardableOperationError
from guardedbedrock.core.events import CallRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make


def test_presigned_invoke_model_signs_the_guardrail_headers(harness: Make) -> None:
    env = harness()

    url = env.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert "x-amzn-bedrock-guardrailidentifier%3Bx-amzn-bedrock-guardrailversion" in url
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def use(url: str, named: tuple[str, str] | None) -> int:
    """Send a request to a presigned URL as its holder can, and return the status."""
    headers = {"Content-Type": "application/json", **(dict(zip(HEADERS, named, strict=True)) if named else {})}
    request = urllib.request.Request(url, b"", headers, method="POST")  # noqa: S310  # the fake's
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_presigned_url_without_its_guardrail_is_rejected_by_the_service(harness: Make) -> None:
    env = harness(fake={"verify_signatures": True})
    url = env.client.generate_presigned_url("invoke_model", {"modelId": MODEL})

    statuses = [use(url, named) for named in (None, (WEAK["guardrailIdentifier"], "1"), (HR.arn, "1"))]

    assert statuses == [403, 403, 403]
    assert use(url, (HR.arn, HR.version)) == 400
    assert unguarded(env.fake, answered=True) == []


@pytest.mark.parametrize("handler", [strip, swap, turn])
def test_handler_cannot_change_a_presigned_url(harness: Make, handler: Callable[..., Any]) -> None:
    env = harness()
    env.client.meta.events.register("before-sign", handler)

    with pytest.raises(GuardrailTamperedError):
        env.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", ["converse", "converse_stream", "start_async_invoke"])
def test_presigning_an_operation_with_a_body_guardrail_is_refused(harness: Make, method: str) -> None:
    params = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3} if method == "start_async_invoke" else ask("converse")
    env = harness(allow_unguarded=["StartAsyncInvoke"])

    with pytest.raises(env.client.exceptions.AccessDeniedException, match="presigned URL"):
        env.client.generate_presigned_url(method, params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize(("mode", "enforced"), [("enforce", True), ("report", False)])
def test_a_presigned_url_that_does_not_bind_the_guardrail_is_reported(harness: Make, mode: Any, enforced: bool) -> None:  # noqa: FBT001
    recorder = Recorder()
    env = harness(mode=mode, listeners=[recorder])

    with pytest.raises(AccessDeniedError, match="would not bind the guardrail") if enforced else nullcontext():
        assert env.client.generate_presigned_url("converse", ask("converse"))

    (refused,) = recorder.last.of(CallRefused)
    assert isinstance(refused.error, UnguardableOperationError)
    assert refused.enforced is enforced
    assert unguarded(env.fake) == []


def test_a_presigned_url_that_does_not_bind_the_model_is_refused(harness: Make) -> None:
    params = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3}
    env = harness(allow_unguarded=["StartAsyncInvoke"])

    with pytest.raises(AccessDeniedError, match="would not bind the model in it"):
        env.client.generate_presigned_url("start_async_invoke", params)

    assert unguarded(env.fake) == []


def test_presigned_url_is_checked_like_a_call(harness: Make) -> None:
    env = harness()
    client = env.client

    with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
        client.generate_presigned_url("invoke_model", ask("invoke_model", model=DENIED_MODEL))
    with pytest.raises(client.exceptions.AccessDeniedException, match="is not approved"):
        client.generate_presigned_url("invoke_model", {**ask("invoke_model"), **WEAK})
    with pytest.raises(GuardrailTamperedError):
        generate_presigned_url(client, "invoke_model", ask("invoke_model"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_presigning_other_operations_works(harness: Make) -> None:
    env = harness()

    assert "/async-invoke?" in env.client.generate_presigned_url("list_async_invokes")
    with pytest.raises(UnknownClientMethodError, match="nonsense"):
        env.client.generate_presigned_url("nonsense")

    assert unguarded(env.fake) == []
