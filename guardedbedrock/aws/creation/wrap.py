"""Guard a client that exists already, for all code that holds it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from botocore.client import BaseClient

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.mixin import Guarded, GuardedClient
from guardedbedrock.aws.client.services import service_of_client
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.bedrock.operations import REVIEWED
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

BINDING: Final = "_guardedbedrock"
"""The attribute of a guarded client, or of its class, that holds its binding."""


def wrap(client: Any, binding: ClientBinding) -> None:
    """
    Guard a client of boto3 or aiobotocore in place.

    It keeps botocore's retries: two retry loops would multiply. A client that was guarded before uses this binding from now on.

    Raises:
        ConfigurationError: The object is not a client of a Bedrock service, or it cannot be guarded; it is unchanged.
    """
    if not isinstance(client, BaseClient):
        raise ConfigurationError(f"cannot guard a `{type(client).__name__}`: pass a client of boto3 or aiobotocore")
    if not issubclass(type(client), BaseClient):  # a proxy, such as one of wrapt, which claims the class of the client
        raise ConfigurationError(
            f"cannot guard a `{type(client).__name__}` around a client: pass the client itself, and wrap it afterwards"
        )
    if service_of_client(client) is None:
        raise ConfigurationError(
            f"cannot guard a client of `{client.meta.service_model.service_name}`: pass a client of {', '.join(SERVICES)}"
        )
    before = vars(client).get(BINDING)
    botocore_retries = before is None or before.retry is ONE_ATTEMPT
    guard_in_place(client, replace(binding, retry=ONE_ATTEMPT) if botocore_retries else binding)


def guard_in_place(client: Any, binding: ClientBinding) -> None:
    """
    Make a client an instance of a guarded class derived from its class.

    Raises:
        ConfigurationError: The client cannot be guarded; it is unchanged.
    """
    plain, before = type(client), vars(client).get(BINDING)
    if not isinstance(client, Guarded):
        client.__class__ = _guarded_class(plain)
    vars(client)[BINDING] = binding
    try:
        client._start_guarding()  # noqa: SLF001  # the constructor of a guarded class does this
    except BaseException:
        client.__class__ = plain
        vars(client)[BINDING] = before
        if before is None:
            del vars(client)[BINDING]
        raise


def ensure_guarded(created: Any, binding: ClientBinding) -> Any:
    """
    Return what ``create_client`` created, guarded if it is a client of a Bedrock service.

    The event ``creating-client-class`` has the service ID only. A Bedrock service that is known by its endpoint prefix alone (a
    copied model with another service ID) is guarded here.

    Args:
        created: A client, or aiobotocore's context manager of one.
        binding: The binding for a client that the event did not reach.

    Raises:
        ConfigurationError: The client is unguarded although the event has its service ID.
    """
    if hasattr(created, "__aenter__") and not hasattr(created, "meta"):
        return _EnsuredLater(created, binding)
    if service_of_client(created) is None or isinstance(created, Guarded):
        return created
    if created.meta.service_model.service_id.hyphenize() in SERVICES:
        raise ConfigurationError(
            "botocore created an unguarded Bedrock client: the event creating-client-class did not reach guardedbedrock; look "
            f"for code that unregisters its handler, or install botocore {REVIEWED}"
        )
    guard_in_place(created, binding)
    return created


class _EnsuredLater:
    """The context manager that ``create_client`` of aiobotocore returns; its client is checked on entering."""

    def __init__(self, created: Any, binding: ClientBinding) -> None:
        self._created = created
        self._binding = binding

    async def __aenter__(self) -> Any:
        client = await self._created.__aenter__()
        try:
            return ensure_guarded(client, self._binding)
        except BaseException:
            await self._created.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *raised: object) -> Any:
        return await self._created.__aexit__(*raised)


def put_first(binding: ClientBinding, class_attributes: dict[str, Any], base_classes: list[type]) -> None:
    """Make the mixin the first base of a client class that is being created, once, and bind the class."""
    if not any(issubclass(base, Guarded) for base in base_classes):
        base_classes.insert(0, mixin_for(base_classes))
    class_attributes[BINDING] = binding


def mixin_for(bases: Iterable[type]) -> type[Guarded]:
    """Return the mixin for a client class with these bases: aiobotocore's calls are awaited, boto3's are not."""
    aiobotocore = sys.modules.get("aiobotocore.client")
    if aiobotocore is None or not any(issubclass(base, aiobotocore.AioBaseClient) for base in bases):
        return GuardedClient
    from guardedbedrock.aws.aio.client import AsyncGuardedClient  # noqa: PLC0415  # aiobotocore is optional

    return AsyncGuardedClient


def _guarded_class(plain: Any) -> type[Guarded]:
    """Derive the guarded class from the class of a client; it has the same name."""
    named = {"__module__": plain.__module__, "__qualname__": plain.__qualname__, "__doc__": plain.__doc__}
    # botocore writes this method into the generated class itself; `Guarded.__init_subclass__` guards it there.
    presign = {"generate_presigned_url": plain.generate_presigned_url}
    return type(plain.__name__, (mixin_for([plain]), plain), {**named, **presign})
