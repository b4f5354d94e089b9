"""
Rules about who administers guardrails: separation of duties, wildcards, tags, API keys and the second endpoint.

Source: IAM User Guide, "Security best practices in IAM"; Service Authorization Reference, "Actions, resources, and condition keys
for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardedbedrock.bedrock.actions import APPLY, INFERENCE, INVOKE
from guardedbedrock.governance.lint.checks.sample_requests import (
    ACCOUNT,
    filled,
    is_possible,
    models_of,
    named_guardrails,
)
from guardedbedrock.governance.lint.finding import Problem
from guardedbedrock.governance.lint.policy import ConditionLine, Group, LintedStatement
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
"""Actions that change guardrails, each with a sample resource."""
_SENSITIVE: Final = ("bedrock:CreateGuardrail", "bedrock:UpdateGuardrail", "bedrock:DeleteGuardrail")
_BEARER: Final = "bedrock:CallWithBearerToken"
_BEARER_TYPE: Final = "bedrock:bearertokentype"
_MANTLE: Final = "bedrock-mantle:CreateInference"
_MANTLE_PROJECT: Final = f"arn:aws:bedrock-mantle:us-east-1:{ACCOUNT}:project/proj_sample"
_USER: Final = f"arn:aws:iam::{ACCOUNT}:user/sample"
_CREATE_KEY: Final = "iam:CreateServiceSpecificCredential"
_TAGGING: Final = ("bedrock:TagResource", "bedrock:UntagResource")
_TAG_CONDITIONS: Final = "aws:resourcetag/"
_OWN_VALUE: Final = "own-value"
_OTHER_VALUE: Final = "other-value"
_PATTERN: Final = frozenset("*?$")


def both_roles(group: Group) -> Iterator[Problem]:
    """Find principals that may change guardrails and call models."""
    invokes = [
        (policy, one)
        for policy, one in group.statements("identity")
        if one.is_allow and one.covers(INVOKE) and _invokes(group, tuple(models_of(one, group.exempt_models)))
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
    """Return whether the policies allow an action on a resource that the statement applies to."""
    reached = _reached(statement, resource)
    return is_possible(group, action, reached) if reached else True


def _reached(statement: LintedStatement, resource: str) -> str:
    """Return a resource that the statement applies to: the given one, or one that it names; ``""`` if it is not resolved."""
    named = (resource, *(filled(item.text) for item in statement.resources if item.is_resolved))
    return next((arn for arn in named if arn and statement.reaches(arn)), "")


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
    keys = {
        line.key: line.key.partition("/")[2]
        for _, statement in group.statements("identity")
        for line in statement.conditions
        if line.key.lower().startswith(_TAG_CONDITIONS) and any(map(statement.covers, (*INFERENCE, *MANAGEMENT, APPLY)))
    }
    for policy, statement in group.statements("identity"):
        for action in filter(statement.covers, _TAGGING if statement.is_allow else ()):
            key = next((key for key, tag in keys.items() if _may_change(group, statement, action, tag)), None)
            if key is not None:
                item = statement.names(action)
                message = f"`{action}` can change the tag that the condition on `{key}` relies on."
                yield Problem(policy, item.pointer if item else statement.pointer, message)


def _may_change(group: Group, statement: LintedStatement, action: str, tag: str) -> bool:
    """
    Return whether an action can remove a tag from a guardrail, or change its value.

    The principal has one value for the tag. A guardrail with that value can lose it, and one with another value can get it.
    """
    policies = group.policy_set
    guardrail = _reached(statement, _GUARDRAIL)
    if policies is None or not guardrail:
        return False
    principal = {key: _OWN_VALUE for key in policies.reads if key.startswith("aws:principaltag/")}
    listed = [item.text for _, one in group.statements() for line in one.conditions if _of_tag(line, tag) for item in line.values]
    own = next((text for text in listed if not _PATTERN & set(text)), _OWN_VALUE)
    changes = ((own, _OTHER_VALUE), (_OTHER_VALUE, own)) if action == _TAGGING[0] else ((own, None), (_OTHER_VALUE, None))
    for before, after in changes:
        context: dict[str, str | tuple[str, ...]] = {**principal, f"aws:ResourceTag/{tag}": before, "aws:TagKeys": (tag,)}
        if after is not None:
            context[f"aws:RequestTag/{tag}"] = after
        unknown = sorted(policies.reads - {key.lower() for key in context} - {f"aws:requesttag/{tag.lower()}"})
        if not policies.evaluate(Request(group.principal, action, guardrail, context, unknown)).is_denied:
            return True
    return False


def _of_tag(line: ConditionLine, tag: str) -> bool:
    return line.key.lower() in (f"aws:resourcetag/{tag.lower()}", f"aws:requesttag/{tag.lower()}")


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
        if created is not None and statement.is_allow and not typed and _may(group, statement, _CREATE_KEY, _USER):
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
