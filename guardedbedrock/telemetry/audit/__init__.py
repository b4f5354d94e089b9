"""
Records for auditors, in the shape of CloudTrail records, so that existing filters find them.

`Audit` is a listener that writes to sinks: a file of JSON lines, a logger, an alert. Sinks that call AWS are in `aws.sinks`. A
record never contains prompts, completions or matched text.
"""

from __future__ import annotations

from guardedbedrock.telemetry.audit.alerts import Alert, DenialAlert
from guardedbedrock.telemetry.audit.json_lines import JsonLines
from guardedbedrock.telemetry.audit.listener import Audit, LoggerSink, Sink

__all__ = ["Alert", "Audit", "DenialAlert", "JsonLines", "LoggerSink", "Sink"]
