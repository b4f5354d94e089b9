"""
Find the policies of CloudFormation and SAM templates, of Terraform's ``*.tf.json`` files and of its plans.

Values that are known only at deployment become placeholders: an unresolved value is never judged.
Source: AWS CloudFormation User Guide, "Intrinsic function reference"; Terraform documentation, "JSON Configuration Syntax" and
"JSON Output Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.locations import SourceText, escape
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.iam import PolicySyntaxError, PolicyType
from guardedbedrock.iam.language.documents import load_json

ACCOUNT: Final = "123456789012"
_PSEUDO: Final = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
}
_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9_]+(?:::[A-Za-z]+)?(?:\.[A-Za-z0-9.]+)?)\}")
_GUARDRAIL: Final = ("AWS::Bedrock::Guardrail", "AWS::Bedrock::GuardrailVersion")
_UNRESOLVED_IN: Final[Mapping[str, str]] = {
    "Action": f"{UNRESOLVED}:action",
    "NotAction": f"{UNRESOLVED}:action",
    "Resource": f"arn:aws:{UNRESOLVED}:::value",
    "NotResource": f"arn:aws:{UNRESOLVED}:::value",
    "Effect": "Deny",
}

_CLOUDFORMATION: Final[Mapping[str, tuple[tuple[str, PolicyType], ...]]] = {
    "AWS::IAM::ManagedPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::Policy": (("PolicyDocument", "identity"),),
    "AWS::IAM::RolePolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::UserPolicy": (("PolicyDocument", "identity"),),
    "AWS::IAM::GroupPolicy": (("PolicyDocument", "identity"),),
    "AWS::Bedrock::ResourcePolicy": (("PolicyDocument", "resource"),),
    "AWS::EC2::VPCEndpoint": (("PolicyDocument", "endpoint"),),
    "AWS::SSO::PermissionSet": (("InlinePolicy", "identity"),),
}
_HOLDERS: Final = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::Serverless::Function")
_ORGANIZATION_POLICIES: Final[Mapping[str, PolicyType]] = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}

_TERRAFORM: Final[Mapping[str, tuple[str, PolicyType]]] = {
    "aws_iam_policy": ("policy", "identity"),
    "aws_iam_role_policy": ("policy", "identity"),
    "aws_iam_user_policy": ("policy", "identity"),
    "aws_iam_group_policy": ("policy", "identity"),
    "aws_ssoadmin_permission_set_inline_policy": ("inline_policy", "identity"),
    "aws_vpc_endpoint": ("policy", "endpoint"),
    "aws_vpc_endpoint_policy": ("policy", "endpoint"),
    "aws_organizations_policy": ("content", "scp"),
}


# -- CloudFormation -----------------------------------------------------------------------------------------------------


def of_cloudformation(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a template: those of each role, user and group together, every other policy alone."""
    resources = {name: entry for name, entry in _items(source.data.get("Resources")) if isinstance(entry, Mapping)}
    values = _Values(source.data, resources)
    cross = any(
        entry.get("Type") == _GUARDRAIL[0] and "CrossRegionConfig" in _mapping(entry.get("Properties"))
        for entry in resources.values()
    )
    found: dict[str, list[LintedPolicy]] = {}
    attached: dict[str, list[str]] = {}
    for name, entry in resources.items():
        found[name] = list(_of_resource(source, name, entry, values, cross))
        properties = _mapping(entry.get("Properties"))
        for holder in (one for key in ("Roles", "Users", "Groups", "RoleName") for one in _list(properties.get(key))):
            if isinstance(holder, Mapping) and holder.get("Ref") in resources:
                attached.setdefault(str(holder["Ref"]), []).append(name)
        for policy in _list(properties.get("ManagedPolicyArns")):
            if isinstance(policy, Mapping) and policy.get("Ref") in resources:
                attached.setdefault(name, []).append(str(policy["Ref"]))
    placed = {policy for policies in attached.values() for policy in policies}
    for name, policies in found.items():
        together = [*policies, *(one for other in attached.get(name, ()) for one in found[other])]
        boundary = _mapping(_mapping(resources[name].get("Properties")).get("PermissionsBoundary")).get("Ref")
        together += [_as_boundary(one) for one in found.get(str(boundary), ())]
        if together and name not in placed:
            yield Group(tuple(together))


def _as_boundary(policy: LintedPolicy) -> LintedPolicy:
    return LintedPolicy(policy.source, policy.pointer, policy.raw, "boundary", name=policy.name)


