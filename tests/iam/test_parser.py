"""Policy documents: what is refused, with its place, and what is read though it looks odd."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock import errors, iam
from guardedbedrock.iam.matching.conditions import Condition

GOOD: Final[dict[str, Any]] = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
OPEN: Final = {**GOOD, "Principal": "*"}


def of(**statement: Any) -> dict[str, Any]:
    """Make a document of the good statement with changes; None takes an element away."""
    changed = {key: value for key, value in {**GOOD, **statement}.items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [changed]}


def under(**condition: Any) -> dict[str, Any]:
    """Make a document with a condition block."""
    return of(Condition=condition)


ANY: Final = "identity"
BAD: Final = [
    pytest.param(row["policyType"], row.get("text", row.get("document")), row["pointer"], row["problem"], id=row["what"])
    for row in json.loads(Path(__file__).with_name("bad_documents.json").read_text("utf-8"))
]
DEEP: Final = 100_000
NO_JSON: Final = [
    pytest.param(ANY, {"Version": dt.date(2012, 10, 17)}, "/Version", "should be `2012-10-17`", id="version as a date"),
    pytest.param(ANY, {1: []}, "", "has a key that is a number; keys are strings", id="key that is no text"),
    pytest.param(
        ANY, of(Condition={None: {}}), "/Statement/0/Condition", "has a key that is null", id="operator that is no text"
    ),
    pytest.param(
        ANY,
        under(Bool={True: "x"}),
        "/Statement/0/Condition/Bool",
        "has a key that is a Boolean",
        id="context key that is no text",
    ),
    pytest.param(ANY, '{"Id": ' + "9" * 5000 + "}", "", "is no JSON", id="integer of many digits"),
    pytest.param(ANY, "[" * DEEP, "", "is nested too deeply", id="deep list"),
    pytest.param(ANY, '{"a":' * DEEP, "", "is nested too deeply", id="deep object"),
]
"""What YAML and Python can hold but JSON can not, and texts too long to keep."""


@pytest.mark.parametrize(("policy_type", "source", "pointer", "problem"), [*BAD, *NO_JSON])
def test_a_bad_document_is_refused_at_its_place(policy_type: iam.PolicyType, source: Any, pointer: str, problem: str) -> None:
    """The error names the file, the JSON pointer and what is wrong there; of broken JSON line and column."""
    with pytest.raises(iam.PolicySyntaxError) as caught:
        iam.parse(source, policy_type, name="p.json")

    error = caught.value
    assert (pointer, "p.json") == (error.pointer, error.file)
    assert problem in error.problem
    assert str(error) == f"p.json{f' at {pointer}' if pointer else ''}: {error.problem}"


def test_a_refusal_without_a_file_says_policy() -> None:
    """A document that nobody named is called a policy."""
    with pytest.raises(iam.PolicySyntaxError, match=r"^policy: has no Statement$"):
        iam.parse("{}")


@pytest.mark.parametrize(
    ("policy_type", "document"),
    [
        pytest.param(ANY, {"Statement": GOOD}, id="one statement without a list, no Version"),
        pytest.param(ANY, {"Version": "2008-10-17", "Id": "x", "Statement": [GOOD]}, id="old version and Id"),
        pytest.param(ANY, of(Sid=""), id="empty Sid"),
        pytest.param(ANY, {"Statement": [{**GOOD, "Sid": ""}, {**GOOD, "Sid": ""}, GOOD, GOOD]}, id="Sids that are none"),
        pytest.param("scp", of(Sid="with space and-hyphen"), id="Sid of an SCP"),
        pytest.param("resource", {"Statement": [{**OPEN, "Sid": "any text"}]}, id="Sid of a resource-based policy"),
        pytest.param(ANY, of(Action=[]), id="no action"),
        pytest.param(ANY, of(Resource=[]), id="no resource"),
        pytest.param(ANY, of(Action="*:*"), id="star for the service"),
        pytest.param(ANY, of(Action=("s3:*", "iam:*")), id="tuple for a list"),
        pytest.param(ANY, of(Resource="arn:aws:s3:*"), id="short pattern that ends in a star"),
        pytest.param(ANY, of(Resource="arn:aws:s3:::b/${aws:username}"), id="variable"),
        pytest.param(ANY, of(Condition={}), id="no condition line"),
        pytest.param(ANY, under(Bool={}), id="no context key"),
        pytest.param(ANY, under(Bool={"k": []}), id="no value"),
        pytest.param(ANY, under(Bool={"k": True, "l": 1, "m": 1.5, "n": [False, "x", 2]}), id="scalars of all kinds"),
        pytest.param(ANY, under(**{"ForAllValues:StringLikeIfExists": {"k": "v"}}), id="quantifier and IfExists"),
        pytest.param("resource", {"Statement": {**GOOD, "Principal": {"AWS": [], "Service": "a.amazonaws.com"}}}, id="no name"),
        pytest.param("resource", {"Statement": {**GOOD, "NotPrincipal": {"CanonicalUser": "x", "Federated": ["y"]}}}, id="kinds"),
        pytest.param("rcp", {"Statement": {**OPEN, "Principal": {"AWS": "*"}}}, id="everyone in an RCP"),
        pytest.param("endpoint", {"Statement": OPEN}, id="everyone at an endpoint"),
    ],
)
def test_an_odd_document_is_read(policy_type: iam.PolicyType, document: Any) -> None:
    """What AWS takes is taken, as an object and as text."""
    read = iam.parse(document, policy_type)

    assert read == iam.parse(json.dumps(document), policy_type)
    assert read.statements


def test_every_operator_of_the_documentation_is_read_in_every_form() -> None:
    """The 27 operators, 26 of them with IfExists and quantifiers."""
    forms = [f"{q}{name}{s}" for name in iam.OPERATORS for q in ("", "ForAllValues:", "ForAnyValue:") for s in ("", "IfExists")]
    legal = [form for form in forms if "Null" not in form or form == "Null"]

    read = iam.parse(of(Condition={form: {"k": "v"} for form in legal}))

    assert len(iam.OPERATORS) == 27
    assert legal == [condition.operator for condition in read.statements[0].conditions]


def test_a_document_is_read_to_its_last_element() -> None:
    """Nothing of a document is lost or changed on the way."""
    statement = {
        "Sid": "One",
        "Effect": "Deny",
        "NotPrincipal": {"AWS": ["a", "b"], "Service": "c"},
        "NotAction": ["s3:*", "iam:Get?"],
        "NotResource": "arn:aws:s3:::b/*",
        "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"N": [1, 2.50, "3"]}},
    }

    read = iam.parse({"Id": "I", "Version": "2012-10-17", "Statement": [statement]}, "resource", name="n", arn="arn:x")

    assert (read.version, read.id, read.name, read.arn) == ("2012-10-17", "I", "n", "arn:x")
    assert read.statements[0] == iam.Statement(
        effect="Deny",
        actions=("s3:*", "iam:Get?"),
        resources=("arn:aws:s3:::b/*",),
        conditions=(
            Condition("Bool", "aws:SecureTransport", ("false",)),
            Condition("NumericLessThan", "N", ("1", "2.5", "3")),
        ),
        principal=(("AWS", "a"), ("AWS", "b"), ("Service", "c")),
        not_action=True,
        not_resource=True,
        not_principal=True,
        sid="One",
    )


def test_numbers_of_a_text_keep_every_digit() -> None:
    """A JSON number is the decimal that stands there, without an exponent."""
    text = json.dumps(under(NumericEquals={"k": "NUMBERS"}))

    read = iam.parse(text.replace('"NUMBERS"', "[9007199254740993, 0.10, 1e5, 1.5e-3, -2E+1]"))

    assert read.statements[0].conditions[0].values == ("9007199254740993", "0.10", "100000", "0.0015", "-20")


def test_what_is_read_already_is_given_back() -> None:
    """A document keeps its name and ARN, and takes the given ones where it has none."""
    bare, named = iam.parse(of()), iam.parse(of(), name="a", arn="arn:a")

    assert iam.parse(named, name="b", arn="arn:b") == named
    assert (iam.parse(bare, name="b", arn="arn:b").name, iam.parse(bare, arn="arn:b").arn) == ("b", "arn:b")


@pytest.mark.parametrize("policy_type", ["resource", "rcp", "endpoint"])
def test_a_document_without_principal_grants_to_nobody_elsewhere(policy_type: iam.PolicyType) -> None:
    """A document that was read as an identity-based policy can not be attached where it would name everyone."""
    read = iam.parse({"Statement": [GOOD]})

    with pytest.raises(iam.PolicySyntaxError, match=f"has no Principal, so it is no policy of type {policy_type}") as caught:
        iam.parse(read, policy_type)

    assert caught.value.pointer == "/Statement/0"


@pytest.mark.parametrize("policy_type", ["identity", "boundary", "session", "scp"])
def test_a_document_with_principal_is_no_policy_of_a_caller(policy_type: iam.PolicyType) -> None:
    """A document that was read as a resource-based policy can not be attached to a caller."""
    read = iam.parse({"Statement": [OPEN]}, "resource")

    with pytest.raises(iam.PolicySyntaxError, match="has a Principal"):
        iam.parse(read, policy_type)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        pytest.param({"identity": [of(), of(Effect="x")]}, "identity[1]", id="second identity-based policy"),
        pytest.param({"boundary": of(Effect="x")}, "boundary[0]", id="one policy without a list"),
        pytest.param({"scp": [[of()], [of(), of(Effect="x")]]}, "scp[1][1]", id="second policy of the second level"),
        pytest.param({"scp": [of(Effect="x")]}, "scp[0][0]", id="level of one policy without a list"),
        pytest.param({"resource": ['{"Statement": 1}']}, "resource[0]", id="text"),
    ],
)
def test_a_policy_set_names_the_policy_that_it_can_not_read(given: dict[str, Any], name: str) -> None:
    """Type and place stand in for the file."""
    with pytest.raises(iam.PolicySyntaxError) as caught:
        iam.PolicySet(**given)

    assert name == caught.value.file


def test_a_refusal_is_an_error_of_the_configuration_that_travels() -> None:
    """It is caught as ours and survives pickle and copy with every field."""
    error = iam.PolicySyntaxError("is wrong", pointer="/a", file="f")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert issubclass(type(twin), errors.ConfigurationError)
        assert (twin.problem, twin.pointer, twin.file, str(twin)) == ("is wrong", "/a", "f", "f at /a: is wrong")
