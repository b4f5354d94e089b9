"""`client` and `Session`: what replaces ``boto3.client`` and ``boto3.Session`` in an application."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, overload

from guardedbedrock.aws.client import session as sessions
from guardedbedrock.guard import Guard

if TYPE_CHECKING:
    from guardedbedrock._boto3_stubs import BedrockRuntimeClient


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
    session = sessions.default_session()
    if sessions.is_bedrock(session, service_name, *args, **options):
        return Guard.from_config().client(service_name, *args, **options)
    return session.client(service_name, *args, **options)


class Session(sessions.Boto3Session):
    """
    A boto3 session, made with the same arguments, whose Bedrock clients come guarded.

    What guards them stands where `client` looks for it, and is read when the session is made.

    Raises:
        ConfigurationError: The configuration can not be used; a client fails where none is approved for its region.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        Guard.from_config().session(self)


functools.update_wrapper(Session.__init__, sessions.Boto3Session.__init__)