def _of_resource(
    source: SourceText,
    name: str,
    entry: Mapping[str, Any],
    values: _Values,
    cross: bool,  # noqa: FBT001  # a fact, not a mode
) -> Iterator[LintedPolicy]:
    kind, properties, base = entry.get("Type"), _mapping(entry.get("Properties")), f"/Resources/{escape(name)}/Properties"

    def policy(document: Any, pointer: str, policy_type: PolicyType) -> LintedPolicy:
        resolved = values.resolve(_loaded(document))
        return LintedPolicy(source, pointer, resolved, policy_type, name=name, takes_cross_region=cross)

    for key, policy_type in _CLOUDFORMATION.get(str(kind), ()):
        if key in properties:
            yield policy(properties[key], f"{base}/{key}", policy_type)
    if kind in _HOLDERS:
        for index, inline in enumerate(_list(properties.get("Policies"))):
            if isinstance(inline, Mapping) and "PolicyDocument" in inline:
                yield policy(inline["PolicyDocument"], f"{base}/Policies/{index}/PolicyDocument", "identity")
            elif isinstance(inline, Mapping) and "Statement" in inline:  # SAM
                document = {"Version": "2012-10-17", **inline}
                yield policy(document, f"{base}/Policies/{index}", "identity")
    if kind == "AWS::Organizations::Policy" and properties.get("Type") in _ORGANIZATION_POLICIES:
        yield policy(properties.get("Content"), f"{base}/Content", _ORGANIZATION_POLICIES[properties["Type"]])


