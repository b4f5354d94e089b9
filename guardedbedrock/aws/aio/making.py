"""How an async client is made."""

from __future__ import annotations

from typing import Any

from aiobotocore.session import get_session

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.ensure_guarded import checked
from guardedbedrock.aws.client.session import by_name, guard_events, with_retries
from guardedbedrock.bedrock import SERVICES


def make_async_client(watch: ClientBinding, service_name: str, *args: Any, **options: Any) -> Any:
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
    return checked(session.create_client(service_name, **options))
