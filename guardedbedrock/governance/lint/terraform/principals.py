"""
Group the policies of Terraform resources by principal; `tf_json` and `plan` read the resources.

A value that Terraform knows only after apply becomes a placeholder, which the rules ignore. A policy whose text is not known
is kept as unread, and rule GB104 reports it.
Source: documentation of the provider hashicorp/aws, "aws_iam_policy_document", "aws_iam_role_policy_attachment".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.governance.lint.locations import SourceText
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import (
    ORGANIZATION_POLICIES,
    grants_no_bedrock,
    items_of,
    list_of,
    mapping_of,
)
from guardedbedrock.governance.lint.terraform.documents import TerraformDocument, blocks
from guardedbedrock.iam import PolicyType

_POLICIES: Final[Mapping[str, tuple[str, PolicyType]]] = {
    "aws_bedrock_resource_policy": ("policy", "resource"),
    "aws_iam_group_policy": ("policy", "identity"),
    "aws_iam_policy": ("policy", "identity"),
    "aws_iam_role_policy": ("policy", "identity"),
    "aws_iam_user_policy": ("policy", "identity"),
    "aws_organizations_policy": ("content", "scp"),
    "aws_ssoadmin_permission_set_inline_policy": ("inline_policy", "identity"),
    "aws_vpc_endpoint": ("policy", "endpoint"),
    "aws_vpc_endpoint_policy": ("policy", "endpoint"),
}
"""Type of a resource to the attribute that holds its policy."""
_PRINCIPALS: Final = ("aws_iam_role", "aws_iam_user", "aws_iam_group")
_HOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "aws_iam_group_policy": ("group",),
    "aws_iam_group_policy_attachment": ("group",),
    "aws_iam_policy_attachment": ("roles", "users", "groups"),
    "aws_iam_role_policy": ("role",),
    "aws_iam_role_policy_attachment": ("role",),
    "aws_iam_role_policy_attachments_exclusive": ("role_name",),
    "aws_iam_user_policy": ("user",),
    "aws_iam_user_policy_attachment": ("user",),
}
"""Type of a resource to the attributes that name the principals of its policy."""
_ATTACHED: Final[Mapping[str, str]] = {
    "aws_iam_group_policy_attachment": "policy_arn",
    "aws_iam_policy_attachment": "policy_arn",
    "aws_iam_role": "managed_policy_arns",
    "aws_iam_role_policy_attachment": "policy_arn",
    "aws_iam_role_policy_attachments_exclusive": "policy_arns",
    "aws_iam_user_policy_attachment": "policy_arn",
    "aws_ssoadmin_managed_policy_attachment": "managed_policy_arn",
}
"""Type of a resource to the attribute that names managed policies."""
_MEMBERSHIPS: Final[Mapping[str, tuple[str, str]]] = {
    "aws_iam_group_membership": ("users", "group"),
    "aws_iam_user_group_membership": ("user", "groups"),
}
"""Type of a resource to the attributes that name users and IAM groups."""
ADDRESS: Final = re.compile(r"\b((?:data\.)?aws_\w+\.[\w-]+)")
_INSTANCE: Final = re.compile(r"(.*?)(data\.)?(\w+\.[\w-]+)(\[[^\]]*\])?")
_GRANTS_BEDROCK: Final = re.compile(r'"bedrock:', re.IGNORECASE)
LATER: Final = "its text is known only after apply"
EXPRESSION: Final = "its text is an expression that only Terraform evaluates"
_ELSEWHERE: Final = "this file only names it"
_GROUP: Final = "the file does not hold the policies of this IAM group"


@dataclass(frozen=True, slots=True)
class TerraformResource:
    """
    A resource of a file.

    Args:
        kind: Its type.
        name: Its address, such as ``module.app.aws_iam_role.app[0]``.
        values: Its attributes.
        pointer: Pointer to `values`.
        unknown: Attributes whose value is known only after apply.
        references: Attribute to the addresses that its expression names, in the module of the resource.
    """

    kind: str
    name: str
    values: Mapping[str, Any]
    pointer: str
    unknown: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def named_by(self, other: TerraformResource, attribute: str) -> bool:
        """Return whether an attribute of a resource of the same module instance names this resource."""
        module, _, name, _ = _parts(self.name)
        return module == _parts(other.name)[0] and name in other.references.get(attribute, ())

    def has_key_of(self, other: TerraformResource) -> bool:
        """Return whether both resources have the same key of ``count`` or ``for_each``."""
        return _parts(self.name)[3] == _parts(other.name)[3]


def _parts(name: str) -> tuple[str, str, str, str]:
    """Return module instance, mode, address in the module and key of an address such as ``module.a["x"].aws_iam_role.b[0]``."""
    found = _INSTANCE.fullmatch(name)
    return (found[1], found[2] or "", f"{found[2] or ''}{found[3]}", found[4] or "") if found else ("", "", name, "")


# -- groups -------------------------------------------------------------------------------------------------------------


def groups_of(source: SourceText, resources: Sequence[TerraformResource], text_of: Any) -> Iterator[Group]:
    """
    Yield the policies of each principal together, and every other policy alone.

    Args:
        source: The file.
        resources: Its resources.
        text_of: Returns the `TerraformDocument` of a resource's attribute, from its value, pointer and name.
    """
    cross = any(one.kind == "aws_bedrock_guardrail" and one.values.get("cross_region_config") for one in resources)
    found = {one.name: list(_of_resource(source, one, text_of, cross=cross)) for one in resources}
    attached: dict[str, list[str]] = {}
    for resource in resources:
        elsewhere = [
            LintedPolicy(source, pointer, None, "identity", name=name, unread=_ELSEWHERE)
            for name, pointer in _not_found(resource, _ATTACHED.get(resource.kind, ""), resources, ("aws_iam_policy",))
        ]
        found[resource.name] += [policy for policy in elsewhere if not grants_no_bedrock(policy.name)]
        holders = [one for key in _HOLDERS.get(resource.kind, ()) for one in _targets(resource, key, resources, _PRINCIPALS)]
        policies = _targets(resource, _ATTACHED.get(resource.kind, ""), resources, ("aws_iam_policy",))
        for holder in [resource] if resource.kind in _PRINCIPALS else holders:
            own = [] if holder is resource else [resource.name]
            attached.setdefault(holder.name, []).extend(name for name in (*(one.name for one in policies), *own) if found[name])
    members = _members(source, resources, found)
    placed = {name for names in attached.values() for name in names}
    for resource in resources:
        holders_of = [resource.name, *members.get(resource.name, ())]
        names = [*holders_of, *(name for holder in holders_of for name in attached.get(holder, ()))]
        together = [one for name in dict.fromkeys(names) for one in found[name]] + _boundary(source, resource, resources, found)
        if together and resource.name not in placed:
            yield Group(tuple(together))


def _members(
    source: SourceText, resources: Sequence[TerraformResource], found: dict[str, list[LintedPolicy]]
) -> dict[str, list[str]]:
    """Return the IAM groups of each user. A group that the file does not hold becomes an unread policy of the membership."""
    members: dict[str, list[str]] = {}
    for resource in resources:
        user_key, group_key = _MEMBERSHIPS.get(resource.kind, ("", ""))
        for name, pointer in _not_found(resource, group_key, resources, ("aws_iam_group",)):
            found[resource.name].append(LintedPolicy(source, pointer, None, "identity", name=name, unread=_GROUP))
        groups = [one.name for one in _targets(resource, group_key, resources, ("aws_iam_group",))]
        for user in _targets(resource, user_key, resources, ("aws_iam_user",)):
            members.setdefault(user.name, []).extend([*groups, resource.name])
    return members


def _boundary(
    source: SourceText,
    resource: TerraformResource,
    resources: Sequence[TerraformResource],
    found: Mapping[str, list[LintedPolicy]],
) -> list[LintedPolicy]:
    """Return the permissions boundary of a principal."""
    boundaries = _targets(resource, "permissions_boundary", resources, ("aws_iam_policy",))
    policies = [one.as_type("boundary") for boundary in boundaries for one in found[boundary.name]]
    if resource.kind in _PRINCIPALS:
        policies += [
            LintedPolicy(source, pointer, None, "boundary", name=name, unread=_ELSEWHERE)
            for name, pointer in _not_found(resource, "permissions_boundary", resources, ("aws_iam_policy",))
        ]
    return policies


def _of_resource(source: SourceText, resource: TerraformResource, text_of: Any, *, cross: bool) -> Iterator[LintedPolicy]:
    if resource.kind == "aws_iam_role":
        yield from _inline(source, resource, text_of, cross=cross)
    elif resource.kind in _POLICIES:
        attribute, policy_type = _POLICIES[resource.kind]
        given = resource.values.get("type") or "SERVICE_CONTROL_POLICY"
        if resource.kind == "aws_organizations_policy" and given not in ORGANIZATION_POLICIES:
            return
        policy_type = ORGANIZATION_POLICIES[given] if resource.kind == "aws_organizations_policy" else policy_type
        if resource.values.get(attribute) or resource.unknown.get(attribute):
            text = text_of(resource, resource.values.get(attribute), f"{resource.pointer}/{attribute}", attribute)
            yield linted(source, text, policy_type, resource.name, cross=cross)
    elif any(map(_holds_policy, resource.values.values())):
        reason = f"policies of `{resource.kind}` are not read"
        yield LintedPolicy(source, resource.pointer, None, "identity", name=resource.name, unread=reason)


def _inline(source: SourceText, role: TerraformResource, text_of: Any, *, cross: bool) -> Iterator[LintedPolicy]:
    """Yield the inline policies of a role."""
    for block, pointer in blocks(role.values.get("inline_policy"), f"{role.pointer}/inline_policy"):
        if block.get("policy") or block.get("name"):
            text = text_of(role, block.get("policy"), f"{pointer}/policy", "inline_policy")
            yield linted(source, text, "identity", role.name, cross=cross)
    if role.unknown.get("inline_policy") is True:
        yield LintedPolicy(source, role.pointer, None, "identity", name=role.name, unread=LATER)


def _holds_policy(value: Any) -> bool:
    """Return whether a value holds the text of a policy with actions of Bedrock."""
    if isinstance(value, str):
        return "Statement" in value and _GRANTS_BEDROCK.search(value.replace("\\", "")) is not None
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(_holds_policy, children))


def linted(
    source: SourceText, text: TerraformDocument, policy_type: PolicyType, name: str, *, cross: bool = False
) -> LintedPolicy:
    """Return the policy of a document. It is unread if only Terraform can evaluate an operator or a key of its conditions."""
    unread = text.unread
    if not unread and UNRESOLVED in " ".join(_operators(text.document)):
        unread = EXPRESSION
    return LintedPolicy(
        source,
        text.pointer,
        None if unread else text.document,
        policy_type,
        name=name,
        moved=text.moved,
        cross_region=("*",) if cross else (),
        unread=unread,
    )


def _operators(document: Any) -> Iterator[str]:
    """Yield the operators and the keys of all conditions."""
    for statement in list_of(mapping_of(document).get("Statement")):
        for operator, lines in items_of(mapping_of(statement).get("Condition")):
            yield operator
            yield from (str(key) for key in mapping_of(lines))


def _targets(
    resource: TerraformResource, attribute: str, resources: Sequence[TerraformResource], kinds: Sequence[str]
) -> list[TerraformResource]:
    """Return the resources that an attribute names: by name or ARN if it is known, else by reference."""
    candidates = [one for one in resources if one.kind in kinds]
    given = [one for one in list_of(resource.values.get(attribute)) if isinstance(one, str) and "${" not in one]
    literal = [one for one in candidates if any(one.values.get(key) in given for key in ("name", "arn"))]
    if literal:
        return literal
    return with_same_key(resource, [one for one in candidates if one.named_by(resource, attribute)])


def _not_found(
    resource: TerraformResource, attribute: str, resources: Sequence[TerraformResource], kinds: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield each name in an attribute that matches no resource of the file, with its pointer."""
    candidates = [one for one in resources if one.kind in kinds]
    value, pointer = resource.values.get(attribute), f"{resource.pointer}/{attribute}"
    for index, one in enumerate(list_of(value)):
        location = f"{pointer}/{index}" if isinstance(value, list) else pointer
        if isinstance(one, str) and "${" not in one:
            if one and not any(one in (each.values.get("name"), each.values.get("arn")) for each in candidates):
                yield one, location
        elif isinstance(one, str) and not any(each.name in ADDRESS.findall(one) for each in candidates):
            yield one.replace("${", "").replace("}", "").strip(), location
    if resource.unknown.get(attribute) and not _targets(resource, attribute, resources, kinds):
        yield f"{resource.name}.{attribute}", resource.pointer


def with_same_key(resource: TerraformResource, found: list[TerraformResource]) -> list[TerraformResource]:
    """Return the instances with the key of a resource; all instances if none has it."""
    return [one for one in found if one.has_key_of(resource)] or found
