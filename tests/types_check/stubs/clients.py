"""
The types of clients with one distribution of boto3's stubs. `run.py` replaces STUBS by the module of the distribution.

With the stubs of a service alone, boto3 itself has no types; lines that end with ``needs typed boto3`` are left out there.
"""

from __future__ import annotations

from typing import assert_type

import boto3
from STUBS import BedrockRuntimeClient
from STUBS.type_defs import ConverseResponseTypeDef

import guardedbedrock
from guardedbedrock import AccessDeniedError, Authorization, Guard, Guardrail, Session

GUARD = Guard(guardrails=[Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3", name="hr")])

assert_type(boto3.client("bedrock-runtime"), BedrockRuntimeClient)  # needs typed boto3
assert_type(boto3.Session().client("bedrock-runtime"), BedrockRuntimeClient)  # needs typed boto3
assert_type(guardedbedrock.client("bedrock-runtime"), BedrockRuntimeClient)
assert_type(guardedbedrock.client("bedrock-runtime", region_name="us-east-1"), BedrockRuntimeClient)
assert_type(guardedbedrock.client("bedrock-runtime").converse(modelId="m"), ConverseResponseTypeDef)
assert_type(Session(region_name="us-east-1").client("bedrock-runtime"), BedrockRuntimeClient)
assert_type(GUARD.client("bedrock-runtime"), BedrockRuntimeClient)
assert_type(GUARD.choosing("hr").client("bedrock-runtime"), BedrockRuntimeClient)
assert_type(GUARD.session(boto3.Session()).client("bedrock-runtime"), BedrockRuntimeClient)  # needs typed boto3
assert_type(GUARD.wrap(boto3.client("bedrock-runtime")), BedrockRuntimeClient)  # needs typed boto3

GUARD.client("bedrock-runtime").converse(modelId=3)  # type: ignore[arg-type]  # the stubs are in force


def a_denial_has_typed_authorizations(error: AccessDeniedError) -> None:
    assert_type(error.authorizations, tuple[Authorization, ...])
    for authorization in error.authorizations:
        assert_type(authorization.request.action, str)
