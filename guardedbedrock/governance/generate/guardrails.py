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
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.iam import parse
from guardedbedrock.iam.account.documents import read_document

_REQUIRED: Final = ("name", "blocked_input_messaging", "blocked_outputs_messaging")
_PROPERTIES: Final = (
    *_REQUIRED,
    "automated_reasoning_policy_config",
    "content_policy_config",
    "contextual_grounding_policy_config",
    "cross_region_config",
    "description",
    "kms_key_arn",
    "sensitive_information_policy_config",
    "tags",
    "topic_policy_config",
    "word_policy_config",
)
_OWN: Final = ("resource_policy",)
_TERRAFORM_NAMES: Final = {
    "content_filters_tier_config": "tier_config",
    "guardrail_profile_arn": "guardrail_profile_identifier",
    "topics_tier_config": "tier_config",
}
"""Nested key of CloudFormation, in snake case, to the name in Terraform's provider."""
_NAME: Final = re.compile(r"[0-9a-zA-Z-_]{1,50}")
_DIGEST: Final = 8


def guardrail(inputs: Inputs) -> Artifact:
    """Return the guardrails of ``[[guardrail_definitions]]``, each with a version and its resource-based policy."""
    if not inputs.definitions:
        raise ConfigurationError("guardrail: the configuration has no [[guardrail_definitions]]; add the guardrails to create")
    resources: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    blocks: dict[str, dict[str, Any]] = {"aws_bedrock_guardrail": {}, "aws_bedrock_guardrail_version": {}}
    documents = []
    for index, definition in enumerate(inputs.definitions):
        _check(definition, index)
        title = _title(str(definition["name"]))
        if title in resources:
            raise ConfigurationError(f"guardrail_definitions[{index}].name: `{definition['name']}` is too much like another name")
        properties = _properties(definition)
        documents.append(properties)
        resources[title] = {"Type": "AWS::Bedrock::Guardrail", "Properties": properties}
        # A version is immutable: only a new logical ID makes CloudFormation publish the changed guardrail.
        version = f"{title}Version{_digest(properties)}"
        resources[version] = {
            "Type": "AWS::Bedrock::GuardrailVersion",
            "Properties": {"GuardrailIdentifier": {"Fn::GetAtt": [title, "GuardrailId"]}},
        }
        label = re.sub(r"[^a-z0-9_]", "_", str(definition["name"]).lower())
        arn = f"${{aws_bedrock_guardrail.{label}.guardrail_arn}}"
        if "resource_policy" in definition:
            document = read_document(str(definition["resource_policy"]), name=f"{title}: resource_policy")
            resources[f"{title}Policy"] = _resource_policy({"Fn::GetAtt": [title, "GuardrailArn"]}, document)
            blocks.setdefault("aws_cloudformation_stack", {})[label] = _policy_stack(label, arn, document)
        outputs[f"{title}Arn"] = {"Value": {"Fn::GetAtt": [title, "GuardrailArn"]}}
        outputs[f"{title}PublishedVersion"] = {"Value": {"Fn::GetAtt": [version, "Version"]}}
        blocks["aws_bedrock_guardrail"][label] = {key: _terraform(value) for key, value in definition.items() if key not in _OWN}
        blocks["aws_bedrock_guardrail_version"][label] = {"guardrail_arn": arn, "skip_destroy": True}
    return Artifact("guardrail", documents, resources, {"resource": blocks}, outputs=outputs)


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
    """Return an attribute with the names of Terraform's provider, which differ from CloudFormation's in a few places."""
    if isinstance(value, Mapping):
        return {_TERRAFORM_NAMES.get(key, key): _terraform(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_terraform(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _check(definition: Mapping[str, Any], index: int) -> None:
    place = f"guardrail_definitions[{index}]"
    for key in _REQUIRED:
        if not isinstance(definition.get(key), str):
            raise ConfigurationError(f"{place}.{key}: missing; set it to a text")
    for key in definition:
        if key not in (*_PROPERTIES, *_OWN):
            raise ConfigurationError(f"{place}.{key}: unknown key; the keys are {', '.join(sorted((*_PROPERTIES, *_OWN)))}")
    if not _NAME.fullmatch(str(definition["name"])):
        raise ConfigurationError(f"{place}.name: up to 50 letters, digits, hyphens and underscores")
    tags = definition.get("tags", {})
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise ConfigurationError(f'{place}.tags: must be a table of texts, as in {{ Team = "hr" }}')
    if "resource_policy" in definition:
        document = read_document(str(definition["resource_policy"]), name=f"{place}.resource_policy")
        parse(document, "resource", name=f"{place}.resource_policy")


def _properties(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return CloudFormation's properties; nested keys are in snake case, tags are a table."""
    made = {_camel(key): _converted(value) for key, value in definition.items() if key not in (*_OWN, "tags")}
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


def _digest(properties: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def enforcement(inputs: Inputs) -> Artifact:
    """Return the enforcement of the first approved guardrail of each region, for an account and for an organization."""
    # AWS takes whole model IDs here, so patterns are left out and their models stay under enforcement.
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
