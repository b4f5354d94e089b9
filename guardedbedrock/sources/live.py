"""
A source of rules that is read again in the background: its data, their age, and the rules that follow from them.

Rules of precedence for each call:

1. Data that was read at most `max_stale` seconds ago applies, whether or not a later read failed.
2. Otherwise `on_unavailable` decides: ``deny`` refuses the call, ``allow`` sends it with the last known approved guardrail.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.core.events import (
    Event,
    GuardrailWithdrawn,
    PreflightDiverged,
    SourceEvent,
    SourceFailed,
    SourceGap,
    SourceRead,
)
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.iam import Account
from guardedbedrock.iam.account.account import describe_gap
from guardedbedrock.sources.account_rules import rules_of_account
from guardedbedrock.sources.approved import approved_guardrails
from guardedbedrock.sources.refresher import REFRESHER
from guardedbedrock.sources.schedule import Schedule

_LOG: Final = logging.getLogger("guardedbedrock.sources")
_LOG.addHandler(logging.NullHandler())
_MAX_RULES: Final = 256
_IDENTITY_RETRY: Final = 5.0  # s
"""Seconds until the principal of a client is looked up again after STS failed."""


class Reader(Protocol):
    """Reads a snapshot."""

    def read(self, principals: Sequence[str], regions: Sequence[str], now: datetime) -> Mapping[str, Any]:
        """
        Return a snapshot.

        Args:
            principals: ARNs of the principals that call.
            regions: Regions of the clients.
            now: The current time.

        Raises:
            ConfigurationError: The source cannot be read, or is rejected.
        """


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    How long the data of a source may be used.

    Args:
        refresh: Seconds between two reads.
        max_stale: Seconds after a read for which its data applies.
    """

    refresh: float
    max_stale: float


