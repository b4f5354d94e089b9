"""
Read the policies of an organization that apply to one account.

Source: AWS Organizations API Reference, "ListPoliciesForTarget" and "DescribeEffectivePolicy"; AWS Organizations User Guide,
"Quotas and service limits for AWS Organizations" (throttling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from guardedbedrock.aws.sources.calls import SourceCalls, pages, unless_deleted
from guardedbedrock.iam.account.documents import read_document

_LEVELS: Final = {"scp": "SERVICE_CONTROL_POLICY", "rcp": "RESOURCE_CONTROL_POLICY"}


class OrganizationReader:
    """
    Reads SCPs and RCPs level by level, and the guardrails that the organization enforces.

    Args:
        calls: Calls AWS and collects gaps.
    """

    def __init__(self, calls: SourceCalls) -> None:
        self._calls = calls
        # Cache, keyed by the policy ID: DescribePolicy allows two calls a second for each account, and levels share policies.
        self._described: dict[str, dict[str, Any]] = {}

    def forget(self) -> None:
        """Read every document again the next time."""
        self._described = {}

    def read(self, account: str) -> dict[str, Any]:
        """
        Return the sections ``organization``, ``scp`` and ``rcp``.

        Args:
            account: The account ID.
        """
        calls = self._calls
        describe = calls.client("organizations").describe_organization
        found = calls.attempt(("scp", "rcp"), "organizations:DescribeOrganization", describe)
        if found is None:
            return {"organization": None, "scp": None, "rcp": None}
        organization = found["Organization"]
        path = calls.attempt(("scp", "rcp"), "organizations:ListParents", lambda: self._path(account))
        return {
            "organization": {"id": organization["Id"], "management_account": organization["MasterAccountId"], "path": path},
            **{kind: self._read_levels(kind, path) for kind in _LEVELS},
        }

    def enforced_guardrails(self, account: str, regions: Sequence[str]) -> list[dict[str, Any]]:
        """
        Return the guardrails that a policy of type ``BEDROCK_POLICY`` enforces in the account.

        Args:
            account: The account ID.
            regions: Only these regions.
        """
        describe = self._calls.client("organizations").describe_effective_policy
        found = self._calls.attempt(
            "enforced_guardrails",
            "organizations:DescribeEffectivePolicy",
            lambda: describe(PolicyType="BEDROCK_POLICY", TargetId=account),
        )
        effective = found["EffectivePolicy"]["PolicyContent"] if found else "{}"
        content = read_document(effective, name="effective policy of type BEDROCK_POLICY")
        by_region = (content.get("bedrock") or {}).get("guardrail_inference") or {}
        return [
            {"region": region, "arn": arn, "version": version, "id": name, "origin": "ORGANIZATION", **_models(configuration)}
            for region, configurations in sorted(by_region.items())
            if region in regions and isinstance(configurations, Mapping)
            for name, configuration in sorted(configurations.items())
            for arn, _, version in [str(_assigned(configuration.get("identifier"))).rpartition(":")]
        ]

    def _path(self, account: str) -> list[str]:
        path = [account]
        list_parents = self._calls.client("organizations").list_parents
        while not path[0].startswith("r-"):
            (parent,) = pages(list_parents, "Parents", marker="NextToken", ChildId=path[0])
            path.insert(0, parent["Id"])
        return path

    def _read_levels(self, kind: str, path: Sequence[str] | None) -> list[Any] | None:
        levels = []
        for target in path or ():
            found = self._calls.attempt(
                kind,
                "organizations:ListPoliciesForTarget",
                partial(self._policies, kind, target),
            )
            if found is None:
                return None
            levels.append({"target": target, "policies": found})
        # Each level has a policy unless the type is disabled.
        return levels if any(level["policies"] for level in levels) else None

    def _policies(self, kind: str, target: str) -> list[dict[str, Any]]:
        organizations = self._calls.client("organizations")
        listed = pages(
            organizations.list_policies_for_target, "Policies", marker="NextToken", TargetId=target, Filter=_LEVELS[kind]
        )
        found = [self._described.get(one["Id"]) or unless_deleted(partial(self._describe, one)) for one in listed]
        return [policy for policy in found if policy is not None]

    def _describe(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        policy = self._calls.client("organizations").describe_policy(PolicyId=summary["Id"])["Policy"]
        named = {key.lower(): summary[key] for key in ("Id", "Name", "Arn")}
        described = {**named, "document": read_document(policy["Content"], name=summary["Arn"])}
        self._described[summary["Id"]] = described
        return described


def _models(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models that a configuration of an effective policy is enforced on, if it lists them."""
    listed = configuration.get("model_enforcement")
    if not isinstance(listed, Mapping):
        return {}
    return {name: _assigned(listed.get(name)) or [] for name in ("included_models", "excluded_models")}


def _assigned(value: Any) -> Any:
    """Return a value of an effective policy; a policy that is not resolved has the operator ``@@assign``."""
    return value.get("@@assign") if isinstance(value, Mapping) else value
