"""Derive the rules of a call from an account: its policies, its enforced guardrails, and the facts about the principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardedbedrock.bedrock import EnforcedGuardrail, Guardrail
from guardedbedrock.core.rules import Rules
from guardedbedrock.iam import Account, AccountPrincipal


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
    """Return the context keys of every call of a principal that an account shows, apart from those of its ARN."""
    keys = account.keys_of(principal).known
    shown = {key: str(value) for key, value in keys.items() if key == "aws:PrincipalOrgID" or key.startswith("aws:PrincipalTag/")}
    if principal.kind == "role" and "aws:PrincipalArn" in keys:
        shown["aws:PrincipalArn"] = principal.arn
    return shown
