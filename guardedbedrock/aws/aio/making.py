"""How an async client comes to be guarded: made here, or made elsewhere and wrapped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiobotocore.session import get_session

from guardedbedrock.aws.aio.client import AsyncGuardedClient
from guardedbedrock.aws.client import Guarded, Watch
from guardedbedrock.aws.session import by_name, guard_events, with_retries
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.stages.retry import ONE_ATTEMPT


def make_async_client(watch: Watch, service_name: str, *args: Any, **options: Any) -> Any:
    """
    Make a client as ``create_client`` of an aiobotocore session does, guarded when it is one of Bedrock's.

    It has a session of its own. Retries are the guard's, and botocore's are set to one attempt, unless the application's own
    `Config` speaks of them.

    Args:
        watch: What the client goes by.
        service_name: Any service.
        args: What ``create_client`` takes by position, from ``region_name`` on.
        options: What ``create_client`` takes by name.

    Returns:
        An asynchronous context manager that gives the client.
    """
    session = get_session()
    options = by_name(args, options)
    if service_name in SERVICES:
        watch, options = with_retries(watch, options)
        guard_events(session.get_component("event_emitter"), watch)
    return session.create_client(service_name, **options)


def wrap_async(client: Any, watch: Watch) -> Any:
    """
    Guard a client of aiobotocore that exists already, for everybody who holds it, and give it back.

    It keeps botocore's retries: two loops would multiply. One that is guarded already stays as it is.

    Raises:
        ConfigurationError: No guardrail is approved for its region; it stays unguarded.
    """
    if isinstance(client, Guarded):
        return client
    plain = type(client)
    attributes = {"_guardedbedrock": replace(watch, retry=ONE_ATTEMPT), "generate_presigned_url": plain.generate_presigned_url}
    client.__class__ = type(plain.__name__, (AsyncGuardedClient, plain), attributes)
    try:
        client._begin()  # noqa: SLF001  # what its constructor would have done
    except BaseException:
        client.__class__ = plain
        raise
    return client
