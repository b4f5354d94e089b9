"""
Create guarded clients, by botocore's documented event ``creating-client-class``.

Precedence: 1. the guard that creates or wraps the client, 2. the session's guard, 3. the installed guard. If two apply at the
same level, the most recent wins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import boto3
import botocore.session
from botocore.config import Config

from guardedbedrock.aws.botocore_contract import require
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.services import service_named
from guardedbedrock.aws.creation.wrap import ensure_guarded, put_first
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

if TYPE_CHECKING:
    from guardedbedrock._boto3_stubs import BedrockRuntimeClient

EVENTS: Final = tuple(f"creating-client-class.{service}" for service in SERVICES)

_HANDLER_ID: Final = "guardedbedrock-client-class"
_ONE_TRY: Final = Config(retries={"total_max_attempts": 1, "mode": "legacy"})  # the mode that keeps no state
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

_creating: ContextVar[ClientBinding | None] = ContextVar("guardedbedrock_creating", default=None)
"""The binding of the client that `make_client` is creating in this context."""


def make_client(session: Any, binding: ClientBinding, service_name: str, *args: Any, **options: Any) -> Any:
    """
    Create a client as ``session.client`` does, guarded if it is a client of a Bedrock service.

    Only this client is guarded, not other clients of the session. The guard retries, and botocore makes one attempt, unless the
    application's own `Config` has retries.

    Args:
        session: A boto3 session.
        binding: The binding of the client.
        service_name: Any service.
        args: The positional arguments of ``boto3.client``, from ``region_name`` on.
        options: The keyword arguments of ``boto3.client``.

    Raises:
        ConfigurationError: No guardrail is approved for its region, or botocore created it unguarded.
    """
    if not is_bedrock(session, service_name, *args, **options):
        return session.client(service_name, *args, **options)
    binding, named = with_retries(binding, by_name(args, options), require(session, "_session"))
    for event in EVENTS:
        session.events.register(event, _PutFirst(None), unique_id=f"{_HANDLER_ID}.{event}")
    with _create(binding):
        client = ensure_guarded(session.client(service_name, **named), binding)
    if binding.retry is not ONE_ATTEMPT:
        _remove_botocore_retries(client)
    return client


def is_bedrock(session: Any, service_name: str, *args: Any, **options: Any) -> bool:
    """Return whether ``session.client`` with these arguments creates a client of a Bedrock service."""
    api_version = by_name(args, options).get("api_version")
    return service_named(require(session, "_session"), service_name, api_version) is not None


def _remove_botocore_retries(client: Any) -> None:
    """
    Unregister botocore's retry handlers, because the guard retries.

    Otherwise each request would tell the service in a header that it is the last of one attempts.
    """
    service = client.meta.service_model.service_id.hyphenize()
    for event, name in (("needs-retry", "retry-config"), ("request-created", "seed-max-attempts")):
        client.meta.events.unregister(f"{event}.{service}", unique_id=f"{name}-{service}")


def guard_session(session: Any, binding: ClientBinding) -> None:
    """
    Guard every Bedrock client that a session of boto3, botocore or aiobotocore creates from now on.

    The clients keep botocore's retries: two retry loops would multiply.

    Raises:
        ConfigurationError: The object is not such a session.
    """
    inner = require(session, "_session") if isinstance(session, boto3.Session) else session
    if not isinstance(inner, botocore.session.Session):
        raise ConfigurationError(f"cannot guard a `{type(session).__name__}`: pass a session of boto3, botocore or aiobotocore")
    own = replace(binding, retry=ONE_ATTEMPT)
    guard_events(inner.get_component("event_emitter"), own)

    def create_client(self: Any, *args: Any, **options: Any) -> Any:
        # The class is looked up at each call, so that a later patch of it applies to this session too.
        return ensure_guarded(type(self).create_client(self, *args, **options), own)

    inner.create_client = MethodType(create_client, inner)


def guard_events(events: Any, binding: ClientBinding) -> None:
    """Guard every Bedrock client whose class is created under these events, with this binding instead of an earlier one."""
    for event in EVENTS:
        events.unregister(event, unique_id=f"{_HANDLER_ID}.{event}")
        events.register(event, _PutFirst(binding), unique_id=f"{_HANDLER_ID}.{event}")


def with_retries(binding: ClientBinding, options: dict[str, Any], session: Any) -> tuple[ClientBinding, dict[str, Any]]:
    """
    Let the guard retry instead of botocore, unless the guard is off or the application has configured botocore's retries.

    Precedence: 1. the retries of a `Config`, 2. those that the guard is configured with, 3. environment variables and profile,
    4. the guard's defaults.

    Args:
        binding: The binding of the client.
        options: The keyword arguments that the client is created with.
        session: The botocore session that creates it.
    """
    configs = [config for config in (options.get("config"), session.get_default_client_config()) if config is not None]
    in_config = any(config.retries is not None for config in configs)
    if binding.rules.mode == "off" or in_config or (not binding.retry_configured and _retries_of_environment(session)):
        return replace(binding, retry=ONE_ATTEMPT), options
    config = options.get("config")
    return binding, {**options, "config": _ONE_TRY if config is None else config.merge(_ONE_TRY)}


def _retries_of_environment(session: Any) -> bool:
    """Return whether an environment variable or the profile configures botocore's retries."""
    # `retry_mode` has a default in botocore, so that its variable is read where it is set.
    has_mode = "AWS_RETRY_MODE" in os.environ or "retry_mode" in session.get_scoped_config()
    return has_mode or session.get_config_variable("max_attempts") is not None


def default_session() -> Any:
    """Return boto3's default session. Create it if it does not exist."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION


class _PutFirst:
    """
    The handler of ``creating-client-class``: makes the mixin the first base.

    Args:
        binding: The binding of every client of the session; None guards only the client that `make_client` is creating.
    """

    def __init__(self, binding: ClientBinding | None) -> None:
        self._binding = binding

    def __call__(self, class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
        binding = _creating.get() or self._binding
        if binding is not None:
            put_first(binding, class_attributes, base_classes)


def by_name(args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Name positional arguments, as strictly as Python does."""
    if len(args) > len(_POSITIONAL):
        raise TypeError(f"client() takes at most {len(_POSITIONAL) + 1} positional arguments, {len(args) + 1} were given")
    named = dict(zip(_POSITIONAL, args, strict=False))
    for name in named:
        if name in options:
            raise TypeError(f"client() got multiple values for argument '{name}'")
    return named | options


@contextmanager
def _create(binding: ClientBinding) -> Iterator[None]:
    token = _creating.set(binding)
    try:
        yield
    finally:
        _creating.reset(token)


class Boto3Session(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """boto3's session, with the type that its ``bedrock-runtime`` clients have."""

    if TYPE_CHECKING:

        @overload
        def client(self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
        @overload
        def client(self, service_name: str, *args: Any, **options: Any) -> Any: ...
        def client(self, *args: Any, **options: Any) -> Any:
            """Create a client as boto3 does."""
