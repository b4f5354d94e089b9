"""The formats in which commands print their results."""

from typing import Literal

OutputFormat = Literal["text", "json"]
ReportFormat = Literal["text", "json", "junit", "sarif", "github"]
ReplayFormat = Literal["text", "json", "html", "markdown"]