class _Values:
    """Resolves the intrinsic functions of a template."""

    def __init__(self, template: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]) -> None:
        self._resources = resources
        self._defaults = {
            name: str(entry["Default"])
            for name, entry in _items(template.get("Parameters"))
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
        return type(value)(resolved) if type(value) is dict else _keep_repeated(value, resolved)

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
            parts = [self.resolve(one) for one in _list(argument[1])]
            text = str(argument[0]).join(map(str, parts))
        else:
            text = UNRESOLVED
        return _UNRESOLVED_IN.get(element, text) if UNRESOLVED in text else text

    def _substituted(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        known = {name: str(self.resolve(one)) for name, one in _items(given)}
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
            return f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{_identifier(logical)}"
        if attribute == "GuardrailId":
            return _identifier(logical)
        return UNRESOLVED


def _identifier(name: str) -> str:
    return f"{re.sub('[^a-z0-9]', '', name.lower())}000000000000"[:12]


def _keep_repeated(value: Mapping[str, Any], resolved: dict[str, Any]) -> Mapping[str, Any]:
    """Return the resolved members in the class of the object, so that the parser still sees a repeated key."""
    kept = type(value)()
    kept.update(resolved)  # type: ignore[attr-defined]  # a dict
    kept.repeated = getattr(value, "repeated", None)  # type: ignore[attr-defined]  # see iam.language.documents.Object
    return kept


# -- Terraform ----------------------------------------------------------------------------------------------------------


def of_terraform(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a ``*.tf.json`` file."""
    for kind, attribute, name, entry, pointer in _terraform_resources(source.data):
        policy_type = _terraform_type(kind, entry)
        document = entry.get(attribute) if isinstance(entry, Mapping) else None
        if policy_type is not None and isinstance(document, str) and "${" not in document[:2]:
            loaded = _loaded(document)
            policy = LintedPolicy(source, f"{pointer}/{attribute}", _interpolated(loaded), policy_type, name=name)
            yield Group((policy,))
    documents = _mapping(_mapping(source.data.get("data")).get("aws_iam_policy_document"))
    for name, entry in documents.items():
        for each, pointer in _blocks(entry, f"/data/aws_iam_policy_document/{escape(name)}"):
            yield _of_data_source(source, name, each, pointer)


def of_plan(source: SourceText) -> Iterator[Group]:
    """Yield the policies of ``terraform show -json``."""
    modules = [(_mapping(_mapping(source.data.get("planned_values")).get("root_module")), "/planned_values/root_module")]
    while modules:
        module, pointer = modules.pop()
        modules += [(_mapping(one), f"{pointer}/child_modules/{i}") for i, one in enumerate(_list(module.get("child_modules")))]
        for index, resource in enumerate(_list(module.get("resources"))):
            values, kind = _mapping(_mapping(resource).get("values")), str(_mapping(resource).get("type"))
            attribute = _TERRAFORM.get(kind, ("",))[0]
            policy_type = _terraform_type(kind, values)
            if policy_type is not None and isinstance(values.get(attribute), str):
                place = f"{pointer}/resources/{index}/values/{attribute}"
                name = str(resource.get("address", resource.get("name", "")))
                yield Group((LintedPolicy(source, place, _loaded(values[attribute]), policy_type, name=name),))


def _terraform_type(kind: str, entry: Any) -> PolicyType | None:
    if kind == "aws_organizations_policy":
        return _ORGANIZATION_POLICIES.get(str(_mapping(entry).get("type", "SERVICE_CONTROL_POLICY")))
    return _TERRAFORM[kind][1] if kind in _TERRAFORM else None


def _terraform_resources(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Any, str]]:
    for kind, entries in _items(data.get("resource")):
        if kind in _TERRAFORM:
            for name, entry in _items(entries):
                for each, pointer in _blocks(entry, f"/resource/{escape(kind)}/{escape(name)}"):
                    yield kind, _TERRAFORM[kind][0], name, each, pointer


def _of_data_source(source: SourceText, name: str, entry: Mapping[str, Any], pointer: str) -> Group:
    """Convert a data source ``aws_iam_policy_document``, whose statements are blocks."""
    statements, moved = [], {}
    for index, (block, place) in enumerate(_blocks(entry.get("statement"), f"{pointer}/statement")):
        statement: dict[str, Any] = {"Effect": block.get("effect", "Allow")}
        for key, element in (("sid", "Sid"), *_TERRAFORM_ELEMENTS):
            if key in block:
                statement[element] = _interpolated(block[key], element)
                moved[f"/Statement/{index}/{element}"] = f"{place}/{key}"
        for condition, _ in _blocks(block.get("condition"), ""):
            lines = statement.setdefault("Condition", {}).setdefault(str(condition.get("test")), {})
            lines[str(condition.get("variable"))] = _interpolated(condition.get("values", []))
        for principals, _ in _blocks(block.get("principals"), ""):
            statement.setdefault("Principal", {})[str(principals.get("type"))] = _interpolated(principals.get("identifiers", []))
        moved[f"/Statement/{index}/Condition"] = f"{place}/condition"
        moved[f"/Statement/{index}"] = place
        statements.append(statement)
    kind: PolicyType = "resource" if any("Principal" in one for one in statements) else "identity"
    document = {"Version": "2012-10-17", "Statement": statements}
    return Group((LintedPolicy(source, pointer, document, kind, name=name, moved=moved),))


_TERRAFORM_ELEMENTS: Final = (
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
)
_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")


def _interpolated(value: Any, element: str = "") -> Any:
    """Replace Terraform references: a guardrail's ARN by the ARN of a sample guardrail, every other one by a placeholder."""
    if isinstance(value, list):
        return [_interpolated(one, element) for one in value]
    if isinstance(value, Mapping):
        return (
            _keep_repeated(value, {key: _interpolated(one, key) for key, one in value.items()})
            if type(value) is not dict
            else {key: _interpolated(one, key) for key, one in value.items()}
        )
    if not isinstance(value, str):
        return value
    text = _REFERENCE.sub(_reference, value.replace("$${", "\0"))
    return (_UNRESOLVED_IN.get(element, text) if UNRESOLVED in text else text).replace("\0", "${")


def _reference(found: re.Match[str]) -> str:
    parts = found[1].strip().split(".")
    kind, attribute = parts[0], parts[-1]
    if kind == "aws_bedrock_guardrail" and attribute in ("guardrail_arn", "arn"):
        return f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{_identifier(parts[1])}"
    if kind in ("aws_bedrock_guardrail_version", "aws_bedrock_guardrail") and attribute == "version":
        return "1"
    return UNRESOLVED


# -- both ---------------------------------------------------------------------------------------------------------------


def _loaded(document: Any) -> Any:
    """Load a policy that is given as JSON text."""
    if not isinstance(document, str):
        return document
    try:
        return load_json(document)
    except PolicySyntaxError:
        return document


def _blocks(entry: Any, pointer: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the blocks of an attribute: Terraform's JSON has an object for one and an array for several."""
    if isinstance(entry, list):
        yield from ((_mapping(one), f"{pointer}/{index}") for index, one in enumerate(entry))
    elif isinstance(entry, Mapping):
        yield entry, pointer


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(_mapping(value).items())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
