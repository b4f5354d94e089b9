"""Policies with the shapes that AWS managed policies have: each is accepted, written back, and allows what it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock import iam

CALLER: Final = "arn:aws:iam::111122223333:user/ann"
POLICIES: Final[list[dict[str, Any]]] = json.loads(Path(__file__).with_name("managed_policies.json").read_text("utf-8"))


@pytest.mark.parametrize("row", POLICIES, ids=lambda row: row["name"])
def test_shape_of_a_managed_policy(row: dict[str, Any]) -> None:
    """The policy allows the request, and written JSON parses to the same document."""
    action, resource, *rest = row["allows"]
    context = rest[0] if rest else {}
    request = iam.Request(CALLER, action, resource, context, resource_account="111122223333")
    document = iam.parse(row["document"])

    assert iam.PolicySet(identity=document).evaluate(request).outcome == "allowed"
    assert iam.parse(iam.write(document)) == document


def test_size_of_the_sample() -> None:
    """There are at least 60 policies with different names."""
    assert len({row["name"] for row in POLICIES}) == len(POLICIES) >= 60
