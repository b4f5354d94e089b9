"""An AWS account on loopback: moto for IAM, STS, Organizations and S3, and a fake Bedrock for the rest."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config

from guardedbedrock.testing import FakeBedrock

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
GUARDRAIL: Final = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/abc123def456"
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"


def document(action: str | list[str], resource: str = "*", effect: str = "Allow") -> dict[str, Any]:
    """Return a policy with one statement."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}


class Aws:
    """
    An AWS account on loopback: moto, and a fake Bedrock.

    Args:
        moto_url: URL of moto.
        fake: The fake Bedrock.
    """

    def __init__(self, moto_url: str, fake: FakeBedrock) -> None:
        self.moto_url, self.fake = moto_url, fake
        self._failing: dict[str, str] = {}
        self._answers: dict[str, Callable[[], dict[str, Any]]] = {}
        self._changes: dict[tuple[str, int], Callable[[], object]] = {}
        self.calls: list[str] = []
        self.regions: dict[str, list[str]] = defaultdict(list)
        """For each operation, the Regions in which it was called."""

    def fail(self, *operations: str, code: str = "AccessDenied") -> None:
        """Let operations fail from now on: ``GetRole`` or ``*`` for all."""
        self._failing |= dict.fromkeys(operations, code)

    def recover(self) -> None:
        """Let no operation fail from now on."""
        self._failing.clear()

    def answer(self, operation: str, answer: Callable[[], dict[str, Any]]) -> None:
        """Answer an operation that moto does not have."""
        self._answers[operation] = answer

    def change(self, operation: str, change: Callable[[], object], *, call: int = 1) -> None:
        """Change the account right before the first, or another, call of an operation."""
        self._changes[operation, self.calls.count(operation) + call] = change

    def client(self, service: str, region_name: str | None = None, config: Config | None = None) -> Any:
        """Create a client as ``boto3.client`` does; an operation that shall fail does not leave the process."""
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
        url = self.fake.endpoint_url if service == "bedrock" else self.moto_url
        one_attempt = (config or Config()).merge(Config(retries={"total_max_attempts": 1}))
        client = session.client(service, region_name=region_name, endpoint_url=url, config=one_attempt)
        client.meta.events.register("before-call", partial(self._before, client.meta.region_name))
        return client

    def _before(self, region: str, model: Any, **_: Any) -> tuple[Any, Any] | None:
        self.calls.append(model.name)
        self.regions[model.name].append(region)
        self._changes.pop((model.name, self.calls.count(model.name)), lambda: None)()
        code = self._failing.get(model.name) or self._failing.get("*")
        if code is None and model.name in self._answers:
            return type("Response", (), {"status_code": 200, "headers": {}})(), self._answers[model.name]()
        if code is None:
            return None
        http = type("Response", (), {"status_code": 403, "headers": {}})()
        return http, {"Error": {"Code": code, "Message": "not authorized"}, "ResponseMetadata": {"HTTPStatusCode": 403}}


def populate_iam(iam: Any) -> None:
    """Create a role with a path, an inline policy, a managed policy and a boundary; and a user in two groups."""
    create: Callable[..., Any] = iam.create_policy
    read = create(PolicyName="Read", PolicyDocument=json.dumps(document("bedrock:Invoke*")))["Policy"]["Arn"]
    limit = create(PolicyName="Limit", PolicyDocument=json.dumps(document("bedrock:*")))["Policy"]["Arn"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(
        RoleName="App",
        Path="/team/",
        AssumeRolePolicyDocument=json.dumps(trust),
        PermissionsBoundary=limit,
        Tags=[{"Key": "Team", "Value": "hr"}],
    )
    iam.put_role_policy(RoleName="App", PolicyName="Apply", PolicyDocument=json.dumps(document("bedrock:ApplyGuardrail")))
    iam.attach_role_policy(RoleName="App", PolicyArn=read)
    iam.create_user(UserName="Ann")
    for name, action in (("Readers", "bedrock:InvokeModel"), ("Writers", "bedrock:CreateGuardrail")):
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName=f"{name}Policy", PolicyDocument=json.dumps(document(action)))
        iam.add_user_to_group(GroupName=name, UserName="Ann")


def populate_organization(organizations: Any) -> str:
    """Create an organization whose second account is below three OUs, each with an SCP; return the ID of the account."""
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    account: str = organizations.create_account(AccountName="member", Email="m@example.com")["CreateAccountStatus"]["AccountId"]
    parent = root
    for level in range(3):
        unit = organizations.create_organizational_unit(ParentId=parent, Name=f"level{level}")["OrganizationalUnit"]["Id"]
        attach(organizations, unit, f"Level{level}", document("bedrock:Delete*", effect="Deny"))
        parent = unit
    organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=parent)
    return account


def attach(organizations: Any, target: str, name: str, policy: dict[str, Any], kind: str = "SERVICE_CONTROL_POLICY") -> None:
    """Create a policy of an organization and attach it."""
    created = organizations.create_policy(Name=name, Content=json.dumps(policy), Description=name, Type=kind)
    organizations.attach_policy(PolicyId=created["Policy"]["PolicySummary"]["Id"], TargetId=target)


def use_credentials(monkeypatch: pytest.MonkeyPatch, credentials: dict[str, Any]) -> None:
    """Use credentials from now on."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", credentials["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", credentials["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", credentials["SessionToken"])
