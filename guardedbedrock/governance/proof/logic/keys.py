"""
Facts that AWS documents about the values of condition keys: type, and whether there can be several.

Source: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference, "Condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from typing import Final

MULTIVALUED: Final = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "aws:vpceorgpaths",
        "dynamodb:attributes",
        "dynamodb:leadingkeys",
    }
)
"""Keys that AWS may set to several values, in lower case."""

ARNS: Final = frozenset(
    {
        "aws:principalarn",
        "aws:sourcearn",
        "aws:sourcevpcarn",
        "bedrock:guardrailidentifier",
        "bedrock:inferenceprofilearn",
        "bedrock:promptrouterarn",
        "lambda:functionarn",
    }
)
"""Keys whose value is always an ARN."""

LOWER_CASE: Final = frozenset({"aws:requestedregion", "bedrock:guardrailidentifier"})
"""Keys whose value has no upper-case letter, so that ignoring case changes nothing."""

BOOLEANS: Final = frozenset(
    {
        "aws:multifactorauthpresent",
        "aws:principalisawsservice",
        "aws:securetransport",
        "aws:viaawsservice",
    }
)
"""Keys whose value is always ``true`` or ``false``."""

ALWAYS_PRESENT: Final = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalisawsservice",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:viaawsservice",
    }
)
"""Keys that every request has."""

TIMES: Final = frozenset({"aws:currenttime", "aws:epochtime"})
"""Two spellings of one instant."""

TIME: Final = "aws:currenttime"

TYPED: Final = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:multifactorauthage", "aws:sourceip", "aws:tokenissuetime", "aws:vpcsourceip"}
)
"""Keys whose value always has the type that their operators expect."""


def is_multivalued(key: str) -> bool:
    """Return whether a key in lower case can have several values."""
    return key in MULTIVALUED
