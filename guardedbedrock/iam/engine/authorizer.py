"""
Evaluate a request against a plan.

Answers are True, False or None (Kleene's logic); None means that the answer depends on an unknown value or that AWS documents
no rule.
Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "Permissions boundaries for IAM
entities"; AWS Organizations User Guide, "SCP evaluation" and "RCP evaluation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from guardedbedrock.iam.engine.applicability import is_exempt, mandatory_policy, rcp_is_certain
from guardedbedrock.iam.engine.outcomes import Outcome
from guardedbedrock.iam.engine.plan import CALLER_TYPES, Plan, TestGroups
from guardedbedrock.iam.engine.statements import CompiledStatement
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.logic import both, either
from guardedbedrock.iam.matching.principals import Grant, Principal, identify
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import Test

Answers: TypeAlias = dict[Test, Truth] | None
"""Answers of this evaluation by test, for tests that several groups share; None if no two groups share a test."""


def authorize(plan: Plan, request: Request) -> tuple[Outcome, PolicyType | None]:
    """
    Decide a request.

    Returns:
        The outcome, and the policy type that decides; None for ``indeterminate``.
    """
    # INVARIANT: A sure outcome is returned only if no value of an unknown key can change whether the request is denied.
    # INVARIANT: An explicit deny decides before any Allow. A Deny that may apply (None) can only turn "allowed" into
    # "indeterminate", so that a call that AWS would allow is never denied here.
    if plan.needs_no_permission:
        # AWS documents that identity-based policies cannot deny these actions, but nothing about the remaining policy types.
        is_certain = forbids(plan, request)[0] is False and permits(plan, request)[0] is True
        return ("allowed", "identity") if is_certain else ("indeterminate", None)
    forbidden, denying_type = forbids(plan, request)
    if forbidden:
        return "explicitDeny", denying_type
    permitted, policy_type = permits(plan, request)
    if permitted is False:
        return "implicitDeny", policy_type
    if forbidden is None or permitted is None:
        return "indeterminate", None
    return "allowed", policy_type


def forbids(plan: Plan, request: Request) -> tuple[Truth, PolicyType | None]:
    """Return whether a Deny applies, and the policy type of the first one that does."""
    forbidden: Truth = False
    for policy_type, applies in plan.denies:
        answer = applies(request)
        if answer is False or is_exempt(policy_type, request, plan.management_account):
            continue
        if answer and (policy_type != "rcp" or rcp_is_certain(request)):
            return True, policy_type
        forbidden = None
    return forbidden, None


def permits(plan: Plan, request: Request) -> tuple[Truth, PolicyType | None]:
    """
    Return whether every required policy type allows, and the type that decides.

    The type is the first one that does not allow, or the one that grants.
    """
    answers: Answers = {} if plan.has_shared_tests else None
    unread = any(gap.concerns(request) for gap in plan.resource_gaps)
    if plan.resource_allows is None and request.cross_account is False and mandatory_policy(request) is None and not unread:
        return _every_group(plan, plan.required, request, answers)
    # INVARIANT: No grant of a resource-based policy overrides the outer limits.
    within_limits, policy_type = _every_group(plan, plan.outer_limits, request, answers)
    if within_limits is False:
        return False, policy_type
    allowed, policy_type = _permits_caller(plan, request, answers)
    if unread and allowed is False:
        # INVARIANT: A resource-based policy that could not be read may grant to the caller directly.
        return None, None
    return (False if allowed is False else both(within_limits, allowed)), policy_type


def determining(plan: Plan, outcome: Outcome, request: Request) -> Iterator[CompiledStatement]:
    """Yield the statements that determine an outcome: every Deny of an explicit deny, every Allow that grants a request."""
    if outcome == "explicitDeny":
        for policy_type, compiled in plan.statements("Deny"):
            is_certain = policy_type != "rcp" or rcp_is_certain(request)
            if is_certain and not is_exempt(policy_type, request, plan.management_account) and compiled.applies(request):
                yield compiled
    elif outcome == "allowed":
        caller_allows, _ = _every_group(plan, plan.caller_checks, request, None)
        for policy_type, compiled in plan.statements("Allow"):
            grants = policy_type == "resource" and (
                request.cross_account or passes_limits(plan, compiled.grant(request), request)
            )
            if ((policy_type == "identity" and caller_allows) or grants) and compiled.applies(request):
                yield compiled


def needs_no_allow(policy_type: PolicyType, principal: Principal) -> bool:
    """Return whether the caller needs no Allow of a type: the root user needs no policy of its account."""
    return policy_type in CALLER_TYPES and principal.kind == "root"


def passes_limits(plan: Plan, grant: Grant, request: Request) -> Truth:
    """Return whether a grant of a resource-based policy passes the caller's boundary and session policies (same account)."""
    if grant in (Grant.EXACT, Grant.UNDOCUMENTED):
        return True
    limits = {policy_type: _any_test(tests, request, None) for policy_type, tests in plan.caller_checks}
    session = limits.get("session", True)
    if grant is Grant.OPEN:
        # AWS does not document whether a session policy limits a grant to everyone.
        return True if session else None
    return both(limits.get("boundary", True), session) if grant in (Grant.ROLE, Grant.PERHAPS) else False


