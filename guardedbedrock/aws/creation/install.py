"""
Guard every Bedrock client of the process, whichever code creates it.

Every way to create a client ends in ``ClientCreator.create_client`` of botocore or aiobotocore: ``boto3.client`` and names that
were imported from it, sessions of any age, and methods of sessions that were bound before. So this method is wrapped. aiobotocore
can be imported later; its sessions take their event handlers from botocore's list of built-in handlers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, wraps
from inspect import iscoroutinefunction
from threading import RLock
from typing import Any, Final, Self

from botocore import handlers
from botocore.client import ClientCreator
from botocore.session import Session

from guardedbedrock.aws.botocore_contract import require
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.creation.session import EVENTS
from guardedbedrock.aws.creation.unguarded import warn_of_unguarded
from guardedbedrock.aws.creation.wrap import BINDING, ensure_guarded, put_first
from guardedbedrock.aws.own_clients import is_making_own_client
from guardedbedrock.aws.signer.signing_guard import SigningGuard, add_signing_guard
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

_HANDLER_ID: Final = "guardedbedrock-installed"
_REQUIRED: Final = (
    (Session, "create_client"),
    (Session, "get_component"),
    (ClientCreator, "create_client"),
    (handlers, "BUILTIN_HANDLERS"),
)
_ORIGINAL: Final = "guardedbedrock_wraps"
"""The attribute of a wrapper that holds the wrapped method."""


@dataclass(slots=True, eq=False)
class _Installed:
    owner: ClientBinding
    binding: ClientBinding
    signing_guard: SigningGuard | None = None


_lock: Final = ForkSafeLock(RLock)
_installed: Final[list[_Installed]] = []
"""Installed guards. The last one applies."""


class Installation:
    """
    The effect of one call of `install`. As a context manager it undoes that effect, and nothing that was installed before.

    Args:
        undo: Undoes it.
    """

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo()


def install(binding: ClientBinding, *, strict: bool) -> Installation:
    """
    Guard every Bedrock client that is created in this process from now on.

    A second call does nothing, except that `strict` is added. If several guards are installed, the most recent applies; when it
    is uninstalled, the one before it applies again.

    Args:
        binding: The binding of the clients.
        strict: Whether to check the requests of other libraries that sign with botocore's signers too.

    Raises:
        ConfigurationError: The installed botocore creates its clients elsewhere.

    Warns:
        UnguardedClientWarning: Unguarded clients exist already.
    """
    for holder, name in _REQUIRED:
        require(holder, name)
    with _lock:
        found = _find(binding)
        if found is not None:
            return _add_strict(found) if strict and found.signing_guard is None else Installation(_nothing)
        signing_guard = add_signing_guard(binding.rules, binding.listeners) if strict else None
        _installed.append(_Installed(binding, replace(binding, retry=ONE_ATTEMPT), signing_guard))
        _patch()
    try:
        warn_of_unguarded()
    except BaseException:
        uninstall(binding)  # the application turns warnings into errors
        raise
    return Installation(partial(uninstall, binding))


def uninstall(binding: ClientBinding) -> None:
    """Stop guarding the clients that are created from now on. A second call does nothing."""
    with _lock:
        found = _find(binding)
        if found is not None:
            _installed.remove(found)
            _remove_strict(found)
        if not _installed:
            _unpatch()


def installations() -> tuple[bool, ...]:
    """Return for each installed guard, the one that applies last, whether it is strict."""
    with _lock:
        return tuple(each.signing_guard is not None for each in _installed)


def _add_strict(installed: _Installed) -> Installation:
    installed.signing_guard = add_signing_guard(installed.owner.rules, installed.owner.listeners)
    return Installation(partial(_remove_strict, installed))


def _remove_strict(installed: _Installed) -> None:
    with _lock:
        if installed.signing_guard is not None:
            installed.signing_guard.remove()
            installed.signing_guard = None


def _nothing() -> None:
    """Undo nothing."""


def _find(binding: ClientBinding) -> _Installed | None:
    return next((each for each in _installed if each.owner is binding), None)


def _patch() -> None:
    for creator in _creators():
        if not hasattr(creator.create_client, _ORIGINAL):
            creator.create_client = _wrapped(creator.create_client)
    for handler in _BUILTIN:
        if handler not in handlers.BUILTIN_HANDLERS:
            handlers.BUILTIN_HANDLERS.append(handler)


def _unpatch() -> None:
    for creator in _creators():
        # A wrapper that another library has put around ours stays; ours does nothing while no guard is installed.
        creator.create_client = getattr(creator.create_client, _ORIGINAL, creator.create_client)
    handlers.BUILTIN_HANDLERS[:] = [each for each in handlers.BUILTIN_HANDLERS if each not in _BUILTIN]


def _creators() -> Iterator[Any]:
    yield ClientCreator
    aiobotocore = sys.modules.get("aiobotocore.client")
    if aiobotocore is not None:
        yield aiobotocore.AioClientCreator


def _wrapped(create_client: Any) -> Any:
    @wraps(create_client)
    def create_guarded(self: Any, *args: Any, **options: Any) -> Any:
        if not _installed or is_making_own_client():
            return create_client(self, *args, **options)
        _register(self)
        return ensure_guarded(create_client(self, *args, **options), _installed[-1].binding)

    @wraps(create_client)
    async def create_guarded_async(self: Any, *args: Any, **options: Any) -> Any:
        if not _installed or is_making_own_client():
            return await create_client(self, *args, **options)
        _register(self)
        return ensure_guarded(await create_client(self, *args, **options), _installed[-1].binding)

    wrapper: Any = create_guarded_async if iscoroutinefunction(create_client) else create_guarded
    setattr(wrapper, _ORIGINAL, create_client)
    return wrapper


def _register(creator: Any) -> None:
    for event in EVENTS:
        creator._event_emitter.register(event, _guard, unique_id=f"{_HANDLER_ID}.{event}")  # noqa: SLF001  # no public name


def _guard(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
    """Guard a client class, unless a guard of higher precedence does."""
    if _installed and BINDING not in class_attributes and not is_making_own_client():
        put_first(_installed[-1].binding, class_attributes, base_classes)


_BUILTIN: Final = tuple((event, _guard) for event in EVENTS)
