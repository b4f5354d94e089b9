"""The global condition keys are those of the page "AWS global condition context keys", with the types that it gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardedbedrock.governance.lint.checks.keys import KEYS
from guardedbedrock.governance.lint.run import LintOptions, lint

KEY_RULES = ("INVALID_GLOBAL_CONDITION_KEY", "TYPE_MISMATCH", "MISSING_QUALIFIER")
PRINCIPAL = """
    aws:PrincipalArn aws:PrincipalAccount aws:PrincipalOrgPaths aws:PrincipalOrgID aws:PrincipalTag/* aws:PrincipalIsAWSService
    aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:PrincipalType aws:userid aws:username
"""
SESSION = """
    aws:AssumedRoot aws:FederatedProvider aws:TokenIssueTime aws:SignInSessionArn aws:MultiFactorAuthAge
    aws:MultiFactorAuthPresent aws:ChatbotSourceArn aws:Ec2InstanceSourceVpc aws:Ec2InstanceSourcePrivateIPv4 aws:SourceIdentity
"""
NETWORK = """
    aws:SourceIp aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:VpcSourceIp
"""
RESOURCE = "aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:ResourceTag/*"
REQUEST = """
    aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:CalledViaAWSMCP aws:ViaAWSService aws:ViaAWSMCPService aws:CurrentTime
    aws:EpochTime aws:referer aws:RequestedRegion aws:RequestTag/* aws:TagKeys aws:SecureTransport aws:SourceAccount aws:SourceArn
    aws:SourceOrgID aws:SourceOrgPaths aws:UserAgent aws:IsMcpServiceAction
"""
PAGE = sorted(f"{PRINCIPAL} {SESSION} {NETWORK} {RESOURCE} {REQUEST}".split())
"""The columns of the page's table, read on 2026-11-28. Keys with the prefix of a service are not global keys here."""
OPERATORS = {
    "aws:AssumedRoot": ("Bool", "true"),
    "aws:Ec2InstanceSourcePrivateIPv4": ("IpAddress", "10.0.0.0/8"),
    "aws:IsMcpServiceAction": ("Bool", "true"),
    "aws:MultiFactorAuthAge": ("NumericLessThan", "3600"),
    "aws:SignInSessionArn": ("ArnLike", "arn:aws:signin:us-east-1:123456789012:session/*"),
    "aws:SourceVpcArn": ("ArnLike", "arn:aws:ec2:us-east-1:123456789012:vpc/*"),
    "aws:TokenIssueTime": ("DateGreaterThan", "2026-01-01T00:00:00Z"),
    "aws:ViaAWSMCPService": ("Bool", "true"),
}


def rules_of(tmp_path: Path, operator: str, key: str, value: str) -> list[tuple[str, str]]:
    condition = {operator: {key: value}}
    statement = {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*", "Condition": condition}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "utf-8")
    return [(finding.rule, finding.fix) for finding in lint([file], LintOptions(select=KEY_RULES))]


def test_the_global_keys_are_those_of_the_page() -> None:
    assert sorted(key for key in KEYS if key.startswith("aws:")) == PAGE


@pytest.mark.parametrize("key", OPERATORS)
def test_a_key_accepts_the_operator_of_its_type(tmp_path: Path, key: str) -> None:
    operator, value = OPERATORS[key]
    assert rules_of(tmp_path, operator, key, value) == []
    wrong, other = ("Bool", "true") if operator == "IpAddress" else ("IpAddress", "10.0.0.1")
    assert [rule for rule, _ in rules_of(tmp_path, wrong, key, other)] == ["TYPE_MISMATCH"]


def test_a_key_that_is_not_on_the_page_is_reported(tmp_path: Path) -> None:
    found = rules_of(tmp_path, "ArnLike", "aws:Ec2InstanceSourceArn", "arn:aws:ec2:us-east-1:123456789012:instance/i-1")
    assert [rule for rule, _ in found] == ["INVALID_GLOBAL_CONDITION_KEY"]
