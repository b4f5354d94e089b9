"""The Bedrock clients of this process that no guard checks."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

from botocore.client import BaseClient

from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.aws.client.services import service_of_client
from guardedbedrock.aws.own_clients import is_own_client


class UnguardedClientWarning(UserWarning):
    """Bedrock clients were created before a guard was installed, and stay unguarded."""


def warn_of_unguarded() -> None:
    """
    Name the unguarded Bedrock clients of the process in a warning at the line that calls ``guard.install()``.

    Cost: one pass over all objects of the process, a few ms, if any unguarded client class exists.
    """
    if any(unguarded_clients()):
        gc.collect()  # the client may be garbage
    found = ", ".join(sorted(unguarded_clients()))
    if found:
        warnings.warn(
            f"clients that were created before install() are not guarded: {found}; pass each to guard.wrap(client), or install "
            "before they are created",
            UnguardedClientWarning,
            stacklevel=4,
        )


def unguarded_clients() -> Iterator[str]:
    """Yield service and Region of each client of a Bedrock service that no guard checks."""
    plain = {id(kind) for kind in _subclasses(BaseClient) if not issubclass(kind, Guarded)}
    for thing in gc.get_objects() if plain else ():
        if id(type(thing)) in plain and service_of_client(thing) is not None and not is_own_client(thing):
            yield f"{thing.meta.service_model.service_name} in {thing.meta.region_name}"


def _subclasses(kind: type) -> Iterator[type]:
    below: type
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)
