"""
Checks in front of botocore's SigV4 signers.

The signer classes are shared by the process, so they are patched once for all checks and restored after the last one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from botocore import auth

from guardedbedrock.forks import ForkSafeLock

SigningCheck: TypeAlias = Callable[[Any, Any], None]
"""Called with the signer and the ``AWSRequest`` before signing; an error prevents the signature."""

_lock: Final = ForkSafeLock()
_checks: tuple[SigningCheck, ...] = ()
_patched: Final[dict[type, tuple[Any, Any]]] = {}
"""Signer class to its original method and our wrapper."""


def add_check(check: SigningCheck) -> None:
    """Call a check before every signature. If there are several, only the most recent one is called."""
    global _checks  # noqa: PLW0603  # the signer classes are shared by the process, and so are their checks
    with _lock:
        for signer in _signers():
            _patch(signer)
        _checks = (*_checks, check)


def remove_check(check: SigningCheck) -> None:
    """Remove a check; the one before it applies again. A check that was never added is ignored."""
    global _checks  # noqa: PLW0603
    with _lock:
        _checks = tuple(each for each in _checks if each != check)
        if not _checks:
            _restore()


def _signers() -> tuple[type, ...]:
    """List the base classes of botocore's signers. If awscrt is installed, botocore's clients use others."""
    native = {base for each in auth.AUTH_TYPE_MAPS.values() for base in each.__mro__ if base.__module__ == "botocore.crt.auth"}
    return (auth.SigV4Auth, *(each for each in native if "add_auth" in vars(each)))


def _patch(signer: type) -> None:
    if signer not in _patched:
        signs = vars(signer)["add_auth"]
        _patched[signer] = signs, _checked(signs)
        signer.add_auth = _patched[signer][1]  # type: ignore[attr-defined]  # botocore has no types


def _restore() -> None:
    """Restore the classes. If another library has wrapped a class since, our wrapper stays and does nothing."""
    for signer, (signs, wrapper) in list(_patched.items()):
        if vars(signer)["add_auth"] is wrapper:
            signer.add_auth = signs  # type: ignore[attr-defined]
            del _patched[signer]


def _checked(signs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(signs)
    def add_auth(self: Any, request: Any, *args: Any, **options: Any) -> Any:
        checks = _checks
        if checks:
            checks[-1](self, request)
        return signs(self, request, *args, **options)

    return add_auth
