"""The rules of a call, made of an account: policies, what the account enforces, and what it says about the principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardedbedrock.bedrock import EnforcedGuardrail, Guardrail
from guardedbedrock.core.rules import Rules
from guardedbedrock.iam import Account, AccountPrincipal
from guardedbedrock.iam.matching.patterns import compile_pattern

_TAG_SESSION: Final = "sts:tagsession"


def rules_of_account(account: Account, rules: Rules) -> Rules:
    """
    Return rules with the policies of the principal.

    The configuration overrides the account: context keys, profiles and enforced guardrails.

    Args:
        account: The account.
        rules: The rules of the client; `principal` is called.

    Raises:
        ConfigurationError: The account has no such principal.
    """
    principal = account.find(rules.principal())
    snapshot = account.snapshot
    return replace(
        rules,
        policies=account.policies_for_calls(principal.arn),
        context={**known_context(account, principal), **rules.context},
        resolved_models={**models_of_profiles(snapshot), **rules.resolved_models},
        enforced=(*rules.enforced, *_enforced(snapshot, rules)),
        unread=account.unread_enforcement,
    )


def models_of_profiles(snapshot: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the models of the application inference profiles of a snapshot, by ARN and by ID."""
    return {
        name: tuple(profile["models"])
        for profile in snapshot.get("inference_profiles") or ()
        if profile.get("type") == "APPLICATION"
        for name in (profile["arn"], profile["id"])
    }


def _enforced(snapshot: Mapping[str, Any], rules: Rules) -> tuple[Guardrail, ...]:
    known = {guardrail.key for guardrail in rules.enforced}
    found = map(EnforcedGuardrail.from_snapshot, snapshot.get("enforced_guardrails") or ())
    return tuple(guardrail for guardrail in found if guardrail.key not in known)


def known_context(account: Account, principal: AccountPrincipal) -> dict[str, str]:
    """Return the context keys of every call of a principal that an account shows."""
    organization = account.snapshot.get("organization") or {}
    known = {"aws:PrincipalOrgID": organization["id"]} if organization.get("id") else {}
    if principal.kind == "role":
        known["aws:PrincipalArn"] = principal.arn
    if _tags_are_certain(principal):
        known |= {f"aws:PrincipalTag/{key}": value for key, value in principal.tags.items()}
    return known


def _tags_are_certain(principal: AccountPrincipal) -> bool:
    """Return whether the principal tags of a call are those of the user or role: session tags override the tags of a role."""
    if principal.kind != "role":
        return principal.kind == "user"
    statements = [] if principal.trust is None else principal.trust.get("Statement") or []
    allows = [one for one in (statements if isinstance(statements, list) else [statements]) if one.get("Effect") == "Allow"]
    return bool(allows) and not any(_may_tag(statement) for statement in allows)


def _may_tag(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement of a trust policy may let a session have tags."""
    actions = statement.get("Action", "*")
    patterns = [actions] if isinstance(actions, str) else actions
    return any(compile_pattern(pattern.lower())(_TAG_SESSION) for pattern in patterns)
