"""
Read the policies of users and roles from IAM.

Source: IAM API Reference, "GetAccountAuthorizationDetails".
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.aws.sources.calls import SourceCalls, unless_deleted
from guardedbedrock.iam.account.documents import DETAIL_KEYS, sections_of_details
from guardedbedrock.iam.matching.principals import without_path

PAGE_SIZE: Final = 1000
_FILTERS: Final = ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_DETAILS: Final = "iam:GetAccountAuthorizationDetails"


class IamReader:
    """
    Reads users, roles, groups and managed policies.

    Args:
        calls: Calls AWS and collects gaps.
    """

    def __init__(self, calls: SourceCalls) -> None:
        self._calls = calls

    def read(self, principals: tuple[str, ...] | None) -> dict[str, Any]:
        """
        Return the sections ``principals``, ``groups`` and ``managed_policies`` of a snapshot.

        A caller that may not read the whole account may still read its own role: then IAM is asked for each policy.

        Args:
            principals: ARNs of the users and roles to read, or of sessions of roles; None reads all of them.
        """
        if principals is None:
            sections = sections_of_details(self._calls.attempt("identity", _DETAILS, self._all_details) or {})
        else:
            sections = sections_of_details(self._details_of(principals))
            wanted = {without_path(arn) for arn in principals}
            sections["principals"] = {
                arn: entry for arn, entry in sections["principals"].items() if arn in principals or without_path(arn) in wanted
            }
            groups = {arn for entry in sections["principals"].values() for arn in entry.get("groups", ())}
            sections["groups"] = {arn: entry for arn, entry in sections["groups"].items() if arn in groups}
        entries = [*sections["principals"].values(), *sections["groups"].values()]
        used = {arn for entry in entries for arn in (*entry["managed"], entry.get("boundary"))}
        sections["managed_policies"] = {arn: document for arn, document in sections["managed_policies"].items() if arn in used}
        return sections

    def _details_of(self, principals: tuple[str, ...]) -> dict[str, Any]:
        try:
            return self._all_details()
        except (BotoCoreError, ClientError):
            return self._single_calls(principals)

    def _all_details(self) -> dict[str, Any]:
        merged: dict[str, Any] = {key: [] for key in DETAIL_KEYS}
        paginator = self._calls.client("iam").get_paginator("get_account_authorization_details")
        for page in paginator.paginate(Filter=list(_FILTERS), PaginationConfig={"PageSize": PAGE_SIZE}):
            for key in merged:
                merged[key] += page.get(key, ())
        return merged

    def _single_calls(self, principals: tuple[str, ...]) -> dict[str, Any]:
        owners: dict[str, list[dict[str, Any]]] = {"User": [], "Role": [], "Group": []}
        for principal in principals:
            arn = without_path(principal) if ":assumed-role/" in principal else principal
            kind, name = arn.split(":", 5)[-1].split("/")[0].title(), arn.rpartition("/")[2]
            entry = self._entry(arn, kind, name) if kind in ("User", "Role") else None
            if entry is None:
                continue
            if kind == "User":
                user = entry["Arn"]
                groups = self._calls.attempt("identity", "iam:ListGroupsForUser", partial(self._groups_of, name), principal=user)
                entry["GroupList"] = [group["GroupName"] for group in groups or ()]
                known = {group["Arn"] for group in owners["Group"]}
                owners["Group"] += [
                    {**group, **self._attached("Group", group["GroupName"], group["Arn"])}
                    for group in groups or ()
                    if group["Arn"] not in known
                ]
            owners[kind].append(entry)
        return {
            "UserDetailList": owners["User"],
            "RoleDetailList": owners["Role"],
            "GroupDetailList": owners["Group"],
            "Policies": self._managed_policies([owner for kind in owners.values() for owner in kind]),
        }

    def _entry(self, arn: str, kind: str, name: str) -> dict[str, Any] | None:
        iam = self._calls.client("iam")
        get = {"User": iam.get_user, "Role": iam.get_role}[kind]
        before = len(self._calls.gaps)
        # The answer has the boundary, which limits every other policy.
        found = self._calls.attempt("boundary", f"iam:Get{kind}", lambda: get(**{f"{kind}Name": name}), principal=arn)
        if found is None and len(self._calls.gaps) == before:
            return None  # it does not exist
        base = found[kind] if found else {"Arn": arn, f"{kind}Name": name, f"{kind}Id": ""}
        # The gaps must have the ARN of the entry: the ARN of a session has no path.
        return {**base, **self._attached(kind, name, base["Arn"])}

    def _attached(self, kind: str, name: str, arn: str) -> dict[str, Any]:
        iam, lower, key = self._calls.client("iam"), kind.lower(), {f"{kind}Name": name}

        def inline() -> list[dict[str, Any]]:
            pages = iam.get_paginator(f"list_{lower}_policies").paginate(**key)
            names = [policy for page in pages for policy in page["PolicyNames"]]
            get = partial(getattr(iam, f"get_{lower}_policy"), **key)
            found = [unless_deleted(partial(get, PolicyName=policy)) for policy in names]
            return [policy for policy in found if policy is not None]

        def managed() -> list[dict[str, Any]]:
            pages = iam.get_paginator(f"list_attached_{lower}_policies").paginate(**key)
            return [policy for page in pages for policy in page["AttachedPolicies"]]

        attempt = self._calls.attempt
        return {
            f"{kind}PolicyList": attempt("identity", f"iam:Get{kind}Policy", inline, principal=arn) or [],
            "AttachedManagedPolicies": attempt("identity", f"iam:ListAttached{kind}Policies", managed, principal=arn) or [],
        }

    def _groups_of(self, user: str) -> list[dict[str, Any]]:
        pages = self._calls.client("iam").get_paginator("list_groups_for_user").paginate(UserName=user)
        return [group for page in pages for group in page["Groups"]]

    def _managed_policies(self, owners: list[dict[str, Any]]) -> list[dict[str, Any]]:
        arns = [policy["PolicyArn"] for owner in owners for policy in owner.get("AttachedManagedPolicies", ())]
        arns += [owner["PermissionsBoundary"]["PermissionsBoundaryArn"] for owner in owners if owner.get("PermissionsBoundary")]
        found = (self._managed_policy(arn) for arn in dict.fromkeys(arns))
        return [policy for policy in found if policy is not None]

    def _managed_policy(self, arn: str) -> dict[str, Any] | None:
        """Return the default version of a policy. A missing document becomes a gap when the snapshot is read."""
        iam = self._calls.client("iam")

        def read() -> dict[str, Any]:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            return {"Arn": arn, "DefaultVersionId": version, "PolicyVersionList": [{**found, "IsDefaultVersion": True}]}

        policy: dict[str, Any] | None = self._calls.attempt("managed_policies", "iam:GetPolicyVersion", read, resource=arn)
        return policy
