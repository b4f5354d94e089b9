"""Strings that meet facts are found exactly if there is one, compared with an enumeration of every short string."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final

import pytest
from harness.strategies import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys
from guardedbedrock.governance.proof.logic.containment import contained, is_within
from guardedbedrock.governance.proof.logic.formulas import (
    Choice,
    Formula,
    Matches,
    Present,
    Related,
    Repeat,
    Shaped,
    UnknownString,
    conjoin,
    disjoin,
    negate,
)
from guardedbedrock.governance.proof.logic.shapes import shape_automaton
from guardedbedrock.governance.proof.logic.string_search import (
    SearchLimitError,
    find_conflict,
    find_string,
    holds,
    relate,
    shortest_beginning,
)
from guardedbedrock.governance.proof.solving.facts import INEXPRESSIBLE
from guardedbedrock.governance.proof.solving.solver import Solver
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, ONE_BUT_COLON, Tokens, Wildcard, compile_tokens, join

KEY: Final = UnknownString("k:text")
OTHER: Final = UnknownString("k:other")
LETTERS: Final = "aAbk:\u212a?"
SHORT: Final = ["".join(letters) for length in range(4) for letters in product(LETTERS, repeat=length)]
PLAIN: Final = st.lists(st.sampled_from(["a", "A", "b", "k", ":", "ab"]), max_size=3)
TOKENS: Final[list[str | Wildcard]] = ["a", "A", "b", "k", ":", "ab", ANY, ONE, ANY_BUT_COLON, ONE_BUT_COLON]
PARTS: Final[list[str | Repeat | Choice]] = [
    *("a", ":"),
    *(Repeat((("a", "b"),), 1), Repeat((("A", "k"),), 0, 2)),
    Choice((("b",), ("k", ":"))),
]
PATTERNS: Final = st.lists(st.sampled_from(TOKENS), max_size=4)
SHAPES: Final = st.lists(st.sampled_from(PARTS), max_size=3)
FACTS: Final = st.one_of(
    PATTERNS.map(lambda tokens: Matches(KEY, join(tokens))),
    PLAIN.map(lambda tokens: Matches(KEY, join(token.lower() for token in tokens), fold=True)),
    SHAPES.map(lambda parts: Shaped(KEY, tuple(parts))),
)
LITERALS: Final = st.lists(st.tuples(FACTS, st.booleans()), max_size=5, unique_by=lambda one: one[0])


def meets(literals: Iterable[tuple[Matches | Shaped, bool]], text: str) -> bool:
    return all(holds(fact, text) is wanted for fact, wanted in literals)


@settings(max_examples=examples(400), deadline=None)
@given(LITERALS)
def test_a_string_is_found_exactly_if_there_is_one(literals: list[tuple[Matches | Shaped, bool]]) -> None:
    found = find_string(tuple(literals))

    if found is None:
        assert not any(meets(literals, text) for text in SHORT)
    else:
        assert meets(literals, found)


@settings(max_examples=examples(300), deadline=None)
@given(LITERALS.filter(lambda literals: find_string(tuple(literals)) is None))
def test_a_conflict_names_facts_that_no_string_meets(literals: list[tuple[Matches | Shaped, bool]]) -> None:
    conflict = find_conflict(tuple(literals))

    assert set(conflict) <= set(literals)
    assert find_string(conflict) is None
    for left_out in conflict:
        others = tuple(one for one in conflict if one != left_out)
        assert find_string(others) is not None or len(conflict) == 2


@settings(max_examples=examples(300), deadline=None)
@given(FACTS, PATTERNS)
def test_a_fact_agrees_with_the_engine_on_every_short_string(fact: Matches | Shaped, tokens: list[str | Wildcard]) -> None:
    if isinstance(fact, Matches):
        for text in SHORT:
            assert holds(fact, text) is compile_tokens(fact.pattern)(text.lower() if fact.fold else text)
        return
    pattern = join(tokens)
    shaped = [text for text in SHORT if holds(fact, text)]
    answers = {compile_tokens(pattern)(text) for text in shaped}
    if relate(fact, pattern) != "some":
        assert answers <= {relate(fact, pattern) == "all"}
    assert shape_automaton(fact.shape).may_match(pattern) or True not in answers


@settings(max_examples=examples(300), deadline=None)
@given(PATTERNS.map(join), PATTERNS.map(join))
def test_a_pattern_is_within_another_only_if_every_string_is(inner: Tokens, outer: Tokens) -> None:
    if is_within(inner, outer):
        matched = filter(compile_tokens(inner), SHORT)
        assert all(compile_tokens(outer)(text) for text in matched)


def test_a_pattern_within_a_wider_one_is_recognized_without_a_search() -> None:
    assert is_within(("a", ANY, "b", ONE), ("a", ANY))
    assert is_within(("abc",), (ANY, "b", ANY))
    assert not is_within(("a", ANY), ("a", ONE))
    assert not is_within(("a\0",), ("a\0",)[:0])
    assert not is_within((ANY,), ("\0",))


def test_the_shape_of_a_string_decides_most_patterns() -> None:
    shape = Shaped(KEY, (Repeat((("0", "9"),), 1, 3), Choice((("x",), ("y",)))))

    assert relate(shape, (ANY,)) == "all"
    assert relate(shape, ("a", ANY)) == "none"
    assert relate(shape, ("1", ANY)) == "some"
    assert relate(shape, (ANY, "z")) == "none"


@pytest.mark.parametrize(
    ("pattern", "excluded", "expected"),
    [
        ("k", ("k", "K"), "\u212a"),
        ("ä", ("ä",), "Ä"),
        ("ä", ("ä", "Ä"), None),
        ("å", ("å", "Å"), "\u212b"),
        ("i\u0307", ("i\u0307", "I\u0307"), "\u0130"),
    ],
)
def test_ignoring_case_finds_every_capital(pattern: str, excluded: tuple[str, ...], expected: str | None) -> None:
    """The Kelvin sign is a capital k, and the Angstrom sign a capital å."""
    found = find_string(((Matches(KEY, (pattern,), fold=True), True), *((Matches(KEY, (one,)), False) for one in excluded)))

    assert found == expected


def test_a_greek_sigma_without_case_is_not_decided() -> None:
    """The lower case of a capital sigma depends on its neighbours."""
    with pytest.raises(SearchLimitError):
        find_string(((Matches(KEY, ("\u03c3",), fold=True), True),))


def solve(*parts: Formula, timeout: float = 5) -> tuple[str, dict[str, object], str]:
    keys = ComparedKeys(slots={KEY.name: 1, OTHER.name: 1}, spelling={KEY.name: KEY.name, OTHER.name: OTHER.name})
    formula = conjoin((Present(KEY.name), Present(OTHER.name), *parts))
    status, model, reason = Solver(keys, timeout).solve(formula)
    return status, {} if model is None else dict(model.strings), reason


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(LITERALS.filter(bool), min_size=1, max_size=4))
def test_the_solver_decides_alternatives_of_facts(options: list[list[tuple[Matches | Shaped, bool]]]) -> None:
    alternatives = disjoin(conjoin(fact if wanted else negate(fact) for fact, wanted in option) for option in options)

    status, strings, _ = solve(alternatives)

    if status == "satisfiable":
        value = strings[KEY.name]
        assert isinstance(value, str)
        assert any(meets(option, value) for option in options)
    else:
        assert status == "unsatisfiable"
        assert not any(meets(option, text) for option in options for text in SHORT)


STARTS: Final = Related(KEY, ("x/", OTHER, ANY))
ENDS: Final = Related(KEY, (ANY, OTHER, "!"))
BETWEEN: Final = Related(KEY, ("x", ANY, "/", OTHER, ONE, ANY))
NAME: Final = Matches(OTHER, ("b", ANY, "d"))


@pytest.mark.parametrize("tied", [STARTS, ENDS, BETWEEN])
def test_a_string_that_is_compared_with_another_string_gets_a_value_that_fits(tied: Related) -> None:
    status, strings, _ = solve(tied, NAME)

    assert status == "satisfiable"
    value, piece = (str(strings[key.name]) for key in (KEY, OTHER))
    assert compile_tokens(NAME.pattern)(piece)
    assert compile_tokens(join(piece if isinstance(one, UnknownString) else one for one in tied.pieces))(value)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((STARTS, NAME, Matches(KEY, ("x/c", ANY))), "unsatisfiable"),
        ((BETWEEN, NAME, Matches(KEY, ("y", ANY))), "unsatisfiable"),
        ((BETWEEN, NAME, Matches(KEY, (ANY, "/bd7"))), "satisfiable"),
        ((disjoin((STARTS, ENDS)), NAME, Matches(KEY, ("c", ANY, "d!"))), "satisfiable"),
        ((negate(STARTS), NAME, Matches(KEY, ("x/b", ANY))), "satisfiable"),
        ((negate(STARTS), Matches(OTHER, ("ab",)), Matches(KEY, ("x/ab", ANY))), "unsatisfiable"),
        ((negate(BETWEEN), NAME, Matches(KEY, ("x/bd",))), "satisfiable"),
        ((negate(BETWEEN), Matches(OTHER, ("ab",)), Matches(KEY, ("x/abc",))), "unknown"),
    ],
)
def test_strings_that_are_compared_with_each_other_are_decided(facts: tuple[Formula, ...], expected: str) -> None:
    """One form stays open: the fact that a string does not match a pattern with a variable and several wildcards."""
    status, _, reason = solve(*facts)

    assert status == expected
    assert reason == ("" if status != "unknown" else INEXPRESSIBLE)


def test_a_pattern_that_lies_in_many_others_takes_few_rounds() -> None:
    """Each of the narrow patterns lies in one wide pattern; without learning them together this is a round for each."""
    narrow = [Matches(KEY, (f"name{number}-", ANY, "-x")) for number in range(300)]
    wide = [Matches(KEY, (f"name{number}-", ANY)) for number in range(300)]

    assert solve(disjoin(narrow), *(negate(one) for one in wide))[0] == "unsatisfiable"
    status, strings, _ = solve(disjoin(narrow), *(negate(one) for one in wide[1:]))
    assert status == "satisfiable"
    assert str(strings[KEY.name]).startswith("name0-")


def test_patterns_that_exclude_each_other_take_few_rounds() -> None:
    """In strings of the shape, each of the first patterns excludes each of the others. One by one these are 90,000 rounds."""
    first = [Matches(KEY, ("x", ANY, "/name", str(number), ANY)) for number in range(300)]
    second = [Matches(KEY, ("x", ANY, "/other", str(number), ANY)) for number in range(300)]
    shape = Shaped(KEY, ("x", Repeat((("a", "z"),), 0), "/", Repeat((("0", "z"),), 1)))

    assert solve(shape, disjoin(first), disjoin(second))[0] == "unsatisfiable"
    assert solve(shape, disjoin(first), disjoin((*second, Matches(KEY, ("x", ANY, "/name7")))))[0] == "satisfiable"


def test_the_shortest_beginning_of_a_pattern_still_excludes_the_other_facts() -> None:
    shape = Shaped(KEY, (Repeat((("a", "z"),), 1),))
    other = Matches(KEY, (ANY, "b"))

    assert shortest_beginning(Matches(KEY, ("name-7",)), ((shape, True),)).pattern == ("name-", ANY)
    assert shortest_beginning(Matches(KEY, ("ab", ONE, "c")), ((Matches(KEY, ("ax", ANY)), True),)).pattern == ("ab", ANY)
    assert shortest_beginning(Matches(KEY, (ANY, "a")), ((other, True),)).pattern == (ANY, "a")


def test_no_time_gives_no_answer() -> None:
    status, _, reason = solve(Matches(KEY, ("a",)), timeout=0)

    assert (status, reason) == ("unknown", "the solver gave no answer: timeout")


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(PATTERNS.map(join), max_size=6), st.lists(PATTERNS.map(join), max_size=6))
def test_contained_patterns_are_those_within_another(inner: list[Tokens], outer: list[Tokens]) -> None:
    found = contained([Matches(KEY, one) for one in inner], [Matches(KEY, one) for one in outer])

    pairs = {(one.pattern, other.pattern) for one, other in found}
    assert all(is_within(one, other) for one, other in pairs)
    expected = {(one, other) for one in inner for other in outer if one != other and is_within(one, other)}
    assert expected <= pairs
