"""The access report as data for JSON, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any, Final

from guardedbedrock.governance.report.placeholders import PLACEHOLDERS, fill
from guardedbedrock.governance.report.records import OPERATIONS, AccessReport, Cell, ExplainedDecision, PrincipalRow

SCHEMA: Final = "guardedbedrock.access-report"
VERSION: Final = 1
COLUMNS: Final = (
    "principal",
    "region",
    "situation",
    "guardrail",
    "model",
    "operation",
    "decision",
    "policy_type",
    "depends_on",
    "explanation",
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def as_data(report: AccessReport) -> dict[str, Any]:
    """
    Return the report as data for JSON.

    A row has one list for each situation, with one index into ``cells`` for each model; null where the Region does not have the
    model. A cell has one index into ``answers`` for each operation. In the strings of an answer, ``placeholders`` replace the
    values of the situation and the model: see `fill`.
    """
    table = AnswerTable()
    scope = report.scope
    rows = [
        {
            "principals": list(row.principals),
            "decisions": [[None if cell is None else table.cell(cell) for cell in cells] for cells in row.cells],
            "changes": [asdict(change) for change in row.changes],
            "proof": asdict(row.proof) if row.proof else None,
        }
        for row in report.rows
    ]
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "source": scope.source,
        "account": scope.account,
        "time": scope.time,
        "gaps": list(scope.gaps),
        "assumptions": list(report.assumptions),
        "operations": list(OPERATIONS),
        "placeholders": list(PLACEHOLDERS),
        "regions": list(scope.regions),
        "models": [
            {
                "id": one.id,
                "label": one.label,
                "regions": list(one.regions),
                "routes": {k: list(v) for k, v in one.routes.items()},
            }
            for one in scope.models
        ],
        "guardrails": [
            {"arn": one.arn, "version": one.version, "key": one.key, "name": one.name, "region": one.region}
            for one in scope.guardrails
        ],
        "enforced": [{"arn": one.arn, "version": one.version, "region": one.region} for one in scope.inventory.enforced],
        "situations": [
            {"region": one.region, "kind": one.kind, "guardrail": one.guardrail.key if one.guardrail else None}
            for one in report.situations
        ],
        "rows": rows,
        "cells": [list(cell) for cell in table.cells],
        "answers": [_answer(one) for one in table.answers],
    }


def _answer(one: ExplainedDecision) -> dict[str, Any]:
    return {
        "decision": one.verdict.outcome,
        "policyType": one.verdict.policy_type,
        "dependsOn": list(one.verdict.depends_on),
        "action": one.action,
        "resource": one.resource,
        "explanation": one.summary,
        "statements": [{"policyType": kind, "effect": effect, "text": text} for kind, effect, text in one.statements],
        "remarks": list(one.remarks),
    }


class AnswerTable:
    """Numbers equal answers and equal cells."""

    def __init__(self) -> None:
        self.answers: dict[ExplainedDecision, int] = {}
        self.cells: dict[tuple[int, ...], int] = {}
        self._known: dict[int, int] = {}
        self._kept: list[Cell] = []

    def cell(self, cell: Cell) -> int:
        """Return the number of a cell."""
        # By identity first: a row has one object for thousands of equal cells, and hashing its strings is slow.
        if id(cell) not in self._known:
            answers = tuple(self.answers.setdefault(one, len(self.answers)) for one in cell)
            self._known[id(cell)] = self.cells.setdefault(answers, len(self.cells))
            self._kept.append(cell)
        return self._known[id(cell)]


def write_csv(report: AccessReport) -> Iterator[str]:
    """Yield the report as CSV: one line for each principal, situation, model and operation."""
    yield _line(COLUMNS)
    for row in report.rows:
        lines = list(_decisions(row, report))
        for principal in row.principals:
            yield from (_line((principal, *line)) for line in lines)


def _decisions(row: PrincipalRow, report: AccessReport) -> Iterator[tuple[str, ...]]:
    for situation, cells in zip(report.situations, row.cells, strict=True):
        for model, cell in zip(report.scope.models, cells, strict=True):
            for operation, answer in zip(OPERATIONS, cell or (), strict=False):
                verdict = answer.verdict
                yield (
                    situation.region,
                    situation.kind,
                    situation.guardrail.key if situation.guardrail else "",
                    model.label,
                    operation,
                    verdict.outcome,
                    verdict.policy_type or "",
                    " ".join(verdict.depends_on),
                    fill(answer.summary, situation, model),
                )


def _line(values: tuple[str, ...]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow([_as_text(value) for value in values])
    return text.getvalue()


def _as_text(value: str) -> str:
    """Return a value that no spreadsheet runs as a formula. Names in the account could be formulas."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
