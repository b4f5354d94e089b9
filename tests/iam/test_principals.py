"""Principal and NotPrincipal, compared with the second engine for every pair of caller and listed name."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from iam.oracle.principals import left_out, named, who

from guardedbedrock.iam import Request, parse
from guardedbedrock.iam.engine.statements import CompiledStatement, StatementCompiler
from guardedbedrock.iam.matching.operators import OPERATORS
from guardedbedrock.iam.matching.principals import Grant, excepted, grant, identify, without_path
from guardedbedrock.iam.matching.variables import Variable

HOME, AWAY = "111122223333", "444455556666"
CALLERS: Final = [
    *(f"arn:aws:iam::{account}:{who_}" for account in (HOME, AWAY) for who_ in ("user/ann", "role/App", "role/path/App", "root")),
    f"arn:aws:iam::{HOME}:role/Other",
    f"arn:aws:iam::{HOME}:user/path/ann",
    f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    *(
        f"arn:aws:sts::{account}:assumed-role/{name}"
        for account in (HOME, AWAY)
        for name in ("App/run", "App/other", "Other/run")
    ),
    f"arn:aws:sts::{HOME}:assumed-role/AWSServiceRoleForX/run",
    f"arn:aws:sts::{HOME}:federated-user/ann",
    f"arn:aws:sts::{AWAY}:federated-user/ann",
    "bedrock.amazonaws.com",
    "lambda.amazonaws.com",
]
NAMES: Final = [*CALLERS, "*", HOME, AWAY]
ELEMENTS: Final = [(kind, name) for kind in ("AWS", "Service", "Federated", "CanonicalUser") for name in NAMES]


@pytest.mark.parametrize("caller", CALLERS)
def test_principals_match_as_in_the_second_engine(caller: str) -> None:
    """Both engines agree on the grant to a caller, and on what NotPrincipal excepts, for up to three names."""
    principal, plain = identify(caller), who(caller)

    assert plain.is_service_linked is principal.is_service_linked
    for kind, name in ELEMENTS:
        assert named({kind: name}, plain) == grant(((kind, name),), principal)
        assert left_out({kind: name}, plain) is excepted(((kind, name),), principal)
    for names in itertools.combinations(NAMES, 2):
        element = tuple(("AWS", name) for name in names)
        assert named({"AWS": list(names)}, plain) == grant(element, principal)
    for role, session in itertools.combinations(CALLERS, 2):
        three = [HOME, role, session]
        assert left_out({"AWS": three}, plain) is excepted(tuple(("AWS", name) for name in three), principal)


@pytest.mark.parametrize(("name", "expected"), [("a.example", 0), ("b.example", 5), ("c.example", 0), ("*", 0)])
@pytest.mark.parametrize("kind", ["Federated", "CanonicalUser"])
def test_other_principal_types_match_only_the_same_string(kind: str, name: str, expected: int) -> None:
    """Federated and canonical user IDs are compared as strings, without wildcards."""
    assert grant(((kind, name),), identify("b.example")) == expected


@pytest.mark.parametrize(
    "record",
    [identify(CALLERS[0]), OPERATORS["Bool"], Variable("k:a")],
    ids=lambda record: type(record).__name__,
)
def test_cached_records_are_immutable(record: Any) -> None:
    """Requests share these records, so no field can be set and no attribute added."""
    for field in record._fields:
        with pytest.raises(AttributeError):
            setattr(record, field, None)
    assert not hasattr(record, "__dict__")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/ann"),
        ("arn:aws:iam::111122223333:user/team/a/ann", "arn:aws:iam::111122223333:user/ann"),
        ("arn:aws:iam::111122223333:group/team/Admins", "arn:aws:iam::111122223333:group/Admins"),
        ("arn:aws:iam::111122223333:role/team/a/App", "arn:aws:iam::111122223333:role/App"),
        ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"),
        ("arn:aws:sts::111122223333:assumed-role/App/run", "arn:aws:iam::111122223333:role/App"),
        ("arn:aws-cn:sts::111122223333:assumed-role/App/run", "arn:aws-cn:iam::111122223333:role/App"),
        ("arn:aws:sts::111122223333:federated-user/ann", "arn:aws:sts::111122223333:federated-user/ann"),
    ],
)
def test_a_name_without_its_path(arn: str, expected: str) -> None:
    assert without_path(arn) == expected


@pytest.mark.parametrize(
    ("listed", "effect", "expected"),
    [
        ("user/ann", "Deny", Grant.PERHAPS),
        ("user/ann", "Allow", Grant.UNDOCUMENTED),
        ("user/bob", "Deny", Grant.PERHAPS),
    ],
)
def test_a_federated_session_of_a_user_that_not_principal_lists(listed: str, effect: str, expected: Grant) -> None:
    """The ARN of the session does not name the user, so a Deny may except it."""
    statement = {
        "Effect": effect,
        "NotPrincipal": {"AWS": f"arn:aws:iam::{HOME}:{listed}"},
        "Action": "*",
        "Resource": "*",
    }
    document = parse({"Version": "2012-10-17", "Statement": statement}, "resource")
    compiled = CompiledStatement(document.statements[0], document, "resource", "", 0, StatementCompiler(has_boundary=False))

    assert compiled.grant(Request(f"arn:aws:sts::{HOME}:federated-user/ann", "s3:GetObject", "*")) is expected


LINKED: Final = f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"


@pytest.mark.parametrize(
    ("caller", "role", "expected"),
    [
        ("assumed-role/AWSServiceRoleForX/run", LINKED, True),
        ("assumed-role/AWSServiceRoleForX/run", f"arn:aws:iam::{HOME}:role/AWSServiceRoleForX", False),
        ("assumed-role/AWSServiceRoleForX/run", None, True),
        ("assumed-role/AWSServiceRoleForX/run", f"arn:aws:iam::{HOME}:root", True),
        ("assumed-role/AWSServiceRoleForX/run", "no ARN", True),
        ("assumed-role/App/run", LINKED, True),
        ("assumed-role/App/run", None, False),
    ],
)
def test_a_session_of_a_service_linked_role_is_recognized_by_the_role(caller: str, role: object, *, expected: bool) -> None:
    assert identify(f"arn:aws:sts::{HOME}:{caller}").is_service_linked_by(role) is expected
