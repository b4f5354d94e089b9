"""How a client class becomes a guarded one: botocore's documented ``creating-client-class`` event."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

import boto3
from botocore.config import Config

from guardedbedrock.aws.client import Guarded, GuardedClient, Watch
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.stages.retry import ONE_ATTEMPT

_EVENTS: Final = tuple(f"creating-client-class.{service}" for service in SERVICES)
_HANDLER_ID: Final = "guardedbedrock-client-class"
_TRY_ONCE: Final = Config(retries={"total_max_attempts": 1, "mode": "standard"})
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

_making: ContextVar[Watch | None] = ContextVar("guardedbedrock_making", default=None)


def make_client(session: Any, watch: Watch, service_name: str, *args: Any, **options: Any) -> Any:
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
    """
    if service_name not in SERVICES:
        return session.client(service_name, *args, **options)
    watch, options = with_retries(watch, by_name(args, options))
    for event in _EVENTS:
        session.events.register(event, _PutFirst(None), unique_id=f"{_HANDLER_ID}.{event}")
    with _being_made(watch):
        return session.client(service_name, **options)


def guard_session(session: Any, watch: Watch) -> Any:
    """
    Guard every Bedrock client that a boto3 session makes from now on, and give the session back.

    Its clients keep botocore's retries: two loops would multiply.
    """
    guard_events(session.events, replace(watch, retry=ONE_ATTEMPT))
    return session


def guard_events(events: Any, watch: Watch) -> None:
    """Guard every Bedrock client whose class is made under these events, by this watch and no other."""
    for event in _EVENTS:
        events.unregister(event, unique_id=f"{_HANDLER_ID}.{event}")
        events.register(event, _PutFirst(watch), unique_id=f"{_HANDLER_ID}.{event}")


def with_retries(watch: Watch, options: dict[str, Any]) -> tuple[Watch, dict[str, Any]]:
    """Let the guard retry and not botocore, unless the application's own `Config` speaks of retries."""
    config = options.get("config")
    if config is not None and config.retries is not None:
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

    def __init__(self, always: Watch | None) -> None:
        self._always = always

    def __call__(self, class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        watch = _making.get() or self._always
        if watch is not None:
            base_classes.insert(0, mixin_for(base_classes))
            class_attributes["_guardedbedrock"] = watch


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
def _being_made(watch: Watch) -> Iterator[None]:
    token = _making.set(watch)
    try:
        yield
    finally:
        _making.reset(token)
