"""AWS's access-denied sentence, written and read; the cases are `tests/data/denials.json`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from harness import casefiles
from hypothesis import given
from hypothesis import strategies as st

from guardedbedrock.iam.decision import sentences
from guardedbedrock.iam.decision.sentences import REASONS, Sentence, parse, write

CASES = casefiles.load(Path(__file__).parents[1] / "data" / "denials.json")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters='".', exclude_categories=["Z", "C"]), min_size=1)
HOSTILE = {
    "users": "User: " * 50_000,
    "principal": "User: " + "a" * 200_000,
    "blanks": "User: a" + " " * 200_000 + "is",
    "resources": "User: a is not authorized to perform: b" + " on resource: c" * 20_000,
    "quotes": 'User: a is not authorized to perform: b on resource: "' + "c" * 200_000,
    "clauses": "User: a is not authorized to perform: b" + " because no session policy allows the" * 10_000,
    "denies": "User: a is not authorized to perform: b" + " with an explicit deny in a" * 10_000,
}
FIELDS = ("principal", "action", "resource", "policy_type", "explicit", "policy_arn")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_known_message_is_parsed(case: dict[str, Any]) -> None:
    """Every field is parsed; the result for a string without a message is None."""
    expected = {field: case["expect"][field] for field in FIELDS}

    sentence = parse(case["message"])

    assert expected == {field: getattr(sentence, field, None) for field in FIELDS}
    assert (sentence is None) == (case["expect"]["action"] is None)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_deny_through_a_service_control_policy_is_parsed(case: dict[str, Any]) -> None:
    """An endpoint policy may deny because of a service control policy, which the message names."""
    sentence = parse(case["message"])

    assert getattr(sentence, "through", None) == ("scp" if "endpoint-through-scp" in case["id"] else None)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["id"].startswith("clause/") and "session is not" in c["message"]], ids=lambda c: c["id"]
)
def test_a_written_message_is_that_of_aws(case: dict[str, Any]) -> None:
    """Each clause of the page of AWS is written exactly."""
    assert case["message"] == write(**{field: case["expect"][field] for field in FIELDS})


def test_every_clause_has_a_case() -> None:
    """Every clause of `REASONS` occurs in a case."""
    held = {(c["expect"]["policy_type"], c["expect"]["explicit"]) for c in CASES if c["id"].startswith("clause/")}

    assert {(kind, flag) for kind, clauses in REASONS.items() for flag in (False, True) if clauses[flag]} == held


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, "User: P is not authorized to perform: A", id="neither resource nor reason"),
        pytest.param({"resource": "R"}, "User: P is not authorized to perform: A on resource: R", id="no reason"),
        pytest.param(
            {"policy_type": "rcp"}, "User: P is not authorized to perform: A", id="AWS has no implicit clause for an RCP"
        ),
        pytest.param(
            {"policy_arn": "arn:aws:iam::1:policy/x"}, "User: P is not authorized to perform: A", id="an ARN is no reason"
        ),
        pytest.param(
            {"policy_type": "scp", "policy_arn": "arn:aws:iam::1:policy/x"},
            "User: P is not authorized to perform: A because no service control policy allows the A action",
            id="AWS names the policy of an explicit deny only",
        ),
        pytest.param(
            {"resource": "R", "policy_type": "scp", "explicit": True, "policy_arn": "arn:aws:organizations::1:policy/x"},
            "User: P is not authorized to perform: A on resource: R"
            " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/x",
            id="explicit with the ARN of the policy",
        ),
    ],
)
def test_unknown_parts_are_omitted(parts: dict[str, Any], expected: str) -> None:
    """A part that is None is omitted, as AWS omits it."""
    assert expected == write(principal="P", action="A", **parts)


def test_an_unknown_policy_type_raises() -> None:
    """A policy type that is not in `REASONS` raises KeyError."""
    with pytest.raises(KeyError, match="acl"):
        write(principal="P", action="A", policy_type="acl")


@st.composite
def written(draw: st.DrawFn) -> Sentence:
    """Draw a message that AWS could send."""
    kind = draw(st.sampled_from([None, *REASONS]))
    explicit = None if kind is None else True if REASONS[kind][0] is None else draw(st.booleans())
    arn = draw(st.none() | WORDS.map("arn:aws:iam::".__add__)) if explicit else None
    return Sentence(draw(WORDS), draw(WORDS), draw(st.none() | WORDS), kind, explicit, arn)


@given(written())
def test_parsing_reverts_writing(sentence: Sentence) -> None:
    """Parsing a written message gives the same fields."""
    text = write(**{field: getattr(sentence, field) for field in FIELDS})

    assert sentence == parse(text)
    assert sentence == parse(f"An error occurred (AccessDeniedException) when calling the Converse operation: {text}.")


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    """No text raises an error."""
    assert "User: " in text or parse(text) is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_is_parsed_in_linear_time(text: str) -> None:
    """A quadratic parser would take minutes; the limit leaves room for slow machines."""
    start = time.process_time()
    parse(text)

    assert time.process_time() - start < 2


def test_parsed_and_written_policy_types_are_the_same() -> None:
    """Every policy type that can be parsed can be written, and the reverse."""
    assert set(sentences._NAMES.values()) == set(REASONS)
