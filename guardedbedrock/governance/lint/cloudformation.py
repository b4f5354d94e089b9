"""
Find the policies of CloudFormation and SAM templates.

Values that are known only at deployment become placeholders: an unresolved value is never judged.
Source: AWS CloudFormation User Guide, "Intrinsic function reference".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.locations import SourceText, escape
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import (
    ACCOUNT,
    ORGANIZATION_POLICIES,
    items_of,
    keep_repeated,
    list_of,
    loaded,
    mapping_of,
    placeholder,
    sample_guardrail,
    sample_identifier,
)
from guardedbedrock.iam import PolicyType

_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
}
_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9_]+(?:::[A-Za-z]+)?(?:\.[A-Za-z0-9.]+)?)\}")
_GUARDRAIL: Final = ("AWS::Bedrock::Guardrail", "AWS::Bedrock::GuardrailVersion")

_POLICIES: Final[Mapping[str, tuple[tuple[str, PolicyType], ...]]] = {
    "AWS::IAM::ManagedPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::Policy": (("PolicyDocument", "identity"),),
    "AWS::IAM::RolePolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::UserPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::GroupPolicy": (("PolicyDocument", "identity"),),
    "AWS::Bedrock::ResourcePolicy": (("PolicyDocument", "resource"),),
    "AWS::EC2::VPCEndpoint": (("PolicyDocument", "endpoint"),),
    "AWS::SSO::PermissionSet": (("InlinePolicy", "identity"),),
}
_UNREAD: Final = "its text is known only at deployment"
_HOLDERS: Final = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::Serverless::Function")


def of_cloudformation(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a template: those of each role, user and group together, every other policy alone."""
    resources = {name: entry for name, entry in items_of(source.data.get("Resources")) if isinstance(entry, Mapping)}
    values = _Values(source.data, resources)
    cross = any(
        entry.get("Type") == _GUARDRAIL[0] and "CrossRegionConfig" in mapping_of(entry.get("Properties"))
        for entry in resources.values()
    )
    found: dict[str, list[LintedPolicy]] = {}
    attached: dict[str, list[str]] = {}
    for name, entry in resources.items():
        found[name] = list(_of_resource(source, name, entry, values, cross))
        properties = mapping_of(entry.get("Properties"))
        for holder in (one for key in ("Roles", "Users", "Groups", "RoleName") for one in list_of(properties.get(key))):
            if isinstance(holder, Mapping) and holder.get("Ref") in resources:
                attached.setdefault(str(holder["Ref"]), []).append(name)
        for policy in list_of(properties.get("ManagedPolicyArns")):
            if isinstance(policy, Mapping) and policy.get("Ref") in resources:
                attached.setdefault(name, []).append(str(policy["Ref"]))
    placed = {policy for policies in attached.values() for policy in policies}
    for name, policies in found.items():
        together = [*policies, *(one for other in attached.get(name, ()) for one in found[other])]
        boundary = mapping_of(mapping_of(resources[name].get("Properties")).get("PermissionsBoundary")).get("Ref")
        together += [one.as_type("boundary") for one in found.get(str(boundary), ())]
        if together and name not in placed:
            yield Group(tuple(together))


def _of_resource(
    source: SourceText,
    name: str,
    entry: Mapping[str, Any],
    values: _Values,
    cross: bool,  # noqa: FBT001  # a fact, not a mode
) -> Iterator[LintedPolicy]:
    kind, properties, base = entry.get("Type"), mapping_of(entry.get("Properties")), f"/Resources/{escape(name)}/Properties"

    def policy(document: Any, pointer: str, policy_type: PolicyType) -> LintedPolicy:
        resolved = loaded(values.resolve(loaded(document)))
        unread = _UNREAD if isinstance(resolved, str) and UNRESOLVED in resolved else ""
        return LintedPolicy(source, pointer, resolved, policy_type, name=name, takes_cross_region=cross, unread=unread)

    for key, policy_type in _POLICIES.get(str(kind), ()):
        if key in properties:
            yield policy(properties[key], f"{base}/{key}", policy_type)
    if kind in _HOLDERS:
        for index, inline in enumerate(list_of(properties.get("Policies"))):
            if isinstance(inline, Mapping) and "PolicyDocument" in inline:
                yield policy(inline["PolicyDocument"], f"{base}/Policies/{index}/PolicyDocument", "identity")
            elif isinstance(inline, Mapping) and "Statement" in inline:  # SAM
                document = {"Version": "2012-10-17", **inline}
                yield policy(document, f"{base}/Policies/{index}", "identity")
    if kind == "AWS::Organizations::Policy" and properties.get("Type") in ORGANIZATION_POLICIES:
        yield policy(properties.get("Content"), f"{base}/Content", ORGANIZATION_POLICIES[properties["Type"]])


class _Values:
    """Resolves the intrinsic functions of a template."""

    def __init__(self, template: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]) -> None:
        self._resources = resources
        self._defaults = {
            name: str(entry["Default"])
            for name, entry in items_of(template.get("Parameters"))
            if isinstance(entry, Mapping) and isinstance(entry.get("Default"), str | int)
        }

    def resolve(self, value: Any, element: str = "") -> Any:
        """Return a value without intrinsic functions."""
        if isinstance(value, list):
            return [one for item in value for one in self._spread(item, element)]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument, element)
        resolved = {key: self.resolve(one, key) for key, one in value.items()}
        return keep_repeated(value, resolved)

    def _spread(self, item: Any, element: str) -> list[Any]:
        resolved = self.resolve(item, element)
        return resolved if isinstance(resolved, list) else [resolved]

    def _function(self, name: str, argument: Any, element: str) -> Any:
        if name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:  # noqa: PLR2004  # condition, then, else
            return self.resolve(argument[1], element)
        if name == "Ref":
            text = self._named(str(argument))
        elif name == "Fn::GetAtt" and isinstance(argument, list):
            text = self._named(".".join(map(str, argument)))
        elif name == "Fn::Sub":
            text = self._substituted(argument)
        elif name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004  # delimiter, values
            parts = [self.resolve(one) for one in list_of(argument[1])]
            text = str(argument[0]).join(map(str, parts))
        else:
            text = UNRESOLVED
        return placeholder(element, text) if UNRESOLVED in text else text

    def _substituted(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        known = {name: str(self.resolve(one)) for name, one in items_of(given)}
        replaced = _SUBSTITUTED.sub(lambda found: known.get(found[1]) or self._named(found[1]), str(text))
        return replaced.replace("${!", "${")

    def _named(self, name: str) -> str:
        """Return the value of a pseudo parameter, a parameter's default, or the ARN or version of a guardrail of the template."""
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._defaults:
            return self._defaults[name]
        logical, _, attribute = name.partition(".")
        entry = self._resources.get(logical, {})
        kind = entry.get("Type")
        if kind not in _GUARDRAIL:
            return UNRESOLVED
        if attribute == "Version":
            return "1" if kind == _GUARDRAIL[1] else UNRESOLVED
        if attribute in ("", "GuardrailArn") and kind == _GUARDRAIL[0]:
            return sample_guardrail(logical)
        if attribute == "GuardrailId":
            return sample_identifier(logical)
        return UNRESOLVED
