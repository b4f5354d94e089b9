"""
Generate the AWS Config rule: the code of its Lambda function and the template.

Source: AWS CloudFormation Template Reference, "AWS::Config::ConfigRule"; AWS Config Developer Guide, "Components of an AWS Config
Rule".
"""

from __future__ import annotations

import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.artifact import Artifact
from guardedbedrock.governance.generate.inputs import Inputs

ZIP: Final = "config-rule.zip"
HANDLER: Final = "guardedbedrock.governance.config_rule.handler"
PACKAGES: Final = (
    "bedrock",
    "governance/config_rule",
    "governance/lint",
    "governance/proof",
    "iam",
    "settings/reader.py",
)
"""The imports of the function: packages and modules, relative to the package."""
_ROOT_MODULES: Final = ("__init__.py", "_root.py", "authorization.py", "errors.py")
_EPOCH: Final = (2020, 1, 1, 0, 0, 0)
_LONGEST: Final = 2048


def code() -> bytes:
    """Return the zip file of the function: the same bytes for the same version of the package."""
    package = resources.files("guardedbedrock")
    names = dict.fromkeys(_ROOT_MODULES)
    for entry in PACKAGES:
        parts = entry.split("/")
        names |= {f"{'/'.join(parts[:depth])}/__init__.py": None for depth in range(1, len(parts))}
        names |= dict.fromkeys(_files(package.joinpath(*parts), entry))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names):
            file = package.joinpath(*name.split("/"))
            if file.is_file():
                info = zipfile.ZipInfo(f"guardedbedrock/{name}", _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                archive.writestr(info, file.read_bytes())
    return buffer.getvalue()


def _files(entry: Traversable, name: str) -> list[str]:
    if entry.is_file():
        return [name] if name.endswith((".py", ".json")) else []
    return [file for child in entry.iterdir() if child.name != "__pycache__" for file in _files(child, f"{name}/{child.name}")]


def config_rule(inputs: Inputs) -> Artifact:
    """Return the template and the code of the rule."""
    approved = ",".join(guardrail.key for guardrail in inputs.guardrails)
    if len(approved) > _LONGEST:
        raise ConfigurationError("config-rule: the list of approved guardrails is too long for a rule parameter; approve fewer")
    parameters = {
        "RequiredTags": inputs.tag_key,
        "AllowedTagValues": "",
        "ApprovedGuardrails": approved,
        "MinimumStrength": "HIGH",
        "Scope": "guardrails,roles,users,scps",
    }
    given = {name: {"Ref": name} for name in parameters if name != "AllowedTagValues"}
    has_values = {"Fn::If": ["HasTagValues", {"Ref": "AllowedTagValues"}, {"Ref": "AWS::NoValue"}]}
    return Artifact(
        "config-rule",
        {"parameters": parameters, "handler": HANDLER},
        _resources({**given, "AllowedTagValues": has_values}),
        parameters={
            "CodeBucket": {"Type": "String", "Description": f"Bucket that holds {ZIP}."},
            "CodeKey": {"Type": "String", "Default": ZIP, "Description": "Key of the object."},
            **{name: {"Type": "String", "Default": value} for name, value in parameters.items()},
        },
        conditions={"HasTagValues": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AllowedTagValues"}, ""]}]}},
        files={ZIP: code()},
    )


def _resources(given: dict[str, Any]) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    read = [
        "bedrock:GetGuardrail",
        "bedrock:ListGuardrails",
        "bedrock:ListTagsForResource",
        "config:GetResourceConfigHistory",
        "config:PutEvaluations",
        "iam:GenerateServiceLastAccessedDetails",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetServiceLastAccessedDetails",
        "organizations:DescribeOrganization",
        "organizations:DescribePolicy",
        "organizations:ListParents",
        "organizations:ListPoliciesForTarget",
    ]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": read, "Resource": "*"}]}
    details = [
        {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"},
        {"EventSource": "aws.config", "MessageType": "OversizedConfigurationItemChangeNotification"},
    ]
    schedule = [
        {"EventSource": "aws.config", "MessageType": "ScheduledNotification", "MaximumExecutionFrequency": "TwentyFour_Hours"}
    ]
    function = {"Fn::GetAtt": ["RuleFunction", "Arn"]}
    logs = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}

    def rule(description: str, source_details: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": source_details}
        properties = {"Description": description, "InputParameters": given, "Source": source, **more}
        return {"Type": "AWS::Config::ConfigRule", "DependsOn": "RulePermission", "Properties": properties}

    return {
        "RuleRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": trust,
                "ManagedPolicyArns": [logs],
                "Policies": [{"PolicyName": "evaluate", "PolicyDocument": policy}],
            },
        },
        "RuleFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": HANDLER,
                "Role": {"Fn::GetAtt": ["RuleRole", "Arn"]},
                "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
                "Timeout": 300,
                "MemorySize": 512,
            },
        },
        "RulePermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": function,
                "Action": "lambda:InvokeFunction",
                "Principal": "config.amazonaws.com",
                "SourceAccount": {"Ref": "AWS::AccountId"},
            },
        },
        "GuardrailRule": rule(
            "Guardrails have the required tags, strong filters and a published version.",
            details,
            Scope={"ComplianceResourceTypes": ["AWS::Bedrock::Guardrail"]},
        ),
        "PrincipalRule": rule("No principal can call a model without an approved guardrail.", schedule),
    }
