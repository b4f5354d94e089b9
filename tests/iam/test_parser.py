"""Parsing of policy documents: what is rejected, with its location, and unusual documents that are valid."""

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
PUBLIC: Final = {**GOOD, "Principal": "*"}


def of(**statement: Any) -> dict[str, Any]:
    """Return a document with the valid statement and some changes; None removes an element."""
    changed = {key: value for key, value in {**GOOD, **statement}.items() if value is not None}
    return {"Version": "2012-10-17", "Statement": [changed]}


def under(**condition: Any) -> dict[str, Any]:
    """Return a document with a condition block."""
    return of(Condition=condition)


PRINCIPALS: Final = (
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "arn:aws-us-gov:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/team/a!b/alice+bob=c,d.e@f-g_h",
    "arn:aws-cn:iam::111122223333:role/App",
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/us-west-2/AWSReservedSSO_Admin_0123456789abcdef",
    "arn:aws-iso-b:sts::111122223333:assumed-role/App/me@example.com",
    "arn:aws:sts::111122223333:federated-user/bob",
    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC",
    "AIDAJQABLZS4A3QDU576Q",
    "AROAKSCDLFT9R5DQP782U",
    "AROAKSCDLFT9R5DQP782U:session",
)
"""Every form of ``AWS`` in Principal; AWS shows the unique ID of a user or role that was deleted."""

ANY: Final = "identity"
BAD: Final = [
    pytest.param(row["policyType"], row.get("text", row.get("document")), row["pointer"], row["problem"], id=row["what"])
    for row in json.loads(Path(__file__).with_name("bad_documents.json").read_text("utf-8"))
]
DEPTH: Final = 100_000
NOT_JSON: Final = [
    pytest.param(ANY, {"Version": dt.date(2012, 10, 17)}, "/Version", "should be `2012-10-17`", id="version as a date"),
    pytest.param(ANY, {1: []}, "", "has a key that is a number; keys must be strings", id="key that is not a string"),
    pytest.param(
        ANY, of(Condition={None: {}}), "/Statement/0/Condition", "has a key that is null", id="operator that is not a string"
    ),
    pytest.param(
        ANY,
        under(Bool={True: "x"}),
        "/Statement/0/Condition/Bool",
        "has a key that is a Boolean",
        id="context key that is not a string",
    ),
    pytest.param(ANY, '{"Id": ' + "9" * 5000 + "}", "", "is not valid JSON", id="integer of many digits"),
    pytest.param(ANY, "[" * DEPTH, "", "is nested too deeply", id="deep list"),
    pytest.param(ANY, '{"a":' * DEPTH, "", "is nested too deeply", id="deep object"),
]
"""Values that YAML and Python have but JSON does not, and strings that are too long for a case file."""


@pytest.mark.parametrize(("policy_type", "source", "pointer", "problem"), [*BAD, *NOT_JSON])
def test_invalid_document_is_rejected_with_its_location(
    policy_type: iam.PolicyType, source: Any, pointer: str, problem: str
) -> None:
    """The error has the file, the JSON pointer and the problem. For broken JSON it has line and column."""
    with pytest.raises(iam.PolicySyntaxError) as caught:
        iam.parse(source, policy_type, name="p.json")

    error = caught.value
    assert (pointer, "p.json") == (error.pointer, error.file)
    assert problem in error.problem
    assert str(error) == f"p.json{f' at {pointer}' if pointer else ''}: {error.problem}"


def test_error_without_a_name_calls_the_document_policy() -> None:
    """A document without a name is called "policy"."""
    with pytest.raises(iam.PolicySyntaxError, match=r"^policy: Statement is missing; add at least one statement$"):
        iam.parse("{}")


