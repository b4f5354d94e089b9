"""Canonical JSON of a document; that it can be read again is in `property/test_round_trip.py`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from guardedbedrock import iam
from guardedbedrock.iam.language.writer import write
from guardedbedrock.iam.matching.conditions import Condition

BARE: Final = iam.Statement("Allow", ("s3:*",), ("*",))
PLAIN: Final = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


def written(statement: dict[str, Any], policy_type: iam.PolicyType = "identity") -> Any:
    """Read and write one statement, and take it out of the text."""
    full = {"Effect": "Deny", "Action": "a:b", "Resource": "*", **statement}
    return json.loads(write(iam.parse({"Statement": full}, policy_type)))["Statement"][0]


def of(*conditions: Condition) -> iam.PolicyDocument:
    """Make a document of one statement with such lines."""
    return iam.PolicyDocument((BARE._replace(conditions=conditions),))


def test_elements_stand_in_the_order_of_the_grammar() -> None:
    """However they stood, and with one form for each: a single value, an array of statements, texts."""
    source = {
        "Statement": {
            "Condition": {"Bool": {"b": [True], "a": ["x", 1.50]}, "Null": {"c": "true"}},
            "NotResource": ["arn:aws:s3:::b"],
            "NotAction": ["b:c", "a:b"],
            "NotPrincipal": {"Service": "s", "AWS": ["2", "1"]},
            "Effect": "Deny",
            "Sid": "S",
        },
        "Id": "I",
        "Version": "2012-10-17",
    }

    text = write(iam.parse(source, "resource", name="n", arn="arn:x"))

    assert text == (
        '{"Version":"2012-10-17","Id":"I","Statement":[{"Sid":"S","Effect":"Deny","NotPrincipal":{"Service":"s","AWS":["2","1"]},'
        '"NotAction":["b:c","a:b"],"NotResource":"arn:aws:s3:::b",'
        '"Condition":{"Bool":{"b":"true","a":["x","1.5"]},"Null":{"c":"true"}}}]}'
    )


@pytest.mark.parametrize("statement", [json.loads(PLAIN)["Statement"][0], json.loads(PLAIN)["Statement"]])
@pytest.mark.parametrize("version", [{}, {"Version": "2008-10-17"}])
def test_a_document_without_version_is_written_with_the_one_it_has(version: dict[str, str], statement: Any) -> None:
    """What stands there or not means the same, and so it is written the same."""
    assert write(iam.parse({**version, "Statement": statement})) == PLAIN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("*", "*", id="everyone"),
        pytest.param({"AWS": ["*"]}, "*", id="everyone in an array"),
        pytest.param({"Service": "*"}, {"Service": "*"}, id="every service"),
        pytest.param({"AWS": ["*", "1"]}, {"AWS": ["*", "1"]}, id="everyone and one"),
        pytest.param({"AWS": []}, {"AWS": []}, id="nobody"),
        pytest.param({"Service": [], "AWS": "1"}, {"AWS": "1"}, id="no service"),
    ],
)
def test_principals_are_written_by_kind(given: Any, expected: Any) -> None:
    """Everyone has one form, and so has nobody."""
    assert expected == written({"Principal": given}, "resource")["Principal"]


@pytest.mark.parametrize("condition", [{}, {"Bool": {}}])
def test_a_condition_without_lines_is_left_away(condition: Any) -> None:
    """A block that asks nothing says nothing."""
    assert written({"Condition": condition}).keys() == {"Effect", "Action", "Resource"}


def test_an_empty_array_stays() -> None:
    """No action, no resource and no value are not the same as none being asked."""
    statement = written({"Action": [], "Resource": (), "Condition": {"Bool": {"k": []}}})

    assert (statement["Action"], statement["Resource"], statement["Condition"]) == ([], [], {"Bool": {"k": []}})


def test_lines_that_were_scattered_are_grouped() -> None:
    """AND has no order, so the lines of an operator come together at its first."""
    text = write(of(Condition("Bool", "a", ("x",)), Condition("Null", "b", ("y",)), Condition("Bool", "c", ("z",))))

    assert '"Condition":{"Bool":{"a":"x","c":"z"},"Null":{"b":"y"}}' in text


def test_principals_that_were_scattered_are_grouped() -> None:
    """So has OR."""
    document = iam.PolicyDocument((BARE._replace(principal=(("AWS", "1"), ("Service", "s"), ("AWS", "2"))),))

    assert '"Principal":{"AWS":["1","2"],"Service":"s"}' in write(document)


@pytest.mark.parametrize("values", [("x",), ("y",)], ids=["the same values", "other values"])
def test_two_lines_that_would_become_one_are_refused(values: tuple[str, ...]) -> None:
    """Two lines are joined by AND, the values of one by OR; the error names the statement and the line."""
    twice = of(Condition("Bool", "k", ("x",)), Condition("Null", "k", ("x",)), Condition("Bool", "k", values))

    with pytest.raises(ValueError, match=r"^statement 1 has two lines of `Bool` on `k`, which no JSON object can hold$"):
        write(replace(twice, statements=(BARE, *twice.statements)))


def test_keys_that_differ_in_case_are_two_lines() -> None:
    """A JSON object can hold both."""
    assert '{"Bool":{"k":"x","K":"y"}}' in write(of(Condition("Bool", "k", ("x",)), Condition("Bool", "K", ("y",))))


def test_a_document_without_statements_is_refused() -> None:
    """It could not be read again."""
    with pytest.raises(ValueError, match="without statements"):
        write(iam.PolicyDocument(()))


def test_an_indent_is_for_readers() -> None:
    """White space is all that differs."""
    document = iam.parse(PLAIN)

    text = write(document, indent=2)

    assert text.splitlines()[:4] == ["{", '  "Version": "2008-10-17",', '  "Statement": [', "    {"]
    assert json.loads(text) == json.loads(write(document))


def test_the_text_holds_only_characters_that_aws_takes() -> None:
    """Others are escaped, as every character may be; Latin ones stay."""
    document = iam.parse({"Id": '\t"\x7fé\xff\u0100\u2028\U0001f600\ud800', "Statement": json.loads(PLAIN)["Statement"]})

    text = write(document)

    assert '"\\t\\"\x7fé\xff\\u0100\\u2028\\ud83d\\ude00\\ud800"' in text
    assert iam.parse(text) == document
