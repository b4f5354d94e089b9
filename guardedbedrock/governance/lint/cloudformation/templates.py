"""
Find the policies of CloudFormation and SAM templates.

A template with conditions is read once for each outcome that its conditions can have. Values that are known only at deployment
become placeholders, which the rules ignore.
Source: AWS CloudFormation User Guide, "Intrinsic function reference"; AWS SAM Developer Guide, "AWS::Serverless::Function".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.cloudformation.conditions import outcomes
from guardedbedrock.governance.lint.cloudformation.intrinsic_functions import GUARDRAIL_TYPES, IntrinsicFunctions
from guardedbedrock.governance.lint.cloudformation.loops import members
from guardedbedrock.governance.lint.locations import SourceText
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedPolicy
from guardedbedrock.governance.lint.template_values import (
    ORGANIZATION_POLICIES,
    grants_no_bedrock,
    list_of,
    loaded,
    mapping_of,
)
from guardedbedrock.iam import PolicyType

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
_ELSEWHERE: Final = "the template only names it"
_TRANSFORM: Final = "Fn::Transform"
_INCLUDED: Final = "it adds resources that are known only at deployment"
_SAM: Final = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
_PRINCIPALS: Final = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_ATTACHED: Final[Mapping[str, str]] = {
    **dict.fromkeys(_PRINCIPALS, "ManagedPolicyArns"),
    "AWS::SSO::PermissionSet": "ManagedPolicies",
    **dict.fromkeys(_SAM, "Policies"),
}
"""Type of a resource to the property that names managed policies."""
_HOLDERS: Final = ("Roles", "Users", "Groups", "RoleName", "UserName", "GroupName")
"""Properties of a policy that name the principals to which it is attached."""
_MEMBERSHIP: Final = "AWS::IAM::UserToGroupAddition"


def of_cloudformation(source: SourceText) -> Iterator[Group]:
    """Yield the policies of a template: those of each role, user and group together, every other policy alone."""
    for outcome in outcomes(source.data):
        yield from _Template(source, outcome).groups()


class _Template:
    """
    A template for one outcome of its conditions.

    Args:
        source: The template.
        outcome: Name of a condition to whether it holds.
    """

    def __init__(self, source: SourceText, outcome: Mapping[str, bool]) -> None:
        self._source = source
        resolve = IntrinsicFunctions(source.data, {}, outcome).resolve
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._locations: dict[str, str] = {}
        for name, entry, location in members(source.data.get("Resources"), "/Resources", resolve):
            if isinstance(entry, Mapping) and outcome.get(str(entry.get("Condition")), True):
                self._resources[name], self._locations[name] = entry, location
        self._values = IntrinsicFunctions(source.data, self._resources, outcome)
        self._cross = any(
            entry.get("Type") == GUARDRAIL_TYPES[0] and "CrossRegionConfig" in mapping_of(entry.get("Properties"))
            for entry in self._resources.values()
        )

    def groups(self) -> Iterator[Group]:
        """Yield the policies by principal."""
        yield from self._included()
        found = {name: list(self._policies(name, entry)) for name, entry in self._resources.items()}
        attached = self._attachments()
        placed = {policy for policies in attached.values() for policy in policies}
        members = self._members()
        for name, own in found.items():
            if name in placed:
                continue
            holders = [name, *members.get(name, ())]
            others = [one for holder in holders[1:] for one in found[holder]]
            others += [one for holder in holders for policy in attached.get(holder, ()) for one in found[policy]]
            together = [*own, *others, *self._boundary(name, found)]
            if together:
                yield Group(tuple(dict.fromkeys(together)))

    def _included(self) -> Iterator[Group]:
        """Yield an unread policy that represents the resources added by a macro or an included file."""
        for section, pointer in ((self._source.data, ""), (mapping_of(self._source.data.get("Resources")), "/Resources")):
            if _TRANSFORM in section:
                location = f"{pointer}/{_TRANSFORM}"
                name = str(mapping_of(section[_TRANSFORM]).get("Name", _TRANSFORM))
                yield Group((LintedPolicy(self._source, location, None, "identity", name=name, unread=_INCLUDED),))

    def _properties(self, name: str) -> Mapping[str, Any]:
        return mapping_of(self._resources[name].get("Properties"))

    def _items(self, name: str, key: str) -> Iterator[tuple[Any, str]]:
        """Yield the elements of a property that is a list or one value, with their pointers."""
        given = self._properties(name).get(key)
        return self._values.elements(given, f"{self._locations[name]}/Properties/{key}")

    def _kind(self, name: str) -> str:
        return str(self._resources[name].get("Type"))

    def _named(self, value: Any) -> str | None:
        """Return the logical ID of the resource of the template that a value names."""
        if isinstance(value, Mapping):
            argument = value.get("Ref") or next(iter(list_of(value.get("Fn::GetAtt"))), None)
            return argument if isinstance(argument, str) and argument in self._resources else None
        own = ("RoleName", "UserName", "GroupName")
        return next(
            (
                name
                for name in self._resources
                if self._kind(name) in _PRINCIPALS and value in [self._properties(name).get(key) for key in own]
            ),
            None,
        )

    def _attachments(self) -> dict[str, list[str]]:
        """Return the policies of the template that are attached to each principal."""
        attached: dict[str, list[str]] = {}
        for name in self._resources:
            kind = self._kind(name)
            if kind in _POLICIES:
                for holder in (self._named(one) for key in _HOLDERS for one, _ in self._items(name, key)):
                    if holder is not None:
                        attached.setdefault(holder, []).append(name)
            for policy in (self._named(one) for one, _ in self._items(name, _ATTACHED.get(kind, ""))):
                if policy is not None and self._kind(policy) in _POLICIES:
                    attached.setdefault(name, []).append(policy)
        return attached

    def _members(self) -> dict[str, list[str]]:
        """Return the IAM groups of each user."""
        members: dict[str, list[str]] = {}
        for name in self._resources:
            kind = self._kind(name)
            if kind == "AWS::IAM::User":
                members.setdefault(name, []).extend(filter(None, (self._named(one) for one, _ in self._items(name, "Groups"))))
            group = self._named(self._properties(name).get("GroupName")) if kind == _MEMBERSHIP else None
            if group is not None:
                for user in filter(None, (self._named(one) for one, _ in self._items(name, "Users"))):
                    members.setdefault(user, []).append(group)
        return members

    def _boundary(self, name: str, found: Mapping[str, list[LintedPolicy]]) -> list[LintedPolicy]:
        """Return the permissions boundary of a principal."""
        if self._kind(name) not in (*_PRINCIPALS, *_SAM):
            return []
        policies: list[LintedPolicy] = []
        for given, pointer in self._items(name, "PermissionsBoundary"):
            named = self._named(given)
            known = [one.as_type("boundary") for one in found[named]] if named else []
            policies += known or [self._unread(given, pointer, "boundary")]
        return policies

    def _policies(self, name: str, entry: Mapping[str, Any]) -> Iterator[LintedPolicy]:
        """Yield the policies that a resource holds or names."""
        kind, properties, base = str(entry.get("Type")), self._properties(name), f"{self._locations[name]}/Properties"
        for key, policy_type in _POLICIES.get(kind, ()):
            if key in properties:
                yield self._policy(properties[key], f"{base}/{key}", policy_type, name)
        organization_type = ORGANIZATION_POLICIES.get(str(properties.get("Type")))
        if kind == "AWS::Organizations::Policy" and organization_type is not None:
            yield self._policy(properties.get("Content"), f"{base}/Content", organization_type, name)
        for inline, pointer in self._items(name, "Policies") if kind in (*_PRINCIPALS, *_SAM) else ():
            if isinstance(inline, Mapping) and "PolicyDocument" in inline:
                yield self._policy(inline["PolicyDocument"], f"{pointer}/PolicyDocument", "identity", name)
            elif isinstance(inline, Mapping) and "Statement" in inline:  # SAM
                yield self._policy({"Version": "2012-10-17", **inline}, pointer, "identity", name)
        yield from self._elsewhere(name, kind)

    def _elsewhere(self, name: str, kind: str) -> Iterator[LintedPolicy]:
        """Yield the managed policies of a resource whose text is not in the template."""
        for one, pointer in self._items(name, _ATTACHED.get(kind, "")):
            is_name = isinstance(one, str) or any(key == "Ref" or key.startswith("Fn::") for key in mapping_of(one))
            if is_name and self._named(one) is None:
                # SAM accepts the name of an AWS managed policy without its ARN.
                is_short = kind in _SAM and isinstance(one, str) and ":" not in one
                policy = self._unread(f"arn:aws:iam::aws:policy/{one}" if is_short else one, pointer, "identity")
                if not grants_no_bedrock(policy.name):
                    yield policy

    def _unread(self, given: Any, pointer: str, policy_type: PolicyType) -> LintedPolicy:
        resolved = self._values.resolve(given)
        text = str(mapping_of(given).get("Ref", resolved)) if UNRESOLVED in str(resolved) else str(resolved)
        return LintedPolicy(self._source, pointer, None, policy_type, name=text, unread=_ELSEWHERE)

    def _policy(self, document: Any, pointer: str, policy_type: PolicyType, name: str) -> LintedPolicy:
        moved: dict[str, str] = {}
        resolved = loaded(self._values.resolve(loaded(document), "", (pointer, "", pointer), moved))
        unread = _UNREAD if isinstance(resolved, str) and UNRESOLVED in resolved else ""
        return LintedPolicy(
            self._source,
            pointer,
            resolved,
            policy_type,
            name=name,
            moved=moved,
            cross_region=("*",) if self._cross else (),
            unread=unread,
        )
