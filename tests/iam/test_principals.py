"""Principal and NotPrincipal, compared with the second engine for every pair of caller and listed name."""

from __future__ import annotations

import itertools
from typing import Any, Final

import pytest
from iam.oracle.principals import left_out, named, who

from guardedbedrock.iam.matching.operators import OPERATORS
from guardedbedrock.iam.matching.principals import excepted, grant, identify
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
def test_other_principal_types_match_only_the_same_text(kind: str, name: str, expected: int) -> None:
    """Federated and canonical user IDs are compared as text, without wildcards."""
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
