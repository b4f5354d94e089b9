"""
Policy documents and authorization details, in the forms that tools write.

boto3 and the AWS CLI return documents as objects. The API sends URL-encoded text, and other tools store JSON text.
Source: IAM API Reference, "GetAccountAuthorizationDetails".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import load_json, repeated_key

_ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "UserDetailList": ("Arn", "UserName", "UserId"),
    "GroupDetailList": ("Arn", "GroupName"),
    "RoleDetailList": ("Arn", "RoleName", "RoleId"),
    "Policies": ("Arn",),
}
"""Sections of authorization details, with the fields that each entry needs."""
DETAIL_KEYS: Final = tuple(_ENTRIES)


def read_document(document: object, *, name: str) -> Mapping[str, Any]:
    """
    Return a policy document as a JSON object.

    Args:
        document: A JSON object, JSON text or URL-encoded JSON text.
        name: Name of the policy, for the error message.

    Raises:
        PolicySyntaxError: The document is not one of these, or an object in it has a key twice.
    """
    if isinstance(document, Mapping):
        return document
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        loaded = load_json(text, file=name)
        key = repeated_key(loaded)
        if key is not None:
            raise PolicySyntaxError(f"has the key `{key}` twice; keep one", file=name)
        if isinstance(loaded, Mapping):
            return loaded
    raise PolicySyntaxError("is not a policy document; write a JSON object, JSON text or URL-encoded JSON text", file=name)


def sections_of_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """
    Convert authorization details into the sections `principals`, `groups` and `managed_policies` of a snapshot.

    Args:
        details: The merged pages of `GetAccountAuthorizationDetails`.

    Raises:
        PolicySyntaxError: A document cannot be read.
    """
    groups = {group["Arn"]: _attached(group, "GroupPolicyList") for group in details.get("GroupDetailList", ())}
    group_arns = {group["GroupName"]: group["Arn"] for group in details.get("GroupDetailList", ())}
    principals = {}
    for user in details.get("UserDetailList", ()):
        names = user.get("GroupList", ())
        principals[user["Arn"]] = {
            **_principal(user, "user", user["UserName"], user["UserId"], "UserPolicyList"),
            "groups": [group_arns[name] for name in names if name in group_arns],
            "unknown_groups": [name for name in names if name not in group_arns],
        }
    for role in details.get("RoleDetailList", ()):
        principals[role["Arn"]] = {
            **_principal(role, "role", role["RoleName"], role["RoleId"], "RolePolicyList"),
            "trust": _optional_document(role.get("AssumeRolePolicyDocument"), role["Arn"]),
            "last_used": _time(role.get("RoleLastUsed", {}).get("LastUsedDate")),
        }
    managed = {policy["Arn"]: _default_version(policy) for policy in details.get("Policies", ())}
    return {"principals": principals, "groups": groups, "managed_policies": managed}


def describe_damage(details: Mapping[str, Any], error: Exception) -> str:
    """Describe what is wrong with authorization details, and where if that is known; reading them raised `error`."""
    for section, fields in _ENTRIES.items():
        entries = details.get(section)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            missing = next((field for field in fields if not isinstance(entry, Mapping) or field not in entry), None)
            if missing is not None:
                return f"{section}[{index}].{missing}: missing"
    return f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else "a value has the wrong type"


def _principal(entry: Mapping[str, Any], kind: str, name: str, unique_id: str, inline: str) -> dict[str, Any]:
    boundary = entry.get("PermissionsBoundary") or {}
    return {
        "kind": kind,
        "name": name,
        "id": unique_id,
        "path": entry.get("Path", "/"),
        "created": _time(entry.get("CreateDate")),
        "tags": {tag["Key"]: tag["Value"] for tag in entry.get("Tags", ())},
        "boundary": boundary.get("PermissionsBoundaryArn"),
        **_attached(entry, inline),
    }


def _attached(entry: Mapping[str, Any], inline: str) -> dict[str, Any]:
    documents = {policy["PolicyName"]: policy["PolicyDocument"] for policy in entry.get(inline) or ()}
    return {
        "inline": {name: read_document(document, name=f"{entry['Arn']} {name}") for name, document in documents.items()},
        "managed": [policy["PolicyArn"] for policy in entry.get("AttachedManagedPolicies") or ()],
    }


def _default_version(policy: Mapping[str, Any]) -> Mapping[str, Any] | None:
    versions: Iterable[Mapping[str, Any]] = policy.get("PolicyVersionList") or ()
    for version in versions:
        if version.get("IsDefaultVersion") or version.get("VersionId") == policy.get("DefaultVersionId"):
            return read_document(version["Document"], name=policy["Arn"])
    return None


def _optional_document(document: object, name: str) -> Mapping[str, Any] | None:
    return None if document is None else read_document(document, name=name)


def _time(value: Any) -> str | None:
    return None if value is None else str(value.isoformat() if hasattr(value, "isoformat") else value)
