"""The live account as a source, and the source that settings name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from guardedbedrock.aws.sources import calls
from guardedbedrock.aws.sources.account import AccountReader
from guardedbedrock.aws.sources.s3_snapshot import S3Snapshot
from guardedbedrock.iam import Account
from guardedbedrock.sources.live import Approval, Freshness, LiveSource, Reader
from guardedbedrock.sources.names import GuardrailSource, PolicySource
from guardedbedrock.sources.settings import SourceSettings
from guardedbedrock.sources.snapshot_file import SnapshotFile

_RENAMED: Final = {"guardrails": "resource"}


class LiveAccount:
    """
    Reads the account with the standard credential chain. Session and clients are made once.

    Args:
        only_guardrails: Read guardrails and nothing else.
    """

    def __init__(self, *, only_guardrails: bool) -> None:
        self._only_guardrails = only_guardrails
        self._session: Any = None
        # Cache, keyed by the Regions: a reader keeps its clients and the documents that it has read.
        self._readers: dict[tuple[str, ...], AccountReader] = {}

    def read(self, principals: Sequence[str], regions: Sequence[str], now: datetime) -> Mapping[str, Any]:
        """
        Return a snapshot of the principals, and of the guardrails of the Regions.

        Raises:
            SourceError: STS does not answer.
            ConfigurationError: No Region is known.
        """
        if self._session is None:
            self._session = calls.new_session()
        key = tuple(regions)
        if key not in self._readers:
            self._readers[key] = AccountReader.of_session(self._session, key)
        reader = self._readers[key]
        reader.now = lambda: now
        if self._only_guardrails:
            return reader.read_guardrails()
        # Without its Regions the snapshot counts as complete. The Regions of all clients are read; the resource-based policies of
        # guardrail profiles in others, which cross-Region inference names, would leave every decision open.
        return {name: section for name, section in reader.read(principals).items() if name != "regions"}


class WithLiveGuardrails:
    """
    A snapshot with the guardrails of the live account instead of its own.

    Args:
        policies: Reads the snapshot.
    """

    def __init__(self, policies: Reader) -> None:
        self._policies, self._account = policies, LiveAccount(only_guardrails=True)

    def read(self, principals: Sequence[str], regions: Sequence[str], now: datetime) -> Mapping[str, Any]:
        """
        Return the snapshot.

        Raises:
            ConfigurationError: One of the two cannot be read.
        """
        snapshot = self._policies.read(principals, regions, now)
        live = self._account.read(principals, regions, now)
        # The resource-based policies of guardrails that the snapshot could not list stay unread.
        renamed = [{**gap, "section": _RENAMED.get(gap["section"], gap["section"])} for gap in snapshot.get("gaps") or ()]
        kept = [gap for gap in renamed if gap["section"] != "tags"]
        return {**snapshot, "guardrails": live["guardrails"], "gaps": [*kept, *live["gaps"]]}


def live_source(settings: SourceSettings, listeners: Iterable[Any]) -> LiveSource | None:
    """
    Make the source that settings name; None if they name none.

    A snapshot in a file is read immediately, so that a wrong file is a configuration error.

    Args:
        settings: The settings.
        listeners: Listeners of the guard.

    Raises:
        ConfigurationError: The snapshot is refused.
    """
    policies, guardrails = settings.policies, settings.guardrails
    if policies is None and guardrails is None:
        return None
    reader = _reader(policies, settings.max_age)
    if guardrails is not None and policies is not None and policies.kind != "account":
        reader = WithLiveGuardrails(reader)
    names = [f'policies = "{policies}"'] if policies else []
    names += [_name_of(guardrails)] if guardrails else []
    source = LiveSource(
        name=" and ".join(names),
        reader=reader,
        freshness=Freshness(settings.refresh, settings.max_stale),
        approval=None if guardrails is None else Approval(guardrails.tags, settings.guardrail_versions),
        has_policies=policies is not None,
        listeners=listeners,
        now=settings.now,
    )
    if policies is not None and policies.kind == "snapshot":
        snapshot = Account(SnapshotFile(policies.location, settings.max_age).read((), (), settings.now()))
        if settings.principal:
            snapshot.find(settings.principal)  # raises if the snapshot does not have it
    return source


def _reader(policies: PolicySource | None, max_age: float | None) -> Reader:
    if policies is None or policies.kind == "account":
        return LiveAccount(only_guardrails=policies is None)
    return SnapshotFile(policies.location, max_age) if policies.kind == "snapshot" else S3Snapshot(policies.location, max_age)


def _name_of(guardrails: GuardrailSource) -> str:
    tags = ", ".join(f"{key} = {value}" for key, value in sorted(guardrails.tags.items()))
    return f"guardrails with the tags {tags}" if tags else 'guardrails = "account"'
