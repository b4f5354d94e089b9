"""Regions of texts: complete, and with true samples, against enumeration of every short text."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

import pytest
from harness.strategies import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock.governance.proof import solver
from guardedbedrock.governance.proof.encoding import Vocabulary
from guardedbedrock.governance.proof.formulas import Choice, Matches, Present, Related, Repeat, Shaped, Text, conjoin, negate
from guardedbedrock.governance.proof.regions import find_regions, regions_of
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, ONE_BUT_COLON, Tokens, Wildcard, compile_tokens

KEY: Final = Text("k:text")
LETTERS: Final = "aAbk:\u212a?"
SHORT: Final = ["".join(letters) for length in range(4) for letters in product(LETTERS, repeat=length)]
PATTERNS: Final = st.lists(st.sampled_from(["a", "A", "b", "k", ":", "ab", ANY, ONE, ANY_BUT_COLON, ONE_BUT_COLON]), max_size=4)
ATOMS: Final = st.lists(
    st.builds(
        lambda tokens, fold: Matches(KEY, _folded(tuple(tokens)) if fold else tuple(tokens), fold), PATTERNS, st.booleans()
    ),
    min_size=1,
    max_size=5,
    unique=True,
)


def _folded(tokens: Iterable[str | Wildcard]) -> Tokens:
    return tuple(token.lower() if isinstance(token, str) else token for token in tokens)


def is_true(atom: Matches, text: str) -> bool:
    return compile_tokens(atom.pattern)(text.lower() if atom.fold else text)


@settings(max_examples=examples(150), deadline=None)
@given(ATOMS)
def test_each_text_is_in_a_region_and_each_sample_in_its_own(atoms: list[Matches]) -> None:
    found = find_regions(atoms)

    assert found is not None
    regions = {tuple(number in found.where[atom] for atom in atoms): sample for number, sample in enumerate(found.samples)}
    assert len(regions) == len(found.samples)
    assert {tuple(is_true(atom, text) for atom in atoms) for text in SHORT} <= set(regions)
    for answers, sample in regions.items():
        assert tuple(is_true(atom, sample) for atom in atoms) == answers


def test_a_required_shape_leaves_out_other_texts() -> None:
    shape = Shaped(KEY, (Repeat((("0", "9"),), 1, 3), Choice((("x",), ("y",)))))
    starts = Matches(KEY, ("1", ANY))

    found = find_regions([shape, starts], {shape})

    assert found is not None
    assert set(found.samples) == {"0x", "1x"}
    assert found.where[shape] == frozenset({0, 1})


def test_a_text_that_is_compared_with_another_text_stays_a_string() -> None:
    tied = Related(KEY, "equals", (Text("aws:username"),))

    regions = regions_of(conjoin((tied, Matches(KEY, ("a", ANY)), Matches(Text("k:other"), ("b",)))))

    assert set(regions) == {Text("k:other")}


def test_case_outside_ascii_is_left_to_the_solver() -> None:
    assert find_regions([Matches(KEY, ("ä",), fold=True)]) is None


def test_the_solver_finds_a_text_exactly_if_a_region_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt, with strings, gets no time."""
    monkeypatch.setattr(solver, "_QUICK", 0.0)
    vocabulary = Vocabulary(slots={KEY.name: 1}, spelling={KEY.name: KEY.name})

    @settings(max_examples=examples(60), deadline=None)
    @given(ATOMS, st.integers(0, 31))
    def check(atoms: list[Matches], signs: int) -> None:
        wanted = [bool(signs >> place & 1) for place in range(len(atoms))]
        parts = (atom if sign else negate(atom) for atom, sign in zip(atoms, wanted, strict=True))

        status, model, _ = solver.solve(conjoin((Present(KEY.name), *parts)), vocabulary, timeout=5)

        if status == "satisfiable":
            assert model is not None
            value = model.texts[KEY.name]
            assert isinstance(value, str)
            assert [is_true(atom, value) for atom in atoms] == wanted
        else:
            assert status == "unsatisfiable"
            assert not any([is_true(atom, text) for atom in atoms] == wanted for text in SHORT)

    check()
