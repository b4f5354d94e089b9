"""
The classes of botocore that sign with SigV4, and who looks at a request before they do.

They are the process's: what is put in here is put in once, whoever asks, and goes when the last one who asked has gone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeAlias

from botocore import auth

Look: TypeAlias = Callable[[Any, Any], None]
"""Called with the signer and the ``AWSRequest``; what it raises keeps the request from being signed."""

_lock: Final = Lock()
_looks: tuple[Look, ...] = ()
_placed: Final[dict[type, tuple[Any, Any]]] = {}
"""Class to what signed before, and what looks first."""


def look_first(look: Look) -> None:
    """Look before every signature; the last one who asks is the one who looks."""
    global _looks  # noqa: PLW0603  # the signers are the process's, and so is this
    with _lock:
        for signer in _signers():
            _place(signer)
        _looks = (*_looks, look)


def look_no_longer(look: Look) -> None:
    """Leave the look to who asked before; one who does not look is none the worse for it."""
    global _looks  # noqa: PLW0603
    with _lock:
        _looks = tuple(each for each in _looks if each != look)
        if not _looks:
            _restore()


def _signers() -> tuple[type, ...]:
    """Name the classes that sign for all that inherit from them; where awscrt is installed, botocore's clients have others."""
    native = {base for each in auth.AUTH_TYPE_MAPS.values() for base in each.__mro__ if base.__module__ == "botocore.crt.auth"}
    return (auth.SigV4Auth, *(each for each in native if "add_auth" in vars(each)))


def _place(signer: type) -> None:
    if signer not in _placed:
        signs = vars(signer)["add_auth"]
        _placed[signer] = signs, _looking_first(signs)
        signer.add_auth = _placed[signer][1]  # type: ignore[attr-defined]  # botocore has no types


def _restore() -> None:
    """Give the classes back what they signed with, but for one that somebody has wrapped since: there ours lets all pass."""
    for signer, (signs, looks) in list(_placed.items()):
        if vars(signer)["add_auth"] is looks:
            signer.add_auth = signs  # type: ignore[attr-defined]
            del _placed[signer]


def _looking_first(signs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(signs)
    def add_auth(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        for look in _looks[-1:]:
            look(self, request)
        return signs(self, request, *args, **options)

    return add_auth
