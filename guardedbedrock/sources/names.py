"""The names of sources in the settings `policies` and `guardrails`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

SourceKind: TypeAlias = Literal["account", "snapshot", "s3"]

ACCOUNT: Final = "account"
_SNAPSHOT: Final = "snapshot:"
_S3: Final = "s3://"


@dataclass(frozen=True, slots=True)
class PolicySource:
    """
    Where the policies of the principal come from.

    Args:
        kind: ``account``, ``snapshot`` or ``s3``.
        location: Path of the snapshot, or ``s3://BUCKET/KEY``; ``""`` for the account.
    """

    kind: SourceKind
    location: str = ""

    def __str__(self) -> str:
        return {"account": ACCOUNT, "snapshot": f"{_SNAPSHOT}{self.location}", "s3": self.location}[self.kind]


@dataclass(frozen=True, slots=True)
class GuardrailSource:
    """
    Which guardrails of the account are approved.

    Args:
        tags: Tags that a guardrail must have; empty for every guardrail.
    """

    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def policy_source(text: object, base: Path) -> PolicySource | None:
    """
    Read the name of a source; None for any other value.

    Args:
        text: ``account``, ``snapshot:FILE`` or ``s3://BUCKET/KEY``.
        base: Folder that a relative path starts from.
    """
    if isinstance(text, PolicySource):
        return text
    if text == ACCOUNT:
        return PolicySource("account")
    if isinstance(text, str) and text.startswith(_SNAPSHOT):
        file = text.removeprefix(_SNAPSHOT)
        return PolicySource("snapshot", str(base / file) if file else "")
    if isinstance(text, str) and text.startswith(_S3):
        return PolicySource("s3", text)
    return None


def guardrail_source(given: Any) -> GuardrailSource | None:
    """
    Read the name of a source of guardrails; None for any other value.

    Args:
        given: ``account``, or a mapping of tags.
    """
    if isinstance(given, GuardrailSource):
        return given
    if given == ACCOUNT:
        return GuardrailSource()
    if isinstance(given, Mapping) and given and "arn" not in given and all(isinstance(value, str) for value in given.values()):
        return GuardrailSource(dict(given))
    return None