def _permits_caller(plan: Plan, request: Request, answers: Answers) -> tuple[Truth, PolicyType | None]:
    """Join the caller's own policies with the resource-based policies."""
    own, policy_type = _every_group(plan, plan.caller_checks, request, answers)
    if mandatory_policy(request) is not None and plan.resource_allows is None:
        # INVARIANT: Without the policy that AWS requires here, nothing is certain: it may also grant to the caller directly.
        return (False, policy_type) if request.cross_account and own is False else (None, None)
    if request.cross_account is False:
        return _in_same_account(plan, request, own, policy_type)
    granted = either(compiled.applies(request) for compiled in plan.resource_allows or ())
    # INVARIANT: Across accounts both sides must allow.
    across = both(own, granted)
    across_type: PolicyType | None = policy_type if own is False or granted else "resource"
    if request.cross_account:
        return across, across_type
    # The account of the resource is unknown: the answer is sure only if it is the same either way.
    same, same_type = _in_same_account(plan, request, own, policy_type)
    return (same, same_type) if same is across else (None, None)


def _in_same_account(plan: Plan, request: Request, own: Truth, policy_type: PolicyType | None) -> tuple[Truth, PolicyType | None]:
    """Within one account, either side may allow; a mandatory resource-based policy must allow, or name the account."""
    if mandatory_policy(request) is not None:
        allows = plan.resource_allows or ()
        delegated = either(allow.applies(request) for allow in allows if allow.grant(request) is Grant.ACCOUNT)
        own, policy_type = both(own, delegated), policy_type if delegated and own is False else "resource"
    if own or not plan.resource_allows:
        return own, policy_type
    granted = either(
        both(allow.applies(request), passes_limits(plan, allow.grant(request), request)) for allow in plan.resource_allows
    )
    return either((own, granted)), policy_type if granted is False else "resource"


def _any_test(tests: Iterable[Test], request: Request, answers: Answers) -> Truth:
    """Join the tests of a group with OR."""
    joined: Truth = False
    for test in tests:
        if answers is None:
            answer = test(request)
        elif test in answers:
            answer = answers[test]
        else:
            answer = answers[test] = test(request)
        if answer:
            return True
        if answer is None:
            joined = None
    return joined


def _every_group(plan: Plan, groups: TestGroups, request: Request, answers: Answers) -> tuple[Truth, PolicyType | None]:
    """Join groups with AND; with False, also return the first policy type that does not allow."""
    joined: Truth = True
    for policy_type, tests in groups:
        answer = _any_test(tests, request, answers)
        if answer is True or needs_no_allow(policy_type, identify(request.principal)):
            continue
        if is_exempt(policy_type, request, plan.management_account):
            continue
        if answer is False:
            return False, policy_type
        joined = None
    return joined, "identity"
