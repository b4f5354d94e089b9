"""Hints on conditions that can never be met."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import ExplicitDenyError, Guard, Guardrail, ImplicitDenyError, PolicyDeniedError, iam
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.testing import FakeBedrock

ROLE: Final = "arn:aws:iam::123456789012:role/Admin"
HR: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")
TAGGED: Final = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Project"]}}
UNTAGGED: Final = {"StringNotLike": {"aws:RequestTag/Environment": ["dev", "prod"]}}
UPDATE: Final = {"guardrailIdentifier": HR.arn, "name": "n", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
CREATE: Final = {"name": "n", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}


def denied(operation: str, params: dict[str, Any], *statements: dict[str, Any]) -> PolicyDeniedError:
    """Make the call on a control-plane client and return the error that denies it before it is sent."""
    written = [{"Sid": f"S{number}", "Action": "*", "Resource": "*", **one} for number, one in enumerate(statements)]
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": written}])
    guard = Guard(guardrails=[HR], policies=policies, principal=ROLE, listeners=())
    with FakeBedrock() as fake:
        client = guard.client("bedrock", **fake.client_kwargs())
        with pytest.raises(PolicyDeniedError) as error:
            client._make_api_call(operation, params)
        assert fake.requests == []
    return error.value


def test_hint_names_an_allow_with_a_key_that_the_action_never_carries() -> None:
    """The policy of the article can never allow UpdateGuardrail, which has no tags in its request."""
    error = denied("UpdateGuardrail", UPDATE, {"Effect": "Allow", "Condition": TAGGED})

    assert isinstance(error, ImplicitDenyError)
    told = "can never allow `bedrock:UpdateGuardrail`: its condition tests `aws:TagKeys`, which this action never carries"
    assert f"identity identity[0] statement S0 {told}" in str(error.hint)


def test_hint_names_a_deny_that_matches_every_call() -> None:
    """A negated operator matches an absent key, and this key is always absent."""
    error = denied("UpdateGuardrail", UPDATE, {"Effect": "Allow"}, {"Effect": "Deny", "Condition": UNTAGGED})

    assert isinstance(error, ExplicitDenyError)
    assert "statement S1 always denies `bedrock:UpdateGuardrail`: its condition tests `aws:RequestTag/Environment`" in str(
        error.hint
    )


@pytest.mark.parametrize(
    ("operation", "params", "statements"),
    [
        ("CreateGuardrail", CREATE, [{"Effect": "Allow", "Condition": TAGGED}]),
        ("UpdateGuardrail", UPDATE, [{"Effect": "Allow", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]),
        ("UpdateGuardrail", UPDATE, [{"Effect": "Allow"}, {"Effect": "Deny"}]),
        ("UpdateGuardrail", UPDATE, [{"Effect": "Allow", "Condition": UNTAGGED}, {"Effect": "Deny"}]),
    ],
)
def test_hint_does_not_name_a_condition_that_can_be_met(
    operation: str, params: dict[str, Any], statements: list[dict[str, Any]]
) -> None:
    """The action or every request carries the key, there is no condition, or the condition tests its absence."""
    assert "never carries" not in str(denied(operation, params, *statements).hint)


@pytest.mark.parametrize(
    ("action", "key", "carried"),
    [
        ("bedrock:InvokeModel", "bedrock:GuardrailIdentifier", True),
        ("bedrock:InvokeModel", "BEDROCK:guardrailidentifier", True),
        ("bedrock:ApplyGuardrail", "bedrock:GuardrailIdentifier", False),
        ("bedrock:UntagResource", "aws:TagKeys", True),
        ("bedrock:UntagResource", "aws:RequestTag/Project", False),
        ("bedrock:TagResource", "aws:requesttag/Project", True),
        ("bedrock:UpdateGuardrail", "aws:ResourceTag/Project", True),
        ("bedrock:UpdateGuardrail", "aws:SourceIp", True),
    ],
)
def test_carries(action: str, key: str, carried: bool) -> None:  # noqa: FBT001
    """An action carries its own keys and those of every request; keys are case-insensitive."""
    assert carries(action, key) is carried
