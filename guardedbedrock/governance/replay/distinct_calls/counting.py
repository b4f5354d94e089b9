"""The second pass: remove copies, apply addenda, join the evidence, and count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guardedbedrock.governance.replay.reading.events import text_of_uuid
from guardedbedrock.governance.replay.reading.evidence import NO_EVIDENCE, Evidence
from guardedbedrock.governance.replay.reading.projection import CallTuple
from guardedbedrock.governance.replay.reading.scan import EVENTS, EVIDENCE, ScanResult
from guardedbedrock.governance.replay.reading.spool import EVENT, MANTLE, NOT_COUNTED, UPDATE, SpooledRow, Writer, read_rows

_JOINED: Final = "joined"
STRENGTH: Final = {"guarded": 2, "unguarded": 1, "none": 0}


@dataclass(slots=True)
class CallGroup:
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

    def add(self, other: CallGroup) -> None:
        """Add the calls of another group with the same tuple and evidence."""
        self.count += other.count
        self.first, self.example = min((self.first, self.example), (other.first, other.example))
        self.last = max(self.last, other.last)


@dataclass(slots=True)
class Counts:
    """
    The content of a trail.

    Args:
        groups: One group for each distinct tuple and evidence, in a stable order.
        mantle: Calls of ``bedrock-mantle``.
    """

    groups: list[CallGroup]
    mantle: int = 0


def count(spool: Path, buckets: int, results: Sequence[ScanResult]) -> Counts:
    """
    Count the calls of a spool.

    Args:
        spool: Folder of the spool.
        buckets: How many buckets it has.
        results: What the tasks found.
    """
    counter = _Counter(spool, buckets, results)
    has_evidence = any(result.evidence for result in results)
    if has_evidence:
        counter.join()
    else:
        counter.count()
    return Counts(merge(counter.groups.values()), counter.mantle)


def merge(groups: Iterable[CallGroup]) -> list[CallGroup]:
    """Add up groups with the same tuple and evidence, in an order that does not depend on how they were read."""
    merged: dict[tuple[CallTuple, Evidence], CallGroup] = {}
    for group in groups:
        known = merged.setdefault((group.call, group.evidence), group)
        if known is not group:
            known.add(group)
    return in_order(merged.values())


def in_order(groups: Iterable[CallGroup]) -> list[CallGroup]:
    """Sort distinct groups by their content."""
    return sorted(groups, key=lambda group: (group.call, group.evidence))


def survivors(
    rows: Iterable[SpooledRow], replaced: AbstractSet[bytes], text_of: Callable[[int], str]
) -> tuple[Iterable[SpooledRow], int]:
    """
    Remove copies, and apply addenda.

    Args:
        rows: All rows of some slots; the item is the number of the tuple.
        replaced: Keys of the events that an addendum replaces.
        text_of: Returns a string for the number of a tuple. The string does not depend on how tuples are numbered.

    Returns:
        One row for each call, and the number of calls of ``bedrock-mantle``.
    """

    def order(row: SpooledRow) -> tuple[object, ...]:
        """Later rows of a slot win, and equal times are decided by content, not by the order of the files."""
        _, _, event, request, time, number = row
        return (number != NOT_COUNTED, time, event, request, "" if number == NOT_COUNTED else text_of(number))

    events: dict[bytes, SpooledRow] = {}
    updates: dict[bytes, SpooledRow] = {}
    mantle: set[bytes] = set()
    for row in rows:
        kind, slot, event, request, time, _ = row
        if kind == EVENT and slot not in events:  # most rows: the work below is for copies and addenda
            events[slot] = row
            continue
        if kind == MANTLE:
            mantle.add(slot)
            continue
        kept = events if kind == EVENT else updates
        is_replaced = kind == UPDATE and event != slot and event in replaced
        found = (kind, slot, event, request, time, NOT_COUNTED) if is_replaced else row
        known = kept.get(slot)
        if known is None or (known != found and order(known) < order(found)):
            kept[slot] = found
    for slot, (kind, _, event, request, time, number) in updates.items():
        original = events.pop(slot, None)
        if number != NOT_COUNTED:
            # The invocation log has the request ID of the event that the addendum replaces.
            events[slot] = (kind, slot, event, original[3] if original else request, time, number)
    return events.values(), len(mantle)


class _Counter:
    """Counts the calls, one bucket after the other."""

    def __init__(self, spool: Path, buckets: int, results: Sequence[ScanResult]) -> None:
        self._spool, self._buckets, self._results = spool, buckets, results
        self._replaced = frozenset().union(*(result.replaced for result in results))
        self._names = {key: name for result in results for key, name in result.examples.items()}
        # Tasks number their tuples separately.
        numbers: dict[CallTuple, int] = {}
        self._numbers = [[numbers.setdefault(call, len(numbers)) for call in result.tuples] for result in results]
        self._calls = list(numbers)
        # Hashing the evidence of each call costs more than reading its row.
        self._evidence: dict[Evidence, int] = {NO_EVIDENCE: 0}
        self.groups: dict[tuple[int, int], CallGroup] = {}
        self.mantle = 0

    def count(self) -> None:
        """Count calls without evidence."""
        for bucket in range(self._buckets):
            for _, _, event, _, time, number in self._survivors(bucket):
                self._add(number, 0, NO_EVIDENCE, time, event)

    def join(self) -> None:
        """Count calls with the evidence of their request."""
        writer = Writer(self._spool / _JOINED, 0, self._buckets)
        for bucket in range(self._buckets):
            for _, _, event, request, time, number in self._survivors(bucket):
                writer.write(EVENT, request, event, request, time, number)
        writer.close()
        for bucket in range(self._buckets):
            evidence: dict[bytes, Evidence] = {}
            for result in self._results:
                for _, request, _, _, _, item in read_rows(self._spool / EVIDENCE, bucket, result.number):
                    _keep_stronger(evidence, request, result.evidence[item])
            for _, request, event, _, time, number in read_rows(self._spool / _JOINED, bucket, 0):
                shown = evidence.get(request, NO_EVIDENCE)
                self._add(number, self._evidence.setdefault(shown, len(self._evidence)), shown, time, event)

    def _survivors(self, bucket: int) -> Iterable[SpooledRow]:
        """Return one row for each call of a bucket, with the number of its tuple."""
        kept, mantle = survivors(self._rows(bucket), self._replaced, lambda number: repr(self._calls[number]))
        self.mantle += mantle
        return kept

    def _rows(self, bucket: int) -> Iterator[SpooledRow]:
        for result, numbers in zip(self._results, self._numbers, strict=True):
            rows = read_rows(self._spool / EVENTS, bucket, result.number)
            if result is self._results[0]:  # its numbers are also the common ones
                yield from rows
                continue
            for row in rows:
                kind, slot, event, request, time, item = row
                yield row if kind == MANTLE or item == NOT_COUNTED else (kind, slot, event, request, time, numbers[item])

    def _add(self, number: int, index: int, evidence: Evidence, time: int, event: bytes) -> None:
        group = self.groups.get((number, index))
        if group is None:
            self.groups[number, index] = CallGroup(self._calls[number], evidence, 1, time, time, self._name(event))
            return
        group.count += 1
        group.last = max(group.last, time)
        if time <= group.first:
            name = self._name(event)
            group.first, group.example = min((group.first, group.example), (time, name))

    def _name(self, event: bytes) -> str:
        return self._names.get(event) or text_of_uuid(event)


def _keep_stronger(evidence: dict[bytes, Evidence], request: bytes, found: Evidence) -> None:
    """Keep the entry that shows more: a log may contain a call twice, such as with and without its bodies."""
    known = evidence.get(request)
    if known is None or _strength(known) < _strength(found):
        evidence[request] = found


def _strength(evidence: Evidence) -> tuple[object, ...]:
    return (STRENGTH[evidence.kind], evidence.guardrail, evidence.version)
