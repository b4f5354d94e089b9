"""
How a client class becomes a guarded one: botocore's documented ``creating-client-class`` event.

Of two guards that could guard one client, the nearer wins: the one that makes it, then its session's, then the installed one;
of two that are equally near, the later. There is one pipeline, whoever wins.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import boto3
import botocore.session
from botocore.config import Config

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.botocore_contract import found
from guardedbedrock.aws.client.ensure_guarded import checked
from guardedbedrock.aws.client.mixin import Guarded, GuardedClient
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

EVENTS: Final = tuple(f"creating-client-class.{service}" for service in SERVICES)
WATCH: Final = "_guardedbedrock"
"""The attribute of a client class that holds what its clients go by."""

_HANDLER_ID: Final = "guardedbedrock-client-class"
_TRY_ONCE: Final = Config(retries={"total_max_attempts": 1, "mode": "legacy"})  # the mode that keeps no books of its own
_POSITIONAL: Final = (
    "region_name",
    "api_version",
    "use_ssl",
    "verify",
    "endpoint_url",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "config",
    "aws_account_id",
)

_making: ContextVar[ClientBinding | None] = ContextVar("guardedbedrock_making", default=None)


def make_client(session: Any, watch: ClientBinding, service_name: str, *args: Any, **options: Any) -> Any:
    """
    Make a client as ``session.client`` would, guarded when it is one of Bedrock's.

    Only this client is guarded: the session's other clients come as boto3 makes them. Retries are the guard's, and botocore's
    are set to one attempt, unless the application's own `Config` speaks of them.

    Args:
        session: A boto3 session.
        watch: What the client goes by.
        service_name: Any service.
        args: What ``boto3.client`` takes by position, from ``region_name`` on.
        options: What ``boto3.client`` takes by name.

    Raises:
        ConfigurationError: No guardrail is approved for its region, or botocore made it unguarded.
    """
    if service_name not in SERVICES:
        return session.client(service_name, *args, **options)
    watch, options = with_retries(watch, by_name(args, options))
    for event in EVENTS:
        session.events.register(event, _PutFirst(None), unique_id=f"{_HANDLER_ID}.{event}")
    with _being_made(watch):
        client = checked(session.client(service_name, **options))
    if watch.retry is not ONE_ATTEMPT:
        _spare_retries(client)
    return client


def _spare_retries(client: Any) -> None:
    """
    Take from a client botocore's look at every answer for another attempt, which there is none of; the guard has its own.

    So that no request says to the service that it is the last attempt, either, as one would of the only one there is.
    """
    service = client.meta.service_model.service_id.hyphenize()
    for event, name in (("needs-retry", "retry-config"), ("request-created", "seed-max-attempts")):
        client.meta.events.unregister(f"{event}.{service}", unique_id=f"{name}-{service}")


def guard_session(session: Any, watch: ClientBinding) -> None:
    """
    Guard every Bedrock client that a session of boto3, botocore or aiobotocore makes from now on.

    Its clients keep botocore's retries: two loops would multiply.

    Raises:
        ConfigurationError: It is no such session.
    """
    inner = _inner(session)
    guard_events(inner.get_component("event_emitter"), replace(watch, retry=ONE_ATTEMPT))
    inner.create_client = MethodType(_create_checked, inner)


def _inner(session: Any) -> Any:
    """Give the botocore session behind a session."""
    inner = found(session, "_session") if isinstance(session, boto3.Session) else session
    if not isinstance(inner, botocore.session.Session):
        raise ConfigurationError(
            f"a `{type(session).__name__}` is no session that can be guarded: give one of boto3, botocore or aiobotocore"
        )
    return inner


def _create_checked(inner: Any, *args: Any, **options: Any) -> Any:
    # Looked up here, since whoever patches the class later means this session too.
    return checked(type(inner).create_client(inner, *args, **options))


def guard_events(events: Any, watch: ClientBinding) -> None:
    """Guard every Bedrock client whose class is made under these events, by this watch and no other."""
    for event in EVENTS:
        events.unregister(event, unique_id=f"{_HANDLER_ID}.{event}")
        events.register(event, _PutFirst(watch), unique_id=f"{_HANDLER_ID}.{event}")


def with_retries(watch: ClientBinding, options: dict[str, Any]) -> tuple[ClientBinding, dict[str, Any]]:
    """Let the guard retry and not botocore, unless the application's own `Config` speaks of retries or the guard does nothing."""
    config = options.get("config")
    if watch.rules.mode == "off" or (config is not None and config.retries is not None):
        return replace(watch, retry=ONE_ATTEMPT), options
    return watch, {**options, "config": _TRY_ONCE if config is None else config.merge(_TRY_ONCE)}


def default_session() -> Any:
    """Give boto3's own default session, made now if there is none."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION


class _PutFirst:
    """
    Handler of ``creating-client-class``: puts the mixin first among the bases.

    Args:
        always: What every client of the session goes by; None guards only the one that `make_client` is making.
    """

    def __init__(self, always: ClientBinding | None) -> None:
        self._always = always

    def __call__(self, class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        watch = _making.get() or self._always
        if watch is not None:
            put_first(watch, class_attributes, base_classes)


def put_first(watch: ClientBinding, class_attributes: dict[str, Any], base_classes: list[type]) -> None:
    """Put the mixin first among the bases of a client class, once, and let the class go by this watch."""
    if not any(issubclass(base, Guarded) for base in base_classes):
        base_classes.insert(0, mixin_for(base_classes))
    class_attributes[WATCH] = watch


def mixin_for(bases: Iterable[type]) -> type[Guarded]:
    """Give the mixin for a client class with these bases: boto3's calls return, aiobotocore's are awaited."""
    aiobotocore = sys.modules.get("aiobotocore.client")
    if aiobotocore is None or not any(issubclass(base, aiobotocore.AioBaseClient) for base in bases):
        return GuardedClient
    from guardedbedrock.aws.aio.client import AsyncGuardedClient  # noqa: PLC0415  # aiobotocore is optional

    return AsyncGuardedClient


def by_name(args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Name the positional arguments, as strictly as Python does."""
    if len(args) > len(_POSITIONAL):
        raise TypeError(f"client() takes at most {len(_POSITIONAL) + 1} positional arguments, {len(args) + 1} were given")
    named = dict(zip(_POSITIONAL, args, strict=False))
    for name in named:
        if name in options:
            raise TypeError(f"client() got multiple values for argument '{name}'")
    return named | options


@contextmanager
def _being_made(watch: ClientBinding) -> Iterator[None]:
    token = _making.set(watch)
    try:
        yield
    finally:
        _making.reset(token)


class Boto3Session(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """boto3's session, with the type that its ``bedrock-runtime`` clients have."""

    if TYPE_CHECKING:

        @overload
        def client(self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
        @overload
        def client(self, service_name: str, *args: Any, **options: Any) -> Any: ...
        def client(self, *args: Any, **options: Any) -> Any:
            """Make a client as boto3 does."""
