"""
Guarding every Bedrock client of the process, whoever makes it.

``create_client`` of botocore's sessions and of aiobotocore's is wrapped, not ``boto3.client``: there all end, sessions that were
made before, names that were imported before, and what other libraries put in place of ``boto3.client``. Sessions of an
aiobotocore that is loaded later take their handlers from botocore's list of them, which is told.
"""

from __future__ import annotations

import functools
import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any, Final, Self

from botocore import handlers
from botocore.client import BaseClient
from botocore.session import Session

from guardedbedrock.aws.checked import checked
from guardedbedrock.aws.client import Guarded, Watch
from guardedbedrock.aws.session import EVENTS, WATCH, put_first
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.errors import UnguardedClientWarning
from guardedbedrock.stages.retry import ONE_ATTEMPT

_HANDLER_ID: Final = "guardedbedrock-installed"


@dataclass(slots=True, eq=False)
class _Installed:
    owner: Watch
    watch: Watch


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


def install(watch: Watch) -> Installation:
    """
    Guard every Bedrock client that is made in this process from now on.

    A second time does nothing. Of several watches the last one that was installed rules, and once it is gone the one before. A
    client's own guard and its session's go before any of them.

    Warns:
        UnguardedClientWarning: Clients were made before.
    """
    with _lock:
        if _find(watch) is not None:
            return Installation(lambda: None)
        _installed.append(_Installed(watch, replace(watch, retry=ONE_ATTEMPT)))
        _stand()
    try:
        _warn_of(_made_before())
    except BaseException:
        uninstall(watch)  # warnings are errors here
        raise
    return Installation(lambda: uninstall(watch))


def uninstall(watch: Watch) -> None:
    """Let go of the clients that are made from now on; those that were made stay guarded. A second time does nothing."""
    with _lock:
        found = _find(watch)
        if found is not None:
            _installed.remove(found)
        if not _installed:
            _fall()


def _find(watch: Watch) -> _Installed | None:
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
    @functools.wraps(create_client)
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


def _made_before() -> list[str]:
    """Describe the unguarded clients of Bedrock that somebody holds."""
    if any(_unguarded()):
        gc.collect()  # nobody may hold them any more
    return sorted(_unguarded())


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


def _warn_of(made: list[str]) -> None:
    if made:
        warnings.warn(
            f"clients that were made before install() are not guarded: {', '.join(made)}; give each to guard.wrap(client), or "
            "install before they are made",
            UnguardedClientWarning,
            stacklevel=4,
        )
