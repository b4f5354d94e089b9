"""Presigned URLs: those that bind the guardrail are handed out, the others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws.rig import DENIED_MODEL, MODEL, S3, WEAK, ask
from botocore.exceptions import UnknownClientMethodError
from botocore.signers import generate_presigned_url
from bypass.tampering import strip, swap, turn

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws.rig import Make


def test_a_presigned_invoke_model_binds_the_guardrail(house: Make) -> None:
    """Identifier and version are signed headers, so the URL is good for nothing without them."""
    made = house()

    url = made.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert "x-amzn-bedrock-guardrailidentifier%3Bx-amzn-bedrock-guardrailversion" in url
    assert made.fake.requests == []


@pytest.mark.parametrize("handler", [strip, swap, turn])
def test_a_handler_does_not_get_past_the_guard_of_a_presigned_url(house: Make, handler: Callable[..., Any]) -> None:
    """A URL that would bind another model, or no guardrail, is not handed out."""
    client = house().client
    client.meta.events.register("before-sign", handler)

    with pytest.raises(GuardrailTamperedError):
        client.generate_presigned_url("invoke_model", ask("invoke_model"))


@pytest.mark.parametrize("method", ["converse", "converse_stream", "start_async_invoke"])
def test_presigning_what_can_not_bind_a_guardrail_is_refused(house: Make, method: str) -> None:
    """Whoever has such a URL could leave the guardrail out."""
    params = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3} if method == "start_async_invoke" else ask("converse")
    client = house(allow_unguarded=["StartAsyncInvoke"]).client

    with pytest.raises(client.exceptions.AccessDeniedException, match="presigned URL"):
        client.generate_presigned_url(method, params)


def test_presigning_is_checked_as_a_call_is(house: Make) -> None:
    """A denied model, an unapproved guardrail, and botocore's own function past the guard are refused."""
    client = house().client

    with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
        client.generate_presigned_url("invoke_model", ask("invoke_model", model=DENIED_MODEL))
    with pytest.raises(client.exceptions.AccessDeniedException, match="is not approved"):
        client.generate_presigned_url("invoke_model", {**ask("invoke_model"), **WEAK})
    with pytest.raises(GuardrailTamperedError):
        generate_presigned_url(client, "invoke_model", ask("invoke_model"))


def test_presigning_what_is_no_inference_is_as_ever(house: Make) -> None:
    """Lists can be presigned, an unknown method is botocore's error."""
    client = house().client

    assert "/async-invoke?" in client.generate_presigned_url("list_async_invokes")
    with pytest.raises(UnknownClientMethodError, match="nonsense"):
        client.generate_presigned_url("nonsense")
