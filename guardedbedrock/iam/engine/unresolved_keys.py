"""
Which unknown values an answer hangs on: those of which some value would change it, whatever the others were.

Worked out only when asked for, by trying values that the policies tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from random import Random
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.context import UNKNOWN, lookup
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.engine.sample_values import Candidate, of_key, of_part
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching.arns import PARTS
from guardedbedrock.iam.matching.variables import variables_in

Judge: TypeAlias = Callable[[Request], object]
"""Says of a request whether it is denied; two answers that differ are two answers."""

_TRIED_WHOLLY: Final = 2048
_SAMPLES: Final = 256
_SEED: Final = 20121017


def open_keys(statements: Sequence[CompiledStatement], request: Request, judge: Judge) -> tuple[str, ...]:
    """
    Name the keys, sorted and as the policies spell them.

    Args:
        statements: All that cover the action.
        request: The request, with its unknown keys.
        judge: Decides a request of which everything is known.

    Cost: at most some thousands of decisions.
    """
    keys = _unknown_keys(statements, request)
    axes: dict[str, tuple[Candidate, ...]] = {key: of_key(key, statements, request) for key in keys}
    axes |= {f"resource:{PARTS[index]}": of_part(index, statements, request) for index in request.unknown_parts}
    matter = {key for key in axes if _matters(key, axes, request, judge)}
    return tuple(sorted((keys.get(key, key) for key in matter), key=str.lower))


def _unknown_keys(statements: Iterable[CompiledStatement], request: Request) -> dict[str, str]:
    """Find unknown keys that statements read: lower case to the spelling that stands there first."""
    found: dict[str, str] = {}
    for spelling in (spelling for compiled in statements for spelling in _spellings(compiled)):
        if lookup(request.facts, spelling.lower()) is UNKNOWN:
            found.setdefault(spelling.lower(), spelling)
    return found


def _spellings(compiled: CompiledStatement) -> Iterator[str]:
    statement = compiled.statement
    yield from (condition.key for condition in statement.conditions)
    if compiled.document.version == VARIABLES_SINCE:
        texts = [*statement.resources, *(value for condition in statement.conditions for value in condition.values)]
        yield from (variable.spelling for variable in variables_in(texts))


def _matters(key: str, axes: dict[str, tuple[Candidate, ...]], request: Request, judge: Judge) -> bool:
    others = {name: values for name, values in axes.items() if name != key}
    for assignment in _assignments(others):
        answers = {judge(_with({**assignment, key: value}, request)) for value in axes[key]}
        if len(answers) > 1:
            return True
    return False


def _assignments(axes: dict[str, tuple[Candidate, ...]]) -> Iterator[dict[str, Candidate]]:
    """Give every assignment where there are few, else a sample that is the same every time."""
    if prod(len(values) for values in axes.values()) <= _TRIED_WHOLLY:
        for chosen in product(*axes.values()):
            yield dict(zip(axes, chosen, strict=True))
        return
    random = Random(_SEED)  # noqa: S311  # a sample, not a secret
    for _ in range(_SAMPLES):
        yield {key: random.choice(values) for key, values in axes.items()}


def _with(assignment: dict[str, Candidate], request: Request) -> Request:
    """Ask the same, with values in the place of what is not known."""
    context = {key: value for key, value in request.context.items() if key.lower() not in assignment}
    context |= {key: value for key, value in assignment.items() if value is not None and not key.startswith("resource:")}
    parts = list(request.parts or ())
    for index in request.unknown_parts if parts else ():
        parts[index] = str(assignment[f"resource:{PARTS[index]}"])
    resource = ":".join(parts) if parts else request.resource
    return replace(request, context=context, unknown=frozenset(), resource=resource)
