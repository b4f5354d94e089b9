"""Every document is either parsed completely or rejected with one kind of error."""

from __future__ import annotations

import json
from typing import Final

import pytest
from harness.strategies import DOCUMENTS, REQUESTS, Json, examples
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from guardedbedrock import iam

WORDS: Final = (
    *("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource"),
    *("NotResource", "Condition", "Allow", "Deny", "2012-10-17", "2008-10-17", "AWS", "*", "bedrock:InvokeModel"),
    *("arn:aws:s3:::b/*", "arn:aws:s3", "StringEquals", "ForAnyValue:NumericLessThanIfExists", "Null", "StringEqual"),
    *("", "aws:username", "${aws:username}", "a b"),
)
SCALARS: Final = (
    st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5)
)
ANY_KEYS: Final = st.sampled_from(WORDS) | st.integers() | st.none() | st.text(max_size=5) | st.booleans()
JSON: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=4),
    max_leaves=15,
)
NOT_QUITE_JSON: Final = st.recursive(
    SCALARS | st.binary(max_size=3) | st.just(iam),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(ANY_KEYS, inner, max_size=4),
    max_leaves=10,
)
TEXTS: Final = st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")) | st.text(
    '{}[]",:0e-.\\ntf\ud800\ufeff', max_size=30
)
TYPES: Final = st.sampled_from(iam.POLICY_TYPES)


def read(source: Json, policy_type: iam.PolicyType) -> iam.PolicyDocument | None:
    """Parse a document; return None if it is rejected. Any other error fails the test."""
    try:
        return iam.parse(source, policy_type)
    except iam.PolicySyntaxError as refused:
        error = refused
    assert error.pointer == "" or error.pointer.startswith("/")
    assert error.problem in str(error)
    return None


@settings(max_examples=examples(600))
@given(JSON | NOT_QUITE_JSON, TYPES)
def test_any_value_is_parsed_or_rejected(source: Json, policy_type: iam.PolicyType) -> None:
    """A value that YAML or Python can contain but JSON cannot is rejected, not an internal error."""
    assume(not isinstance(source, str))

    read(source, policy_type)


@settings(max_examples=examples(800))
@given(TEXTS, TYPES)
@example("[" * 100_000, "identity")
@example('{"Statement":' * 5_000, "identity")
@example('{"a": 1e99999999999999999999}', "identity")
@example('{"a": 1e9999}', "identity")
@example('{"a": ' + "9" * 5_000 + "}", "identity")
@example('{"a": NaN}', "identity")
@example("\ufeff{}", "identity")
@example('{"\ud800": 1}', "identity")
def test_any_text_is_parsed_or_rejected(source: str, policy_type: iam.PolicyType) -> None:
    """Any text is a document or an error."""
    read(source, policy_type)


def nodes(value: Json, path: tuple[Json, ...] = ()) -> list[tuple[Json, ...]]:
    """Return the path of every node of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, one in inner for below in nodes(one, (*path, key)))]


def replaced(value: Json, path: tuple[Json, ...], new: Json) -> Json:
    """Replace one node of a JSON value."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(100))
@given(data=st.data(), new=JSON)
def test_a_changed_document_is_parsed_or_rejected(policy_type: iam.PolicyType, data: st.DataObject, new: Json) -> None:
    """A document with one change is rejected, or the engine can evaluate it."""
    document = data.draw(DOCUMENTS[policy_type])
    changed = replaced(document, data.draw(st.sampled_from(nodes(document))), new)
    assume(not isinstance(changed, str))

    found = read(changed, policy_type)

    if found is not None:
        policies = iam.PolicySet(**{policy_type: [[found]] if policy_type in ("scp", "rcp") else [found]})  # type: ignore[arg-type]
        assert policies.evaluate(data.draw(REQUESTS)).outcome in ("allowed", "implicitDeny", "explicitDeny", "indeterminate")


@pytest.mark.parametrize("policy_type", iam.POLICY_TYPES)
@settings(max_examples=examples(40))
@given(data=st.data())
def test_an_object_and_its_text_are_equal_documents(policy_type: iam.PolicyType, data: st.DataObject) -> None:
    """JSON text with any white space is parsed like the object."""
    document = data.draw(DOCUMENTS[policy_type])
    text = json.dumps(document, indent=data.draw(st.sampled_from((None, 2))))

    assert iam.parse(document, policy_type) == iam.parse(text, policy_type)
