"""
The errors of requests that are refused because of their form, each with its fix.

The HTTP guard, the signing guard and presigned URLs raise them or, in mode ``report``, report them.
"""

from __future__ import annotations

import botocore

from guardedbedrock.bedrock import RUNTIME_SERVICE, Guardrail
from guardedbedrock.errors import GuardrailTamperedError, RefusedError, UnguardableOperationError


def unknown_operation(name: str, host: str | None) -> RefusedError:
    """Return the error for a request whose operation is not known."""
    return UnguardableOperationError(
        message=f"guardedbedrock does not know `{name}` of {host}, so it would be sent without a guardrail",
        operation_name=name,
        hint="call Chat Completions, Converse or InvokeModel on the runtime endpoint, which take a guardrail",
    )


def unbound_url(name: str, unbound: str) -> RefusedError:
    """
    Return the error for a presigned URL that does not bind its body.

    Args:
        name: The operation.
        unbound: What is in the body: the guardrail or the model.
    """
    return UnguardableOperationError(
        message=f"a presigned URL of {name} does not bind the body, so it would not bind the {unbound} in it",
        operation_name=name,
        hint="presign invoke_model, whose guardrail headers are signed, or make the call here",
    )


def mantle_request(name: str, host: str) -> RefusedError:
    """Return the error for a request to ``bedrock-mantle``."""
    return UnguardableOperationError(
        message=f"{host} has no guardrails, so `{name}` would be sent without one",
        operation_name=name,
        hint=f'use the endpoint of {RUNTIME_SERVICE}, or set on_mantle = "allow" to send requests without a guardrail',
    )


def unreadable_request(name: str) -> RefusedError:
    """Return the error for a request that cannot be read, or whose body cannot be written with a guardrail."""
    return GuardrailTamperedError(
        message=f"the {name} request cannot be read, so its guardrail cannot be checked",
        operation_name=name,
        hint="send one JSON object in UTF-8 with the members that AWS documents for this operation, each once",
    )


def missing_in_botocore(name: str) -> RefusedError:
    """Return the error for an operation that the installed botocore does not have."""
    return UnguardableOperationError(
        message=f"the installed botocore {botocore.__version__} does not know {name}, so its parameters cannot be read",
        operation_name=name,
        hint="install a newer boto3",
    )


def signed_request(name: str, guardrail: Guardrail) -> RefusedError:
    """Return the error for a signed request without its guardrail."""
    return GuardrailTamperedError(
        message=f"the {name} request is signed and has no guardrail, and a signed request cannot be changed",
        operation_name=name,
        hint=f"call guard.install(strict=True), which adds `{guardrail.arn}` version `{guardrail.version}` to the headers before "
        "botocore signs; or name it in the request, or send a Bedrock API key",
    )
