"""A client that should be guarded is, or it is not handed out."""

from __future__ import annotations

from typing import Any

from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.errors import ConfigurationError


def checked(made: Any) -> Any:
    """
    Give back what ``create_client`` made, as soon as it is sure to be guarded if it is one of Bedrock's.

    Raises:
        ConfigurationError: It is not; with aiobotocore on entering the client.
    """
    if hasattr(made, "__aenter__") and not hasattr(made, "meta"):
        return CheckedLater(made)
    service = getattr(getattr(made, "meta", None), "service_model", None)
    if getattr(service, "service_name", None) in SERVICES and not isinstance(made, Guarded):
        raise ConfigurationError(
            "a client of Bedrock came unguarded: the event creating-client-class did not reach guardedbedrock; install a version "
            "of botocore that guardedbedrock was tested with, and look for code that unregisters its handler"
        )
    return made


class CheckedLater:
    """What ``create_client`` of an aiobotocore session gives, checked when the client is entered."""

    def __init__(self, made: Any) -> None:
        self._made = made

    async def __aenter__(self) -> Any:
        client = await self._made.__aenter__()
        try:
            return checked(client)
        except BaseException:
            await self._made.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *raised: object) -> Any:
        return await self._made.__aexit__(*raised)