@pytest.mark.parametrize(
    ("policy_type", "document"),
    [
        pytest.param(ANY, {"Statement": GOOD}, id="one statement without a list, no Version"),
        pytest.param(ANY, {"Version": "2008-10-17", "Id": "x", "Statement": [GOOD]}, id="old version and Id"),
        pytest.param(ANY, of(Sid=""), id="empty Sid"),
        pytest.param(ANY, {"Statement": [{**GOOD, "Sid": ""}, {**GOOD, "Sid": ""}, GOOD, GOOD]}, id="repeated empty Sids"),
        pytest.param("scp", of(Sid="with space and-hyphen"), id="Sid of an SCP"),
        pytest.param("resource", {"Statement": [{**PUBLIC, "Sid": "any text"}]}, id="Sid of a resource-based policy"),
        pytest.param(ANY, of(Action=[]), id="no action"),
        pytest.param(ANY, of(Resource=[]), id="no resource"),
        pytest.param(ANY, of(Action="*:*"), id="star for the service"),
        pytest.param(ANY, of(Action=("s3:*", "iam:*")), id="tuple for a list"),
        pytest.param(ANY, of(Action=["bedrock:New/Thing", "new_service:Do"]), id="action that may be a new one"),
        pytest.param(ANY, of(Resource=["arn:*", "arn:*:s3:::b", "arn:aws:s3:*:*:*"]), id="stars around the service of an ARN"),
        pytest.param(ANY, of(Resource="arn:aws:s3:*"), id="short pattern that ends in a star"),
        pytest.param(ANY, of(Resource="arn:aws:s3:::b/${aws:username}"), id="variable"),
        pytest.param(ANY, of(Condition={}), id="no condition line"),
        pytest.param(ANY, under(Bool={}), id="no context key"),
        pytest.param(ANY, under(Bool={"k": []}), id="no value"),
        pytest.param(ANY, under(Bool={"k": True, "l": 1, "m": 1.5, "n": [False, "x", 2]}), id="scalars of all kinds"),
        pytest.param(ANY, under(**{"ForAllValues:StringLikeIfExists": {"k": "v"}}), id="quantifier and IfExists"),
        pytest.param("resource", {"Statement": {**GOOD, "Principal": {"AWS": [], "Service": "a.amazonaws.com"}}}, id="no name"),
        pytest.param("resource", {"Statement": {**GOOD, "NotPrincipal": {"CanonicalUser": "x", "Federated": ["y"]}}}, id="kinds"),
        pytest.param("resource", {"Statement": {**GOOD, "Principal": {"AWS": list(PRINCIPALS)}}}, id="principals of all forms"),
        pytest.param("resource", {"Statement": {**GOOD, "NotPrincipal": {"AWS": list(PRINCIPALS)}}}, id="excepted principals"),
        pytest.param("endpoint", {"Statement": {**GOOD, "Principal": {"Service": ["*", "x"], "Federated": "a*"}}}, id="not AWS"),
        pytest.param("rcp", {"Statement": {**PUBLIC, "Effect": "Deny", "Principal": {"AWS": "*"}}}, id="everyone in an RCP"),
        pytest.param("rcp", {"Statement": {**PUBLIC, "Action": "*"}}, id="RCPFullAWSAccess"),
        pytest.param("identity", of(Resource="arn:aws:bedrock"), id="incomplete ARN in an identity-based policy"),
        pytest.param("boundary", of(Resource=None, NotResource=["arn:aws:s3:::b", "arn:aws"]), id="incomplete ARN in a boundary"),
        pytest.param("session", of(Resource="arn:aws:bedrock:*:guardrail/abc"), id="star that ends a segment"),
        pytest.param("endpoint", {"Statement": PUBLIC}, id="everyone at an endpoint"),
    ],
)
def test_unusual_document_is_accepted(policy_type: iam.PolicyType, document: Any) -> None:
    """A policy that AWS accepts is accepted, as an object and as text."""
    parsed = iam.parse(document, policy_type)

    assert parsed == iam.parse(json.dumps(document), policy_type)
    assert parsed.statements


def test_every_documented_operator_is_accepted_in_every_form() -> None:
    """There are 27 operators; all but `Null` take `IfExists` and a set prefix."""
    forms = [f"{q}{name}{s}" for name in iam.OPERATORS for q in ("", "ForAllValues:", "ForAnyValue:") for s in ("", "IfExists")]
    legal = [form for form in forms if "Null" not in form or form == "Null"]

    parsed = iam.parse(of(Condition={form: {"k": "v"} for form in legal}))

    assert len(iam.OPERATORS) == 27
    assert legal == [condition.operator for condition in parsed.statements[0].conditions]


