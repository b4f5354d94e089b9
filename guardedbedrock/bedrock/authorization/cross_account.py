"""
Resources of other accounts, whose resource-based policies have a say.

AWS asks both accounts. Where the policy of the other one is not known the caller's own part is asked alone: its denial is sure,
and its allow is not.
Source: IAM User Guide, "Cross-account policy evaluation logic".
"""

from __future__ import annotations

from dataclasses import replace

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet, RequiredAuthorization
from guardedbedrock.iam.engine.policies import PolicySet
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.resources import compile_resources


def own_part(asked: AuthorizationSet, policies: PolicySet) -> AuthorizationSet:
    """Ask the caller's own part of every question of which the other account's policy is not among the policies."""
    if not any(question.request.cross_account for question in asked.questions):
        return asked
    return AuthorizationSet(tuple(_own_part(question, policies) for question in asked.questions))


def _own_part(question: RequiredAuthorization, policies: PolicySet) -> RequiredAuthorization:
    request = question.request
    if not request.cross_account or _is_read(request, policies):
        return question
    account = identify(request.principal).account
    missing_policy = f"the resource-based policy of {request.resource}"
    return question._replace(request=replace(request, resource_account=account), missing_policy=missing_policy)


def _is_read(request: Request, policies: PolicySet) -> bool:
    """Say whether a resource-based policy that is known speaks of this resource."""
    statements = (statement for document in policies.documents.get("resource", ()) for statement in document.statements)
    return any(compile_resources(one.resources, variables=False)(request) is not False for one in statements)
