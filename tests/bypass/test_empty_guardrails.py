"""Guardrails that are empty, incomplete, or of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ParamValidationError
from harness.bypass import METHODS, unguarded
from harness.clients import CONVERSATIONS, HR, ask, read

if TYPE_CHECKING:
    from harness.clients import Make

EMPTY: Final[dict[str, Any]] = {
    "empty": {},
    "empty strings": {"guardrailIdentifier": "", "guardrailVersion": ""},
    "an identifier": {"guardrailIdentifier": HR.arn},
    "a short identifier": {"guardrailIdentifier": HR.id},
    "a version": {"guardrailVersion": "3"},
    "an identifier and an empty version": {"guardrailIdentifier": HR.id, "guardrailVersion": ""},
    "a trace": {"trace": "disabled"},
}
NO_GUARDRAIL: Final[dict[str, Any]] = {"None": None, "None within": {"guardrailIdentifier": None, "guardrailVersion": None}}
NOT_A_DICT: Final[dict[str, Any]] = {
    "pairs": [("guardrailIdentifier", HR.arn), ("guardrailVersion", "3")],
    "a string": HR.arn,
}
OTHER_TYPES: Final[dict[str, Any]] = {
    "a number": {"guardrailIdentifier": HR.arn, "guardrailVersion": 3},
    "a dict": {"guardrailIdentifier": {"arn": HR.arn}, "guardrailVersion": "3"},
}


def params(method: str, given: Any) -> dict[str, Any]:
    """Return parameters with a value at the operation's guardrail location."""
    if method.startswith("converse"):
        return {**ask(method), "guardrailConfig": given}
    return {**ask(method), **{name: value for name, value in dict(given or {}).items() if name != "trace"}}


@pytest.mark.parametrize("given", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("method", METHODS)
def test_empty_or_incomplete_guardrail_is_completed(harness: Make, method: str, given: dict[str, str]) -> None:
    env = harness()

    read(getattr(env.client, method)(**params(method, given)))

    (request,) = env.fake.requests
    assert request.guardrail in {(HR.arn, "3"), (HR.id, "3")}
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("given", NO_GUARDRAIL.values(), ids=NO_GUARDRAIL)
@pytest.mark.parametrize("method", METHODS)
def test_none_counts_as_no_guardrail(harness: Make, method: str, given: Any) -> None:
    env = harness()

    read(getattr(env.client, method)(**params(method, given)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, "3")]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("given", NOT_A_DICT.values(), ids=NOT_A_DICT)
@pytest.mark.parametrize("method", CONVERSATIONS)
def test_guardrail_config_that_is_not_a_dict_is_rejected_by_botocore(harness: Make, method: str, given: Any) -> None:
    env = harness()

    with pytest.raises(ParamValidationError):
        getattr(env.client, method)(**ask(method), guardrailConfig=given)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("given", OTHER_TYPES.values(), ids=OTHER_TYPES)
@pytest.mark.parametrize("method", METHODS)
def test_guardrail_with_a_member_of_another_type_is_rejected_by_botocore(harness: Make, method: str, given: Any) -> None:
    env = harness()

    with pytest.raises(ParamValidationError):
        getattr(env.client, method)(**params(method, given))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
