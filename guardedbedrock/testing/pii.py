"""Patterns for the kinds of personal data that the fake guardrail finds."""

from __future__ import annotations

import re
from typing import Final

PII: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "EMAIL": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        "US_SOCIAL_SECURITY_NUMBER": r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",
        "CREDIT_DEBIT_CARD_NUMBER": r"(?<![\d-])\d(?:[ -]?\d){12,15}(?![\d-])",
        "PHONE": r"(?<![\w-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{3}\)|\d{3})[ .-]?\d{3}[ .-]?\d{4}(?![\w-])",
        "IP_ADDRESS": r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])",
        "MAC_ADDRESS": r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])",
        "AWS_ACCESS_KEY": r"(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)",
        "URL": r"https?://[^\s\"'<>]+",
    }.items()
}
"""Bedrock's name of an entity type to what it looks like."""
