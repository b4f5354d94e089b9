"""
The findings of the rule: one evaluation for each guardrail, role, user and SCP.

Source: AWS Config API Reference, "Evaluation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from guardedbedrock.bedrock.actions import INFERENCE, is_guardrail_key
from guardedbedrock.governance.config_rule.parameters import STRENGTHS, Parameters
from guardedbedrock.governance.lint.checks.governance_rules import both_roles
from guardedbedrock.governance.lint.checks.guardrail_rules import narrow_deny, one_operation, slips_through
from guardedbedrock.governance.lint.checks.proofs import prove_guarded
from guardedbedrock.governance.lint.checks.sample_requests import (
    OTHER_GUARDRAIL,
    ask,
    is_possible,
    models_of,
    named_guardrails,
)
from guardedbedrock.governance.lint.locations import SourceText
from guardedbedrock.governance.lint.policy import Group, LintedPolicy
from guardedbedrock.iam import PolicyType, Request
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.account.documents import read_document
from guardedbedrock.iam.account.principals import AccountPrincipal

COMPLIANT: Final = "COMPLIANT"
NON_COMPLIANT: Final = "NON_COMPLIANT"
NOT_APPLICABLE: Final = "NOT_APPLICABLE"
_WORST_FIRST: Final = (NON_COMPLIANT, NOT_APPLICABLE, COMPLIANT)
LONGEST: Final = 256
_CUT: Final = " [truncated]"
ACCOUNT_TYPE: Final = "AWS::::Account"
TYPES: Final = {"role": "AWS::IAM::Role", "user": "AWS::IAM::User"}
_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
SCP_TYPE: Final = "AWS::Organizations::Policy"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    The result for one resource.

    Args:
        resource_type: AWS Config's resource type.
        resource_id: AWS Config's resource ID.
        compliance: ``COMPLIANT``, ``NON_COMPLIANT`` or ``NOT_APPLICABLE``.
        reason: Why; ``""`` if there is nothing to say.
    """

    resource_type: str
    resource_id: str
    compliance: str
    reason: str = ""

    def as_request(self, time: Any) -> dict[str, Any]:
        """Return the entry for ``put_evaluations``. AWS rejects an empty annotation and one of more than 256 characters."""
        entry = {
            "ComplianceResourceType": self.resource_type,
            "ComplianceResourceId": self.resource_id,
            "ComplianceType": self.compliance,
            "OrderingTimestamp": time,
        }
        reason = self.reason if len(self.reason) <= LONGEST else self.reason[: LONGEST - len(_CUT)] + _CUT
        return {**entry, "Annotation": reason} if reason else entry


def evaluation_of(kind: str, identifier: str, problems: Sequence[str]) -> Evaluation:
    """Return COMPLIANT if there is no problem, else NON_COMPLIANT with all problems."""
    return Evaluation(kind, identifier, NON_COMPLIANT if problems else COMPLIANT, "; ".join(problems))


def merge(found: Iterable[Evaluation]) -> list[Evaluation]:
    """Merge evaluations of the same resource: of two with the same time, AWS Config keeps one. The worst result counts."""
    by_resource: dict[tuple[str, str], list[Evaluation]] = {}
    for one in sorted(found, key=lambda one: _WORST_FIRST.index(one.compliance)):
        by_resource.setdefault((one.resource_type, one.resource_id), []).append(one)
    return [
        Evaluation(kind, identifier, same[0].compliance, "; ".join(dict.fromkeys(one.reason for one in same if one.reason)))
        for (kind, identifier), same in by_resource.items()
    ]


# -- guardrails -----------------------------------------------------------------------------------------------------------


def guardrail_problems(
    details: Mapping[str, Any], tags: Mapping[str, str], versions: Sequence[str], given: Parameters
) -> Iterator[str]:
    """
    Yield what is wrong with a guardrail.

    Args:
        details: The response of ``GetGuardrail``.
        tags: Its tags.
        versions: Its published versions.
        given: The parameters.
    """
    for key in given.required_tags:
        allowed = (given.allowed_values or {}).get(key)
        if key not in tags:
            yield f"tag {key} is missing"
        elif allowed is not None and tags[key] not in allowed:
            yield f"tag {key} has the value {tags[key]}, allowed: {', '.join(allowed)}"
    if details.get("status") != "READY":
        yield f"status is {details.get('status', 'unknown')}, not READY"
    if not versions:
        yield "no version is published"
    filters = (details.get("contentPolicy") or {}).get("filters") or ()
    if not filters and given.minimum_strength != STRENGTHS[0]:
        yield "it has no content filters"
    for one in filters:
        yield from _filter_problems(one, given.minimum_strength)


