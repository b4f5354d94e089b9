"""
The Service Authorization Reference of Amazon Bedrock, as data.

`tests/bedrock/refresh_service_authorization.py` updates the data.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

PREFIX: Final = "bedrock:"


@dataclass(frozen=True, slots=True)
class ReferencedAction:
    """
    An action.

    Args:
        name: Its name with the prefix ``bedrock:``.
        access: ``List``, ``Read``, ``Write``, ``Tagging`` or ``Permissions management``.
        types: The resource types that it accepts; empty if its resource is ``*``.
        required: Those of `types` that AWS marks as required.
        keys: Its own condition keys, as AWS writes them: ``aws:RequestTag/${TagKey}``.
    """

    name: str
    access: str
    types: frozenset[str]
    required: frozenset[str]
    keys: frozenset[str]


@cache  # made once: the reference is read at the first use
def actions() -> Mapping[str, ReferencedAction]:
    """Return every action by its name in lower case, prefix included."""
    return {
        f"{PREFIX}{name}".lower(): ReferencedAction(
            name=f"{PREFIX}{name}",
            access=entry["access"],
            types=frozenset(one.removesuffix("*") for one in entry["types"]),
            required=frozenset(one.removesuffix("*") for one in entry["types"] if one.endswith("*")),
            keys=frozenset(entry["keys"]),
        )
        for name, entry in _data()["actions"].items()
    }


@cache  # made once, for the same reason
def resource_arns() -> Mapping[str, str]:
    """Return the ARN of each resource type, with placeholders such as ``${Region}``."""
    return {name: entry["arn"] for name, entry in _data()["resourceTypes"].items()}


@cache  # made once: parsing the file takes a few ms
def _data() -> Mapping[str, Any]:
    text = files(__name__).joinpath("service_authorization.json").read_text("utf-8")
    data: Mapping[str, Any] = json.loads(text)
    return data
