"""The access report as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from guardedbedrock.governance.pages.render import read_file, render
from guardedbedrock.governance.report.formats import AnswerTable
from guardedbedrock.governance.report.placeholders import PLACEHOLDERS, values_of
from guardedbedrock.governance.report.records import (
    OPERATIONS,
    AccessReport,
    Cell,
    ExplainedDecision,
    GuardrailPermission,
    RowProof,
)
from guardedbedrock.governance.report.scope import Scope
from guardedbedrock.iam.decision.explanation import NAMES

LARGEST: Final = 2_000_000
"""Bytes of a page. A larger one is compressed, then written without the statements, then without explanations."""

_ABSENT: Final = -1
_LEFT_OUT: Final = "Explanations were left out, because the page would be too large; --format json has them."


def write_page(report: AccessReport) -> str:
    """
    Write a report as an HTML page.

    Raises:
        ConfigurationError: The extra ``report`` is not installed.
    """
    page = _render(report, report, (), packed=False)
    for depth in (0, 1, 2):
        if len(page.encode()) <= LARGEST:
            break
        shown, notes = (_without_explanations(report, depth), (_LEFT_OUT,)) if depth else (report, ())
        page = _render(report, shown, notes, packed=True)
    return page


def _render(report: AccessReport, shown: AccessReport, notes: tuple[str, ...], *, packed: bool) -> str:
    scope = report.scope
    unguarded = report.unguarded("allowed")
    return render(
        "access.html.j2",
        script="access.js",
        data=_page_data(shown),
        packed=packed,
        access_style=read_file("access.css"),
        account=scope.account,
        time=scope.time,
        source=scope.source,
        gaps=scope.gaps,
        assumptions=(*notes, *report.assumptions),
        operations=OPERATIONS,
        principals=sum(len(row.principals) for row in report.rows),
        unguarded=unguarded,
        undecided=report.undecided,
        guardrails=tuple({one.arn for one in scope.guardrails}),
        changes=_changes(report),
        proofs=_proofs(report),
        enforced=scope.inventory.enforced,
        routes=_routes(scope),
    )


def _without_explanations(report: AccessReport, depth: int) -> AccessReport:
    same: dict[int, Cell] = {}

    def shorten(cell: Cell | None) -> Cell | None:
        if cell is None:
            return None
        if id(cell) not in same:
            same[id(cell)] = tuple(_shortened(one, depth) for one in cell)
        return same[id(cell)]

    rows = [replace(row, cells=tuple(tuple(shorten(cell) for cell in cells) for cells in row.cells)) for row in report.rows]
    return replace(report, rows=tuple(rows))


def _shortened(one: ExplainedDecision, depth: int) -> ExplainedDecision:
    return replace(one, statements=(), remarks=()) if depth == 1 else ExplainedDecision(one.verdict)


def _page_data(report: AccessReport) -> dict[str, Any]:
    """Return the data of the script. Strings, answers, cells and lines of cells are numbered, and each occurs once."""
    table, strings = AnswerTable(), _Numbered()
    lines: dict[tuple[int, ...], int] = {}
    rows = []
    for row in report.rows:
        runs = [_runs([_ABSENT if cell is None else table.cell(cell) for cell in cells]) for cells in row.cells]
        rows.append({"principals": row.principals, "lines": [lines.setdefault(one, len(lines)) for one in runs]})
    scope = report.scope
    named = [values_of(situation, scope.models[0]) for situation in report.situations]
    return {
        "operations": OPERATIONS,
        "placeholders": PLACEHOLDERS,
        "models": [{"id": one.id, "label": one.label, "base": values_of(report.situations[0], one)[1]} for one in scope.models],
        "situations": [
            {"region": one.region, "kind": one.kind, "guardrail": values[2], "arn": values[3]}
            for one, values in zip(report.situations, named, strict=True)
        ],
        "choices": list(_choices(report)),
        "rows": rows,
        "lines": list(lines),
        "cells": list(table.cells),
        "answers": [_answer(one, strings) for one in table.answers],
        "strings": list(strings.numbers),
    }


class _Numbered:
    """Numbers strings."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str | None) -> int:
        return self.numbers.setdefault(text, len(self.numbers)) if text else _ABSENT


def _answer(one: ExplainedDecision, number: _Numbered) -> list[Any]:
    summary = one.summary
    statements = [(kind, effect, text) for kind, effect, text in one.statements if not text.endswith(summary)]
    return [
        number(one.verdict.outcome),
        number(NAMES[one.verdict.policy_type] if one.verdict.policy_type else None),
        [number(key) for key in one.verdict.depends_on],
        number(one.action),
        number(one.resource),
        number(summary),
        [[number(NAMES[kind]), number(effect), number(text)] for kind, effect, text in statements],
        [number(text) for text in one.remarks],
    ]


def _runs(cells: Sequence[int]) -> tuple[int, ...]:
    return tuple(number for cell, group in groupby(cells) for number in (cell, len(list(group))))


def _choices(report: AccessReport) -> Iterator[dict[str, Any]]:
    """Yield the choices of the page: each approved guardrail, and each Region that has none."""
    for region in report.scope.regions:
        common = {
            one.kind: index for index, one in enumerate(report.situations) if one.region == region and one.kind != "approved"
        }
        approved = [
            (index, one) for index, one in enumerate(report.situations) if one.region == region and one.kind == "approved"
        ]
        if not approved:
            yield {"label": f"none in {region}", "region": region, "situations": common}
        for index, one in approved:
            guardrail = one.guardrail
            label = f"{guardrail.name} version {guardrail.version} in {region}" if guardrail else region
            yield {"label": label, "region": region, "situations": {**common, "approved": index}}


def _changes(report: AccessReport) -> list[tuple[tuple[str, ...], GuardrailPermission]]:
    """Return each change with all principals that may make it."""
    found: dict[GuardrailPermission, list[str]] = {}
    for row in report.rows:
        for change in row.changes:
            found.setdefault(change, []).extend(row.principals)
    return sorted(((tuple(names), change) for change, names in found.items()), key=lambda one: (one[1].outcome, one[1].action))


def _proofs(report: AccessReport) -> list[tuple[tuple[str, ...], RowProof]]:
    found = [(row.principals, row.proof) for row in report.rows if row.proof is not None]
    return sorted(found, key=lambda one: ("refuted", "unknown", "proved").index(one[1].answer))


def _routes(scope: Scope) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """Return each source Region with its destination Regions and the profiles that route to these destinations."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for model in scope.models:
        for region, targets in model.routes.items():
            if region in scope.regions and set(targets) - {region}:
                found.setdefault((region, targets), []).append(model.label)
    return [(region, targets, names) for (region, targets), names in sorted(found.items())]
