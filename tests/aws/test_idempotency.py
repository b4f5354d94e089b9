"""Idempotency tokens: all attempts of one call send the same token, two calls send two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from harness.clients import HR, ROLE

from guardedbedrock import Guard
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.send import TOKENS
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB: Final = {
    "modelId": "amazon.nova-reel-v1:0",
    "modelInput": {},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}},
}
TEXTS: Final = {"name": "fresh", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
CALLS: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "bedrock": ("create_guardrail", TEXTS, {**TEXTS, "name": "another"}),
    "bedrock-runtime": ("start_async_invoke", JOB, JOB),
}
"""A method of each service, its parameters, and the parameters of the next call."""

PATIENT: Final = RetryPolicy(attempts=3, sleep=lambda _: None)


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with FakeBedrock() as fake:
        yield fake


def tokens(fake: FakeBedrock) -> list[Any]:
    """Return the token of each request that arrived."""
    return [request.params["clientRequestToken"] for request in fake.requests]


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("given", [{}, {"clientRequestToken": "t" * 40}], ids=["made-up", "given"])
def test_every_attempt_sends_the_same_idempotency_token(fake: FakeBedrock, service: str, given: dict[str, str]) -> None:
    guard = Guard(guardrails=[HR], principal=ROLE, retry=PATIENT, allow_unguarded=["StartAsyncInvoke"], listeners=())
    client = guard.client(service, **fake.client_kwargs())
    method, params, others = CALLS[service]
    fake.fail_next(503, "ServiceUnavailableException", "no", times=2)

    getattr(client, method)(**params, **given)
    getattr(client, method)(**others)
    client.close()

    first, second, third, another = tokens(fake)
    assert first == second == third == given.get("clientRequestToken", first)
    assert another != first


@pytest.mark.parametrize("service", SERVICES)
def test_every_idempotency_token_of_the_service_models_is_known(service: str) -> None:
    model = boto3.client(service, region_name="us-east-1").meta.service_model
    made_up = {token for name in model.operation_names for token in model.operation_model(name).idempotent_members}
    assert made_up <= {*TOKENS}
