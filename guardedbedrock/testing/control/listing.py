"""Filters and sorts the entries of list operations, finds one entry, and checks that a name is not in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.testing.control.errors import conflict, not_found
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.testing.wire import ApiParams


def select(entries: Iterable[ApiParams], params: ApiParams, *, name: str, time: str) -> list[ApiParams]:
    """
    Return the entries that match the filters of a request, newest first by default.

    Args:
        entries: The entries, oldest first.
        params: ``nameContains``, ``statusEquals``, ``applicationTypeEquals``, ``modelArnEquals``, ``sortOrder`` and the times
            after and before.
        name: Member of an entry with its name.
        time: Member of an entry with its time of creation, such as ``submitTime``.
    """
    found = [entry for entry in entries if _matches(entry, params, name, time)]
    return found if params.get("sortOrder") == "Ascending" else found[::-1]


def _matches(entry: ApiParams, params: ApiParams, name: str, time: str) -> bool:
    equal = {"statusEquals": "status", "applicationTypeEquals": "applicationType", "modelArnEquals": "modelArn"}
    after, before = params.get(f"{time}After"), params.get(f"{time}Before")
    has_values = all(entry.get(member) == params[given] for given, member in equal.items() if given in params)
    is_in_time = (after is None or entry[time] > after) and (before is None or entry[time] < before)
    return params.get("nameContains", "") in entry[name] and has_values and is_in_time


def summaries(name: str, entries: Iterable[ApiParams], members: Iterable[str], params: ApiParams) -> ApiParams:
    """Return one page of entries with only the members of a summary."""
    kept = frozenset(members)
    shown = [{member: value for member, value in entry.items() if member in kept} for entry in entries]
    return page(name, shown, params)


def find(entries: Mapping[str, ApiParams], identifier: str, *, name: str = "") -> ApiParams:
    """
    Return the entry with an ARN, an ID at the end of its ARN, or a name.

    Args:
        entries: ARN to entry.
        identifier: ARN, ID or name.
        name: Member of an entry with its name, if a request can use the name.

    Raises:
        ServiceError: ``ResourceNotFoundException`` (404).
    """
    for arn, entry in entries.items():
        if identifier in {arn, arn.rpartition("/")[2]} or (name and entry[name] == identifier):
            return entry
    raise not_found(f"The provided resource {identifier} could not be found.")


def check_name(entries: Mapping[str, ApiParams], member: str, name: str) -> None:
    """
    Check that a name is not in use.

    Args:
        entries: ARN to entry.
        member: Member of an entry with its name.
        name: The name.

    Raises:
        ServiceError: ``ConflictException`` (400).
    """
    if any(entry[member] == name for entry in entries.values()):
        raise conflict(f"The name {name} is already in use.")
