"""
Texts as finite regions: the texts that a set of patterns and shapes cannot tell apart.

The patterns of one text run side by side, as the engine's own automata. Each combination of answers that some text can have is a
region, with a shortest text as its sample. A text that is compared with no other text is then a number, which the solver decides
at once. The solver's own strings are quicker for few patterns, so this is the second attempt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.governance.proof.automata import Ranges, ShapeAutomaton
from guardedbedrock.governance.proof.formulas import (
    And,
    Atom,
    Formula,
    Matches,
    Related,
    Shaped,
    Text,
    atoms_of,
)
from guardedbedrock.iam.matching.patterns import Automaton

_MOST_STEPS: Final = 100_000
"""States times automata after which the search gives up; about a second."""
_MOST_REGIONS: Final = 500
_USUAL: Final = "abcdefghijklmnopqrstuvwxyz0123456789-/ABCDEFGHIJKLMNOPQRSTUVWXYZ.:_ "
"""Characters that a sample has if the patterns leave a choice, the first ones preferred."""
_KELVIN: Final = "\u212a"
"""The character outside ASCII that becomes an ASCII letter in lower case."""
_SURROGATES: Final = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Regions:
    """
    The regions of one text.

    Args:
        samples: A text of each region.
        where: Each atom about the text, with the regions in which it is true.
    """

    samples: tuple[str, ...]
    where: dict[Matches | Shaped, frozenset[int]]


def regions_of(formula: Formula) -> dict[Text, Regions]:
    """Return the regions of each text of a formula that is compared with patterns alone, as far as there are few enough."""
    found: dict[Text, dict[Matches | Shaped, None]] = {}
    tied: set[Text] = set()
    for atom in atoms_of(formula):
        if isinstance(atom, Matches | Shaped):
            found.setdefault(atom.text, {})[atom] = None
        elif isinstance(atom, Related):
            tied |= {atom.text, *(piece for piece in (*atom.pieces, *atom.ending) if isinstance(piece, Text))}
    required = set(formula.parts) if isinstance(formula, And) else {formula}
    result: dict[Text, Regions] = {}
    for text, atoms in found.items():
        regions = None if text in tied else find_regions(tuple(atoms), required)
        if regions is not None:
            result[text] = regions
    return result


def find_regions(atoms: Sequence[Matches | Shaped], required: Collection[Formula] = ()) -> Regions | None:
    """
    Find the regions of a text.

    Args:
        atoms: What a question compares the text with.
        required: Atoms that are true for every text that counts.

    Returns:
        None if there are too many regions, or if a pattern ignores the case of characters outside ASCII.
    """
    if any(isinstance(atom, Matches) and atom.fold and not "".join(map(str, atom.pattern)).isascii() for atom in atoms):
        return None
    alphabet = _alphabet(atoms)
    parts = [_Part(atom, alphabet) for atom in atoms]
    needed = [index for index, atom in enumerate(atoms) if atom in required]
    found: dict[tuple[bool, ...], str] = {}
    start = tuple(part.start for part in parts)
    seen, waiting = {start}, deque([(start, "")])
    while waiting:
        states, text = waiting.popleft()
        answers = tuple(part.accepts(state) for part, state in zip(parts, states, strict=True))
        if all(answers[index] for index in needed):
            found.setdefault(answers, text)
        rows = [part.row(state) for part, state in zip(parts, states, strict=True)]
        for character, after in zip(alphabet, zip(*rows, strict=True), strict=True):
            if after not in seen and all(after[index] for index in needed):
                seen.add(after)
                waiting.append((after, text + character))
        if len(seen) * len(parts) > _MOST_STEPS or len(found) > _MOST_REGIONS:
            return None
    where = {
        atom: frozenset(number for number, answers in enumerate(found) if answers[index]) for index, atom in enumerate(atoms)
    }
    return Regions(tuple(found.values()), where)


@dataclass(slots=True)
class _Part:
    """One automaton of the product. A state is false exactly if no continuation can be accepted."""

    atom: Atom
    alphabet: tuple[str, ...]
    start: Any = field(init=False)
    _automaton: Any = field(init=False)
    _rows: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    _fold: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.atom, Matches):
            self._automaton, self.start, self._fold = Automaton(self.atom.pattern), 1, self.atom.fold
        elif isinstance(self.atom, Shaped):
            self._automaton = ShapeAutomaton(self.atom.shape)
            self.start = self._automaton.start

    def accepts(self, state: Any) -> bool:
        return bool(self._automaton.accepts(state))

    def row(self, state: Any) -> tuple[Any, ...]:
        """Return the next state for each character."""
        if state not in self._rows:
            step, fold = self._automaton.step, self._fold
            self._rows[state] = tuple(step(state, one.lower() if fold else one) for one in self.alphabet)
        return self._rows[state]


def _alphabet(atoms: Sequence[Matches | Shaped]) -> tuple[str, ...]:
    """Return one character for each class that no atom divides."""
    borders = {0}
    for first, last in _divisions(atoms):
        borders |= {ord(first), ord(last) + 1}
    starts = sorted(borders)
    ends = [*starts[1:], 0x110000]
    chosen = (_character(start, end) for start, end in zip(starts, ends, strict=True))
    order = {character: place for place, character in enumerate(_USUAL)}
    return tuple(sorted((one for one in chosen if one), key=lambda one: (order.get(one, len(order)), one)))


def _divisions(atoms: Sequence[Matches | Shaped]) -> Iterator[tuple[str, str]]:
    yield ":", ":"
    for atom in atoms:
        if isinstance(atom, Shaped):
            yield from (pair for ranges in _ranges(atom) for pair in ranges)
            continue
        for character in {character for token in atom.pattern if isinstance(token, str) for character in token}:
            yield character, character
            if atom.fold:
                yield character.upper(), character.upper()
                if character == "k":
                    yield _KELVIN, _KELVIN


def _ranges(atom: Shaped) -> Iterator[Ranges]:
    return (ranges for edges in ShapeAutomaton(atom.shape).edges for ranges, _ in edges)


def _character(start: int, end: int) -> str:
    """Return a character from `start` up to `end`, exclusive; ``""`` if there are only surrogates."""
    usual = next((one for one in _USUAL if start <= ord(one) < end), "")
    if usual or start >= end:
        return usual
    if start in _SURROGATES:
        return chr(_SURROGATES.stop) if _SURROGATES.stop < end else ""
    return chr(start)
