"""Every denial by its name: over the wire, in the preflight, and where the two diverge."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from guardedbedrock import ConfigurationError, Guard, Guardrail, errors, iam
from guardedbedrock.bedrock.errors import classify as classifier
from guardedbedrock.testing import DENIALS, Denial, FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[FakeBedrock, Any]]

ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
ROLE = "arn:aws:iam::123456789012:role/HRBot"
GUARDED = {"guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "1"}}
OPEN = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}])
EVERY = [pytest.param(denial, id=name) for name, denial in DENIALS.items()]
LOCAL = [
    pytest.param(denial, id=name)
    for name, denial in DENIALS.items()
    if denial.policy_type and (denial.policy_type != "resource" or denial.explicit)
]
NOBODY_IS_DENIED = {"expired-token", "unknown-token"}


def _guarded(fake: FakeBedrock, policies: iam.PolicySet) -> Any:
    guard = Guard(guardrails=[Guardrail(ARN, version="1")], policies=policies, principal=ROLE, rcp_applies=True, listeners=())
    return closing(guard.client("bedrock-runtime", **fake.client_kwargs()))


def _served() -> FakeBedrock:
    return FakeBedrock(guardrails=[FakeGuardrail(ARN)], principal=ROLE)


def test_there_is_a_denial_for_every_policy_type_and_kind_of_deny() -> None:
    """Implicit and explicit for each policy type, if AWS has a message for it."""
    reasons = iam.decision.sentences.REASONS
    clauses = {(kind, explicit) for kind, pair in reasons.items() for explicit in (False, True) if pair[explicit]}

    assert {(denial.policy_type, denial.explicit) for denial in DENIALS.values() if denial.policy_type} == clauses


@pytest.mark.parametrize("denial", EVERY)
def test_the_server_denies_by_name(serve: Serve, ask: dict[str, Any], denial: Denial) -> None:
    """Code, status and message are AWS's, for this call. The next call succeeds."""
    fake, client = serve(principal=ROLE)
    fake.deny("Converse", by=denial.name)

    with pytest.raises(ClientError) as caught:
        client.converse(**ask)
    client.converse(**ask)

    response = caught.value.response
    assert response["Error"]["Code"] == denial.code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == denial.status
    assert "{" not in response["Error"]["Message"]
    if "{principal}" in denial.message:
        assert ROLE in response["Error"]["Message"]


@pytest.mark.parametrize("denial", EVERY)
def test_the_message_of_the_server_is_classified(denial: Denial) -> None:
    """The classifier of the guard reads the policy type, whether a Deny matched, and the policy."""
    error = denial.error(ROLE, "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m")
    metadata = {"HTTPStatusCode": error.status}
    read = classifier.classify(
        {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": metadata}, "Converse"
    )

    if denial.name in NOBODY_IS_DENIED:
        assert read is None
    elif denial.policy_type is None and denial.name not in {"no-reason", "api-key"}:
        assert isinstance(read, errors.ModelAccessError)
    else:
        assert isinstance(read, errors.AccessDeniedError)
        assert (read.policy_type, read.policy_arn) == (denial.policy_type, denial.policy_arn)
        kind = {True: errors.ExplicitDenyError, False: errors.ImplicitDenyError, None: errors.AccessDeniedError}[denial.explicit]
        assert isinstance(read, kind)


@pytest.mark.parametrize("denial", LOCAL)
def test_the_preflight_denies_by_name(ask: dict[str, Any], denial: Denial) -> None:
    """The guard denies with the same policy type and the same kind of deny, and sends nothing."""
    with _served() as fake, _guarded(fake, denial.policies("bedrock:InvokeModel")) as client:
        with pytest.raises(errors.PolicyDeniedError) as caught:
            client.converse(**ask)

        assert fake.requests == []
    assert (caught.value.policy_type, caught.value.policy_arn) == (denial.policy_type, denial.policy_arn)
    assert isinstance(caught.value, errors.ExplicitDenyError) is denial.explicit
    assert caught.value.simulated


@pytest.mark.parametrize("denial", LOCAL)
def test_preflight_and_server_diverge(ask: dict[str, Any], denial: Denial) -> None:
    """The local policies allow what AWS denies. The error shows that AWS denied the call."""
    with _served() as fake, _guarded(fake, OPEN) as client:
        fake.deny(by=denial.name)
        with pytest.raises(errors.PolicyDeniedError) as caught:
            client.converse(**ask)

        assert len(fake.requests) == 1
    assert (caught.value.policy_type, caught.value.simulated) == (denial.policy_type, False)


@pytest.mark.parametrize("name", ["model-access", "no-reason", "resource-implicit"])
def test_no_policy_produces_a_denial_of_the_server_only(name: str) -> None:
    """The error names `FakeBedrock.deny`, which can produce it."""
    with pytest.raises(ConfigurationError, match=r"FakeBedrock\.deny"):
        DENIALS[name].policies()


def test_one_of_several_authorizations_is_denied(serve: Serve, ask: dict[str, Any]) -> None:
    """A call that does not need the authorization succeeds, and the denial applies to the next call that does."""
    fake, client = serve(guardrails=[FakeGuardrail(ARN)])
    fake.deny(by="identity-implicit", action="bedrock:ApplyGuardrail", times=None)

    client.converse(**ask)
    with pytest.raises(ClientError, match=re.escape(f"bedrock:ApplyGuardrail on resource: {ARN} because no")):
        client.converse(**ask, **GUARDED)


def test_a_policy_type_alone_is_its_explicit_deny(serve: Serve, ask: dict[str, Any]) -> None:
    """The most common denial has the shortest name."""
    fake, client = serve()
    fake.deny(by="scp")

    with pytest.raises(ClientError, match=r"with an explicit deny in a service control policy$"):
        client.converse(**ask)


def test_an_unknown_name_gets_a_suggestion(serve: Serve) -> None:
    """The error suggests similar names."""
    fake, _ = serve()

    with pytest.raises(ConfigurationError, match=r"unknown denial 'spc'; did you mean `scp`"):
        fake.deny(by="spc")
