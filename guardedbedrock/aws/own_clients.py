"""
The clients that this library makes for its own calls to AWS.

INVARIANT: no guard that is installed in the process checks them. They are clients of Bedrock services too, so a source that reads
the account would wait for its own result.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakSet

_making: Final[ContextVar[bool]] = ContextVar("guardedbedrock_makes_own_client", default=False)
_own: Final[WeakSet[Any]] = WeakSet()


def make_own_client(make: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """
    Make a client that no installed guard checks.

    Args:
        make: Makes the client, such as ``boto3.client``.
        args: The positional arguments of `make`.
        options: The keyword arguments of `make`.
    """
    token = _making.set(True)
    try:
        client = make(*args, **options)
    finally:
        _making.reset(token)
    _own.add(client)
    return client


def is_making_own_client() -> bool:
    """Return whether the client that is being created in this context belongs to the library."""
    return _making.get()


def is_own_client(client: Any) -> bool:
    """Return whether the library made a client for itself."""
    return client in _own
