"""
Generate guardrails, their versions and their enforcement.

Source: AWS CloudFormation Template Reference, "AWS::Bedrock::Guardrail", "AWS::Bedrock::EnforcedGuardrailConfiguration"; Bedrock
User Guide, "Apply cross-account safeguards with Amazon Bedrock Guardrails enforcements".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.artifact import Artifact
from guardedbedrock.governance.generate.guardrail_definitions import RESOURCE_POLICY, check_definition
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.iam.account.documents import read_document

_TERRAFORM_NAMES: Final = {
    "content_filters_tier_config": "tier_config",
    "guardrail_profile_arn": "guardrail_profile_identifier",
    "topics_tier_config": "tier_config",
}
"""Nested key of CloudFormation, in snake case, to the name in Terraform's provider."""
_RETAIN: Final = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
_DIGEST: Final = 8


def guardrail(inputs: Inputs) -> Artifact:
    """Return the guardrails of ``[[guardrail_definitions]]``, each with a version and its resource-based policy."""
    if not inputs.definitions:
        raise ConfigurationError("guardrail: the configuration has no [[guardrail_definitions]]; add the guardrails to create")
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    blocks: dict[str, dict[str, Any]] = {"aws_bedrock_guardrail": {}, "aws_bedrock_guardrail_version": {}}
    documents = []
    owners: dict[str, int] = {}
    for index, definition in enumerate(inputs.definitions):
        location = f"guardrail_definitions[{index}]"
        check_definition(definition, location)
        title, properties = _title(definition["name"]), _properties(definition)
        documents.append(properties)
        version = f"{title}Version{_digest(properties)}"
        made = _resources(title, version, definition, properties)
        for logical_id in made:
            if logical_id in owners:
                other = owners[logical_id]
                problem = f"`{definition['name']}` needs the logical ID {logical_id}, and so does"
                named = f"guardrail_definitions[{other}].name `{inputs.definitions[other]['name']}`"
                raise ConfigurationError(f"{location}.name: {problem} {named}; rename one of them")
            owners[logical_id] = index
        resources |= made
        outputs[f"{title}Arn"] = {"Value": {"Fn::GetAtt": [title, "GuardrailArn"]}}
        outputs[f"{title}PublishedVersion"] = {"Value": {"Fn::GetAtt": [version, "Version"]}}
        _add_blocks(blocks, definition)
    return Artifact("guardrail", documents, resources, {"resource": blocks}, outputs=outputs)


