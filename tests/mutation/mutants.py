"""
Generate the mutants of a module: every small change that the operators of Cosmic Ray make to its source.

Changes that no test can detect are left out:

1. changes in annotations and type aliases,
2. changes of the bare ``*`` in a signature, which Cosmic Ray takes for a multiplication,
3. ``is`` for ``==`` and ``==`` for ``is``: what is compared by identity here equals nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

_SAME: Final = frozenset(f"ReplaceComparisonOperator_{pair}" for pair in ("Is_Eq", "Eq_Is", "IsNot_NotEq", "NotEq_IsNot"))
Position = tuple[int, int]


class Mutant(NamedTuple):
    """
    One change to one module.

    Args:
        module: Name of the file.
        line: Line of the change, from 1.
        operator: Name of the Cosmic Ray operator.
        occurrence: Index among the locations at which the operator can be applied.
    """

    module: str
    line: int
    operator: str
    occurrence: int

    def apply(self, code: str) -> str:
        """Return the changed source of the module."""
        mutated: str | None = mutate_code(code, OperatorProvider()[self.operator](), self.occurrence)
        if mutated is None:
            raise LookupError(self)
        return mutated


def mutants(module: str, code: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    unseen = (*_unseen(code), *_bare_stars(code))
    nodes = list(ast_nodes(get_ast(code)))
    provider = OperatorProvider()
    for name in provider:
        if name in _SAME or provider[name].arguments():
            continue
        operator = provider[name]()
        spans = [span for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(spans):
            if not any(first <= start and end <= last for first, last in unseen):
                yield Mutant(module, start[0], name, occurrence)


def change(code: str, mutated: str) -> tuple[str, str]:
    """Return the changed lines before and after; they identify a mutant independently of its line number."""
    before, after = code.splitlines(), mutated.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " ".join(line.strip() for line in before), " ".join(line.strip() for line in after)


def _unseen(code: str) -> Iterator[tuple[Position, Position]]:
    """Yield the positions of annotations and type aliases."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.AnnAssign):
            is_alias = isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"
            yield _span(node if is_alias else node.annotation)
        elif isinstance(node, ast.arg) and node.annotation:
            yield _span(node.annotation)
        elif isinstance(node, ast.FunctionDef) and node.returns:
            yield _span(node.returns)


def _bare_stars(code: str) -> Iterator[tuple[Position, Position]]:
    for line, text in enumerate(code.splitlines(), start=1):
        for column in range(len(text)):
            if text.startswith("*, ", column):
                yield (line, column), (line, column + 1)


def _span(node: ast.expr | ast.stmt) -> tuple[Position, Position]:
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0)
