"""`client`: what replaces ``boto3.client`` in an application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from guardedbedrock.aws import session as sessions
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.guard import Guard

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient


@overload
def client(service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
@overload
def client(service_name: str, *args: Any, **options: Any) -> Any: ...
def client(service_name: str, *args: Any, **options: Any) -> Any:
    """
    Make a client as ``boto3.client`` does, with the same arguments; one of Bedrock's is guarded.

    What guards it stands in ``guardedbedrock.toml``, the file that ``GUARDEDBEDROCK_CONFIG`` names, or the environment.

    Raises:
        ConfigurationError: The configuration can not be used, or approves no guardrail for the client's region.
    """
    if service_name in SERVICES:
        return Guard.from_config().client(service_name, *args, **options)
    return sessions.default_session().client(service_name, *args, **options)
