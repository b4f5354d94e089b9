"""
Which policies apply to a request: exceptions that AWS documents for principals, resources, services and actions.

Source: AWS Organizations User Guide, "Service control policies (SCPs)", "Resource control policies (RCPs)" and "Resource control
policy examples"; AWS KMS Developer Guide, "Key policies in AWS KMS"; IAM User Guide, "IAM roles" and "Permissions for
GetSessionToken"; AWS STS API Reference, "GetCallerIdentity".
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.requests import Request

NO_PERMISSION_NEEDED: Final = frozenset({"sts:getaccesskeyinfo", "sts:getcalleridentity", "sts:getsessiontoken"})
"""Actions, in lower case, that no identity-based policy can deny and that need no Allow."""

_ASSUMING: Final = frozenset(
    {
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:setsourceidentity",
        "sts:tagsession",
    }
)

RCP_SERVICES_AS_OF: Final = "2026-09-26"
RCP_SERVICES: Final = frozenset(
    [
        "aoss",
        "appconfig",
        "appstream",
        "autoscaling",
        "autoscaling-plans",
        "budgets",
        "clouddirectory",
        "cloudfront",
        "cloudsearch",
        "cloudtrail-data",
        "codeartifact",
        "codebuild",
        "codecommit",
        "codepipeline",
        "cognito-identity",
        "cognito-idp",
        "comprehend",
        "comprehendmedical",
        "compute-optimizer",
        "cost-optimization-hub",
        "dax",
        "dsql",
        "dynamodb",
        "ecr",
        "ecr-public",
        "events",
        "firehose",
        "fis",
        "fms",
        "gamelift",
        "health",
        "inspector-scan",
        "kendra",
        "kinesisvideo",
        "kms",
        "logs",
        "memorydb",
        "networkmonitor",
        "notifications",
        "opensearch",
        "pca-connector-ad",
        "personalize",
        "polly",
        "pricing",
        "resource-groups",
        "rolesanywhere",
        "s3",
        "secretsmanager",
        "servicediscovery",
        "signin",
        "sqs",
        "sts",
        "support",
        "swf",
        "textract",
        "timestream-influxdb",
        "transcribe",
        "transfer",
        "translate",
        "wafv2",
        "workspaces",
        "xray",
    ]
)
"""Prefixes of the services to which RCPs apply, as of `RCP_SERVICES_AS_OF`. Bedrock is not among them."""


def is_exempt(policy_type: PolicyType, request: Request, management_account: str | None) -> bool:
    """
    Return whether the policies of a type do not apply to a request.

    1. SCPs and RCPs do not apply to service-linked roles.
    2. SCPs apply to users and roles only: not to service principals and anonymous callers. RCPs apply to service principals: an
       example of AWS, EnforceConfusedDeputyProtection, denies requests of them.
    3. SCPs do not apply to the principals of the management account, RCPs do not apply to its resources.
    """
    if policy_type not in ("scp", "rcp"):
        return False
    principal = identify(request.principal)
    if is_service_linked(request):
        return True
    if policy_type == "rcp":
        return management_account is not None and request.owner == management_account
    return not principal.account or principal.account == management_account


def is_service_linked(request: Request) -> bool:
    """Return whether a service-linked role makes a request."""
    return identify(request.principal).is_service_linked_by(request.facts.get("aws:principalarn"))


def rcp_is_certain(request: Request) -> bool:
    """Return whether an RCP certainly applies: the service of the action is on AWS's list, or the request says so."""
    return request.rcp_applies or request.action.partition(":")[0].lower() in RCP_SERVICES


def rcp_reason(request: Request) -> str:
    """Explain why the Deny of an RCP is not certain."""
    service = request.action.partition(":")[0]
    return f"an RCP denies, but `{service}` is not among the services to which AWS applies RCPs (list of {RCP_SERVICES_AS_OF})"


def mandatory_policy(request: Request) -> str | None:
    """
    Name the resource-based policy without which nothing is allowed, even within one account; None if no such policy is needed.

    The policy of a KMS key and the trust policy of a role must allow. Identity-based policies count only if that policy names the
    account.
    """
    if request.parts is None:
        return None
    _, _, service, _, _, name = request.parts
    if service == "kms" and name.startswith("key/"):
        return "the key policy of the KMS key"
    if service == "iam" and name.startswith("role/") and request.action.lower() in _ASSUMING:
        return "the trust policy of the role"
    return None
