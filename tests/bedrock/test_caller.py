"""The context keys that are known, partly known and unknown for a caller."""

from __future__ import annotations

from typing import Any

import pytest

from guardedbedrock.bedrock import OPERATIONS, Caller, authorizations
from guardedbedrock.bedrock.caller import unknown_keys
from guardedbedrock.iam import PolicySet

SESSION = "arn:aws:sts::111122223333:assumed-role/App/session"
ROLE = "arn:aws:iam::111122223333:role/App"
USER = "arn:aws:iam::111122223333:user/Ada"
FEDERATED = "arn:aws:sts::111122223333:federated-user/Ada"
ROOT = "arn:aws:iam::111122223333:root"

KEYS_OF_A_SESSION = (
    "accounts.google.com:sub",
    "aws:AssumedRoot",
    "aws:ChatbotSourceArn",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "cognito-identity.amazonaws.com:sub",
    "ec2:RoleDelivery",
    "ec2:SourceInstanceARN",
    "glue:CredentialIssuingService",
    "graph.facebook.com:id",
    "identitystore:UserId",
    "lambda:SourceFunctionArn",
    "login.example.com/realm:sub",
    "saml:sub",
    "ssm:SourceInstanceARN",
    "sts:RoleSessionName",
    "www.amazon.com:user_id",
)
"""Keys that the credentials of a session can carry into its requests."""

ABSENT = ("aws:CalledVia", "aws:PrincipalServiceName", "aws:Referer", "aws:SourceArn", "aws:username", "aws:ViaAWSMCPService")
"""Keys that a request which a session sends itself does not have."""


def outcome(principal: str, **condition: Any) -> str:
    """Decide a call to a model under an Allow of everything, and a Deny of everything with a condition."""
    every = {"Action": "*", "Resource": "*"}
    statements = [{"Effect": "Allow", **every}, {"Effect": "Deny", **every, "Condition": condition}]
    policies = PolicySet(identity={"Version": "2012-10-17", "Statement": statements})
    caller = Caller(principal, "us-east-1", unknown=unknown_keys(principal, policies.reads))
    asked = authorizations(OPERATIONS["Converse"], {"modelId": "amazon.nova-lite-v1:0"}, caller)
    return asked.outcome(tuple(map(policies.evaluate, asked.requests)))


@pytest.mark.parametrize("principal", [SESSION, ROLE, FEDERATED, ROOT])
@pytest.mark.parametrize("key", KEYS_OF_A_SESSION)
def test_a_key_of_the_credentials_of_a_session_is_unknown(key: str, principal: str) -> None:
    assert outcome(principal, StringNotEquals={key: "a"}) == "indeterminate"
    assert outcome(principal, StringEquals={key: "a"}) == "indeterminate"


def test_a_data_perimeter_of_instances_is_indeterminate_for_a_role() -> None:
    """The credentials of an EC2 instance carry both keys; a session of another origin has neither."""
    condition = {
        "Null": {"ec2:SourceInstanceARN": "false"},
        "StringNotEquals": {"aws:Ec2InstanceSourceVpc": "${aws:SourceVpc}"},
    }
    assert outcome(SESSION, **condition) == "indeterminate"


@pytest.mark.parametrize("key", sorted({*KEYS_OF_A_SESSION} - {"aws:AssumedRoot"}))
def test_the_credentials_of_a_user_carry_no_key_of_a_session(key: str) -> None:
    assert outcome(USER, StringEquals={key: "a"}) == "allowed"
    assert outcome(USER, StringNotEquals={key: "a"}) == "explicitDeny"


@pytest.mark.parametrize("key", ABSENT)
def test_a_key_of_other_requests_is_absent_for_a_session(key: str) -> None:
    assert outcome(SESSION, StringEquals={key: "a"}) == "allowed"
    assert outcome(SESSION, Null={key: "true"}) == "explicitDeny"


@pytest.mark.parametrize("principal", [SESSION, USER])
def test_the_session_of_a_sign_in_is_unknown(principal: str) -> None:
    """`aws login` gives temporary credentials to users too."""
    assert outcome(principal, ArnLike={"aws:SignInSessionArn": "*"}) == "indeterminate"


def test_a_key_of_a_session_that_the_configuration_gives_is_known() -> None:
    key = "lambda:SourceFunctionArn"
    caller = Caller(SESSION, "us-east-1", context={key: "arn:a"}, unknown=unknown_keys(SESSION, {key.lower()}))

    assert key.lower() not in caller.unknown
    assert caller.known[key] == "arn:a"
