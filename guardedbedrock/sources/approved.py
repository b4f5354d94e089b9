"""The approved guardrails of an account: READY ones, by tags, in their highest or a pinned version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT

READY: Final = "READY"
_DELETING: Final = "DELETING"


def approved_guardrails(
    found: Sequence[Mapping[str, Any]], tags: Mapping[str, str], versions: Mapping[str, str]
) -> tuple[Guardrail, ...]:
    """
    Choose the approved guardrails.

    A guardrail whose tags could not be read has none of the wanted tags.

    Args:
        found: The section ``guardrails`` of a snapshot.
        tags: Tags that a guardrail must have.
        versions: Name, ID or ARN of a guardrail to its pinned version; other guardrails get their highest version.

    Returns:
        The guardrails, sorted by ARN. If several guardrails of a Region have the same name, only the first keeps it.
    """
    chosen: list[Guardrail] = []
    taken: set[tuple[str, str]] = set()
    for entry in sorted(found, key=lambda one: str(one["arn"])):
        version = _version(entry, versions)
        if version is None or not tags.items() <= (entry.get("tags") or {}).items():
            continue
        name = entry["name"] if (entry["region"], entry["name"]) not in taken else ""
        taken.add((entry["region"], entry["name"]))
        chosen.append(Guardrail(entry["arn"], version, name, entry.get("tags"), entry.get("profile") or ""))
    return tuple(chosen)


def _version(entry: Mapping[str, Any], versions: Mapping[str, str]) -> str | None:
    """Return the approved version. The status of the draft says nothing about other versions, except that DELETING is for all."""
    if entry.get("status") == _DELETING:
        return None
    ready = [one["version"] for one in entry["versions"] if one["status"] == READY and one["version"] != DRAFT]
    pinned = next((versions[name] for name in (entry["arn"], entry["id"], entry["name"]) if name in versions), None)
    if pinned is not None:
        return pinned if pinned in ready else None
    return max(ready, key=int, default=None)
