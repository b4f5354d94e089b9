"""
Read an account: policies of its principals, its organization, its guardrails and inference profiles.

What may not be read is a gap with the name of the API, never an error: verdicts that could depend on it become `indeterminate`.
Source: IAM API Reference, "GetAccountAuthorizationDetails"; AWS Organizations API Reference, "ListPoliciesForTarget";
AWS Organizations User Guide, "Quotas and service limits for AWS Organizations" (throttling); Amazon Bedrock API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.errors import SourceError
from guardedbedrock.iam.account.documents import sections_of_details
from guardedbedrock.iam.account.snapshot import SCHEMA, VERSION

PAGE_SIZE: Final = 1000
# Organizations allows two DescribePolicy calls a second for each account, so a client must slow down instead of failing.
CONFIG: Final = Config(retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=5, read_timeout=30)
_DETAIL_FILTERS: Final = ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_LEVELS: Final = {"scp": "SERVICE_CONTROL_POLICY", "rcp": "RESOURCE_CONTROL_POLICY"}
_ABSENT: Final = frozenset({"ResourceNotFoundException", "NoSuchEntity", "AWSOrganizationsNotInUseException"})
"""Error codes that say that there is nothing to read, which is knowledge and not a gap."""


@dataclass(slots=True)
class AccountReader:
    """
    Reads one account into a snapshot.

    Args:
        client: Returns a client for a service and a region, such as ``boto3.Session().client``; each client is made once.
        regions: Regions whose guardrails and profiles are read.
        now: The current time.
    """

    client: Callable[..., Any]
    regions: Sequence[str]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    def read(self, principals: Iterable[str] | None = None) -> dict[str, Any]:
        """
        Read the account.

        Args:
            principals: ARNs of the users and roles to read; None reads all of them.

        Returns:
            A snapshot, see `guardedbedrock.iam.account.snapshot`.

        Raises:
            SourceError: STS does not answer, so that not even the account is known.
        """
        self.gaps = []
        identity = self.identity()
        account, partition = identity["Account"], identity["Arn"].split(":")[1]
        sections = self._details(None if principals is None else tuple(principals))
        snapshot: dict[str, Any] = {
            "schema": SCHEMA,
            "version": VERSION,
            "account": account,
            "partition": partition,
            "time": self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "regions": list(self.regions),
            "caller": identity["Arn"],
            **sections,
            **self._organization(account),
            **self._bedrock(),
        }
        return {**snapshot, "gaps": self.gaps}

    def identity(self) -> Mapping[str, str]:
        """
        Return the answer of STS `GetCallerIdentity`.

        Raises:
            SourceError: STS does not answer.
        """
        try:
            answer: Mapping[str, str] = self._make("sts", self.regions[0] if self.regions else None).get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise SourceError(f"sts:GetCallerIdentity failed: {error}; check the credentials") from error
        return answer

    # -- IAM --------------------------------------------------------------------------------------------------------

    def _details(self, principals: tuple[str, ...] | None) -> dict[str, Any]:
        if principals is None:
            details = self._try("identity", "iam:GetAccountAuthorizationDetails", self._all_details)
            return sections_of_details(details or {})
        details = self._quietly(self._all_details)
        if details is None:
            details = self._single_calls(principals)
        sections = sections_of_details(details)
        wanted = set(principals)
        sections["principals"] = {arn: entry for arn, entry in sections["principals"].items() if arn in wanted}
        groups = {arn for entry in sections["principals"].values() for arn in entry.get("groups", ())}
        sections["groups"] = {arn: entry for arn, entry in sections["groups"].items() if arn in groups}
        entries = [*sections["principals"].values(), *sections["groups"].values()]
        used = {arn for entry in entries for arn in (*entry["managed"], entry.get("boundary"))}
        sections["managed_policies"] = {arn: document for arn, document in sections["managed_policies"].items() if arn in used}
        return sections

    def _all_details(self) -> dict[str, Any]:
        merged: dict[str, Any] = {key: [] for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
        paginator = self._make("iam").get_paginator("get_account_authorization_details")
        for page in paginator.paginate(Filter=list(_DETAIL_FILTERS), PaginationConfig={"PageSize": PAGE_SIZE}):
            for key in merged:
                merged[key] += page.get(key, ())
        return merged

    def _single_calls(self, principals: tuple[str, ...]) -> dict[str, Any]:
        users: list[dict[str, Any]] = []
        roles: list[dict[str, Any]] = []
        groups: dict[str, dict[str, Any]] = {}
        policies: dict[str, dict[str, Any]] = {}
        for arn in principals:
            kind, name = arn.split(":", 5)[5].split("/")[0], arn.rpartition("/")[2]
            entry = self._entry(arn, kind.title(), name)
            if entry is None:
                continue
            if kind == "user":
                for group in self._try("identity", "iam:ListGroupsForUser", self._groups_of, name, principal=arn) or ():
                    groups[group["Arn"]] = {**group, **self._attached("Group", group["GroupName"], arn)}
                    entry.setdefault("GroupList", []).append(group["GroupName"])
            (users if kind == "user" else roles).append(entry)
        for owner in (*users, *roles, *groups.values()):
            boundary = (owner.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
            attached = [policy["PolicyArn"] for policy in owner.get("AttachedManagedPolicies", ())]
            for policy_arn in (*attached, *([boundary] if boundary else ())):
                if policy_arn not in policies:
                    found = self._try("identity", "iam:GetPolicyVersion", self._managed_policy, policy_arn)
                    policies[policy_arn] = found or {"Arn": policy_arn, "PolicyVersionList": []}
        return {
            "UserDetailList": users,
            "RoleDetailList": roles,
            "GroupDetailList": [*groups.values()],
            "Policies": [*policies.values()],
        }

    def _entry(self, arn: str, kind: str, name: str) -> dict[str, Any] | None:
        iam = self._make("iam")
        get = {"User": iam.get_user, "Role": iam.get_role}.get(kind)
        if get is None:
            return None
        found = self._try("identity", f"iam:Get{kind}", get, principal=arn, **{f"{kind}Name": name})
        base = found[kind] if found else {"Arn": arn, f"{kind}Name": name, f"{kind}Id": ""}
        return {**base, **self._attached(kind, name, arn)}

    def _attached(self, kind: str, name: str, arn: str) -> dict[str, Any]:
        iam, lower, key = self._make("iam"), kind.lower(), {f"{kind}Name": name}

        def inline() -> list[dict[str, Any]]:
            pages = iam.get_paginator(f"list_{lower}_policies").paginate(**key)
            names = [policy for page in pages for policy in page["PolicyNames"]]
            return [getattr(iam, f"get_{lower}_policy")(**key, PolicyName=policy) for policy in names]

        def managed() -> list[dict[str, Any]]:
            pages = iam.get_paginator(f"list_attached_{lower}_policies").paginate(**key)
            return [policy for page in pages for policy in page["AttachedPolicies"]]

        return {
            f"{kind}PolicyList": self._try("identity", f"iam:Get{kind}Policy", inline, principal=arn) or [],
            "AttachedManagedPolicies": self._try("identity", f"iam:ListAttached{kind}Policies", managed, principal=arn) or [],
        }

    def _groups_of(self, user: str) -> list[dict[str, Any]]:
        pages = self._make("iam").get_paginator("list_groups_for_user").paginate(UserName=user)
        return [group for page in pages for group in page["Groups"]]

    def _managed_policy(self, arn: str) -> dict[str, Any]:
        iam = self._make("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return {"Arn": arn, "DefaultVersionId": version, "PolicyVersionList": [{**found, "IsDefaultVersion": True}]}

    # -- Organizations ----------------------------------------------------------------------------------------------

    def _organization(self, account: str) -> dict[str, Any]:
        organizations = self._make("organizations")
        found = self._try("scp", "organizations:DescribeOrganization", organizations.describe_organization)
        if found is None:
            in_use = any(gap["api"] == "organizations:DescribeOrganization" for gap in self.gaps)
            if in_use:
                self._gap("rcp", "organizations:DescribeOrganization", self.gaps[-1]["error"])
            return {"organization": None, "scp": None, "rcp": None}
        organization = found["Organization"]
        path = self._try("scp", "organizations:ListParents", self._path, account)
        if path is None:
            self._gap("rcp", "organizations:ListParents", self.gaps[-1]["error"])
        described: dict[str, dict[str, Any]] = {}
        levels = {kind: self._read_levels(kind, path, described) for kind in _LEVELS}
        return {
            "organization": {"id": organization["Id"], "management_account": organization["MasterAccountId"], "path": path},
            **levels,
        }

    def _path(self, account: str) -> list[str]:
        path = [account]
        while not path[0].startswith("r-"):
            (parent,) = self._pages("list_parents", "Parents", ChildId=path[0])
            path.insert(0, parent["Id"])
        return path

    def _read_levels(self, kind: str, path: Sequence[str] | None, described: dict[str, dict[str, Any]]) -> list[Any] | None:
        if path is None:
            return None
        levels = []
        for target in path:
            found = self._try(kind, "organizations:ListPoliciesForTarget", self._policies, kind, target, described)
            if found is None:
                return None
            levels.append({"target": target, "policies": found})
        return levels if any(level["policies"] for level in levels) else None

    def _policies(self, kind: str, target: str, described: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for summary in self._pages("list_policies_for_target", "Policies", TargetId=target, Filter=_LEVELS[kind]):
            if summary["Id"] not in described:
                content = self._make("organizations").describe_policy(PolicyId=summary["Id"])["Policy"]["Content"]
                document = json.loads(content)
                described[summary["Id"]] = {key.lower(): summary[key] for key in ("Id", "Name", "Arn")} | {"document": document}
            found.append(described[summary["Id"]])
        return found

    def _pages(self, method: str, key: str, **params: Any) -> Iterator[Any]:
        # Organizations may return an empty page with a NextToken, so the token alone says whether there is more.
        call = getattr(self._make("organizations"), method)
        token: dict[str, str] = {}
        while True:
            page = call(**params, **token)
            yield from page.get(key, ())
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    # -- Bedrock ----------------------------------------------------------------------------------------------------

    def _bedrock(self) -> dict[str, Any]:
        sections: dict[str, Any] = {name: [] for name in ("guardrails", "enforced_guardrails", "inference_profiles")}
        sections["resource_policies"] = {}
        for region in self.regions:
            sections["guardrails"] += self._try("guardrails", "bedrock:ListGuardrails", self._guardrails, region) or []
            sections["enforced_guardrails"] += (
                self._try("enforced_guardrails", "bedrock:ListEnforcedGuardrailsConfiguration", self._enforced, region) or []
            )
            sections["inference_profiles"] += (
                self._try("inference_profiles", "bedrock:ListInferenceProfiles", self._profiles, region) or []
            )
        for guardrail in sections["guardrails"]:
            policy = self._try("resource", "bedrock:GetResourcePolicy", self._resource_policy, guardrail)
            if policy is not None:
                sections["resource_policies"][guardrail["arn"]] = policy
        return sections

    def _guardrails(self, region: str) -> list[dict[str, Any]]:
        bedrock = self._make("bedrock", region)
        found = []
        for summary in _all(bedrock.list_guardrails, "guardrails"):
            versions = list(_all(bedrock.list_guardrails, "guardrails", guardrailIdentifier=summary["id"]))
            tags = self._try("tags", "bedrock:ListTagsForResource", bedrock.list_tags_for_resource, resourceARN=summary["arn"])
            found.append(
                {
                    "arn": summary["arn"],
                    "id": summary["id"],
                    "name": summary["name"],
                    "region": region,
                    "status": summary["status"],
                    "version": summary["version"],
                    "versions": [{"version": one["version"], "status": one["status"]} for one in versions],
                    "tags": None if tags is None else {tag["key"]: tag["value"] for tag in tags.get("tags", ())},
                    "profile": (summary.get("crossRegionDetails") or {}).get("guardrailProfileArn"),
                }
            )
        return found

    def _enforced(self, region: str) -> list[dict[str, Any]]:
        listed = _all(self._make("bedrock", region).list_enforced_guardrails_configuration, "guardrailsConfig")
        names = {"guardrailArn": "arn", "guardrailVersion": "version", "configId": "id", "owner": "origin"}
        return [{"region": region, **{new: one[old] for old, new in names.items() if old in one}} for one in listed]

    def _profiles(self, region: str) -> list[dict[str, Any]]:
        list_profiles = self._make("bedrock", region).list_inference_profiles
        return [
            {
                "arn": one["inferenceProfileArn"],
                "id": one["inferenceProfileId"],
                "region": region,
                "status": one["status"],
                "type": one["type"],
                "models": [model["modelArn"] for model in one["models"]],
            }
            for kind in ("SYSTEM_DEFINED", "APPLICATION")
            for one in _all(list_profiles, "inferenceProfileSummaries", typeEquals=kind)
        ]

    def _resource_policy(self, guardrail: Mapping[str, Any]) -> Any:
        answer = self._make("bedrock", guardrail["region"]).get_resource_policy(resourceArn=guardrail["arn"])
        policy = answer.get("resourcePolicy")
        return json.loads(unquote(policy) if policy.startswith("%7B") else policy) if policy else None

    # -- calls and gaps ---------------------------------------------------------------------------------------------

    def _make(self, service: str, region: str | None = None) -> Any:
        if (service, region) not in self._clients:
            region_name = region or (self.regions[0] if self.regions else None)
            self._clients[service, region] = self.client(service, region_name=region_name, config=CONFIG)
        return self._clients[service, region]

    def _quietly(self, call: Callable[[], Any]) -> Any:
        """Return None if the call is not permitted: single calls answer the same question."""
        try:
            return call()
        except (BotoCoreError, ClientError):
            return None

    def _try(self, section: str, api: str, call: Callable[..., Any], *args: Any, principal: str = "", **params: Any) -> Any:
        """Call, and record a gap if the account does not answer."""
        try:
            return call(*args, **params)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code not in _ABSENT:
                self._gap(section, api, code, principal)
        except BotoCoreError as error:
            self._gap(section, api, type(error).__name__, principal)
        return None

    def _gap(self, section: str, api: str, error: str, principal: str = "") -> None:
        statement = {"Effect": "Allow", "Action": api, "Resource": "*"}
        gap = {"section": section, "api": api, "error": error, "statement": statement}
        if principal:
            gap["principal"] = principal
        if gap not in self.gaps:
            self.gaps.append(gap)


def _all(call: Callable[..., Any], key: str, **params: Any) -> Iterator[Any]:
    """Walk over the pages of a Bedrock list operation."""
    token: dict[str, str] = {}
    while True:
        page = call(**params, **token)
        yield from page.get(key, ())
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
