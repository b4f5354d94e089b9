"""
Rules about who administers guardrails: separation of duties, wildcards, tags, API keys and the second endpoint.

Source: IAM User Guide, "Security best practices in IAM"; Service Authorization Reference, "Actions, resources, and condition keys
for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardedbedrock.governance.lint.finding import Problem
from guardedbedrock.governance.lint.policy import Group, LintedStatement
from guardedbedrock.governance.lint.sample_requests import (
    ACCOUNT,
    INFERENCE,
    INVOKE,
    is_possible,
    models_of,
    named_guardrails,
)
from guardedbedrock.iam import Request

_GUARDRAIL: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/zz9unlisted9z"
MANAGEMENT: Final = {
    "bedrock:CreateGuardrail": "*",
    "bedrock:UpdateGuardrail": _GUARDRAIL,
    "bedrock:DeleteGuardrail": _GUARDRAIL,
    "bedrock:CreateGuardrailVersion": _GUARDRAIL,
    "bedrock:PutEnforcedGuardrailConfiguration": "*",
    "bedrock:DeleteEnforcedGuardrailConfiguration": "*",
}
"""Actions that change guardrails, with a resource to ask about."""
_SENSITIVE: Final = ("bedrock:CreateGuardrail", "bedrock:UpdateGuardrail", "bedrock:DeleteGuardrail")
_BEARER: Final = "bedrock:CallWithBearerToken"
_BEARER_TYPE: Final = "bedrock:bearertokentype"
_MANTLE: Final = "bedrock-mantle:CreateInference"
_MANTLE_PROJECT: Final = f"arn:aws:bedrock-mantle:us-east-1:{ACCOUNT}:project/proj_sample"
_CREATE_KEY: Final = "iam:CreateServiceSpecificCredential"
_TAGGING: Final = ("bedrock:TagResource", "bedrock:UntagResource")
_TAG_CONDITIONS: Final = ("aws:resourcetag/",)


def both_roles(group: Group) -> Iterator[Problem]:
    """Find principals that may change guardrails and call models."""
    invokes = [
        (policy, one)
        for policy, one in group.statements("identity")
        if one.is_allow and one.covers(INVOKE) and _invokes(group, tuple(models_of(one)))
    ]
    manages = [(policy, one) for policy, one in group.statements("identity") if one.is_allow and _managed(group, one)]
    if invokes and manages:
        policy, statement = manages[0]
        named = _managed(group, statement)
        message = (
            f"The same policies allow `{named[0]}` and inference, so one principal can weaken the guardrail that it must use."
        )
        yield Problem(policy, statement.pointer, message)


def _invokes(group: Group, models: tuple[str, ...]) -> bool:
    """Return whether a call is possible without a guardrail or with one that the policies name."""
    return any(is_possible(group, INVOKE, arn, one) for arn in models for one in (None, *named_guardrails(group)))


def _managed(group: Group, statement: LintedStatement) -> list[str]:
    covered = ((action, resource) for action, resource in MANAGEMENT.items() if statement.covers(action))
    return [action for action, resource in covered if _may(group, statement, action, resource)]


def _may(group: Group, statement: LintedStatement, action: str, resource: str) -> bool:
    """Return whether the policies allow an action; a statement for other guardrails than the sample is taken at its word."""
    return is_possible(group, action, resource) if statement.reaches(resource) else True


def wildcard_manages(group: Group) -> Iterator[Problem]:
    """Find wildcards in an Allow that reach the operations that change guardrails."""
    for policy, statement in group.statements("identity", "session", "resource"):
        if not statement.is_allow:
            continue
        reached = [
            action for action in _SENSITIVE if statement.covers(action) and _may(group, statement, action, MANAGEMENT[action])
        ]
        if not reached:
            continue
        item = statement.names(reached[0])
        if item is not None and "*" not in item.text and "?" not in item.text:
            continue
        text = f"`{item.text}`" if item else "NotAction"
        message = f"{text} also allows {', '.join(f'`{one}`' for one in reached)}."
        yield Problem(policy, item.pointer if item else statement.pointer, message)


def removable_tags(group: Group) -> Iterator[Problem]:
    """Find tag conditions on Bedrock's resources whose tags the same principal can change."""
    tagged = [
        (policy, statement, line)
        for policy, statement in group.statements("identity")
        for line in statement.conditions
        if line.key.lower().startswith(_TAG_CONDITIONS)
        and any(map(statement.covers, (*INFERENCE, *MANAGEMENT, "bedrock:ApplyGuardrail")))
    ]
    if not tagged:
        return
    for policy, statement in group.statements("identity"):
        for action in _TAGGING:
            item = statement.names(action)
            limited = any(line.key.lower().startswith(("aws:tagkeys", "aws:requesttag/")) for line in statement.conditions)
            if statement.is_allow and statement.covers(action) and not limited and _may(group, statement, action, _GUARDRAIL):
                key = tagged[0][2].key
                message = f"`{action}` can change the tag that the condition on `{key}` relies on."
                yield Problem(policy, item.pointer if item else statement.pointer, message)


def api_keys(group: Group) -> Iterator[Problem]:
    """Find grants of Bedrock API keys that are not limited to short-term keys."""
    for policy, statement in group.statements("identity"):
        if not statement.is_allow:
            continue
        limited = any(line.key.lower() == _BEARER_TYPE for line in statement.conditions)
        item = statement.names(_BEARER)
        if statement.covers(_BEARER) and not limited and _long_term(group):
            message = f"`{item.text if item else 'NotAction'}` allows calls with long-term API keys of Bedrock."
            yield Problem(policy, item.pointer if item else statement.pointer, message)
        created = statement.names(_CREATE_KEY)
        typed = any(line.key.lower().startswith("iam:servicespecificcredential") for line in statement.conditions)
        if created is not None and not typed and is_possible(group, _CREATE_KEY, f"arn:aws:iam::{ACCOUNT}:user/sample"):
            message = f"`{created.text}` allows the creation of long-term API keys of Bedrock."
            yield Problem(policy, created.pointer, message)


def _long_term(group: Group) -> bool:
    policies = group.policy_set
    if policies is None:
        return False
    unknown = sorted(key for key in policies.reads if key != _BEARER_TYPE)
    request = Request(group.principal, _BEARER, "*", {"bedrock:BearerTokenType": "LONG_TERM"}, unknown)
    return not policies.evaluate(request).is_denied


def open_mantle(group: Group) -> Iterator[Problem]:
    """Find grants of the bedrock-mantle endpoint, which has no guardrails."""
    for policy, statement in group.statements("identity"):
        if statement.is_allow and statement.covers(_MANTLE) and is_possible(group, _MANTLE, _MANTLE_PROJECT):
            item = statement.names(_MANTLE)
            message = f"`{item.text if item else 'NotAction'}` allows inference on bedrock-mantle, which supports no guardrails."
            yield Problem(policy, item.pointer if item else statement.pointer, message)