def _resources(title: str, version: str, definition: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources of a definition by logical ID."""
    made: dict[str, Any] = {
        title: {"Type": "AWS::Bedrock::Guardrail", "Properties": properties},
        # A version is immutable: only a new logical ID makes CloudFormation publish the changed guardrail. The old version is
        # retained, because clients and policies name it until they are changed.
        version: {
            "Type": "AWS::Bedrock::GuardrailVersion",
            **_RETAIN,
            "Properties": {"GuardrailIdentifier": {"Fn::GetAtt": [title, "GuardrailId"]}},
        },
    }
    if RESOURCE_POLICY in definition:
        made[f"{title}Policy"] = _resource_policy({"Fn::GetAtt": [title, "GuardrailArn"]}, _policy(definition))
    return made


def _add_blocks(blocks: dict[str, dict[str, Any]], definition: Mapping[str, Any]) -> None:
    """Add the Terraform blocks of a definition."""
    label = _label(definition["name"])
    arn = f"${{aws_bedrock_guardrail.{label}.guardrail_arn}}"
    if RESOURCE_POLICY in definition:
        blocks.setdefault("aws_cloudformation_stack", {})[label] = _policy_stack(label, arn, _policy(definition))
    attributes = {key: _terraform(value) for key, value in definition.items() if key != RESOURCE_POLICY}
    blocks["aws_bedrock_guardrail"][label] = attributes
    blocks["aws_bedrock_guardrail_version"][label] = {"guardrail_arn": arn, "skip_destroy": True}


def _policy(definition: Mapping[str, Any]) -> Any:
    return read_document(definition[RESOURCE_POLICY], name=f"{definition['name']}: {RESOURCE_POLICY}")


def _resource_policy(arn: Any, document: Any) -> dict[str, Any]:
    return {"Type": "AWS::Bedrock::ResourcePolicy", "Properties": {"ResourceArn": arn, "PolicyDocument": document}}


def _policy_stack(label: str, arn: str, document: Any) -> dict[str, Any]:
    """Return a Terraform stack for a resource-based policy: no released provider is known to have the resource."""
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"GuardrailArn": {"Type": "String"}},
        "Resources": {"Policy": _resource_policy({"Ref": "GuardrailArn"}, document)},
    }
    return {
        "name": f"guardrail-policy-{label.replace('_', '-')}",
        "parameters": {"GuardrailArn": arn},
        "template_body": json.dumps(template).replace("${", "$${"),
    }


def _terraform(value: Any) -> Any:
    """Return an attribute with the names of Terraform's provider, which differ from CloudFormation's in a few cases."""
    if isinstance(value, Mapping):
        return {_TERRAFORM_NAMES.get(key, key): _terraform(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_terraform(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _properties(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return CloudFormation's properties; nested keys are in snake case, tags are a table."""
    made = {_camel(key): _converted(value) for key, value in definition.items() if key not in (RESOURCE_POLICY, "tags")}
    tags = definition.get("tags")
    return {**made, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else made


def _converted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_camel(key): _converted(one) for key, one in value.items()}
    return [_converted(one) for one in value] if isinstance(value, list) else value


def _camel(key: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in key.split("_"))


def _title(name: str) -> str:
    return "Guardrail" + "".join(part.capitalize() for part in re.split(r"[-_]", name))


def _label(name: str) -> str:
    """
    Return the label of a Terraform resource, which cannot begin with a digit or a hyphen.

    >>> _label("1st-Line")
    '_1st_line'
    """
    label = name.lower().replace("-", "_")
    return f"_{label}" if label[0].isdigit() else label


def _digest(properties: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def enforcement(inputs: Inputs) -> Artifact:
    """Return the enforcement of the first approved guardrail of each region, for an account and for an organization."""
    # AWS accepts only complete model IDs here. Patterns are left out, so the guardrail is enforced on their models.
    excluded = [one for one in inputs.configured_unguarded if not set("*?") & set(one)]
    chosen: dict[str, Guardrail] = {}
    for one in inputs.guardrails:
        chosen.setdefault(one.region, one)
    drafts = [one.arn for one in chosen.values() if one.version == DRAFT]
    if drafts:
        raise ConfigurationError(
            f"enforcement: `{drafts[0]}` is approved as DRAFT, which AWS does not enforce; publish a version"
        )
    regions = {
        region: {
            "config_1": {
                "identifier": {"@@assign": one.key},
                "model_enforcement": {
                    "included_models": {"@@assign": ["ALL"]},
                    "excluded_models": {"@@assign": excluded},
                },
            }
        }
        for region, one in chosen.items()
    }
    document = {"bedrock": {"guardrail_inference": regions}}
    resources: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    for region, one in chosen.items():
        name = _camel(region.replace("-", "_"))
        conditions[f"Is{name}"] = {"Fn::Equals": [{"Ref": "AWS::Region"}, region]}
        resources[f"Enforced{name}"] = {
            "Type": "AWS::Bedrock::EnforcedGuardrailConfiguration",
            "Condition": f"Is{name}",
            "Properties": {
                "GuardrailIdentifier": one.arn,
                "GuardrailVersion": one.version,
                "ModelEnforcement": {"IncludedModels": ["ALL"], "ExcludedModels": excluded},
            },
        }
    organization = {
        "Parameters": {"TargetIds": {"Type": "CommaDelimitedList", "Description": "IDs of the root, units or accounts."}},
        "Resources": {
            "BedrockPolicy": {
                "Type": "AWS::Organizations::Policy",
                "Properties": {
                    "Name": "bedrock-enforcement",
                    "Type": "BEDROCK_POLICY",
                    "Content": document,
                    "TargetIds": {"Ref": "TargetIds"},
                },
            }
        },
    }
    account = {"AWSTemplateFormatVersion": "2010-09-09", "Conditions": conditions, "Resources": resources}
    # No released version of Terraform's AWS provider is known to have the resource, so a stack creates it.
    stack = {"name": "bedrock-enforcement", "template_body": json.dumps(account).replace("${", "$${")}
    return Artifact(
        "enforcement",
        document,
        resources,
        {"resource": {"aws_cloudformation_stack": {"enforcement": stack}}},
        conditions=conditions,
        files={"enforcement.organization.template.json": _json({"AWSTemplateFormatVersion": "2010-09-09", **organization})},
    )


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
