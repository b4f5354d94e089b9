"""The output of a generator, and its forms: JSON, CloudFormation and Terraform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError

ArtifactFormat: TypeAlias = Literal["json", "cloudformation", "terraform"]
FORMS: Final[tuple[ArtifactFormat, ...]] = ("json", "cloudformation", "terraform")
_SUFFIXES: Final[Mapping[ArtifactFormat, str]] = {"json": ".json", "cloudformation": ".template.json", "terraform": ".tf.json"}


@dataclass(frozen=True, slots=True)
class Artifact:
    """
    The output of a generator.

    Args:
        name: Name of the generator; files are named after it.
        document: The content in plain JSON, such as a policy; None without a document.
        resources: CloudFormation resources by logical ID; empty if there is no template.
        terraform: Blocks of a ``*.tf.json`` file.
        parameters: CloudFormation parameters.
        conditions: CloudFormation conditions.
        outputs: CloudFormation outputs.
        files: Further files with their content, by path.
        is_compact: Whether the document is written without white space, because AWS counts it.
    """

    name: str
    document: Any = None
    resources: Mapping[str, Any] = field(default_factory=dict)
    terraform: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    is_compact: bool = False

    def render(self, form: ArtifactFormat) -> str:
        """
        Return the text of a form.

        Raises:
            ConfigurationError: There is no such form.
        """
        if form == "json" and self.document is not None:
            return f"{_compact(self.document)}\n" if self.is_compact else _text(self.document)
        if form == "cloudformation" and self.resources:
            parts = {
                "Parameters": self.parameters,
                "Conditions": self.conditions,
                "Resources": self.resources,
                "Outputs": self.outputs,
            }
            template = {"AWSTemplateFormatVersion": "2010-09-09", "Description": f"guardedbedrock generate {self.name}"}
            return _text({**template, **{key: value for key, value in parts.items() if value}})
        if form == "terraform" and self.terraform:
            return _text(self.terraform)
        known = [one for one in FORMS if self._has(one)]
        if not known and len(self.files) == 1:  # a single file, which has only one form
            return next(iter(self.files.values())).decode()
        forms = f"{self.name} has no form {form}; write --format {' or '.join(known)}"
        raise ConfigurationError(forms if known else self._only_files())

    def file_name(self, form: ArtifactFormat) -> str:
        """Return the name of the file of a form."""
        return f"{self.name}{_SUFFIXES[form]}"

    def _has(self, form: ArtifactFormat) -> bool:
        return bool({"json": self.document is not None, "cloudformation": self.resources, "terraform": self.terraform}[form])

    def _only_files(self) -> str:
        return f"{self.name} writes the files {', '.join(self.files)}; name a folder with -o DIR"


def managed_policy(name: str, document: Mapping[str, Any], description: str, *, has_fixed_name: bool = False) -> Artifact:
    """
    Return an artifact for a managed IAM policy.

    Args:
        name: Name of the generator.
        document: The policy.
        description: Its description.
        has_fixed_name: Whether the policy must have the name ``bedrock-NAME``, because a statement names it. CloudFormation
            chooses a name otherwise.
    """
    title = "".join(part.capitalize() for part in name.split("-"))
    named = {"ManagedPolicyName": f"bedrock-{name}"} if has_fixed_name else {}
    properties = {**named, "Description": description, "PolicyDocument": document}
    label = name.replace("-", "_")
    terraform = {"name": f"bedrock-{name}", "description": description, "policy": json.dumps(_escaped(document))}
    return Artifact(
        name,
        document,
        {title: {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}},
        {"resource": {"aws_iam_policy": {label: terraform}}},
        outputs={f"{title}Arn": {"Value": {"Ref": title}}},
    )


def organization_policy(name: str, document: Mapping[str, Any], kind: str, description: str) -> Artifact:
    """Return an artifact for a policy of AWS Organizations."""
    title = "".join(part.capitalize() for part in name.split("-"))
    properties = {"Name": f"bedrock-{name}", "Description": description, "Type": kind, "Content": document}
    label = name.replace("-", "_")
    terraform = {"name": f"bedrock-{name}", "description": description, "type": kind, "content": _compact(_escaped(document))}
    return Artifact(
        name,
        document,
        {title: {"Type": "AWS::Organizations::Policy", "Properties": properties}},
        {"resource": {"aws_organizations_policy": {label: terraform}}},
        is_compact=True,
    )


def _escaped(value: Any) -> Any:
    """Escape policy variables: Terraform would evaluate ``${aws:...}`` as an expression."""
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _compact(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))


def _text(data: Any) -> str:
    return json.dumps(data, indent=2, allow_nan=False) + "\n"
