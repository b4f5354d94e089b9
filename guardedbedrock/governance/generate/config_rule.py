"""
Generate the AWS Config rule: the code of its Lambda function and the template.

Source: AWS CloudFormation Template Reference, "AWS::Config::ConfigRule"; AWS Config Developer Guide, "Components of an AWS Config
Rule".
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.artifact import Artifact
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.governance.generate.policies import READS_OF_PERMISSIONS

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
_ROOT_MODULES: Final = ("__init__.py", "_nearest.py", "_root.py", "authorization.py", "errors.py")
_EPOCH: Final = (2020, 1, 1, 0, 0, 0)
_LONGEST: Final = 1024
"""Characters of the JSON text of a rule's input parameters."""


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
    parameters = {
        "RequiredTags": inputs.tag_key,
        "AllowedTagValues": "",
        "ApprovedGuardrails": ",".join(guardrail.key for guardrail in inputs.guardrails),
        "MinimumStrength": "HIGH",
        "Scope": "guardrails,roles,users,scps",
        "UnusedDays": "90",
    }
    if len(json.dumps(parameters)) > _LONGEST:
        problem = f"the approved guardrails do not fit into the {_LONGEST} characters of a rule's parameters"
        raise ConfigurationError(f"config-rule: {problem}; approve fewer guardrails in one configuration")
    given = {name: {"Ref": name} for name in parameters if name != "AllowedTagValues"}
    has_values = {"Fn::If": ["HasTagValues", {"Ref": "AllowedTagValues"}, {"Ref": "AWS::NoValue"}]}
    return Artifact(
        "config-rule",
        {"parameters": parameters, "handler": HANDLER},
        _resources({**given, "AllowedTagValues": has_values}),
        _blocks(parameters),
        parameters={
            "CodeBucket": {"Type": "String", "Description": f"Bucket that holds {ZIP}."},
            "CodeKey": {"Type": "String", "Default": ZIP, "Description": "Key of the object."},
            **{name: {"Type": "String", "Default": value} for name, value in parameters.items()},
        },
        conditions={"HasTagValues": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AllowedTagValues"}, ""]}]}},
        files={ZIP: code()},
    )


_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_READ: Final = (
    "bedrock:GetGuardrail",
    "bedrock:ListGuardrails",
    "bedrock:ListTagsForResource",
    "config:GetComplianceDetailsByConfigRule",
    "config:GetResourceConfigHistory",
    "config:PutEvaluations",
    *READS_OF_PERMISSIONS,
)
_POLICY: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(_READ), "Resource": "*"}]}
_LOGS: Final = "policy/service-role/AWSLambdaBasicExecutionRole"
_RUNTIME: Final = "python3.13"
_TIMEOUT: Final = 300  # s
_MEMORY: Final = 512  # MiB
_CHANGES: Final = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
_SCHEDULED: Final = "ScheduledNotification"
_DAILY: Final = "TwentyFour_Hours"
_GUARDRAIL_TEXT: Final = "Guardrails have the required tags, strong filters and a published version."
_PRINCIPAL_TEXT: Final = "No principal can call a model without an approved guardrail."


def _resources(given: dict[str, Any]) -> dict[str, Any]:
    """Return the CloudFormation resources."""
    details = [{"EventSource": "aws.config", "MessageType": one} for one in _CHANGES]
    schedule = [{"EventSource": "aws.config", "MessageType": _SCHEDULED, "MaximumExecutionFrequency": _DAILY}]
    function = {"Fn::GetAtt": ["RuleFunction", "Arn"]}
    logs = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:{_LOGS}"}

    def rule(description: str, source_details: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": source_details}
        properties = {"Description": description, "InputParameters": given, "Source": source, **more}
        return {"Type": "AWS::Config::ConfigRule", "DependsOn": "RulePermission", "Properties": properties}

    return {
        "RuleRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _TRUST,
                "ManagedPolicyArns": [logs],
                "Policies": [{"PolicyName": "evaluate", "PolicyDocument": _POLICY}],
            },
        },
        "RuleFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": _RUNTIME,
                "Handler": HANDLER,
                "Role": {"Fn::GetAtt": ["RuleRole", "Arn"]},
                "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
                "Timeout": _TIMEOUT,
                "MemorySize": _MEMORY,
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
            _GUARDRAIL_TEXT,
            details,
            Scope={"ComplianceResourceTypes": ["AWS::Bedrock::Guardrail"]},
        ),
        "PrincipalRule": rule(_PRINCIPAL_TEXT, schedule),
    }


def _blocks(parameters: dict[str, str]) -> dict[str, Any]:
    """Return the Terraform blocks. The zip file is beside the ``*.tf.json`` file."""
    pairs = ", ".join(f"{name} = var.{_snake(name)}" for name in parameters)
    given = f'${{jsonencode({{ for name, value in {{ {pairs} }} : name => value if value != "" }})}}'

    def rule(name: str, description: str, details: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "description": description,
            "input_parameters": given,
            "source": {
                "owner": "CUSTOM_LAMBDA",
                "source_identifier": "${aws_lambda_function.rule.arn}",
                "source_detail": details,
            },
            "depends_on": ["aws_lambda_permission.rule"],
            **more,
        }

    function = {
        "function_name": "guardedbedrock-config-rule",
        "runtime": _RUNTIME,
        "handler": HANDLER,
        "role": "${aws_iam_role.rule.arn}",
        "filename": f"${{path.module}}/{ZIP}",
        "source_code_hash": f'${{filebase64sha256("${{path.module}}/{ZIP}")}}',
        "timeout": _TIMEOUT,
        "memory_size": _MEMORY,
    }
    permission = {
        "function_name": "${aws_lambda_function.rule.function_name}",
        "action": "lambda:InvokeFunction",
        "principal": "config.amazonaws.com",
        "source_account": "${data.aws_caller_identity.current.account_id}",
    }
    changes = [{"message_type": one} for one in _CHANGES]
    schedule = [{"message_type": _SCHEDULED, "maximum_execution_frequency": _DAILY}]
    return {
        "variable": {_snake(name): {"type": "string", "default": value} for name, value in parameters.items()},
        "data": {"aws_caller_identity": {"current": {}}, "aws_partition": {"current": {}}},
        "resource": {
            "aws_iam_role": {"rule": {"name": "guardedbedrock-config-rule", "assume_role_policy": json.dumps(_TRUST)}},
            "aws_iam_role_policy": {
                "rule": {"name": "evaluate", "role": "${aws_iam_role.rule.id}", "policy": json.dumps(_POLICY)}
            },
            "aws_iam_role_policy_attachment": {
                "rule": {
                    "role": "${aws_iam_role.rule.name}",
                    "policy_arn": f"arn:${{data.aws_partition.current.partition}}:iam::aws:{_LOGS}",
                }
            },
            "aws_lambda_function": {"rule": function},
            "aws_lambda_permission": {"rule": permission},
            "aws_config_config_rule": {
                "guardrails": rule(
                    "bedrock-guardrails",
                    _GUARDRAIL_TEXT,
                    changes,
                    scope={"compliance_resource_types": ["AWS::Bedrock::Guardrail"]},
                ),
                "principals": rule("bedrock-principals", _PRINCIPAL_TEXT, schedule),
            },
        },
    }


def _snake(name: str) -> str:
    """
    Return the name of a Terraform variable.

    >>> _snake("RequiredTags")
    'required_tags'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