def _filter_problems(given: Mapping[str, Any], lowest: str) -> Iterator[str]:
    """Yield what is wrong with a content filter: it is weaker than the lowest strength, is off, or does not block."""
    minimum, kind = STRENGTHS.index(lowest), given.get("type")
    for side in ("input",) if kind == "PROMPT_ATTACK" else ("input", "output"):
        strength = str(given.get(f"{side}Strength", "NONE"))
        if strength not in STRENGTHS or STRENGTHS.index(strength) < minimum:
            yield f"filter {kind} has {side}Strength {strength}, below {lowest}"
        elif minimum and given.get(f"{side}Enabled") is False:
            yield f"filter {kind} has {side}Enabled false, so it is off"
        elif minimum and given.get(f"{side}Action") == "NONE":
            yield f"filter {kind} has {side}Action NONE, so it does not block"


# -- principals -----------------------------------------------------------------------------------------------------------


def principals(
    account: Account, given: Parameters, now: datetime, *, scps_known: bool, use_unread: str = ""
) -> Iterator[Evaluation]:
    """
    Yield an evaluation for each role and user in scope.

    Args:
        account: The account, with ``last_accessed`` of each principal that `invokers` returns.
        given: The parameters.
        now: The current time.
        scps_known: Whether the SCPs could be read.
        use_unread: Why no last-accessed data could be read; ``""`` if they could.
    """
    for arn, principal in _in_scope(account, given):
        problems = list(_principal_problems(account, arn, principal, given, now))
        if problems and not scps_known:
            problems.append("SCPs could not be read")
        kind, identifier = TYPES[principal.kind], principal.id or principal.name
        if not problems and _is_use_unknown(account, arn, principal, given):
            reason = use_unread or "not evaluated: IAM's report of its use is not ready"
            yield Evaluation(kind, identifier, NOT_APPLICABLE, reason)
        else:
            yield evaluation_of(kind, identifier, problems)


def _in_scope(account: Account, given: Parameters) -> Iterator[tuple[str, AccountPrincipal]]:
    kinds = {kind for kind, scope in (("role", "roles"), ("user", "users")) if scope in given.scope}
    return ((arn, principal) for arn, principal in account.principals.items() if principal.kind in kinds)


def invokers(account: Account, given: Parameters) -> list[str]:
    """Return the ARNs of the roles and users in scope that may call a model."""
    return [arn for arn, principal in _in_scope(account, given) if _invokes(group_of(account, principal, arn), given.approved)]


def _principal_problems(
    account: Account, arn: str, principal: AccountPrincipal, given: Parameters, now: datetime
) -> Iterator[str]:
    group = group_of(account, principal, arn)
    if any(policy.problem for policy in group.policies):
        yield "a policy cannot be read"
        return
    if group.policy_set is None:
        return
    problem = _unguarded(group, given.approved)
    if problem:
        yield problem
    if any(True for _ in both_roles(group)):
        yield "management and invocation are in one principal"
    if _invokes(group, given.approved) and _is_unused(account, arn, principal, given, now):
        yield f"access to Bedrock was not used for {given.unused_days} days"


def _calls(group: Group) -> Iterator[tuple[str, str]]:
    """Yield an action and a model for each inference call that a statement of the principal allows by itself."""
    for _, statement in group.statements("identity"):
        if statement.is_allow:
            yield from (
                (action, model)
                for action in INFERENCE
                if statement.covers(action)
                for model in models_of(statement, group.exempt_models)
            )


def _unguarded(group: Group, approved: Sequence[str]) -> str:
    """
    Return why a call without an approved guardrail is possible; ``""`` if it is not.

    Sample calls decide first. Where they are not certain, a proof decides if cvc5 is installed beside the function.
    """
    others = (None, OTHER_GUARDRAIL, *(one for one in named_guardrails(group) if one not in approved))
    decisions = [(ask(group, action, model, one), one) for action, model in _calls(group) for one in others]
    possible = [(decision, one) for decision, one in decisions if decision is not None and not decision.is_denied]
    certain = next(((decision, one) for decision, one in possible if decision.outcome == "allowed"), None)
    if certain is None and _has_inference(group):
        answer = prove_guarded(group, approved)
        if answer is not None:
            return _words(answer.witness) if answer.witness is not None else ""
    decision, guardrail = certain or (possible[0] if possible else (None, None))
    return "" if decision is None else _possible(decision.request.action, guardrail)


def _has_inference(group: Group) -> bool:
    return any(one.is_allow and any(map(one.covers, INFERENCE)) for _, one in group.statements("identity"))


