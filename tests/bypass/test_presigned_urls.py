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


def test_a_presigned_invoke_model_binds_the_guardrail(house: Make) -> None:
    """Identifier and version are signed headers, so the URL is good for nothing without them."""
    made = house()

    url = made.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert "x-amzn-bedrock-guardrailidentifier%3Bx-amzn-bedrock-guardrailversion" in url
    assert unguarded(made.fake) == made.fake.requests == []


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


def test_whoever_has_the_url_can_not_leave_the_guardrail_out(house: Make) -> None:
    """Nor name another: the service finds that the signature does not match. With the right one it goes on to read the body."""
    made = house(fake={"verify_signatures": True})
    url = made.client.generate_presigned_url("invoke_model", {"modelId": MODEL})

    statuses = [use(url, named) for named in (None, (WEAK["guardrailIdentifier"], "1"), (HR.arn, "1"))]

    assert statuses == [403, 403, 403]
    assert use(url, (HR.arn, HR.version)) == 400
    assert unguarded(made.fake, answered=True) == []


@pytest.mark.parametrize("handler", [strip, swap, turn])
def test_a_handler_does_not_get_past_the_guard_of_a_presigned_url(house: Make, handler: Callable[..., Any]) -> None:
    """A URL that would bind another model, or no guardrail, is not handed out."""
    made = house()
    made.client.meta.events.register("before-sign", handler)

    with pytest.raises(GuardrailTamperedError):
        made.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert unguarded(made.fake) == made.fake.requests == []


@pytest.mark.parametrize("method", ["converse", "converse_stream", "start_async_invoke"])
def test_presigning_what_can_not_bind_a_guardrail_is_refused(house: Make, method: str) -> None:
    """Whoever has such a URL could leave the guardrail out."""
    params = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3} if method == "start_async_invoke" else ask("converse")
    made = house(allow_unguarded=["StartAsyncInvoke"])

    with pytest.raises(made.client.exceptions.AccessDeniedException, match="presigned URL"):
        made.client.generate_presigned_url(method, params)

    assert unguarded(made.fake) == made.fake.requests == []


def test_presigning_is_checked_as_a_call_is(house: Make) -> None:
    """A denied model, an unapproved guardrail, and botocore's own function past the guard are refused."""
    made = house()
    client = made.client

    with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
        client.generate_presigned_url("invoke_model", ask("invoke_model", model=DENIED_MODEL))
    with pytest.raises(client.exceptions.AccessDeniedException, match="is not approved"):
        client.generate_presigned_url("invoke_model", {**ask("invoke_model"), **WEAK})
    with pytest.raises(GuardrailTamperedError):
        generate_presigned_url(client, "invoke_model", ask("invoke_model"))

    assert unguarded(made.fake) == made.fake.requests == []


def test_presigning_what_is_no_inference_is_as_ever(house: Make) -> None:
    """Lists can be presigned, an unknown method is botocore's error."""
    made = house()

    assert "/async-invoke?" in made.client.generate_presigned_url("list_async_invokes")
    with pytest.raises(UnknownClientMethodError, match="nonsense"):
        made.client.generate_presigned_url("nonsense")

    assert unguarded(made.fake) == []
