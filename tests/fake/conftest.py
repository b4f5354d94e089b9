"""A fake and a plain boto3 client for each test. Every response except streams is validated against its output shape."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.wire import ShapeValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture(scope="session")
def aws() -> boto3.Session:
    """One session, so that the service model is read once."""
    return boto3.Session()


@pytest.fixture
def serve(aws: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[FakeBedrock, Any]]]:
    """Return a function that starts a fake with keywords and creates a client. Both end with the test."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with ExitStack() as stack:
        yield partial(_serve, stack, aws)


@pytest.fixture
def manage(
    aws: boto3.Session, serve: Callable[..., tuple[FakeBedrock, Any]]
) -> Iterator[Callable[..., tuple[FakeBedrock, Any, Any]]]:
    """Return a function that also creates a client for the control plane. All three end with the test."""
    with ExitStack() as stack:
        yield partial(_manage, stack, aws, serve)


def _manage(stack: ExitStack, aws: boto3.Session, serve: Any, **options: Any) -> tuple[FakeBedrock, Any, Any]:
    fake, runtime = serve(**options)
    return fake, _client(stack, aws, fake, "bedrock"), runtime


def _serve(
    stack: ExitStack, aws: boto3.Session, *, attempts: int = 1, spoilt: bool = False, **options: Any
) -> tuple[FakeBedrock, Any]:
    fake = stack.enter_context(FakeBedrock(**options))
    return fake, _client(stack, aws, fake, "bedrock-runtime", attempts, spoilt=spoilt)


def _client(  # noqa: PLR0913 - a test says what it needs
    stack: ExitStack, aws: boto3.Session, fake: FakeBedrock, service: str, attempts: int = 1, *, spoilt: bool = False
) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, max_pool_connections=20)
    client = aws.client(service, **fake.client_kwargs(), config=config)
    stack.callback(client.close)
    if not spoilt:
        client.meta.events.register(f"before-parse.{service}", _hold_against_shape)
    return client


def _hold_against_shape(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    shape = operation_model.output_shape
    if response_dict["status_code"] < 300 and "payload" not in shape.serialization:
        _conforms(shape, json.loads(response_dict["body"]))


@pytest.fixture
def ask() -> dict[str, Any]:
    """Parameters of a Converse call."""
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello there"}]}]}


@pytest.fixture(name="conforms")
def conforms_to_shape() -> Callable[..., None]:
    """Return a function that validates a value of a response against a shape."""
    return _conforms


def _conforms(shape: Any, value: Any, path: str = "") -> None:
    """Fail if a value has an unknown member, lacks a required one, or violates a constraint."""
    assert list(ShapeValidator().violations(shape, value)) == []
    _no_strays(shape, value, path)


def _no_strays(shape: Any, value: Any, path: str) -> None:
    if shape.type_name == "structure" and not shape.is_document_type:
        assert set(value) <= set(shape.members), path
        for name, item in value.items():
            _no_strays(shape.members[name], item, f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            _no_strays(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            _no_strays(shape.value, item, f"{path}.{key}")
