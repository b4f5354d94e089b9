"""
Records for auditors, and their destinations.

    guard = Guard(..., audit=Audit([JsonLines("audit.jsonl", fsync=True), DenialAlert(10, 300, notify)]))

The table ``[audit]`` of the configuration does the same. `CloudWatchLogs` and `SnsPublisher` call AWS in the background.
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
    Create an audit from settings.

    Args:
        records: ``denials``, or ``all`` calls.
        file: Path of a file of JSON lines.
        file_bytes: Size in bytes at which a new file begins; 0 never begins one.
        file_count: The number of old files to keep.
        fsync: Whether a call waits until its record is on the disk.
        logger: Name of a logger of the standard library.
        log_group: Name of a log group of CloudWatch Logs.
        log_stream: Name of a log stream; by default one that belongs to this process.
        region: Region of the log group; by default that of the session.
        alert_above: The number of denials within `alert_within` to tolerate.
        alert_within: The window of the alert, in seconds.
        alert_topic: ARN of the Amazon SNS topic to which an alert is published.
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