def _words(witness: Request) -> str:
    guardrail = next((str(value) for key, value in witness.context.items() if is_guardrail_key(key)), None)
    return _possible(witness.action, guardrail)


def _possible(action: str, guardrail: str | None) -> str:
    if guardrail is None:
        return f"{action} is possible without a guardrail"
    return f"{action} is possible with the guardrail {guardrail}, which is not approved"


def _invokes(group: Group, approved: Sequence[str]) -> bool:
    values = (None, OTHER_GUARDRAIL, *named_guardrails(group), *approved)
    return any(is_possible(group, action, model, one) for action, model in _calls(group) for one in values)


def _is_unused(account: Account, arn: str, principal: AccountPrincipal, given: Parameters, now: datetime) -> bool:
    limit = now - timedelta(days=given.unused_days)
    accessed = (account.snapshot.get("last_accessed") or {}).get(arn)
    if accessed is None:  # a role that was not used at all did not use Bedrock
        return principal.last_used is not None and datetime.fromisoformat(principal.last_used) < limit
    last = accessed.get("bedrock") or account.snapshot["principals"][arn].get("created")
    return last is None or datetime.fromisoformat(str(last)) < limit


def _is_use_unknown(account: Account, arn: str, principal: AccountPrincipal, given: Parameters) -> bool:
    is_read = arn in (account.snapshot.get("last_accessed") or {})
    return not is_read and _invokes(group_of(account, principal, arn), given.approved)


def group_of(account: Account, principal: AccountPrincipal, arn: str) -> Group:
    """Return the policies of a principal in the form that the lint rules evaluate."""
    snapshot = account.snapshot
    groups, managed = snapshot.get("groups") or {}, snapshot.get("managed_policies") or {}
    owners: list[tuple[Mapping[str, Any], Sequence[str]]] = [(principal.inline, principal.managed)]
    owners += [(groups[one]["inline"], groups[one]["managed"]) for one in principal.groups]
    policies = [_policy(document, "identity", name) for inline, _ in owners for name, document in inline.items()]
    policies += [_policy(managed.get(one), "identity", one) for _, attached in owners for one in attached]
    if principal.boundary:
        policies.append(_policy(managed.get(principal.boundary), "boundary", principal.boundary))
    if not account.is_management_account:
        policies += scp_policies(snapshot)
    return Group(tuple(policies), principal=arn, is_complete=True)


def scp_policies(snapshot: Mapping[str, Any]) -> list[LintedPolicy]:
    """Return the SCPs of a snapshot by level."""
    levels = enumerate(snapshot.get("scp") or ())
    return [_policy(one["document"], "scp", one["name"], number) for number, level in levels for one in level["policies"]]


def _policy(document: Any, kind: PolicyType, name: str, level: int = 0) -> LintedPolicy:
    source = SourceText("{}", name)
    return LintedPolicy(source, "", {} if document is None else read_document(document, name=name), kind, name=name, level=level)


# -- SCPs -----------------------------------------------------------------------------------------------------------------


def scps(snapshot: Mapping[str, Any], approved: Sequence[str]) -> Iterator[Evaluation]:
    """
    Yield an evaluation for each attached SCP that is about guardrails, or one for the account without such SCPs.

    The engine decides whether the SCPs together leave a call without an approved guardrail to a principal that may do everything.

    Args:
        snapshot: The SCPs by level.
        approved: Values of ``bedrock:GuardrailIdentifier`` that count as approved.
    """
    policies = scp_policies(snapshot)
    ids = [one.get("id") or one["name"] for level in snapshot.get("scp") or () for one in level["policies"]]
    about = {  # by ID: an SCP can be attached at several levels
        identifier: policy
        for identifier, policy in zip(ids, policies, strict=True)
        if any(not one.is_allow and one.guardrail_lines and any(map(one.covers, INFERENCE)) for one in policy.statements)
    }
    everything = _policy(_EVERYTHING, "identity", "everything")
    problem = _unguarded(Group((everything, *policies)), approved)
    if not about:
        found = [f"no SCP requires an approved guardrail: {problem}"] if problem else []
        yield evaluation_of(ACCOUNT_TYPE, str(snapshot.get("account", "")), found)
    for identifier, policy in about.items():
        found = []
        if problem:
            level = _policy(_EVERYTHING, "scp", "everything", policy.level)
            own = _unguarded(Group((everything, level, policy)), approved)
            rules = (slips_through, one_operation, narrow_deny)
            found = [own, *(each.message for rule in rules for each in rule(Group((policy,))))]
        yield evaluation_of(SCP_TYPE, identifier, [one for one in found if one])
