"""The types of every way to create a client; checked by mypy, never run."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, assert_type

import boto3
from aiobotocore.session import AioSession
from types_aiobotocore_bedrock_runtime import BedrockRuntimeClient as AsyncBedrockRuntimeClient
from types_aiobotocore_bedrock_runtime.type_defs import ConverseResponseTypeDef as AsyncConverseResponse
from types_boto3_bedrock_runtime import BedrockRuntimeClient
from types_boto3_bedrock_runtime.client import Exceptions
from types_boto3_bedrock_runtime.paginator import ListAsyncInvokesPaginator
from types_boto3_bedrock_runtime.type_defs import (
    ConverseResponseTypeDef,
    ConverseStreamResponseTypeDef,
    InvokeModelResponseTypeDef,
)

import guardedbedrock
from guardedbedrock import AccessDeniedError, Authorization, Guard, Guardrail, Session, Verdict
from guardedbedrock.aws.creation.install import Installation

GUARD = Guard(guardrails=[Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3", name="hr")])
SERVICE: str = "sts"


def a_client_is_typed_by_its_service() -> None:
    """The literal name resolves the overload; any other name has the type that boto3 returns."""
    assert_type(guardedbedrock.client("bedrock-runtime"), BedrockRuntimeClient)
    assert_type(guardedbedrock.client("bedrock-runtime", "us-east-1", endpoint_url="http://127.0.0.1"), BedrockRuntimeClient)
    assert_type(guardedbedrock.client("sts"), Any)
    assert_type(guardedbedrock.client(SERVICE), Any)
    assert_type(GUARD.client("bedrock-runtime", region_name="us-east-1"), BedrockRuntimeClient)
    assert_type(GUARD.client("bedrock"), Any)
    assert_type(GUARD.choosing("hr"), Guard)
    assert_type(GUARD.choosing("hr").client("bedrock-runtime"), BedrockRuntimeClient)


def a_session_is_typed_as_before() -> None:
    """The package's session has the overload; `guard.session` returns the type of its argument."""
    session = Session(region_name="us-east-1")

    assert_type(session.client("bedrock-runtime"), BedrockRuntimeClient)
    assert_type(session.client("bedrock-runtime", "us-east-1"), BedrockRuntimeClient)
    assert_type(session.client("sts"), Any)
    assert_type(GUARD.session(session), Session)
    assert_type(GUARD.session(session).client("bedrock-runtime"), BedrockRuntimeClient)
    assert_type(GUARD.session(boto3.Session()), boto3.Session)
    assert_type(GUARD.session(AioSession()), AioSession)


def a_wrapped_client_is_typed_as_before(client: BedrockRuntimeClient, other: AsyncBedrockRuntimeClient) -> None:
    """The type of the argument is the type of the result."""
    assert_type(GUARD.wrap(client), BedrockRuntimeClient)
    assert_type(GUARD.wrap(other), AsyncBedrockRuntimeClient)


def an_installation_is_a_context_manager() -> None:
    """This holds with and without `strict`."""
    with GUARD.install(strict=True) as installed:
        assert_type(installed, Installation)
    assert_type(GUARD.install(), Installation)


def what_a_client_gives_is_typed(client: BedrockRuntimeClient, verdict: Verdict) -> None:
    """Replies, errors and paginators are those of the stubs."""
    client = GUARD.client("bedrock-runtime")
    reply = client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "hello"}]}])

    assert_type(reply, ConverseResponseTypeDef)
    assert_type(client.converse_stream(modelId="m"), ConverseStreamResponseTypeDef)
    assert_type(client.invoke_model(modelId="m", body=b"{}"), InvokeModelResponseTypeDef)
    assert_type(client.exceptions, Exceptions)
    assert_type(client.get_paginator("list_async_invokes"), ListAsyncInvokesPaginator)
    assert_type(verdict.guardrail, Guardrail | None)
    client.converse(modelId=3)  # type: ignore[arg-type]  # the stubs are in force


async def an_async_client_is_typed_by_its_service() -> None:
    """With aiobotocore's stubs."""
    assert_type(GUARD.async_client("bedrock-runtime"), AbstractAsyncContextManager[AsyncBedrockRuntimeClient])
    assert_type(GUARD.async_client("sts"), AbstractAsyncContextManager[Any])
    async with GUARD.async_client("bedrock-runtime", "us-east-1") as client:
        assert_type(client, AsyncBedrockRuntimeClient)
        assert_type(await client.converse(modelId="m"), AsyncConverseResponse)


def a_denial_has_typed_authorizations(error: AccessDeniedError) -> None:
    """The result of the preflight can be read without casts."""
    assert_type(error.authorizations, tuple[Authorization, ...])
    assert_type(error.authorizations[0].request.action, str)
