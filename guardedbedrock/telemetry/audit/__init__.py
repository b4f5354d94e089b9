"""
Records for auditors: a denial in CloudTrail's shape, to be found by the filters that they already have.

`Audit` is a listener; it writes to sinks, of which there are a file of JSON lines, a logger, an alert, and in the room of boto3
CloudWatch Logs. Prompts, completions and matched text have no way into a record.
"""

from __future__ import annotations

from guardedbedrock.telemetry.audit.alerts import Alert, DenialAlert
from guardedbedrock.telemetry.audit.json_lines import JsonLines
from guardedbedrock.telemetry.audit.listener import Audit, LoggerSink, Sink

__all__ = ["Alert", "Audit", "DenialAlert", "JsonLines", "LoggerSink", "Sink"]
