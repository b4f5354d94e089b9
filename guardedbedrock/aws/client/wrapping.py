"""How a client that exists already comes to be guarded, for everybody who holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.client import BaseClient

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.aws.client.session import WATCH, mixin_for
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT


def wrap(client: Any, watch: ClientBinding) -> None:
    """
    Guard a client of boto3 or aiobotocore in its place.

    It keeps botocore's retries: two loops would multiply. One that was guarded before goes by this watch from now on; one of
    another service stays as it is.

    Raises:
        ConfigurationError: It is no client, or can not be guarded, such as for want of a guardrail in its region; it is as it
            was before.
    """
    if not isinstance(client, BaseClient):
        raise ConfigurationError(f"a `{type(client).__name__}` is no client of boto3 or aiobotocore, which alone can be wrapped")
    if client.meta.service_model.service_name in SERVICES:
        _begin_anew(client, watch)


def _begin_anew(client: Any, watch: ClientBinding) -> None:
    plain, before = type(client), vars(client).get(WATCH)
    if before is None:
        client.__class__ = _guarded(plain)
    retries_itself = before is None or before.retry is ONE_ATTEMPT
    vars(client)[WATCH] = replace(watch, retry=ONE_ATTEMPT) if retries_itself else watch
    try:
        client._begin()  # noqa: SLF001  # what its constructor would have done
    except BaseException:
        client.__class__ = plain
        vars(client)[WATCH] = before
        if before is None:
            del vars(client)[WATCH]
        raise


def _guarded(plain: Any) -> type[Guarded]:
    """Derive the guarded class from the class of a client; it has the same name."""
    named = {"__module__": plain.__module__, "__qualname__": plain.__qualname__, "__doc__": plain.__doc__}
    # This method alone is written into the generated class itself; see `Guarded`.
    presign = {"generate_presigned_url": plain.generate_presigned_url}
    return type(plain.__name__, (mixin_for([plain]), plain), {**named, **presign})
