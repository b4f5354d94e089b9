"""
Where the gate stands: in botocore's signer and in its endpoint.

Both become instances of a subclass of what they are, so that the gate can not be taken off them, and what is put in the place of
the HTTP session or of the method that sends gets the gate in front.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol


class Checks(Protocol):
    """What looks at requests."""

    def check(self, request: Any, body: Any, about_to_be: str) -> None:
        """Refuse a request by raising."""


class GatedAuth:
    """What signs one request, with the gate in front."""

    def __init__(self, auth: Any, gate: Checks) -> None:
        self._auth = auth
        self._gate = gate

    def add_auth(self, request: Any) -> Any:
        """Check, then sign."""
        self._gate.check(request, request.data, "signed")
        return self._auth.add_auth(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._auth, name)


class GatedSession:
    """botocore's HTTP session, with the gate in front."""

    def __init__(self, session: Any, gate: Checks) -> None:
        self._session = session
        self._gate = gate

    def send(self, request: Any) -> Any:
        """Check, then send."""
        self._gate.check(request, request.body, "sent")
        return self._session.send(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def kept(name: str, front: Callable[[Any], Any]) -> property:
    """
    Make an attribute that keeps the gate in front of whatever it is set to; every call reads it, so that reading it is quick.

    Args:
        name: Name of the attribute.
        front: Puts the gate in front of a value.
    """

    def put(owner: Any, value: Any) -> None:
        # Under its own name too, where whoever puts things back for a while looks for it.
        owner.__dict__[behind(name)] = owner.__dict__[name] = front(value)

    return property(attrgetter(behind(name)), put)


def behind(name: str) -> str:
    """Name what stands behind an attribute that is kept."""
    return f"{name} (gated)"


def become(thing: Any, **members: Any) -> None:
    """Make a thing an instance of a subclass of what it is, with these members."""
    plain = type(thing)
    thing.__class__ = type(plain.__name__, (plain,), {"__module__": plain.__module__, **members})
