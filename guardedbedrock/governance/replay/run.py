"""
The replay: read trails, count distinct calls, evaluate each once.

    report = replay(["trail/"], "new-policy.json", baseline="old-policy.json")
    print(report.newly_denied)
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock import Inventory
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.inputs import AccountPolicies, PolicyInput, of_snapshot, read_policy_input
from guardedbedrock.governance.replay.distinct_calls.athena import athena_sql
from guardedbedrock.governance.replay.distinct_calls.counting import Counts, count, merge
from guardedbedrock.governance.replay.distinct_calls.tuples import read_tuples, write_parquet
from guardedbedrock.governance.replay.reading.files import Bucket, SkippedInput, TrailFile, find_files
from guardedbedrock.governance.replay.reading.projection import Projection, projection_for
from guardedbedrock.governance.replay.reading.scan import ScanResult, ScanTask, plan, scan
from guardedbedrock.governance.replay.report import ReplayReport, build, iso
from guardedbedrock.governance.replay.verdicts import SOURCES, GuardrailAssumption, Judge
from guardedbedrock.governance.worker_pool import WorkerPool

_BYTES_A_BUCKET: Final = 4 << 20
_MOST_BUCKETS: Final = 4096
_TASKS_A_WORKER: Final = 4
"""More tasks than workers, so that one large file does not leave the others idle."""


Progress = Callable[[int, int], None]


def replay(  # noqa: PLR0913  # each is an option of the command
    trails: Iterable[str | Path],
    policies: str | Path | PolicyInput,
    *,
    baseline: str | Path | PolicyInput | None = None,
    snapshot: str | Path | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    assume: Mapping[str, str] | None = None,
    guardrail: GuardrailAssumption = "from-log",
    invocation_logs: Iterable[str | Path] = (),
    workers: int = 1,
    bucket: Bucket | None = None,
    is_typed: bool = True,
    tuples: Iterable[str | Path] = (),
    keep: str | Path | None = None,
    progress: Progress | None = None,
) -> ReplayReport:
    """
    Replay recorded calls against policies.

    Args:
        trails: Files and folders of CloudTrail records.
        policies: The new policies: an identity-based policy for every principal, a mapping of policy types, a snapshot, or a
            configuration with ``[policies]``.
        baseline: The old policies, in the same forms; None compares with what the records show.
        snapshot: A snapshot that supplies role ARNs, tags and profiles.
        since: First time that counts, ISO 8601.
        until: First time that no longer counts, ISO 8601.
        assume: Context keys that hold for every call.
        guardrail: Which guardrail calls carry; see `Judge`.
        invocation_logs: Files and folders of model invocation logs.
        workers: Number of processes.
        bucket: Reads ``s3://`` paths.
        is_typed: Whether msgspec decodes files, if the extra ``replay`` is installed; the report is the same.
        tuples: Files of distinct calls to add: Parquet of an earlier `keep`, or CSV of the Athena query.
        keep: Folder for the distinct calls as Parquet.
        progress: Called with the number of files read so far, and the number of all files.

    Raises:
        ConfigurationError: An input is missing or cannot be read, no record can be read, or no call is in the period.
        PolicySyntaxError: A document is not a policy.
    """
    inputs = prepare(trails, policies, baseline, snapshot, since, until, assume, guardrail, invocation_logs, bucket)
    tuples = list(tuples)
    if tuples and inputs.bounds != (None, None):
        raise ConfigurationError("since and until do not apply to tuples: limit the trail or the query")
    if inputs.logs and not inputs.files:
        raise ConfigurationError("there is no trail file that the invocation logs could join; add the trails")
    results, counts = read_trails(
        inputs.files,
        inputs.logs,
        inputs.projection,
        inputs.bounds,
        workers=workers,
        bucket=bucket,
        is_typed=is_typed,
        progress=progress,
    )
    skipped = list(inputs.skipped)
    groups = merge([*counts.groups, *read_tuples(tuples, inputs.projection, skipped)])
    skips = sorted_skips([*skipped, *(one for result in results for one in result.skipped)])
    if not groups:
        require_records(sum(result.events - result.unreadable for result in results), skips)
        if not counts.mantle:
            require_in_period(sum(result.outside for result in results), inputs.bounds)
    if keep is not None:
        write_parquet(groups, Path(keep), inputs.projection)
    report = build(groups, inputs.new, inputs.old)
    report.events = sum(result.events for result in results)
    report.mantle = counts.mantle
    report.skipped = skips
    return report


def require_records(readable: int, skipped: Sequence[SkippedInput]) -> None:
    """
    Reject a replay without records: its report would look like a report without denials.

    Raises:
        ConfigurationError: No record could be read.
    """
    if readable:
        return
    first = next((one for one in skipped if one.is_broken), next(iter(skipped), None))
    reason = f" ({first.file}: {first.reason})" if first else ""
    raise ConfigurationError(f"the trails contain no CloudTrail record{reason}, so nothing was replayed; name a trail")


def require_in_period(outside: int, bounds: tuple[int | None, int | None]) -> None:
    """
    Reject a replay all of whose calls are outside of the period, for the same reason as one without records.

    Raises:
        ConfigurationError: There are calls outside of the period.
    """
    if not outside:
        return
    times = (f"{word} {iso(second)}" for word, second in zip(("since", "until"), bounds, strict=True) if second is not None)
    calls = f"{outside:,} record{'s' if outside > 1 else ''} of calls outside of it"
    raise ConfigurationError(
        f"no call is in the period {' '.join(times)}, so nothing was replayed; the trails have {calls}, so change since or until"
    )


@dataclass(frozen=True, slots=True)
class ReplayInputs:
    """
    The inputs of a replay.

    Args:
        files: Trail files.
        logs: Files of model invocation logs.
        projection: How events are reduced.
        bounds: First second that counts, and first that no longer does.
        new: Decides under the new policies.
        old: Decides under the old ones.
        skipped: Files that are not trails.
    """

    files: list[TrailFile]
    logs: list[TrailFile]
    projection: Projection
    bounds: tuple[int | None, int | None]
    new: Judge
    old: Judge | None
    skipped: list[SkippedInput]


def prepare(  # noqa: PLR0913, PLR0917  # the arguments of `replay`, in its order
    trails: Iterable[str | Path],
    policies: str | Path | PolicyInput,
    baseline: str | Path | PolicyInput | None,
    snapshot: str | Path | None,
    since: str | datetime | None,
    until: str | datetime | None,
    assume: Mapping[str, str] | None,
    guardrail: GuardrailAssumption,
    invocation_logs: Iterable[str | Path],
    bucket: Bucket | None,
) -> ReplayInputs:
    """Find the files, and read the policies; arguments and errors as in `replay`."""
    if guardrail not in SOURCES:
        raise ConfigurationError(f"guardrail: `{guardrail}` is unknown; choose one of {', '.join(SOURCES)}")
    new = policies if isinstance(policies, PolicyInput) else read_policy_input(policies)
    old = baseline if isinstance(baseline, PolicyInput) or baseline is None else read_policy_input(baseline)
    known = of_snapshot(snapshot) if snapshot is not None else None
    first, last = bounds = (_second(since, "since"), _second(until, "until"))
    if first is not None and last is not None and first >= last:
        raise ConfigurationError(f"since: `{since}` is not before until, `{until}`; no call would count")
    skipped: list[SkippedInput] = []
    files, logs = (find_files(paths, skipped.append, bucket) for paths in (trails, invocation_logs))
    if guardrail == "injected" and not new.guardrails:
        raise ConfigurationError('guardrail "injected" needs approved guardrails; pass a configuration with [[guardrails]]')
    projection = _projection(new, old, known)
    models = {key: value for one in (known, old, new) if one for key, value in (one.resolved_models or {}).items()}

    def judge(policy_input: PolicyInput) -> Judge:
        return Judge(
            policy_input.policies,
            guardrail=guardrail,
            guardrails=new.guardrails,
            assumed=assume or {},
            inventory=Inventory(resolved_models=models),
            advisory_policy_types=() if policy_input.rcp_applies else ("rcp",),
            reads=projection.reads,
        )

    return ReplayInputs(files, logs, projection, bounds, judge(new), judge(old) if old else None, skipped)


def sorted_skips(skipped: Iterable[SkippedInput]) -> list[SkippedInput]:
    """Sort what was not replayed, so that the report does not depend on the order of reading."""
    return sorted(skipped, key=lambda one: (one.file, one.reason))


def query_for_athena(
    policies: str | Path, baseline: str | Path | None = None, snapshot: str | Path | None = None, table: str = "cloudtrail_logs"
) -> str:
    """
    Write the Athena query whose result `replay` accepts as `tuples`.

    Args:
        policies: The new policies; see `replay`.
        baseline: The old policies.
        snapshot: A snapshot.
        table: Name of the table of CloudTrail logs.

    Raises:
        ConfigurationError: An input cannot be read, or the policies read a key that the query cannot group by.
    """
    old = read_policy_input(baseline) if baseline is not None else None
    known = of_snapshot(snapshot) if snapshot is not None else None
    return athena_sql(_projection(read_policy_input(policies), old, known), table)


def _projection(new: PolicyInput, old: PolicyInput | None, known: PolicyInput | None) -> Projection:
    return projection_for(
        (policy_set for one in (new, old) if one for policy_set in one.policies.every_set()), _roles(known, new, old)
    )


def read_trails(  # noqa: PLR0913  # what a pass needs
    files: Sequence[TrailFile],
    logs: Sequence[TrailFile],
    projection: Projection,
    bounds: tuple[int | None, int | None] = (None, None),
    *,
    workers: int = 1,
    bucket: Bucket | None = None,
    is_typed: bool = True,
    progress: Progress | None = None,
) -> tuple[list[ScanResult], Counts]:
    """Read all files with `workers` processes, and count the distinct calls; see `replay`."""
    size = sum(file.size for file in (*files, *logs))
    buckets = max(1, min(_MOST_BUCKETS, size // _BYTES_A_BUCKET))
    with tempfile.TemporaryDirectory(prefix="guardedbedrock-replay-") as folder, _no_garbage_collection():
        spool = Path(folder)
        shares = plan(files, logs, workers * _TASKS_A_WORKER if workers > 1 else 1)
        tasks = [
            ScanTask(number, trail, log, spool, buckets, projection, *bounds, bucket, is_typed, bool(logs))
            for number, (trail, log) in enumerate(shares)
        ]
        results = sorted(_scan_all(tasks, workers, progress or (lambda _done, _all: None)), key=lambda result: result.number)
        return results, count(spool, buckets, results)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector: reading creates no reference cycles, and the collector would take a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _scan_all(tasks: Sequence[ScanTask], workers: int, progress: Progress) -> Iterable[ScanResult]:
    total = sum(len(task.files) for task in tasks)
    progress(0, total)
    if workers <= 1:
        return [scan(task, lambda done: progress(done, total)) for task in tasks]
    with WorkerPool(workers, gc.disable) as pool:
        futures = {pool.submit(scan, task): len(task.files) for task in tasks}
        done = 0
        for future in as_completed(futures):
            done += futures[future]
            progress(done, total)
        return [future.result() for future in futures]


def _roles(*policy_inputs: PolicyInput | None) -> dict[str, str]:
    """Map role names to ARNs where a snapshot knows them and the name is unique."""
    found: dict[str, set[str]] = {}
    for one in policy_inputs:
        if one is not None and isinstance(one.policies, AccountPolicies):
            for principal in one.policies.account.principals.values():
                if principal.kind == "role":
                    found.setdefault(principal.name, set()).add(principal.arn)
    return {name: next(iter(arns)) for name, arns in found.items() if len(arns) == 1}


def _second(time: str | datetime | None, name: str) -> int | None:
    if time is None:
        return None
    try:
        moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    except ValueError:
        raise ConfigurationError(f"{name}: `{time}` is not a time; write it like 2026-11-01 or 2026-11-01T00:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
