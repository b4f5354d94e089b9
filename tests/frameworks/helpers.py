"""Shared parts of the framework tests: an approved guardrail, a policy, and helpers to inspect requests and errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock import AccessDeniedError, Guardrail
from guardedbedrock.bedrock import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
KNOWLEDGE_BASE: Final = "KB12345678"
DENIED_KNOWLEDGE_BASE: Final = "KBSECRET01"
DENIED_MODEL: Final = "anthropic.claude-3-opus-20240229-v1:0"
API_KEY: Final = "bedrock-api-key-for-tests"
ROLE: Final = "arn:aws:iam::123456789012:role/HRBotServiceRole"
HR: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3", name="hr")
POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
        {"Sid": "NoOpus", "Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*::foundation-model/*opus*"},
        {
            "Sid": "NoSecrets",
            "Effect": "Deny",
            "Action": "bedrock:*",
            "Resource": "arn:aws:bedrock:*:*:knowledge-base/KBSECRET01",
        },
    ],
}


def http_client(guard: Guard, *, prefix: str = "") -> Any:
    """Create a guarded client of the HTTP library of this environment: httpx where its name ends so, else httpx2."""
    library = "httpx" if os.environ["FRAMEWORK"].endswith("-httpx") else "httpx2"
    return getattr(guard, f"{library}_{prefix}client")()


def async_http_client(guard: Guard) -> Any:
    """Create its async client."""
    return http_client(guard, prefix="async_")


def guarded(fake: FakeBedrock) -> list[str | None]:
    """List the operations with a guardrail that the fake received, check that it was the approved one, and reset the fake."""
    requests = [
        request for request in fake.requests if request.operation in OPERATIONS and OPERATIONS[request.operation].needs_guardrail
    ]
    fake.reset()

    # Retrieve takes an ID and no ARN.
    assert {request.guardrail for request in requests} <= {(HR.arn, HR.version), (HR.id, HR.version)}
    assert {request.status for request in requests} <= {200}
    return [request.operation for request in requests]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, the error of guardedbedrock in its response, its cause, the cause of the cause, and so on."""
    while error is not None:
        yield error
        in_response = getattr(getattr(error, "response", None), "extensions", {}).get("guardedbedrock_error")
        if in_response is not None:
            yield in_response
        error = error.__cause__ or error.__context__


def denial(error: BaseException) -> AccessDeniedError:
    """Return the denial in the chain of causes of an error."""
    return next(each for each in chain(error) if isinstance(each, AccessDeniedError))
