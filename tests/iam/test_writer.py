"""Canonical JSON of a document. `tests/properties/test_round_trip.py` tests that it can be parsed again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from guardedbedrock import iam
from guardedbedrock.iam.language.writer import write
from guardedbedrock.iam.matching.conditions import Condition

STATEMENT: Final = iam.Statement("Allow", ("s3:*",), ("*",))
PLAIN: Final = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


def written(statement: dict[str, Any], policy_type: iam.PolicyType = "identity") -> Any:
    """Parse and write a document with one statement; return the written statement."""
    full = {"Effect": "Deny", "Action": "a:b", "Resource": "*", **statement}
    return json.loads(write(iam.parse({"Statement": full}, policy_type)))["Statement"][0]


def of(*conditions: Condition) -> iam.PolicyDocument:
    """Return a document with one statement that has these conditions."""
    return iam.PolicyDocument((STATEMENT._replace(conditions=conditions),))


def test_elements_have_the_order_of_the_grammar() -> None:
    """Each element has one form: a list of one is a single value, statements are an array, values are strings."""
    source = {
        "Statement": {
            "Condition": {"Bool": {"b": [True], "a": ["x", 1.50]}, "Null": {"c": "true"}},
            "NotResource": ["arn:aws:s3:::b"],
            "NotAction": ["b:c", "a:b"],
            "NotPrincipal": {"Service": "s", "AWS": ["222222222222", "111122223333"]},
            "Effect": "Deny",
            "Sid": "S",
        },
        "Id": "I",
        "Version": "2012-10-17",
    }

    text = write(iam.parse(source, "resource", name="n", arn="arn:x"))

    assert text == (
        '{"Version":"2012-10-17","Id":"I","Statement":[{"Sid":"S","Effect":"Deny",'
        '"NotPrincipal":{"Service":"s","AWS":["222222222222","111122223333"]},'
        '"NotAction":["b:c","a:b"],"NotResource":"arn:aws:s3:::b",'
        '"Condition":{"Bool":{"b":"true","a":["x","1.5"]},"Null":{"c":"true"}}}]}'
    )


@pytest.mark.parametrize("statement", [json.loads(PLAIN)["Statement"][0], json.loads(PLAIN)["Statement"]])
@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}])
def test_version_is_always_written(version: dict[str, str], statement: Any) -> None:
    """A missing Version means 2008-10-17, and is written as such."""
    assert write(iam.parse({**version, "Statement": statement})) == PLAIN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("*", "*", id="everyone"),
        pytest.param({"AWS": ["*"]}, "*", id="everyone in an array"),
        pytest.param({"Service": "*"}, {"Service": "*"}, id="every service"),
        pytest.param({"AWS": ["*", "111122223333"]}, {"AWS": ["*", "111122223333"]}, id="everyone and one"),
        pytest.param({"AWS": []}, {"AWS": []}, id="no principal"),
        pytest.param({"Service": [], "AWS": "111122223333"}, {"AWS": "111122223333"}, id="no service"),
    ],
)
def test_principals_are_grouped_by_type(given: Any, expected: Any) -> None:
    """`*` and an empty Principal each have one form."""
    assert expected == written({"Principal": given}, "resource")["Principal"]


@pytest.mark.parametrize("condition", [{}, {"Bool": {}}])
def test_empty_condition_is_omitted(condition: Any) -> None:
    """An empty condition block has no effect."""
    assert written({"Condition": condition}).keys() == {"Effect", "Action", "Resource"}


def test_empty_array_is_kept() -> None:
    """An empty list of actions, resources or values matches nothing, which differs from a missing element."""
    statement = written({"Action": [], "Resource": (), "Condition": {"Bool": {"k": []}}})

    assert (statement["Action"], statement["Resource"], statement["Condition"]) == ([], [], {"Bool": {"k": []}})


def test_conditions_of_one_operator_are_grouped() -> None:
    """The order of conditions does not matter, so those of one operator are written together."""
    text = write(of(Condition("Bool", "a", ("x",)), Condition("Null", "b", ("y",)), Condition("Bool", "c", ("z",))))

    assert '"Condition":{"Bool":{"a":"x","c":"z"},"Null":{"b":"y"}}' in text


def test_principals_of_one_type_are_grouped() -> None:
    """The order of principals does not matter."""
    document = iam.PolicyDocument((STATEMENT._replace(principal=(("AWS", "1"), ("Service", "s"), ("AWS", "2"))),))

    assert '"Principal":{"AWS":["1","2"],"Service":"s"}' in write(document)


@pytest.mark.parametrize("values", [("x",), ("y",)], ids=["the same values", "other values"])
def test_two_conditions_with_one_operator_and_key_are_rejected(values: tuple[str, ...]) -> None:
    """Merging them would turn AND into OR. The error names the statement and the condition."""
    twice = of(Condition("Bool", "k", ("x",)), Condition("Null", "k", ("x",)), Condition("Bool", "k", values))

    with pytest.raises(ValueError, match=r"^statement 1 has two conditions `Bool` on `k`; a JSON object cannot contain both$"):
        write(replace(twice, statements=(STATEMENT, *twice.statements)))


def test_keys_that_differ_in_case_are_kept_apart() -> None:
    """A JSON object can contain both."""
    assert '{"Bool":{"k":"x","K":"y"}}' in write(of(Condition("Bool", "k", ("x",)), Condition("Bool", "K", ("y",))))


def test_document_without_statements_is_rejected() -> None:
    """It could not be parsed again."""
    with pytest.raises(ValueError, match="without statements"):
        write(iam.PolicyDocument(()))


def test_indent_changes_only_white_space() -> None:
    """The indented text is the same JSON."""
    document = iam.parse(PLAIN)

    text = write(document, indent=2)

    assert text.splitlines()[:4] == ["{", '  "Version": "2008-10-17",', '  "Statement": [', "    {"]
    assert json.loads(text) == json.loads(write(document))


def test_characters_that_aws_rejects_are_escaped() -> None:
    """Latin characters are written as they are."""
    document = iam.parse({"Id": '\t"\x7fé\xff\u0100\u2028\U0001f600\ud800', "Statement": json.loads(PLAIN)["Statement"]})

    text = write(document)

    assert '"\\t\\"\x7fé\xff\\u0100\\u2028\\ud83d\\ude00\\ud800"' in text
    assert iam.parse(text) == document
