"""Forms of the names of Regions and models. Neither list is complete, because AWS adds names."""

from __future__ import annotations

import re
from typing import Final

from guardedbedrock.iam.matching.arns import split

_REGION: Final = re.compile(r"[a-z]{2,8}(-[a-z]+)?-((north|south)?(east|west)|north|south|central)-[0-9]+")
"""The form of every Region so far, in every partition; a new one may have any number."""
_SERVICES_OF_MODELS: Final = frozenset({"bedrock", "sagemaker"})

REGION_FIX: Final = "write one such as us-east-1"


def is_region(name: str) -> bool:
    """
    Return whether a string has the form of a Region name.

    >>> is_region("us-gov-west-1"), is_region("us-esat-1")
    (True, False)
    """
    return _REGION.fullmatch(name) is not None


def is_model(name: str) -> bool:
    """
    Return whether a string can be the ID or the ARN of a model.

    >>> is_model("amazon.nova-lite-v1:0"), is_model(""), is_model("arn:aws:s3:::bucket")
    (True, False, False)
    """
    if not name or any(char.isspace() or not char.isprintable() for char in name):
        return False
    parts = split(name)
    return not name.startswith("arn:") or (parts is not None and parts[2] in _SERVICES_OF_MODELS)
