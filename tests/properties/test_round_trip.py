"""Writing a document and parsing it again gives the same document, and there is one way to write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness.strategies import DOCUMENTS, SCENARIOS, Json, Scenario, examples
from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock import iam
from guardedbedrock.iam.language.writer import write

INDENTS = st.sampled_from((None, 0, 2))
TEXTS = st.text(max_size=8)
VALUES = TEXTS | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False, width=16)
BLOCKS = st.dictionaries(st.sampled_from(("StringLike", "Null", "ForAnyValue:BoolIfExists")), st.dictionaries(TEXTS, VALUES))
NAMES = st.sampled_from(("*", "111122223333", "arn:aws:iam::111122223333:role/p/App", "AROAKSCDLFT9R5DQP782U"))
KINDS = st.fixed_dictionaries(
    {},
    optional={
        "AWS": NAMES | st.lists(NAMES, max_size=3),
        **{kind: TEXTS | st.lists(TEXTS, max_size=3) for kind in ("Service", "Federated", "CanonicalUser")},
    },
).filter(bool)


def rewritten(given: Json, policy_type: str) -> Json:
    """Parse and write every document of a type, with or without levels."""
    if isinstance(given, list):
        return [rewritten(one, policy_type) for one in given]
    return json.loads(write(iam.parse(given, policy_type)))  # type: ignore[arg-type]


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(80))
@given(data=st.data(), indent=INDENTS)
def test_a_written_document_is_parsed_as_the_same_document(
    policy_type: iam.PolicyType, data: st.DataObject, indent: int | None
) -> None:
    """Every element is kept, and writing the document again gives the same text."""
    document = iam.parse(data.draw(DOCUMENTS[policy_type]), policy_type)

    text = write(document, indent=indent)

    assert iam.parse(text, policy_type) == document
    assert write(iam.parse(text, policy_type), indent=indent) == text


@settings(max_examples=examples(200))
@given(condition=BLOCKS, principal=KINDS, identifier=TEXTS, indent=INDENTS)
def test_every_text_of_a_document_is_kept(condition: Json, principal: Json, identifier: str, indent: int | None) -> None:
    """Every character of a value, key or name is kept, and the written text has only characters that AWS accepts."""
    statement = {"Effect": "Deny", "Principal": principal, "Action": "a:b", "Resource": "*", "Condition": condition}
    document = iam.parse({"Id": identifier, "Statement": statement}, "resource")

    text = write(document, indent=indent)

    assert iam.parse(text, "resource") == document
    assert write(iam.parse(text, "resource"), indent=indent) == text
    assert set(text) <= {"\t", "\n", "\r", *map(chr, range(0x20, 0x100))}


@settings(max_examples=examples(200))
@given(SCENARIOS)
def test_written_documents_give_the_same_decisions(scenario: Scenario) -> None:
    """Outcome, policy type, determining statements and unresolved keys stay the same."""
    policies: dict[str, Any] = {policy_type: rewritten(given, policy_type) for policy_type, given in scenario.policies.items()}

    before, after = scenario.decide(), scenario.having(policies).decide()

    assert before == after
    assert (before.statements, before.hangs_on) == (after.statements, after.hangs_on)
