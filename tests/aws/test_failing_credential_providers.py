"""Credential providers that fail: async clients report it in the same words as sync ones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import CredentialRetrievalError

from guardedbedrock.aws.aio.attached_guardrails import AsyncAttachedGuardrails
from guardedbedrock.aws.aio.identity import AsyncCallerIdentity
from guardedbedrock.bedrock.indirect_inference import IndirectTarget, alias_of
from guardedbedrock.errors import SourceError
from guardedbedrock.iam.account.account import gap_fix

ALIAS = "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT6B86B/ALIAS6B86B"


class Client:
    """An async client whose credential provider fails."""

    def _get_credentials(self) -> Client:
        return self

    async def get_frozen_credentials(self) -> Any:
        """Raise what botocore raises for a provider."""
        raise CredentialRetrievalError(provider="process", error_msg="exit 1")


def test_the_caller_of_an_async_client_is_unknown() -> None:
    identity = AsyncCallerIdentity(Client())

    asyncio.run(identity.learn())

    with pytest.raises(SourceError, match=r"STS did not return the caller identity: .*process"):
        identity()


def test_the_guardrails_of_an_agent_are_unknown_to_an_async_client() -> None:
    attached, target = AsyncAttachedGuardrails(Client()), alias_of(ALIAS)
    assert isinstance(target, IndirectTarget)

    asyncio.run(attached.learn([target], "us-east-1"))

    with pytest.raises(SourceError, match="bedrock-agent did not answer: CredentialRetrievalError"):
        attached(target, "us-east-1")


@pytest.mark.parametrize(
    ("error", "fix"),
    [("NoCredentialsError", "set AWS credentials, such as AWS_PROFILE"), ("AccessDenied", "allow bedrock:ListGuardrails")],
)
def test_a_gap_names_what_is_missing(error: str, fix: str) -> None:
    assert gap_fix({"section": "guardrails", "api": "bedrock:ListGuardrails", "error": error}) == fix
