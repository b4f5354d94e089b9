"""Which clients of Bedrock this process has that nobody guards."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

from botocore.client import BaseClient

from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.bedrock import SERVICES


class UnguardedClientWarning(UserWarning):
    """Clients of Bedrock were made before a guard was installed, and go on unguarded."""


def warn_of_unguarded() -> None:
    """
    Name the unguarded clients of Bedrock that somebody holds, in a warning at the line that installs.

    Cost: one pass over all objects of the process, some ms, where any client was ever made.
    """
    if any(_unguarded()):
        gc.collect()  # nobody may hold them any more
    made = ", ".join(sorted(_unguarded()))
    if made:
        warnings.warn(
            f"clients that were made before install() are not guarded: {made}; give each to guard.wrap(client), or install "
            "before they are made",
            UnguardedClientWarning,
            stacklevel=4,
        )


def _unguarded() -> Iterator[str]:
    kinds = {id(kind) for kind in _below(BaseClient) if not issubclass(kind, Guarded)}
    for held in gc.get_objects() if kinds else ():
        meta = getattr(held, "meta", None) if id(type(held)) in kinds else None
        if meta is not None and meta.service_model.service_name in SERVICES:
            yield f"{meta.service_model.service_name} in {meta.region_name}"


def _below(kind: type) -> Iterator[type]:
    below: type
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