@dataclass(frozen=True, slots=True)
class Approval:
    """
    Which guardrails are approved.

    Args:
        tags: Tags that a guardrail must have.
        versions: Name, ID or ARN of a guardrail to its pinned version.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Loaded:
    """A snapshot with the Regions of its clients, and the rules derived from it, by the `id()` of the rules that they replace."""

    account: Account
    read_at: float
    guardrails: tuple[Guardrail, ...]
    regions: tuple[str, ...]
    # Cache, keyed by the identity of the rules that they replace: every call of a client asks for the same derived rules.
    rules: dict[int, tuple[Rules, Rules]] = field(default_factory=dict)


class LiveSource:
    """
    A source that is read at first use and then in the background.

    Args:
        name: The name of the source in messages, such as ``policies = "account"``.
        reader: Reads the snapshot.
        freshness: How long the snapshot may be used.
        approval: Which of its guardrails are approved; None if the configuration lists the approved guardrails.
        has_policies: Whether the source has the policies; otherwise it has only guardrails.
        listeners: Listeners whose method `on_source_event` receives events of the source.
        now: Returns the current time.
        clock: Returns monotonic seconds.
    """

    def __init__(  # noqa: PLR0913  # all are keywords
        self,
        *,
        name: str,
        reader: Reader,
        freshness: Freshness,
        approval: Approval | None,
        has_policies: bool,
        now: Callable[[], datetime],
        listeners: Iterable[Any] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._reader, self._freshness, self._approval, self.has_policies = reader, freshness, approval, has_policies
        self._now, self._clock, self._listeners = now, clock, tuple(listeners)
        # A source that is read more rarely than its result expires would be unavailable in between.
        # Nothing is due before the first read, which a client or a call makes: the thread would read a second time.
        self.schedule = Schedule(min(freshness.refresh, freshness.max_stale / 2), due=float("inf"))
        self._lock = ForkSafeLock()
        self._loaded: _Loaded | None = None
        self._failure = ""
        self._principals: tuple[str, ...] = ()
        self._regions: tuple[str, ...] = ()
        self._reported: set[str] = set()
        # Cache, keyed by the `id()` of the rules: while the source is unavailable, every call asks for the same replacement.
        self._fallbacks: dict[int, tuple[Rules, Rules]] = {}
        self._identity_due = float("-inf")
        self.divergences = 0

    # -- rules of a call ----------------------------------------------------------------------------------------------

    def current(self, rules: Rules) -> Rules:
        """
        Return the rules of a call, with the current data of the source.

        Only the first use reads the source here; no call waits for a refresh.

        Args:
            rules: The rules of the client.
        """
        loaded = self._loaded
        if loaded is not None and REFRESHER.is_running:
            if self._clock() - loaded.read_at > self._freshness.max_stale:
                return self._fallback(rules)
            known = loaded.rules.get(id(rules))
            if known is not None and known[0] is rules:
                return known[1]
        return self._first_use(rules)

    def is_ready(self, rules: Rules) -> bool:
        """Return whether `current` returns without reading the source."""
        try:
            principals = (rules.principal(),) if self.has_policies else ()
        except ConfigurationError:  # `current` reports it, and reads nothing
            return True
        return self._has_read_for(principals, ())

    def _first_use(self, rules: Rules) -> Rules:
        REFRESHER.add(self)
        if self.has_policies:
            known = self._fallbacks.get(id(rules))
            if known is not None and known[0] is rules and self._clock() < self._identity_due:
                return known[1]
            try:
                principal = rules.principal()
            except ConfigurationError as error:
                self._identity_due = self._clock() + _IDENTITY_RETRY
                return self._unavailable(rules, str(error))
            self._ensure_read((principal,))
        else:
            self._ensure_read()
        loaded = self._loaded
        if loaded is None or self._clock() - loaded.read_at > self._freshness.max_stale:
            return self._fallback(rules)
        return self._rules_from(loaded, rules)

    def has_read(self, region: str) -> bool:
        """Return whether `approved` returns without reading the source."""
        return self._reads_later() or self._has_read_for((), (region,))

    def approved(self, region: str) -> tuple[Guardrail, ...] | None:
        """
        Return the approved guardrails of a Region; None if the configuration lists them or the source is unavailable.

        Args:
            region: Region of a new client; every later read includes it.
        """
        if self._reads_later():
            with self._lock:
                self._regions = tuple(dict.fromkeys((*self._regions, region)))
            return None
        REFRESHER.add(self)
        self._ensure_read(regions=(region,))
        return None if self._approval is None or self._loaded is None else self._loaded.guardrails

    def _reads_later(self) -> bool:
        """Return whether a new client need not read the source: only the policies come from it, and the first call reads them."""
        return self._approval is None and self._loaded is None

    def _ensure_read(self, principals: Sequence[str] = (), regions: Sequence[str] = ()) -> None:
        """Read the source if it has not been read for these principals and regions."""
        if self._has_read_for(principals, regions):
            return
        with self._lock:
            if self._has_read_for(principals, regions):
                return
            self._principals = tuple(dict.fromkeys((*self._principals, *principals)))
            self._regions = tuple(dict.fromkeys((*self._regions, *regions)))
            self._read()

    def _has_read_for(self, principals: Sequence[str], regions: Sequence[str]) -> bool:
        was_read = self._loaded is not None or bool(self._failure)
        return was_read and set(principals) <= set(self._principals) and set(regions) <= set(self._regions)

    def _rules_from(self, loaded: _Loaded, rules: Rules) -> Rules:
        try:
            made = self._derive(loaded, rules)
        except ConfigurationError as error:
            return self._unavailable(rules, str(error))
        if len(loaded.rules) >= _MAX_RULES:
            loaded.rules.clear()
        loaded.rules[id(rules)] = rules, made
        return made

    def _derive(self, loaded: _Loaded, rules: Rules) -> Rules:
        made = rules_of_account(loaded.account, rules) if self.has_policies else rules
        return replace(made, source=None, approved=rules.approved if self._approval is None else loaded.guardrails)

    def _fallback(self, rules: Rules) -> Rules:
        age = "" if self._loaded is None else f"; the data read {self._clock() - self._loaded.read_at:.0f} s ago is too old"
        known = self._fallbacks.get(id(rules))
        if known is not None and known[0] is rules:
            return known[1]
        return self._unavailable(rules, f"{self._failure or 'it was not read again in time'}{age}")

    def _unavailable(self, rules: Rules, reason: str) -> Rules:
        """Return rules for an unavailable source: with the reason, and without the policies of the source."""
        approved = rules.approved if self._approval is None or self._loaded is None else self._loaded.guardrails
        policies = None if self.has_policies else rules.policies
        made = replace(rules, source=None, approved=approved, policies=policies, unavailable=f"{self.name}: {reason}")
        if len(self._fallbacks) >= _MAX_RULES:
            self._fallbacks.clear()
        self._fallbacks[id(rules)] = rules, made
        return made

    # -- reading ------------------------------------------------------------------------------------------------------

    def due(self) -> float:
        """Return the time of the next read."""
        return self.schedule.due

    def refresh(self) -> None:
        """Read the source again; a failure keeps the data of the last read."""
        with self._lock:
            self._read()

    def _read(self) -> None:
        try:
            snapshot = self._reader.read(self._principals, self._regions, self._now())
            loaded = self._load(Account(snapshot))
        except Exception as error:  # noqa: BLE001  # whatever fails, the rules of precedence apply, and the thread goes on
            self._failed(f"{error}" if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {error}")
            return
        before, self._loaded, self._failure = self._loaded, loaded, ""
        self._fallbacks = {}
        self._notify(SourceRead(self.name, self.has_policies))
        self._report(before, loaded)
        if any(map(is_transient, loaded.account.gaps)):
            self.schedule.failed(self._clock())
        else:
            self.schedule.succeeded(self._clock())
        REFRESHER.wake()

    def _load(self, account: Account) -> _Loaded:
        if self._loaded is not None:
            # Only data that was read before can be lost. Some APIs always fail, for example in a Region that is not enabled.
            before, new = {_gap_key(gap) for gap in self._loaded.account.gaps}, {*self._regions} - {*self._loaded.regions}
            gaps = (gap for gap in account.gaps if is_transient(gap) and gap.get("region") not in new)
            lost = next((gap for gap in gaps if _gap_key(gap) not in before), None)
            if lost is not None:
                raise SourceError(describe_gap(lost))
        if self.has_policies:
            for principal in self._principals:
                _check_readable(account, principal)
        if self._approval is None:
            guardrails: tuple[Guardrail, ...] = ()
        else:
            unread = next((gap for gap in account.gaps if gap["section"] == "guardrails"), None)
            if unread is not None:
                raise SourceError(describe_gap(unread))
            guardrails = approved_guardrails(account.snapshot["guardrails"], self._approval.tags, self._approval.versions)
        loaded = _Loaded(account, self._clock(), guardrails, self._regions)
        for rules, _ in list(self._loaded.rules.values()) if self._loaded else ():
            # Compiled here, so that the first call after the swap does not pay for it.
            loaded.rules[id(rules)] = rules, self._derive(loaded, rules)
        return loaded

    def _failed(self, reason: str) -> None:
        self._failure = reason
        self._fallbacks = {}
        self.schedule.failed(self._clock())
        left = None
        if self._loaded is not None:
            left = max(0.0, self._freshness.max_stale - (self._clock() - self._loaded.read_at))
        self._warn(SourceFailed(self.name, reason, left), f"{self.name} could not be read: {reason}")
        REFRESHER.wake()

    def _report(self, before: _Loaded | None, loaded: _Loaded) -> None:
        for gap in loaded.account.gaps:
            sentence = describe_gap(gap)
            if sentence not in self._reported:
                self._reported.add(sentence)
                statement = gap.get("statement") or {}
                self._warn(SourceGap(gap["section"], gap["api"], gap["error"], statement), f"{self.name}: {sentence}")
        if before is not None:
            kept = {guardrail.key for guardrail in loaded.guardrails}
            for guardrail in before.guardrails:
                if guardrail.key not in kept:
                    self._warn(GuardrailWithdrawn(guardrail), f"{self.name}: {guardrail.key} is no longer approved")

    def _warn(self, event: SourceEvent, sentence: str) -> None:
        _LOG.warning("%s", sentence)
        self._notify(event)

    def _notify(self, event: SourceEvent) -> None:
        for listener in self._listeners:
            receive = getattr(listener, "on_source_event", None)
            if receive is not None:
                try:
                    receive(event)
                except Exception as error:  # noqa: BLE001  # a listener may raise anything
                    _LOG.warning("listener %s failed with %s", type(listener).__name__, type(error).__name__)

    # -- state of the source ------------------------------------------------------------------------------------------

    @property
    def account(self) -> Account | None:
        """The account of the last successful read; None if there was none."""
        return None if self._loaded is None else self._loaded.account

    @property
    def age(self) -> float | None:
        """Seconds since the last successful read; None if there was none."""
        return None if self._loaded is None else self._clock() - self._loaded.read_at

    @property
    def failure(self) -> str:
        """Why the last read failed; ``""`` if it did not."""
        return self._failure

    @property
    def listener(self) -> RefreshOnDivergence:
        """A listener that reads the source early when AWS and the preflight disagree."""
        return RefreshOnDivergence(self)

    def diverged(self) -> None:
        """Count a divergence, and read the source early, at most once a minute."""
        self.divergences += 1
        if self.schedule.hurry(self._clock()):
            REFRESHER.wake()


class RefreshOnDivergence(Observation):
    """Listens to every call for `PreflightDiverged`. It keeps nothing of a call, so one object observes all of them."""

    wants_routine = False

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def open(self, _: Call) -> RefreshOnDivergence:
        """Follow a call."""
        return self

    def on_event(self, event: Event) -> None:
        """Read the source early if AWS and the preflight disagree."""
        if isinstance(event, PreflightDiverged):
            self._source.diverged()


_PERMISSION_ERRORS: Final = frozenset({"403", "Forbidden", "NotAuthorized", "UnauthorizedException", "UnauthorizedOperation"})


def is_transient(gap: Mapping[str, Any]) -> bool:
    """
    Return whether a gap will probably close by itself.

    Only a missing permission is permanent. Every other error is an error of the service, of the network or of the credentials.
    """
    error = str(gap["error"])
    is_code = " " not in error  # a gap that AWS did not report has words, such as "not part of this dump"
    return is_code and not error.startswith("AccessDenied") and error not in _PERMISSION_ERRORS


def _gap_key(gap: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a key for the data that a gap hides. It does not depend on the error."""
    return tuple(gap.get(name) for name in ("section", "api", "principal", "resource", "region"))


def _check_readable(account: Account, principal: str) -> None:
    """
    Raise if no identity-based policy of a principal could be read.

    Raises:
        SourceError: The message names the gaps.
        ConfigurationError: The snapshot has no such principal.
    """
    gaps = [gap for gap in account.gaps_of(principal) if gap["section"] == "identity"]
    try:
        entry = account.find(principal)
    except ConfigurationError:
        if gaps:
            raise SourceError(f"no identity-based policy of {principal} can be read: {describe_gap(gaps[0])}") from None
        raise
    of_entry = [gap for gap in account.gaps_of(entry.arn) if gap["section"] == "identity"]
    has_policies = entry.inline or entry.managed or entry.groups
    if of_entry and entry.kind != "root" and not has_policies:
        raise SourceError(f"no identity-based policy of {principal} can be read: {describe_gap(of_entry[0])}")
