"""botocore's private methods, called directly, unbound, or on a part of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from botocore.signers import RequestSigner, generate_presigned_url
from harness.bypass import GUARDED, unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.aws.client.mixin import GuardedClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

PAST: Final[dict[str, Callable[[Any], Callable[..., Any]]]] = {
    "unbound": BaseClient._make_api_call.__get__,
    "super": lambda client: super(GuardedClient, client)._make_api_call,
    "the next of the bases": lambda client: type(client).__mro__[-2]._make_api_call.__get__(client),  # type: ignore[attr-defined]
    "without the decorator": BaseClient._make_api_call.__wrapped__.__get__,
}


def test_private_method_is_guarded(harness: Make) -> None:
    env = harness()

    env.client._make_api_call("Converse", ask("converse"))
    with pytest.raises(env.client.exceptions.AccessDeniedException):
        env.client._make_api_call("Converse", ask("converse", model=DENIED_MODEL))

    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("params", [ask("converse"), GUARDED], ids=["without", "with a guardrail"])
@pytest.mark.parametrize("method", PAST.values(), ids=PAST)
def test_botocores_method_past_the_mixin_is_refused(harness: Make, method: Any, params: dict[str, Any]) -> None:
    env = harness()

    with pytest.raises(GuardrailTamperedError, match="that this client did not authorize"):
        method(env.client)("Converse", params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_request_created_from_the_parts_of_a_client_is_refused(harness: Make) -> None:
    env = harness()
    client = env.client
    model = client.meta.service_model.operation_model("Converse")
    context = {"client_config": client.meta.config, "client_region": "us-east-1", "auth_type": "v4", "has_streaming_input": False}
    options = {"endpoint_url": env.fake.endpoint_url, "context": context}
    request = BaseClient._convert_to_request_dict(client, ask("converse"), model, **options)

    attempts: tuple[Callable[[], Any], ...] = (
        lambda: client._make_request(model, request, context),
        lambda: client._endpoint.make_request(model, request),
        lambda: client._endpoint._send_request(request, model),
        lambda: client._request_signer.generate_presigned_url(request, operation_name="Converse"),
    )
    for attempt in attempts:
        with pytest.raises(GuardrailTamperedError):
            attempt()

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("name", ["get_auth_instance", "get_auth"])
def test_signer_returned_by_either_name_is_behind_the_gate(harness: Make, name: str) -> None:
    env = harness()
    signer = env.client._request_signer

    auth = getattr(signer, name)("bedrock", "us-east-1", "v4")
    request = env.client._endpoint.create_request
    signed = type(
        "Request", (), {"url": f"{env.fake.endpoint_url}/model/{MODEL}/converse", "method": "POST", "headers": {}, "data": b"{}"}
    )

    with pytest.raises(GuardrailTamperedError):
        auth.add_auth(signed())
    assert callable(request)
    assert isinstance(signer, RequestSigner)
    assert unguarded(env.fake) == []


def test_presigning_past_the_mixin_is_refused(harness: Make) -> None:
    env = harness()

    for presign in (generate_presigned_url, type(env.client).generate_presigned_url.__wrapped__):
        with pytest.raises(GuardrailTamperedError):
            presign(env.client, "invoke_model", ask("invoke_model"))

    assert unguarded(env.fake) == []
