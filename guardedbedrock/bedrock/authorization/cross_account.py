"""
Authorizations on resources of other accounts.

AWS evaluates the policies of both accounts. If the resource-based policy of the other account is not configured, only the
caller's side is evaluated: its denial is certain, its allow is not.
Source: IAM User Guide, "Cross-account policy evaluation logic".
"""

from __future__ import annotations

from dataclasses import replace

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet, RequiredAuthorization
from guardedbedrock.iam.decision.policy_set import PolicySet
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import compile_resources


def caller_side(required: AuthorizationSet, policies: PolicySet) -> AuthorizationSet:
    """Reduce authorizations to the caller's side where the policy of the other account is not among the policies."""
    if not any(one.request.cross_account for one in required.authorizations):
        return required
    return AuthorizationSet(tuple(_caller_side(one, policies) for one in required.authorizations))


def _caller_side(required: RequiredAuthorization, policies: PolicySet) -> RequiredAuthorization:
    request = required.request
    if not request.cross_account or _has_resource_policy(request, policies):
        return required
    account = identify(request.principal).account
    missing_policy = f"the resource-based policy of {request.resource}"
    return replace(required, request=replace(request, resource_account=account), missing_policy=missing_policy)


def _has_resource_policy(request: Request, policies: PolicySet) -> bool:
    """Return whether a configured resource-based policy has a statement on this resource."""
    statements = (statement for document in policies.documents.get("resource", ()) for statement in document.statements)
    return any(compile_resources(one.resources, variables=False)(request) is not False for one in statements)
