"""Whether chosen facts can be true of one request: each text, number, date and address needs a value that meets its facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from guardedbedrock.governance.proof.encoding import Vocabulary
from guardedbedrock.governance.proof.formulas import Atom, InCells, Matches, Related, Repeat, Sequence, Shaped, Text
from guardedbedrock.governance.proof.strings import find_texts
from guardedbedrock.governance.proof.texts import Fact, SearchLimitError, find_conflict, find_text

Facts: TypeAlias = Mapping[Atom, bool]
"""Atoms with whether they are true."""
Conflict: TypeAlias = tuple[tuple[Atom, bool], ...]
"""Facts that exclude each other."""
TextFact: TypeAlias = Matches | Shaped | Related

_NAME: Final[Sequence] = (Repeat((("a", "z"),), 1),)
"""What a text looks like if the facts leave a choice."""


@dataclass(slots=True)
class Values:
    """
    The values that meet some facts.

    Args:
        texts: Value of each text that has a fact.
        cells: Cell of each number, date or address that has a fact.
        conflicts: Facts that exclude each other, if there are no values.
        reason: Why neither is known.
    """

    texts: dict[Text, str] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    reason: str = ""

    def text(self, text: Text) -> str:
        """Return the value of a text, a usual one if it has no fact."""
        return self.texts.get(text, "a")


def find_values(cvc5: Any, vocabulary: Vocabulary, facts: Facts, preferred: Mapping[Text, Sequence], timeout: float) -> Values:
    """
    Find values that meet some facts.

    Args:
        cvc5: The module.
        vocabulary: How the keys are modelled.
        facts: The facts.
        preferred: Shapes of texts that are easy to read, where the facts leave a choice.
        timeout: Limit for texts that are compared with other texts, in seconds.
    """
    found = Values()
    _find_cells(found, vocabulary, facts)
    for group in _groups(facts):
        texts = {atom.text for atom, _ in group}
        single = tuple((atom, value) for atom, value in group if not isinstance(atom, Related))
        is_decided = len(single) == len(group) and _find_text(found, texts.pop(), single, preferred)
        if not is_decided:
            answer = find_texts(cvc5, group, timeout)
            found.texts |= answer.values
            found.conflicts += [tuple(answer.conflict)] if answer.conflict else []
            found.reason = found.reason or answer.reason
    return found


def _find_text(found: Values, text: Text, facts: tuple[tuple[Fact, bool], ...], preferred: Mapping[Text, Sequence]) -> bool:
    """Find the value of one text, or facts that exclude each other. Returns whether one of them was found."""
    usual = (Shaped(text, preferred.get(text, _NAME)), True)
    try:
        value = find_text((usual, *facts))
        if value is None:
            value = find_text(facts)
        if value is None:
            found.conflicts.append(find_conflict(facts))
        else:
            found.texts[text] = value
    except SearchLimitError:
        return False
    return True


def _find_cells(found: Values, vocabulary: Vocabulary, facts: Facts) -> None:
    limits: dict[str, dict[InCells, frozenset[int]]] = {}
    for atom, value in facts.items():
        if isinstance(atom, InCells):
            every = frozenset(range(len(vocabulary.cells[atom.key].samples)))
            limits.setdefault(atom.key, {})[atom] = atom.cells if value else every - atom.cells
    for key, allowed in limits.items():
        left = frozenset.intersection(*allowed.values())
        if left:
            found.cells[key] = min(left)
            continue
        needed = dict(allowed)
        for atom in allowed:
            rest = [cells for one, cells in needed.items() if one != atom]
            if rest and not frozenset.intersection(*rest):
                del needed[atom]
        found.conflicts.append(tuple((atom, facts[atom]) for atom in needed))


def _groups(facts: Facts) -> Iterator[list[tuple[TextFact, bool]]]:
    """Yield the facts about each text; texts that a fact compares with each other are one group."""
    leader: dict[Text, Text] = {}

    def first_of(text: Text) -> Text:
        while (other := leader.setdefault(text, text)) != text:
            text = other
        return text

    about = [(atom, value) for atom, value in facts.items() if isinstance(atom, Matches | Shaped | Related)]
    for atom, _ in about:
        for piece in (*atom.pieces, *atom.ending) if isinstance(atom, Related) else ():
            if isinstance(piece, Text):
                leader[first_of(piece)] = first_of(atom.text)
    groups: dict[Text, list[tuple[TextFact, bool]]] = {}
    for atom, value in about:
        groups.setdefault(first_of(atom.text), []).append((atom, value))
    yield from groups.values()
