"""
The one cache of preflight results.

A chat service repeats the same preflight for every turn: same operation, guardrail and model, other messages. Evaluating it costs
100 to 500 us, a lookup here about 1 us.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.core.records import GuardedCall
from guardedbedrock.iam import Decision, Outcome

Key: TypeAlias = tuple[Hashable, ...]

_MAX_ENTRIES: Final = 1024


@dataclass(frozen=True, slots=True)
class Preflight:
    """
    The result of one preflight.

    Args:
        authorization_set: The authorizations that the call needs.
        decisions: One decision for each of them.
        outcome: The outcome for the whole call.
        second: The time of the decisions, in whole seconds as IAM compares it; None if no policy reads the time. The
            authorizations hold for every second.
    """

    authorization_set: AuthorizationSet
    decisions: tuple[Decision, ...]
    outcome: Outcome
    second: int | None


class PreflightCache:
    """
    Preflight results of one set of rules; safe to use from many threads.

    The policies, the caller and the inventory belong to the rules, so they are not part of the key. When the cache is full it is
    emptied: a process rarely calls more than a few models.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[Key | None, Preflight] = {}

    def get(self, guarded: GuardedCall) -> Preflight | None:
        """
        Look up the result of a call, which may be of another second; None if nothing is stored for it.

        Raises:
            TypeError: A parameter has a shape that botocore rejects.
        """
        return self._entries.get(_key(guarded))

    def put(self, guarded: GuardedCall, result: Preflight) -> None:
        """Store the result of a call, if results of its operation are cached."""
        key = _key(guarded)
        if key is None:
            return
        if len(self._entries) >= _MAX_ENTRIES:
            self._entries.clear()
        self._entries[key] = result


def _key(guarded: GuardedCall) -> Key | None:
    """
    Return the key of a call: everything that its preflight depends on within one set of rules, except the time.

    Returns:
        The key, or None: only results of model calls are cached, because a process repeats them.
    """
    call = guarded.call
    if not call.operation.inference or call.operation.location is None:
        return None
    values = [(path, _hashable(value)) for path, value in guarded.evaluated.items()]
    return call.service, call.name, call.region, guarded.guardrail_refs, call.model, *values


def _hashable(value: Any) -> Hashable:
    if isinstance(value, str):  # nearly every value
        return value
    if isinstance(value, Mapping):
        return tuple(sorted((name, _hashable(inner)) for name, inner in value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    hash(value)
    return value  # type: ignore[no-any-return]  # hash() has just succeeded
