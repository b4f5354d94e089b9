"""
Proofs about random small policy sets are compared with every request that the policies can tell apart.

No request shows the opposite of a proved answer, not even one for which AWS documents no rule. A refuted answer has a witness
that a new policy set confirms, and enumeration finds another one. `make fuzz` compares more, and `make fuzz-proofs` goes on where
its last run stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from harness.proof_check import check
from harness.small_policies import KEYS, PRINCIPALS, QUESTIONS, Case, make_case
from harness.strategies import FUZZ_EXAMPLES

from guardedbedrock import iam
from guardedbedrock.iam.matching.conditions import parse_operator

CASES: Final = 5000
SHARDS: Final = 20
FIRST: Final = CASES if FUZZ_EXAMPLES else 0
"""A long run compares other cases than an ordinary one."""
QUANTIFIERS: Final = ("", "ForAllValues:", "ForAnyValue:")
SHARE: Final = FUZZ_EXAMPLES or CASES // SHARDS


def numbers(shard: int) -> range:
    return range(FIRST + shard * SHARE, FIRST + (shard + 1) * SHARE)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_an_answer_is_right_for_every_request(shard: int) -> None:
    checks = {number: check(make_case(number)) for number in numbers(shard)}

    assert {number: one.problem for number, one in checks.items() if one.problem} == {}
    assert [number for number, one in checks.items() if one.is_alone] == []
    unknown = [f"{number}: {one.answer.reason}" for number, one in checks.items() if one.answer.answer == "unknown"]
    assert len(unknown) * 100 < len(checks), unknown
    answers = Counter(one.answer.answer for one in checks.values())
    assert min(answers["proved"], answers["refuted"]) * 4 > len(checks)
    assert sum(one.tried for one in checks.values()) > 10 * len(checks)


@cache
def cases() -> tuple[Case, ...]:
    return tuple(make_case(number) for number in range(CASES))


def statements(case: Case) -> Iterator[dict[str, Any]]:
    for policies in (case.policies, case.older):
        for given in policies.values():
            documents = [one for level in given for one in (level if isinstance(level, list) else [level])]
            yield from (statement for document in documents for statement in document["Statement"])


def test_the_cases_have_every_operator_in_every_form() -> None:
    found: Counter[str] = Counter(
        operator for case in cases() for statement in statements(case) for operator in statement.get("Condition", {})
    )
    for operator in iam.OPERATORS:
        forms = [operator] if operator == "Null" else [f"{q}{operator}{s}" for q in QUANTIFIERS for s in ("", "IfExists")]
        for form in forms:
            if form.startswith("ForAnyValue:") and form.endswith("IfExists"):
                continue  # AWS does not document it for an absent key; the families with a key of every request have it
            assert parse_operator(form) is not None
            assert found[form] > 0, form
    assert any(form.startswith("ForAnyValue:") and form.endswith("IfExists") for form in found)


def test_the_cases_have_every_policy_type_key_principal_and_question() -> None:
    types = Counter(kind for case in cases() for kind, given in case.policies.items() if given)
    assert set(types) == set(iam.POLICY_TYPES)
    assert min(types.values()) > 300
    blocks = [block for case in cases() for one in statements(case) for block in one.get("Condition", {}).values()]
    keys = {key.lower() for block in blocks for key in block}
    assert keys == {key.lower() for key in KEYS}
    assert {case.principal for case in cases()} == set(PRINCIPALS)
    assert {case.question for case in cases()} == set(QUESTIONS)
    elements = {element for case in cases() for statement in statements(case) for element in statement}
    assert {"Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"} <= elements
