"""Guardrails that are none: empty, half, or of a kind that looks like one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from harness.bypass import METHODS, unguarded
from harness.clients import HR, ask, read

if TYPE_CHECKING:
    from harness.clients import Make

EMPTY: Final[dict[str, Any]] = {
    "empty": {},
    "empty texts": {"guardrailIdentifier": "", "guardrailVersion": ""},
    "an identifier": {"guardrailIdentifier": HR.arn},
    "a short identifier": {"guardrailIdentifier": HR.id},
    "a version": {"guardrailVersion": "3"},
    "an identifier and an empty version": {"guardrailIdentifier": HR.id, "guardrailVersion": ""},
    "a trace": {"trace": "disabled"},
}
ODD: Final[dict[str, Any]] = {
    "None": None,
    "no mapping": [("guardrailIdentifier", HR.arn), ("guardrailVersion", "3")],
    "a text": HR.arn,
    "None within": {"guardrailIdentifier": None, "guardrailVersion": None},
    "numbers": {"guardrailIdentifier": HR.arn, "guardrailVersion": 3},
    "another type": {"guardrailIdentifier": {"arn": HR.arn}, "guardrailVersion": "3"},
}


def params(method: str, given: Any) -> dict[str, Any]:
    """Put what is given where the operation has its guardrail."""
    if method.startswith("converse"):
        return {**ask(method), "guardrailConfig": given}
    return {**ask(method), **{name: value for name, value in dict(given or {}).items() if name != "trace"}}


@pytest.mark.parametrize("given", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_guardrail_becomes_one(harness: Make, method: str, given: dict[str, str]) -> None:
    """The approved one is put in, or completed."""
    env = harness()

    read(getattr(env.client, method)(**params(method, given)))

    (request,) = env.fake.requests
    assert request.guardrail in {(HR.arn, "3"), (HR.id, "3")}
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("given", ODD.values(), ids=ODD)
@pytest.mark.parametrize("method", METHODS)
def test_what_looks_like_one_does_not_pass_for_one(harness: Make, method: str, given: Any) -> None:
    """It is replaced, refused, or botocore's to refuse."""
    env = harness()

    with suppress(ClientError, ParamValidationError, ValueError):
        read(getattr(env.client, method)(**params(method, given)))

    assert unguarded(env.fake) == []
