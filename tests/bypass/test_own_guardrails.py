"""A guardrail of the caller that is not approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, unguarded
from harness.clients import HR, WEAK, ask, read

from guardedbedrock import GuardrailNotApprovedError

if TYPE_CHECKING:
    from harness.clients import Make

OWN: Final = {
    "another": (WEAK["guardrailIdentifier"], "1"),
    "another version": (HR.arn, "2"),
    "the draft": (HR.arn, "DRAFT"),
    "the draft in lower case": (HR.arn, "draft"),
    "the draft of a short identifier": (HR.id, "DRAFT"),
    "a version written in another way": (HR.arn, "03"),
    "a version with a space": (HR.arn, "3 "),
    "a version in other digits": (HR.arn, "３"),  # noqa: RUF001
    "an identifier in upper case": (HR.id.upper(), "3"),
    "an identifier with a space": (f" {HR.id}", "3"),
    "an ARN with a version": (f"{HR.arn}:3", "3"),
    "an ARN of another account": (HR.arn.replace("123456789012", "999999999999"), "3"),
    "an ARN of another region": (HR.arn.replace("us-east-1", "eu-west-1"), "3"),
    "a longer ARN": (f"{HR.arn}0", "3"),
}


def params(method: str, identifier: str, version: str) -> dict[str, Any]:
    """Return the parameters of a call that names a guardrail."""
    named = {"guardrailIdentifier": identifier, "guardrailVersion": version}
    return {**ask(method), **({"guardrailConfig": named} if method.startswith("converse") else named)}


@pytest.mark.parametrize(("identifier", "version"), OWN.values(), ids=OWN)
@pytest.mark.parametrize("method", METHODS)
def test_request_with_an_unapproved_guardrail_is_refused(harness: Make, method: str, identifier: str, version: str) -> None:
    env = harness()

    with pytest.raises(GuardrailNotApprovedError):
        read(getattr(env.client, method)(**params(method, identifier, version)))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize(("identifier", "version"), OWN.values(), ids=OWN)
@pytest.mark.parametrize("method", METHODS)
def test_unapproved_guardrail_of_the_caller_is_replaced_if_configured(
    harness: Make, method: str, identifier: str, version: str
) -> None:
    env = harness(on_unapproved="replace")

    read(getattr(env.client, method)(**params(method, identifier, version)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


class Identifier(str):
    """A string that equals the approved identifier, and is sent as another one."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        """Return the bytes that are sent."""
        return WEAK["guardrailIdentifier"].encode()

    def __str__(self) -> str:
        return WEAK["guardrailIdentifier"]


@pytest.mark.parametrize("method", METHODS)
def test_identifier_of_a_str_subclass_is_sent_as_plain_text(harness: Make, method: str) -> None:
    env = harness()

    read(getattr(env.client, method)(**params(method, Identifier(HR.arn), "3")))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []
