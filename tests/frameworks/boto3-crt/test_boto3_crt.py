"""An unguarded boto3 client; with awscrt installed it signs with native code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import auth
from frameworks.helpers import DENIED_MODEL, MODEL, guarded

from guardedbedrock import ExplicitDenyError, GuardrailTamperedError, UnguardableOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

TALK: Final[Any] = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello there"}]}]}
BODY: Final = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
INVOKE: Final[Any] = {"modelId": MODEL, "body": json.dumps(BODY)}
NATIVE: Final = auth.AUTH_TYPE_MAPS["v4"]


@pytest.fixture
def plain(fake: FakeBedrock, guard: Guard) -> Iterator[Any]:
    """Provide a client that was created before the guard was installed."""
    client = boto3.client("bedrock-runtime", **fake.client_kwargs())
    with pytest.warns(match="created before install"), guard.install(strict=True):
        yield client
    client.close()


def test_awscrt_signs_requests() -> None:
    assert NATIVE.__module__ == "botocore.crt.auth"


def test_sync(fake: FakeBedrock, plain: Any) -> None:
    assert b"You said: hello" in plain.invoke_model(**INVOKE)["body"].read()
    assert guarded(fake) == ["InvokeModel"]


def test_sync_stream(fake: FakeBedrock, plain: Any) -> None:
    assert list(plain.invoke_model_with_response_stream(**INVOKE)["body"])
    assert guarded(fake) == ["InvokeModelWithResponseStream"]


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_a_conversation_is_refused(fake: FakeBedrock, plain: Any, method: str) -> None:
    with pytest.raises(GuardrailTamperedError):
        getattr(plain, method)(**TALK)

    assert fake.requests == []


def test_a_presigned_conversation_is_refused(plain: Any) -> None:
    with pytest.raises(UnguardableOperationError):
        plain.generate_presigned_url("converse", TALK)


def test_a_denial_is_raised_unchanged(fake: FakeBedrock, plain: Any) -> None:
    with pytest.raises(ExplicitDenyError):
        plain.invoke_model(**{**INVOKE, "modelId": DENIED_MODEL})

    assert fake.requests == []


def test_a_guarded_client_keeps_its_own_guard(fake: FakeBedrock, plain: Any, guard: Guard) -> None:
    assert plain is not None
    guard.client("bedrock-runtime", **fake.client_kwargs()).converse(**TALK)

    assert guarded(fake) == ["Converse"]


def test_uninstall_restores_the_signers(guard: Guard) -> None:
    signs = NATIVE.add_auth
    with guard.install(strict=True):
        assert NATIVE.add_auth is not signs

    assert NATIVE.add_auth is signs
