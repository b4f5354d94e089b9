"""
Where the gate checks a client's requests: in front of the signer and in front of the HTTP session.

These are the two points after which no event handler runs. ``before-sign`` is not one of them: handlers that are registered under
a more general event name run after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guardedbedrock.aws.botocore_contract import require
from guardedbedrock.aws.gate.gate import Gate


class GatedAuth:
    """A signer of one request, behind the gate."""

    def __init__(self, auth: Any, gate: Gate) -> None:
        self._auth = auth
        self._gate = gate

    def add_auth(self, request: Any) -> Any:
        """Verify the request, then sign it."""
        self._gate.check_signing(request)
        return self._auth.add_auth(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._auth, name)


def put_in_front(client: Any, gate: Gate) -> None:
    """
    Put the gate in front of the signer and the HTTP session of a boto3 client.

    Raises:
        ConfigurationError: The installed botocore signs or sends elsewhere.
    """
    signer, session = require(client, "_request_signer"), require(client, "_endpoint.http_session")
    find_auth, find_send = late_bound(signer, "get_auth_instance"), late_bound(session, "send")

    def gated_auth_instance(*args: Any, **options: Any) -> GatedAuth:
        return GatedAuth(find_auth()(*args, **options), gate)

    def gated_send(request: Any) -> Any:
        gate.check_sending(request)
        return find_send()(request)

    # `get_auth` is the alias that botocore keeps for older callers.
    signer.get_auth_instance = signer.get_auth = gated_auth_instance
    session.send = gated_send


def put_in_front_async(client: Any, gate: Gate) -> None:
    """
    Put the gate in front of the signer and the HTTP session of an aiobotocore client.

    Raises:
        ConfigurationError: The installed aiobotocore signs or sends elsewhere.
    """
    signer, session = require(client, "_request_signer"), require(client, "_endpoint.http_session")
    find_auth, find_send = late_bound(signer, "get_auth_instance"), late_bound(session, "send")

    async def gated_auth_instance(*args: Any, **options: Any) -> GatedAuth:
        return GatedAuth(await find_auth()(*args, **options), gate)

    async def gated_send(request: Any) -> Any:
        gate.check_sending(request)
        return await find_send()(request)

    signer.get_auth_instance = signer.get_auth = gated_auth_instance
    session.send = gated_send


def late_bound(owner: Any, name: str) -> Callable[[], Callable[..., Any]]:
    """
    Return a function that looks a method of an object up when it is called.

    A test that patches the method of the class later (``URLLib3Session.send``) must reach its patch, and not the network.
    """
    method: Callable[..., Any] = getattr(owner, name)
    if name in vars(owner):
        return lambda: method
    original = getattr(type(owner), name)
    return lambda: method if getattr(type(owner), name) is original else _method(owner, name)


def _method(owner: Any, name: str) -> Callable[..., Any]:
    """Look up a method in the class and bind it. A mock has no ``__get__``, so it is returned as it is."""
    found: Any = next(vars(cls)[name] for cls in type(owner).__mro__ if name in vars(cls))
    method: Callable[..., Any] = found.__get__(owner, type(owner)) if hasattr(found, "__get__") else found
    return method
