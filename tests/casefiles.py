"""
Case files: read whole or refused, one pytest param for each case.

A case asks either one request (``request``) or one call of the client (``principal``, ``call``, ``vocabulary``, ``guardrails``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import pytest
from _pytest.mark import ParameterSet

from guardedbedrock import iam

Case: TypeAlias = Mapping[str, Any]

CASES: Final = Path(__file__).parent / "cases"


class Fields(NamedTuple):
    """Fields that must stand in an object, and those that may."""

    needed: frozenset[str]
    optional: frozenset[str] = frozenset()


def _fields(needed: str, optional: str = "") -> Fields:
    return Fields(frozenset(needed.split()), frozenset(optional.split()))


OF_REQUEST: Final = _fields("id why source policies request expect", "confidence")
OF_CALL: Final = _fields("id why source policies principal call expect", "confidence vocabulary guardrails")
INNER: Final[Mapping[str, Fields]] = {
    "policies": Fields(frozenset(), frozenset(iam.POLICY_TYPES)),
    "request": _fields("principal action resource", "resourceAccount context unknown"),
    "call": _fields("operation region params"),
    "expect": _fields("decision", "determining policyType hangsOn"),
}
DECISIONS: Final = ("allowed", "implicitDeny", "explicitDeny", "indeterminate")
CONFIDENCES: Final = ("documented", "measured", "inferred", "derived")


class CaseFileError(Exception):
    """A case file that says something nobody would check."""


def read(*places: Path) -> Iterator[Case]:
    """
    Read every case of some files and folders, in the order of their names.

    Raises:
        CaseFileError: A stray or missing field, an id that stands twice in whatever file, a file or folder without cases.
    """
    seen: set[str] = set()
    for path in _files(places):
        cases = json.loads(path.read_text("utf-8"), object_pairs_hook=_without_repeats)
        if not isinstance(cases, list) or not cases:
            raise CaseFileError(f"{path.name}: should be an array of cases, at least one")
        for case in cases:
            _check(case, path.name)
            if case["id"] in seen:
                raise CaseFileError(f"{path.name}: the id {case['id']} stands twice")
            seen.add(case["id"])
            yield case


def params(*places: Path) -> list[ParameterSet]:
    """Read cases as pytest params, named by their ids."""
    return [pytest.param(case, id=case["id"]) for case in read(*places)]


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        if not files:
            raise CaseFileError(f"{place.name}: no case file")
        yield from files


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise CaseFileError(f"an object has a key twice among {', '.join(key for key, _ in pairs)}")
    return made


def _check(case: object, file: str) -> None:
    if not isinstance(case, dict):
        raise CaseFileError(f"{file}: a case should be an object")
    where = f"{file}: {case.get('id', 'a case without id')}"
    _complete(case, OF_REQUEST if "request" in case else OF_CALL, where)
    if "request" in case and "determining" not in case["expect"]:
        raise CaseFileError(f"{where}: expect: missing ['determining']")
    for name, fields in INNER.items():
        if name in case:
            _complete(case[name], fields, f"{where}: {name}")
    if case["expect"]["decision"] not in DECISIONS:
        raise CaseFileError(f"{where}: no such decision")
    if case.get("confidence", CONFIDENCES[0]) not in CONFIDENCES:
        raise CaseFileError(f"{where}: no such confidence")


def _complete(given: object, fields: Fields, where: str) -> None:
    if not isinstance(given, dict):
        raise CaseFileError(f"{where}: should be an object")
    stray = given.keys() - fields.needed - fields.optional
    missing = fields.needed - given.keys()
    if stray or missing:
        raise CaseFileError(f"{where}: stray {sorted(stray)}, missing {sorted(missing)}")
