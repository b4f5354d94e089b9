"""The hooks of this process: what guards clients that other code creates, and which other libraries wrap botocore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from botocore import auth
from botocore.client import BaseClient, ClientCreator
from botocore.endpoint import Endpoint

from guardedbedrock.aws.creation.install import installations
from guardedbedrock.aws.creation.unguarded import unguarded_clients

_OWN: Final = "guardedbedrock"
_WRAPPED_METHODS: Final[tuple[tuple[type, str], ...]] = (
    (ClientCreator, "create_client"),
    (BaseClient, "_make_api_call"),
    (Endpoint, "_send"),
    (auth.SigV4Auth, "add_auth"),
)
"""The methods of botocore that this library and instrumentors wrap."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """
    The hooks of this process.

    Args:
        installed: Number of guards that `guard.install` installed.
        strict: Whether one of them checks signed requests of other libraries.
        wrapped: Methods of botocore that are wrapped, and by which library.
        unguarded: Clients of Bedrock services that no guard checks, such as ``bedrock-runtime in us-east-1``.
    """

    installed: int
    strict: bool
    wrapped: tuple[str, ...]
    unguarded: tuple[str, ...]


def read_hooks() -> Hooks:
    """Read the hooks of this process."""
    strict = installations()
    return Hooks(len(strict), any(strict), tuple(_wrapped()), tuple(sorted(set(unguarded_clients()))))


def _wrapped() -> Iterator[str]:
    for holder, name in _WRAPPED_METHODS:
        for library in dict.fromkeys(_libraries(vars(holder).get(name))):
            yield f"{holder.__name__}.{name} by {library}"


def _libraries(method: Any) -> Iterator[str]:
    """Yield the libraries whose wrappers are around a method, the outermost first."""
    while method is not None:
        # A wrapper of the package wrapt has the attributes of what it wraps, and the wrapping function beside them.
        wrapper = getattr(method, "_self_wrapper", None) or getattr(method, "__func__", method)
        code = getattr(wrapper, "__code__", None)
        module = getattr(wrapper, "__globals__", {}).get("__name__", "") if code else getattr(wrapper, "__module__", "")
        library = str(module).partition(".")[0]
        if library and library != "botocore":
            yield library
        method = getattr(method, "__wrapped__", None)
