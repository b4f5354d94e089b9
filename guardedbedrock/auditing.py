"""
Records for auditors, and where they go: everything in one place.

    guard = Guard(..., audit=Audit([JsonLines("audit.jsonl", fsync=True), DenialAlert(10, 300, page_somebody)]))

or ``[audit]`` in the configuration. `CloudWatchLogs` and `SnsPublisher` speak to AWS, in the background.
"""

from __future__ import annotations

from typing import Literal

from guardedbedrock.aws.sinks.cloudwatch import CloudWatchLogs
from guardedbedrock.aws.sinks.sns import SnsPublisher
from guardedbedrock.telemetry.audit import Alert, Audit, DenialAlert, JsonLines, LoggerSink, Sink

__all__ = ["Alert", "Audit", "CloudWatchLogs", "DenialAlert", "JsonLines", "LoggerSink", "Sink", "SnsPublisher", "audit_of"]


def audit_of(  # noqa: PLR0913  # each is a setting, and all are keywords
    *,
    records: Literal["denials", "all"] = "denials",
    file: str = "",
    file_bytes: int = 10_000_000,
    file_count: int = 5,
    fsync: bool = False,
    logger: str = "",
    log_group: str = "",
    log_stream: str = "",
    region: str = "",
    alert_above: int | None = None,
    alert_within: float = 300.0,
    alert_topic: str = "",
) -> Audit:
    """
    Put an audit together from settings.

    Args:
        records: ``denials``, or ``all`` calls.
        file: Path of a file of JSON lines.
        file_bytes: Size at which a new file is begun, in bytes; 0 never begins one.
        file_count: How many old files are kept.
        fsync: Whether a record is on the disk before the call goes on.
        logger: Name of a logger of the standard library.
        log_group: Name of a log group of CloudWatch Logs.
        log_stream: Name of a log stream; one of this process unless given.
        region: Region of the log group; the session's unless given.
        alert_above: How many denials within `alert_within` are still well.
        alert_within: Seconds.
        alert_topic: ARN of a topic of Amazon SNS that more denials are published to.
    """
    sinks: list[Sink] = []
    if file:
        sinks.append(JsonLines(file, max_bytes=file_bytes, files=file_count, fsync=fsync))
    if logger:
        sinks.append(LoggerSink(logger))
    if log_group:
        sinks.append(CloudWatchLogs(log_group, log_stream=log_stream, region_name=region or None))
    if alert_topic and alert_above is not None:
        sinks.append(DenialAlert(alert_above, alert_within, SnsPublisher(alert_topic)))
    return Audit(sinks, records=records)
