"""
Which unknown keys an indeterminate decision depends on.

1. The undecided part of the evaluation is a formula (`guardedbedrock.iam.engine.formula`). The keys of its leaves are a superset
   of the answer, found in time linear in the size of the policies.
2. If every key occurs in one leaf only, each key that can change its leaf can change the outcome.
3. Otherwise the outcome is computed for every combination of sample values, if there are few combinations.
4. If there are too many, or if the samples may not tell all values of a key apart, the answer is the superset, marked as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.formula import FormulaBuilder, Join, Leaf, PartialFormula, leaves_of
from guardedbedrock.iam.engine.outcomes import Unresolved
from guardedbedrock.iam.engine.plan import Plan
from guardedbedrock.iam.engine.sample_values import Sample, of_key, of_part
from guardedbedrock.iam.matching.arns import PARTS
from guardedbedrock.iam.matching.conditions import parse_operator
from guardedbedrock.iam.matching.context import Truth, is_unresolved
from guardedbedrock.iam.matching.requests import Request

# Work grows exponentially with the number of unknown keys. Above a limit, the answer names the keys of all undecided elements
# instead of only those that can change the outcome, so a policy cannot make a decision slow.
_MAX_COMBINATIONS: Final = 1 << 14  # combinations of sample values; each evaluates the formulas of the whole decision
_MAX_LEAF_TESTS: Final = 1024  # tests of one element, one for each combination of samples of the keys that it reads
_MAX_TESTS: Final = 2048  # tests of all elements together
_PART: Final = "resource:"

Axis: TypeAlias = tuple[Sample, ...]
Table: TypeAlias = Mapping[tuple[Sample, ...], Truth]
"""The answers of a leaf, by one sample of each of its keys."""


def unresolved(plan: Plan, request: Request) -> Unresolved:
    """
    Find what an indeterminate decision depends on.

    Cost: linear in the size of the policies, and a bounded number of tests.
    """
    builder = FormulaBuilder(plan, request)
    forbids, permits = builder.forbids(), builder.permits()
    leaves = list(dict.fromkeys(leaves_of(forbids, permits)))
    reasons = tuple(dict.fromkeys(leaf.reason for leaf in leaves if not leaf.keys))
    if plan.needs_no_permission and not reasons:
        reasons = (
            f"AWS documents that identity-based policies cannot deny `{request.action}`, but nothing about other policies",
        )
    # Policies may spell a key in several ways: the last in the alphabet is chosen, whatever the order of the statements.
    spellings = {key.lower(): key for key in sorted({key for leaf in leaves for key in leaf.keys})}
    if not spellings:
        return Unresolved(reasons=reasons)
    # A rule that AWS does not document can leave the outcome open whatever value a key has, so no key is certain to change it.
    exact = None if reasons else _exact(forbids, permits, leaves, request, key_count=len(spellings))
    # INVARIANT: Without proof that a key cannot change the outcome, the key is named.
    keys = exact or spellings
    return Unresolved(tuple(sorted((spellings[key] for key in keys), key=str.lower)), bool(exact), reasons)


def _exact(
    forbids: PartialFormula, permits: PartialFormula, leaves: Sequence[Leaf], request: Request, *, key_count: int
) -> set[str] | None:
    """Return the keys, in lower case, that can change the outcome; None if that is not certain."""
    if 2**key_count > _MAX_COMBINATIONS and len(leaves) > key_count:
        return None
    leaves_by_key: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        for key in leaf.keys:
            leaves_by_key.setdefault(key.lower(), []).append(leaf)
    occurrences = list(leaves_of(forbids, permits))
    is_read_once = len(occurrences) == len(leaves) and all(len(found) == 1 for found in leaves_by_key.values())
    if not is_read_once and 2**key_count > _MAX_COMBINATIONS:
        return None
    axes = {key: _samples(key, found, request) for key, found in leaves_by_key.items()}
    sizes = [prod(len(axes[key.lower()]) for key in leaf.keys) for leaf in leaves]
    if max(sizes) > _MAX_LEAF_TESTS or sum(sizes) > _MAX_TESTS:
        return None
    tables = {leaf: _table(leaf, axes, request) for leaf in leaves}
    everything = set(leaves_by_key)
    if is_read_once and all(_flips(position, tables[leaf]) for leaf in leaves for position in range(len(leaf.keys))):
        return everything
    axes = {key: _distinct(key, axis, leaves_by_key[key], tables) for key, axis in axes.items()}
    if prod(map(len, axes.values())) > _MAX_COMBINATIONS:
        return None
    changing = _Combinations(axes, tables).changing(forbids, permits)
    if changing == everything or all(_is_sampled(found, axes[key]) for key, found in leaves_by_key.items()):
        return changing
    return None


def _samples(key: str, leaves: Iterable[Leaf], request: Request) -> Axis:
    if key.startswith(_PART):
        return of_part(PARTS.index(key.removeprefix(_PART)), leaves, request)
    return of_key(leaves, request)


def _table(leaf: Leaf, axes: Mapping[str, Axis], request: Request) -> Table:
    keys = [key.lower() for key in leaf.keys]
    combinations = product(*(axes[key] for key in keys))
    return {samples: leaf.test(_with_values(dict(zip(keys, samples, strict=True)), request)) for samples in combinations}


def _with_values(values: Mapping[str, Sample], request: Request) -> Request:
    """Copy a request with values for some unknown keys and parts; other unknown keys become absent."""
    context: dict[str, object] = {key: value for key, value in request.facts.items() if not is_unresolved(value)}
    parts = list(request.parts or ())
    for key, value in values.items():
        if not key.startswith(_PART):
            context[key] = value
        elif parts:
            parts[PARTS.index(key.removeprefix(_PART))] = str(value)
    return Request(
        principal=request.principal,
        action=request.action,
        resource=":".join(parts) if parts else request.resource,
        context=context,
        resource_account=request.resource_account,
    )


def _flips(position: int, table: Table) -> bool:
    """Return whether one key of a leaf can change its answer while the other keys stay the same."""
    answers: dict[tuple[Sample, ...], Truth] = {}
    for samples, answer in table.items():
        others = (*samples[:position], *samples[position + 1 :])
        if answers.setdefault(others, answer) is not answer:
            return True
    return False


def _distinct(key: str, axis: Axis, leaves: Iterable[Leaf], tables: Mapping[Leaf, Table]) -> Axis:
    """Of all samples for which every leaf has the same answers, keep one."""
    kept: dict[tuple[object, ...], Sample] = {}
    for sample in axis:
        answers: list[object] = []
        for leaf in leaves:
            position = [name.lower() for name in leaf.keys].index(key)
            answers += [answer for samples, answer in tables[leaf].items() if samples[position] == sample]
        kept.setdefault(tuple(answers), sample)
    return tuple(kept.values())


def _is_sampled(leaves: Sequence[Leaf], axis: Axis) -> bool:
    """Return whether the distinct samples of a key certainly tell all its values apart."""
    if any(len(leaf.keys) > 1 for leaf in leaves):
        return len(leaves) == 1 and len(axis) > 1
    return len(axis) == 2 ** len(leaves) or all(map(_is_simple, leaves))


def _is_simple(leaf: Leaf) -> bool:
    """Return whether a leaf compares its key with plain values, or with patterns that have at most one ``*``."""
    if leaf.condition and ":" in leaf.condition.operator:
        return False
    parsed = parse_operator(leaf.condition.operator) if leaf.condition else None
    if parsed is not None and "Like" not in parsed[1].name and "Arn" not in parsed[1].name:
        return True
    texts = leaf.condition.values if leaf.condition else (leaf.pattern or "",)
    return all(text.count("*") <= 1 and "?" not in text for text in texts)


class _Masks(NamedTuple):
    """For which combinations a formula is true and for which it is false, as bit sets."""

    true: int
    false: int


class _Combinations:
    """
    Every combination of one sample of each key, numbered; the bits of a mask are the numbers of combinations.

    Args:
        axes: The samples of each key.
        tables: The answers of each leaf.
    """

    def __init__(self, axes: Mapping[str, Axis], tables: Mapping[Leaf, Table]) -> None:
        self._axes = axes
        self._tables = tables
        self._strides: dict[str, int] = {}
        count = 1
        for key, axis in axes.items():
            self._strides[key] = count
            count *= len(axis)
        self._all = (1 << count) - 1
        # Cache, keyed by the condition: statements share conditions, and each is tested with every sample.
        self._known: dict[Leaf, _Masks] = {}

    def changing(self, forbids: PartialFormula, permits: PartialFormula) -> set[str]:
        """Return the keys of which two samples lead to different outcomes, for some samples of the other keys."""
        forbidden, permitted = self._masks(forbids), self._masks(permits)
        outcomes = (
            forbidden.true,
            ~forbidden.true & permitted.false,
            forbidden.false & permitted.true,
        )
        return {key for key in self._axes if any(self._depends(outcome, key) for outcome in outcomes)}

    def _depends(self, outcome: int, key: str) -> bool:
        first = self._digit(key, 0)
        stride = self._strides[key]
        return any(((outcome >> stride * digit) ^ outcome) & first for digit in range(1, len(self._axes[key])))

    def _digit(self, key: str, digit: int) -> int:
        """Return the mask of the combinations with one sample of a key, by its position."""
        stride, period = self._strides[key], self._strides[key] * len(self._axes[key])
        run = ((1 << stride) - 1) << stride * digit
        return run * (self._all // ((1 << period) - 1))

    def _masks(self, formula: PartialFormula) -> _Masks:
        if isinstance(formula, bool):
            return _Masks(self._all, 0) if formula else _Masks(0, self._all)
        if isinstance(formula, Leaf):
            if formula not in self._known:
                self._known[formula] = self._leaf(formula)
            return self._known[formula]
        parts = [self._masks(part) for part in formula.parts]
        return _negated(parts[0]) if formula.operator == "not" else _joined(formula, parts)

    def _leaf(self, leaf: Leaf) -> _Masks:
        true = false = 0
        keys = [key.lower() for key in leaf.keys]
        for digits in product(*(range(len(self._axes[key])) for key in keys)):
            samples = tuple(self._axes[key][digit] for key, digit in zip(keys, digits, strict=True))
            answer = self._tables[leaf][samples]
            if answer is None:
                continue
            mask = self._all
            for key, digit in zip(keys, digits, strict=True):
                mask &= self._digit(key, digit)
            true, false = (true | mask, false) if answer else (true, false | mask)
        return _Masks(true, false)


def _negated(masks: _Masks) -> _Masks:
    return _Masks(masks.false, masks.true)


def _joined(join: Join, parts: Sequence[_Masks]) -> _Masks:
    true, false = parts[0]
    for part in parts[1:]:
        if join.operator == "all":
            true, false = true & part.true, false | part.false
        else:
            true, false = true | part.true, false & part.false
    return _Masks(true, false)
