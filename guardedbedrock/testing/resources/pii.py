"""
Patterns for the entity types of Bedrock's sensitive information filters, each in its simplest form.

Names and ambiguous numbers match only after words that introduce them, for example ``my PIN is 1234``. Then the named group
``it`` is the match.
"""

from __future__ import annotations

import re
from typing import Final

_SHAPES: Final = {
    "AWS_ACCESS_KEY": r"(?<!\w)(?:AKIA|ASIA)[A-Z0-9]{16}(?!\w)",
    "CREDIT_DEBIT_CARD_NUMBER": r"(?<![\d-])\d(?:[ -]?\d){12,15}(?![\d-])",
    "EMAIL": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?(?!\w)",
    "IP_ADDRESS": r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])",
    "MAC_ADDRESS": r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])",
    "PHONE": r"(?<![\w-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{3}\)|\d{3})[ .-]?\d{3}[ .-]?\d{4}(?![\w-])",
    "UK_NATIONAL_INSURANCE_NUMBER": r"(?<!\w)[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)",
    "URL": r"https?://[^\s\"'<>]+",
    "US_SOCIAL_SECURITY_NUMBER": r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",
    "VEHICLE_IDENTIFICATION_NUMBER": r"(?<!\w)(?=[A-Z]*\d)[A-HJ-NPR-Z0-9]{17}(?!\w)",
}

_INTRODUCED: Final = {
    "ADDRESS": (r"address|live at", r"\d+ [A-Z][\w ]*?(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive)\b"),
    "AGE": (r"age|am", r"\d{1,3}(?= years| yrs|\b)"),
    "AWS_SECRET_KEY": (r"secret(?: access)? key", r"[A-Za-z0-9/+]{40}"),
    "CA_HEALTH_NUMBER": (r"health (?:card )?number", r"\d{10}"),
    "CA_SOCIAL_INSURANCE_NUMBER": (r"social insurance number|SIN", r"\d{3}[ -]?\d{3}[ -]?\d{3}"),
    "CREDIT_DEBIT_CARD_CVV": (r"CVV|CVC|security code", r"\d{3,4}"),
    "CREDIT_DEBIT_CARD_EXPIRY": (r"expiry(?: date)?|expires|valid (?:until|thru)", r"\d{2}/\d{2,4}"),
    "DRIVER_ID": (r"driver'?s? licen[sc]e(?: number)?", r"[A-Z0-9-]{5,20}"),
    "LICENSE_PLATE": (r"licen[sc]e plate|number plate", r"[A-Z0-9][A-Z0-9 -]{3,8}[A-Z0-9]"),
    "NAME": (r"name|I am|I'm", r"[A-Z][a-z]+(?: [A-Z][a-z]+)+"),
    "PASSWORD": (r"password", r"\S+"),
    "PIN": (r"PIN", r"\d{4,8}"),
    "SWIFT_CODE": (r"SWIFT(?: code)?|BIC", r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": (r"NHS number", r"\d{3} ?\d{3} ?\d{4}"),
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": (r"UTR|taxpayer reference(?: number)?", r"\d{10}"),
    "USERNAME": (r"user ?name|login", r"[\w.-]+"),
    "US_BANK_ACCOUNT_NUMBER": (r"account(?: number)?", r"\d{8,17}"),
    "US_BANK_ROUTING_NUMBER": (r"routing(?: number)?", r"\d{9}"),
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": (r"ITIN|tax(?:payer)? id(?:entification)?(?: number)?", r"9\d{2}-\d{2}-\d{4}"),
    "US_PASSPORT_NUMBER": (r"passport(?: number)?", r"[A-Z0-9]{9}"),
}
"""Entity type to the introducing words and the pattern."""

PII: Final = {
    **{name: re.compile(shape) for name, shape in _SHAPES.items()},
    **{name: re.compile(rf"\b(?i:{lead})(?: is)?:? +(?P<it>{shape})") for name, (lead, shape) in _INTRODUCED.items()},
}
"""Entity type to its pattern."""
