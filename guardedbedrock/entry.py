"""`client` and `Session`, which replace ``boto3.client`` and ``boto3.Session`` in an application."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, overload

from guardedbedrock.aws.creation import session as sessions
from guardedbedrock.guard import Guard

if TYPE_CHECKING:
    from guardedbedrock._boto3_stubs import BedrockRuntimeClient


@overload
def client(service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
@overload
def client(service_name: str, *args: Any, **options: Any) -> Any: ...
def client(service_name: str, *args: Any, **options: Any) -> Any:
    """
    Create a client as ``boto3.client`` does, with the same arguments. A client of a Bedrock service is guarded.

        client = guardedbedrock.client("bedrock-runtime", region_name="us-east-1")

    The guard is configured by environment variables and a TOML file; `Guard.from_config` has their precedence.

    Raises:
        ConfigurationError: The configuration is invalid, or no guardrail is approved for the client's Region.
    """
    session = sessions.default_session()
    if sessions.is_bedrock(session, service_name, *args, **options):
        return Guard.from_config().client(service_name, *args, **options)
    return session.client(service_name, *args, **options)


class Session(sessions.Boto3Session):
    """
    A boto3 session, created with the same arguments, whose Bedrock clients are guarded.

    The configuration is that of `client`. It is read when the session is created.

    Raises:
        ConfigurationError: The configuration is invalid. Creating a client raises it if no guardrail is approved for its Region.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        Guard.from_config().session(self)


functools.update_wrapper(Session.__init__, sessions.Boto3Session.__init__)
