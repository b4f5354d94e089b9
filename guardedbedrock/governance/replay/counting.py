"""The second pass: remove copies, apply addenda, join the evidence, and count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from guardedbedrock.governance.replay.evidence import NO_EVIDENCE, Evidence
from guardedbedrock.governance.replay.projection import CallTuple
from guardedbedrock.governance.replay.scan import ScanResult
from guardedbedrock.governance.replay.spool import EVIDENCE, UPDATE, Row, read_rows


@dataclass(slots=True)
class Group:
    """
    Calls that share a tuple and their evidence.

    Args:
        call: The tuple.
        evidence: What invocation logs show.
        count: How many calls.
        first: Time of the first, in seconds since 1970.
        last: Time of the last.
        example: Event ID of the first.
    """

    call: CallTuple
    evidence: Evidence
    count: int
    first: int
    last: int
    example: str


def count(spool: Path, buckets: int, results: Sequence[ScanResult]) -> list[Group]:
    """
    Count the calls of a spool.

    Args:
        spool: Folder of the spool.
        buckets: How many buckets it has.
        results: What the tasks found.

    Returns:
        One group for each distinct tuple and evidence, in a stable order.
    """
    replaced = frozenset().union(*(result.replaced for result in results))
    names = {key: name for result in results for key, name in result.examples.items()}
    groups: dict[tuple[CallTuple, Evidence], Group] = {}
    for bucket in range(buckets):
        _count_bucket(spool, bucket, results, replaced, names, groups)
    return sorted(groups.values(), key=lambda group: (group.call.principal, repr(group.call), repr(group.evidence)))


def _count_bucket(  # noqa: PLR0913, PLR0917  # what the buckets share
    spool: Path,
    bucket: int,
    results: Sequence[ScanResult],
    replaced: frozenset[bytes],
    names: dict[bytes, str],
    groups: dict[tuple[CallTuple, Evidence], Group],
) -> None:
    events: dict[bytes, tuple[Row, ScanResult]] = {}
    evidence: dict[bytes, Evidence] = {}
    for result in results:
        for row in read_rows(spool, bucket, result.number):
            if row.kind == EVIDENCE:
                _keep_stronger(evidence, row.request, result.evidence[row.item])
            elif row.event not in replaced and (row.event not in events or row.kind == UPDATE):
                events[row.event] = row, result
    for row, result in events.values():
        call = result.tuples[row.item]
        shown = evidence.get(row.request, NO_EVIDENCE)
        group = groups.get((call, shown))
        if group is None:
            group = groups[call, shown] = Group(call, shown, 0, row.time, row.time, "")
        name = names.get(row.event) or str(UUID(bytes=row.event))
        if not group.count or (row.time, name) < (group.first, group.example):
            group.first, group.example = row.time, name
        group.last = max(group.last, row.time)
        group.count += 1


def _keep_stronger(evidence: dict[bytes, Evidence], request: bytes, found: Evidence) -> None:
    """A log may hold a call twice, such as with and without its bodies; the entry that shows something wins."""
    known = evidence.get(request)
    if known is None or known.kind == "none":
        evidence[request] = found
