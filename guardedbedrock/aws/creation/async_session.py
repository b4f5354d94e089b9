"""Create async clients."""

from __future__ import annotations

from typing import Any

from aiobotocore.session import get_session

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.services import service_named
from guardedbedrock.aws.creation.session import by_name, guard_events, with_retries
from guardedbedrock.aws.creation.wrap import ensure_guarded


def make_async_client(binding: ClientBinding, service_name: str, *args: Any, **options: Any) -> Any:
    """
    Create a client as ``create_client`` of an aiobotocore session does, guarded if it is a client of a Bedrock service.

    Each client has a new session. The guard retries, and botocore makes one attempt, unless the application's own `Config` has
    retries.

    Args:
        binding: The binding of the client.
        service_name: Any service.
        args: The positional arguments of ``create_client``, from ``region_name`` on.
        options: The keyword arguments of ``create_client``.

    Returns:
        An asynchronous context manager whose value is the client.
    """
    session = get_session()
    options = by_name(args, options)
    if service_named(session, service_name, options.get("api_version")) is not None:
        binding, options = with_retries(binding, options, session)
        guard_events(session.get_component("event_emitter"), binding)
    return ensure_guarded(session.create_client(service_name, **options), binding)
