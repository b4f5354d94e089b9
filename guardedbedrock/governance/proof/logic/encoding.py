"""
Policies as formulas that mean exactly what the engine means.

Each statement becomes a three-valued answer (`Tri`); the composition of policy types follows the engine's evaluation.
Parts that cannot be expressed become an open answer, which can make a proof ``unknown``, but never wrong.
Source: IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, TypeAlias

from guardedbedrock.governance.proof.logic.conditions import Conditions
from guardedbedrock.governance.proof.logic.formulas import NO, OPEN, RESOURCE, YES, Shaped, Tri, tri_and, tri_not, tri_or
from guardedbedrock.governance.proof.logic.request_strings import RequestStrings
from guardedbedrock.governance.proof.logic.resources import covers_resource
from guardedbedrock.governance.proof.policies import PlacedStatement, ProofPolicies
from guardedbedrock.iam.engine.applicability import RCP_SERVICES
from guardedbedrock.iam.engine.gaps import ALTERNATIVES, Gap
from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern, tokenize
from guardedbedrock.iam.matching.principals import Grant, excepted, grant, identify
from guardedbedrock.iam.matching.requests import Request

Groups: TypeAlias = Sequence[tuple[PolicyType, Sequence[PlacedStatement]]]
"""Statements that count together: those of a policy type, or of one level of it."""

_OWN_RULES: Final = ("kms:", "sts:")
"""Services with special rules in the engine, such as mandatory resource-based policies. Their answers stay open."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """
    Encodes statements and policies.

    Args:
        strings: What is known about the resource and the values of keys.
        conditions: The conditions of the statements.
        action: The action in lower case.
        foreign: Whether the resource and the principal belong to different accounts.
    """

    strings: RequestStrings
    conditions: Conditions
    action: str = ""
    foreign: bool = False
    _groups: dict[object, Groups] = field(default_factory=dict, repr=False)
    _resources: dict[object, Tri] = field(default_factory=dict, repr=False)

    def at(self, action: str, resource: str | None, shaped: Shaped | None, *, foreign: bool) -> Encoder:
        """
        Return the encoder for another action and resource. Its cached answers about statements are shared.

        Args:
            action: The action.
            resource: The resource; None leaves it free.
            shaped: The shape of a free resource, if it has one.
            foreign: Whether the resource and the principal belong to different accounts.
        """
        return replace(self, strings=self.strings.at(resource, shaped), action=action.lower(), foreign=foreign)

    # -- composition, as in the engine's plan -----------------------------------------------------------------------

    def allowed(self, policies: ProofPolicies) -> Tri:
        """
        Return whether a request is allowed.

        INVARIANT: `must` implies that the engine decides ``allowed``, and ``allowed`` implies `may`.
        """
        if self.action.startswith(_OWN_RULES):
            return OPEN
        groups = [(kind, group) for kind, group in self._groups_of_action(policies) if not self._is_exempt(kind, policies)]
        permitted = self._permitted(groups, policies)
        # A policy that could not be read may allow or deny. A known Deny still denies, a known gate must still allow.
        gaps = [gap for gap in policies.gaps if self._concerns(gap)]
        if not {gap.policy_type for gap in gaps}.isdisjoint(ALTERNATIVES):
            permitted = Tri(permitted.must, may=True)
        if permitted.may is False:
            return NO
        gates = [self._any_of(group, "Allow", policies) for kind, group in groups if kind in ("scp", "endpoint")]
        denied = tri_or(self._deny(kind, self._any_of(group, "Deny", policies), policies) for kind, group in groups)
        answer = tri_and((permitted, *gates, tri_not(denied)))
        return Tri(must=False, may=answer.may) if gaps else answer

    def _concerns(self, gap: Gap) -> bool:
        """Return whether the unread policies may concern the resource."""
        if self.strings.resource is not None:
            return gap.concerns(Request("", self.action, self.strings.resource))
        return not gap.resource or self.strings.matches(RESOURCE, tokenize(gap.resource)) is not False

    def _groups_of_action(self, policies: ProofPolicies) -> Groups:
        """Return the groups of statements, of those that cover the action."""
        # INVARIANT: the question keeps the policies as long as this encoder, so no id() is used twice.
        known = id(policies), self.action
        if known not in self._groups:
            groups = ((kind, [one for one in group if self._covers_action(one)]) for kind, group in policies.groups())
            self._groups[known] = tuple(groups)
        return self._groups[known]

    def _permitted(self, groups: Groups, policies: ProofPolicies) -> Tri:
        """Return whether the policies of the caller and of the resource allow the request."""
        principal = identify(policies.principal)
        own: dict[PolicyType, Tri] = {}
        grants: list[tuple[Grant, Tri]] | None = None
        for kind, group in groups:
            if kind in ("identity", "boundary", "session"):
                own[kind] = YES if principal.kind == "root" else self._any_of(group, "Allow", policies)
            elif kind == "resource":
                allows = [one for one in group if one.statement.effect == "Allow"]
                grants = [(self._grant(one, policies), self.statement(one, policies)) for one in allows]
        if policies.session is not None and not policies.session and principal.kind == "federated-user":
            own["session"] = NO
        return self._combine(own, grants)

    def _any_of(self, group: Sequence[PlacedStatement], effect: str, policies: ProofPolicies) -> Tri:
        return tri_or(self.statement(one, policies) for one in group if one.statement.effect == effect)

    def _is_exempt(self, kind: PolicyType, policies: ProofPolicies) -> bool:
        """Return whether the policies of a type do not apply, as in the engine."""
        if kind not in ("scp", "rcp"):
            return False
        principal = identify(policies.principal)
        if principal.is_service_linked_by(self.strings.fixed.get("aws:principalarn")):
            return True
        if kind == "rcp":
            return (
                policies.management_account is not None and policies.management_account == principal.account and not self.foreign
            )
        return not principal.account or principal.account == policies.management_account

    def _deny(self, kind: PolicyType, answer: Tri, policies: ProofPolicies) -> Tri:
        # Only for the services on AWS's list is it certain that an RCP applies.
        is_certain = policies.rcp_applies or self.action.partition(":")[0] in RCP_SERVICES
        return answer if kind != "rcp" or is_certain else Tri(must=False, may=answer.may)

    def _combine(self, caller_checks: Mapping[PolicyType, Tri], grants: list[tuple[Grant, Tri]] | None) -> Tri:
        """Combine what the caller's own policies and the resource-based policies decide."""
        of_caller = tri_and(caller_checks.values())
        if grants is None:
            # Without a resource-based policy, access to another account's resource is not granted.
            return NO if self.foreign else of_caller
        if self.foreign:
            return tri_and((of_caller, tri_or(answer for _, answer in grants)))
        return tri_or((of_caller, *(tri_and((answer, self._remaining_checks(kind, caller_checks))) for kind, answer in grants)))

    def _remaining_checks(self, kind: Grant, caller_checks: Mapping[PolicyType, Tri]) -> Tri:
        """Return the checks of the caller that still apply to a grant of a resource-based policy."""
        if kind in (Grant.EXACT, Grant.UNDOCUMENTED):
            return YES
        boundary, session = caller_checks.get("boundary", YES), caller_checks.get("session", YES)
        if kind is Grant.OPEN:
            return Tri(session.must, may=True)
        return tri_and((boundary, session)) if kind in (Grant.ROLE, Grant.PERHAPS) else NO

    # -- one statement ----------------------------------------------------------------------------------------------

    def statement(self, placed: PlacedStatement, policies: ProofPolicies) -> Tri:
        """Return whether a statement applies to the request."""
        granted = self._grant(placed, policies)
        if granted is Grant.NONE or not self._covers_action(placed):
            return NO
        resource = self._covers_resource(placed)
        answer = resource if resource.may is False else tri_and((resource, self.conditions.hold(placed)))
        return Tri(must=False, may=answer.may) if granted in (Grant.PERHAPS, Grant.UNDOCUMENTED) else answer

    def _grant(self, placed: PlacedStatement, policies: ProofPolicies) -> Grant:
        statement, principal = placed.statement, identify(policies.principal)
        if statement.principal is None:
            return Grant.OPEN
        if not statement.not_principal:
            return grant(statement.principal, principal)
        if statement.effect == "Deny" and policies.boundary and principal.kind in ("user", "role", "assumed-role"):
            return Grant.OPEN
        is_excepted = excepted(statement.principal, principal)
        if is_excepted:
            return Grant.NONE
        if is_excepted is None and principal.kind == "federated-user" and statement.effect == "Deny":
            return Grant.PERHAPS
        return Grant.UNDOCUMENTED if is_excepted is None or statement.effect == "Allow" else Grant.OPEN

    def _covers_action(self, placed: PlacedStatement) -> bool:
        """Return whether Action or NotAction covers the action."""
        statement = placed.statement
        return any(_action_matcher(pattern)(self.action) for pattern in statement.actions) is not statement.not_action

    def _covers_resource(self, placed: PlacedStatement) -> Tri:
        strings = self.strings
        known = id(placed.statement), placed.document.version, strings.shapes.get(RESOURCE, strings.resource)
        if known not in self._resources:
            self._resources[known] = covers_resource(placed, strings)
        return self._resources[known]


@lru_cache(maxsize=4096)  # keyed by pattern: every action of a question is compared with the same patterns
def _action_matcher(pattern: str) -> Matcher:
    return compile_pattern(pattern.lower())
