"""The formats in which commands print their results, and the limit of options that are a number of seconds."""

from typing import Final, Literal

OutputFormat = Literal["text", "json"]
ReportFormat = Literal["text", "json", "junit", "sarif", "github"]
ReplayFormat = Literal["text", "json", "html", "markdown"]

LONGEST_TIMEOUT: Final = 86_400
"""Seconds in a day. The solver counts in integer milliseconds, so `inf` has no meaning there."""
