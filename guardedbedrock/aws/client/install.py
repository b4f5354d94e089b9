"""
Guarding every Bedrock client of the process, whoever makes it.

``create_client`` of botocore's sessions and of aiobotocore's is wrapped, not ``boto3.client``: there all end, sessions that were
made before, names that were imported before, and what other libraries put in place of ``boto3.client``. Sessions of an
aiobotocore that is loaded later take their handlers from botocore's list of them, which is told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, wraps
from threading import RLock
from typing import Any, Final, Self

from botocore import handlers
from botocore.session import Session

from guardedbedrock.aws.client import botocore_contract as footing
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.ensure_guarded import checked
from guardedbedrock.aws.client.session import EVENTS, WATCH, put_first
from guardedbedrock.aws.client.unguarded import warn_of_unguarded
from guardedbedrock.aws.signer.tripwire import Tripwire, stand
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

_HANDLER_ID: Final = "guardedbedrock-installed"
_STANDS_ON: Final = ((Session, "create_client"), (Session, "get_component"), (handlers, "BUILTIN_HANDLERS"))


@dataclass(slots=True, eq=False)
class _Installed:
    owner: ClientBinding
    watch: ClientBinding
    tripwire: Tripwire | None = None


_lock: Final = RLock()
_installed: Final[list[_Installed]] = []
"""Those who are installed; the last one rules."""


class Installation:
    """
    What one call of `install` did; a context manager that undoes it at its end, and nothing that was done before.

    Args:
        undo: Undoes it.
    """

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo = undo

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._undo()


def install(watch: ClientBinding, *, strict: bool) -> Installation:
    """
    Guard every Bedrock client that is made in this process from now on.

    A second time does nothing, but for what `strict` adds. Of several watches the last one that was installed rules, and once it
    is gone the one before. A client's own guard and its session's go before any of them.

    Args:
        watch: What the clients go by.
        strict: Whether a tripwire stands too, for clients that are no boto3 clients.

    Raises:
        ConfigurationError: The installed botocore makes its clients somewhere else.

    Warns:
        UnguardedClientWarning: Clients were made before.
    """
    for holder, name in _STANDS_ON:
        footing.found(holder, name)
    with _lock:
        found = _find(watch)
        if found is not None:
            return _made_strict(found) if strict and found.tripwire is None else Installation(_nothing)
        _installed.append(_Installed(watch, replace(watch, retry=ONE_ATTEMPT), _tripwire(watch) if strict else None))
        _stand()
    try:
        warn_of_unguarded()
    except BaseException:
        uninstall(watch)  # warnings are errors here
        raise
    return Installation(partial(uninstall, watch))


def _made_strict(installed: _Installed) -> Installation:
    installed.tripwire = _tripwire(installed.owner)
    return Installation(partial(_take_away_tripwire, installed))


def _nothing() -> None:
    """Undo nothing."""


def uninstall(watch: ClientBinding) -> None:
    """Let go of the clients that are made from now on; those that were made stay guarded. A second time does nothing."""
    with _lock:
        found = _find(watch)
        if found is not None:
            _installed.remove(found)
            _take_away_tripwire(found)
        if not _installed:
            _fall()


def _tripwire(watch: ClientBinding) -> Tripwire:
    return stand(watch.rules, watch.listeners)


def _take_away_tripwire(installed: _Installed) -> None:
    with _lock:
        if installed.tripwire is not None:
            installed.tripwire.fall()
            installed.tripwire = None


def _find(watch: ClientBinding) -> _Installed | None:
    return next((each for each in _installed if each.owner is watch), None)


def _stand() -> None:
    for kind in _sessions():
        if not hasattr(kind.create_client, "guardedbedrock_wraps"):
            kind.create_client = _wrapped(kind.create_client)
    for told in _TOLD:
        if told not in handlers.BUILTIN_HANDLERS:
            handlers.BUILTIN_HANDLERS.append(told)


def _fall() -> None:
    for kind in _sessions():
        # What somebody else has wrapped in turn has to stay; it does nothing while nobody is installed.
        kind.create_client = getattr(kind.create_client, "guardedbedrock_wraps", kind.create_client)
    handlers.BUILTIN_HANDLERS[:] = [each for each in handlers.BUILTIN_HANDLERS if each not in _TOLD]


def _sessions() -> Iterator[Any]:
    yield Session
    loaded = sys.modules.get("aiobotocore.session")
    if loaded is not None:
        yield loaded.AioSession


def _wrapped(create_client: Any) -> Any:
    @wraps(create_client)
    def create_guarded(self: Any, *args: Any, **options: Any) -> Any:
        if not _installed:
            return create_client(self, *args, **options)
        for event in EVENTS:
            self.get_component("event_emitter").register(event, _guard, unique_id=f"{_HANDLER_ID}.{event}")
        return checked(create_client(self, *args, **options))

    create_guarded.guardedbedrock_wraps = create_client  # type: ignore[attr-defined]
    return create_guarded


def _guard(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
    """Guard a client class that nobody nearer guards."""
    if _installed and WATCH not in class_attributes:
        put_first(_installed[-1].watch, class_attributes, base_classes)


_TOLD: Final = tuple((event, _guard) for event in EVENTS)