def test_every_element_is_parsed() -> None:
    """No element is lost or changed."""
    statement = {
        "Sid": "One",
        "Effect": "Deny",
        "NotPrincipal": {"AWS": ["222222222222", "111122223333"], "Service": "c"},
        "NotAction": ["s3:*", "iam:Get?"],
        "NotResource": "arn:aws:s3:::b/*",
        "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"N": [1, 2.50, "3"]}},
    }

    parsed = iam.parse({"Id": "I", "Version": "2012-10-17", "Statement": [statement]}, "resource", name="n", arn="arn:x")

    assert (parsed.version, parsed.id, parsed.name, parsed.arn) == ("2012-10-17", "I", "n", "arn:x")
    assert parsed.statements[0] == iam.Statement(
        effect="Deny",
        actions=("s3:*", "iam:Get?"),
        resources=("arn:aws:s3:::b/*",),
        conditions=(
            Condition("Bool", "aws:SecureTransport", ("false",)),
            Condition("NumericLessThan", "N", ("1", "2.5", "3")),
        ),
        principal=(("AWS", "222222222222"), ("AWS", "111122223333"), ("Service", "c")),
        not_action=True,
        not_resource=True,
        not_principal=True,
        sid="One",
    )


def test_numbers_in_json_text_keep_every_digit() -> None:
    """A JSON number becomes the same decimal, without an exponent."""
    text = json.dumps(under(NumericEquals={"k": "NUMBERS"}))

    parsed = iam.parse(text.replace('"NUMBERS"', "[9007199254740993, 0.10, 1e5, 1.5e-3, -2E+1]"))

    assert parsed.statements[0].conditions[0].values == ("9007199254740993", "0.10", "100000", "0.0015", "-20")


def test_parsed_document_is_returned_with_name_and_arn_filled_in() -> None:
    """A document keeps its name and ARN; a missing one is filled in."""
    bare, named = iam.parse(of()), iam.parse(of(), name="a", arn="arn:a")

    assert iam.parse(named, name="b", arn="arn:b") == named
    assert (iam.parse(bare, name="b", arn="arn:b").name, iam.parse(bare, arn="arn:b").arn) == ("b", "arn:b")


@pytest.mark.parametrize("policy_type", ["resource", "rcp", "endpoint"])
def test_parsed_document_without_principal_is_rejected_where_principal_is_required(policy_type: iam.PolicyType) -> None:
    """A document that was parsed as an identity-based policy would otherwise grant to every principal."""
    parsed = iam.parse({"Statement": [{**GOOD, "Effect": "Deny"}]})

    with pytest.raises(
        iam.PolicySyntaxError, match=f"has no Principal, but was given as a policy of type {policy_type}; add one"
    ) as caught:
        iam.parse(parsed, policy_type)

    assert caught.value.pointer == "/Statement/0"


@pytest.mark.parametrize("policy_type", ["session", "scp"])
def test_parsed_document_with_incomplete_arn_is_rejected_as_another_type(policy_type: iam.PolicyType) -> None:
    """AWS completes an ARN only in identity-based policies."""
    parsed = iam.parse(of(Resource=["*", "arn:aws:bedrock"]))

    with pytest.raises(iam.PolicySyntaxError, match="`arn:aws:bedrock` is not a complete ARN") as caught:
        iam.parse(parsed, policy_type)

    assert caught.value.pointer == "/Statement/0/Resource/1"


@pytest.mark.parametrize("policy_type", ["identity", "boundary", "session", "scp"])
def test_parsed_document_with_principal_is_rejected_where_principal_is_not_allowed(policy_type: iam.PolicyType) -> None:
    """A document that was parsed as a resource-based policy cannot be attached to an identity."""
    parsed = iam.parse({"Statement": [PUBLIC]}, "resource")

    with pytest.raises(iam.PolicySyntaxError, match="has a Principal"):
        iam.parse(parsed, policy_type)


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
def test_policy_set_names_the_invalid_policy(given: dict[str, Any], name: str) -> None:
    """Policy type and index are used as the file name."""
    with pytest.raises(iam.PolicySyntaxError) as caught:
        iam.PolicySet(**given)

    assert name == caught.value.file


def test_error_is_a_configuration_error_and_can_be_pickled() -> None:
    """Pickling and copying keep every field."""
    error = iam.PolicySyntaxError("is wrong", pointer="/a", file="f")

    for restored in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert issubclass(type(restored), errors.ConfigurationError)
        assert (restored.problem, restored.pointer, restored.file, str(restored)) == ("is wrong", "/a", "f", "f at /a: is wrong")
