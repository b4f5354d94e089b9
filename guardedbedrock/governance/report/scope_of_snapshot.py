"""The scope of a report about an account, from a snapshot: its principals in groups, its guardrails and its gaps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from guardedbedrock.bedrock import Caller, EnforcedGuardrail, Guardrail, Inventory
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.report.reported_models import given_models, models_of
from guardedbedrock.governance.report.scope import PrincipalGroup, Scope, regions_of
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.account.account import Account, describe_gap
from guardedbedrock.iam.account.principals import AccountPrincipal
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.sources.account_rules import known_context


def of_snapshot(path: str | Path, approved: Sequence[str] = (), models: Sequence[str] = ()) -> Scope:
    """
    Read the scope of a report about an account.

    Args:
        path: A snapshot, or a dump of authorization details.
        approved: The guardrails that count as approved, ``ARN`` or ``ARN:VERSION``; every published version of the snapshot by
            default.
        models: The models, by ID or ARN; those that the policies and the inference profiles name by default.

    Raises:
        ConfigurationError: The file cannot be read, or no Region is known.
        PolicySyntaxError: A policy document cannot be read.
    """
    account = Account.from_snapshot(path)
    try:
        return _of_account(account, str(path), approved, models)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"{path}: a section of the snapshot has the wrong form ({problem}); take a new snapshot"
        ) from None


def _of_account(account: Account, source: str, approved: Sequence[str], models: Sequence[str]) -> Scope:
    snapshot = account.snapshot
    groups = tuple(_group(account))
    guardrails = tuple(map(_parse_guardrail, approved)) or tuple(_guardrails_of(snapshot))
    enforced = tuple(map(EnforcedGuardrail.from_snapshot, snapshot.get("enforced_guardrails") or ()))
    listed = snapshot.get("guardrails") or ()
    inventory = Inventory(
        tags={one["arn"]: one["tags"] for one in listed if one.get("tags") is not None},
        resolved_models=_resolved_models(snapshot),
        enforced=enforced,
        profiles={one["arn"]: one["profile"] for one in listed if one.get("profile")},
    )
    regions = regions_of(guardrails, (*(snapshot.get("regions") or ()), *(one.region for one in enforced)))
    return Scope(
        source=source,
        account=account.id,
        time=str(snapshot.get("time") or ""),
        groups=groups,
        models=given_models(models) or tuple(models_of(groups, snapshot)),
        guardrails=guardrails,
        regions=regions,
        inventory=inventory,
        gaps=tuple(dict.fromkeys(describe_gap(gap) for gap in account.gaps)),
        assumptions=("Every published guardrail version of the snapshot counts as approved.",) if not approved else (),
        unread={region: account.unread_enforcement(region) for region in regions},
    )


def _group(account: Account) -> Iterator[PrincipalGroup]:
    """Group the principals, so that equal policies are evaluated once."""
    by_policies: dict[str, list[AccountPrincipal]] = {}
    for principal in account.principals.values():
        by_policies.setdefault(_policies_key(account, principal), []).append(principal)
    for group in by_policies.values():
        policies = account.policies_for_calls(group[0].arn)
        named = _named_principals(policies)
        by_facts: dict[str, list[AccountPrincipal]] = {}
        for principal in group:
            facts = _facts(account, principal, policies.reads)
            key = json.dumps([facts, principal.arn in named and principal.arn, identify(principal.arn).is_service_linked])
            by_facts.setdefault(key, []).append(principal)
        for equal in by_facts.values():
            first = equal[0]
            yield PrincipalGroup(
                principals=tuple(one.arn for one in equal),
                policies=policies if first is group[0] else account.policies_for_calls(first.arn),
                identity=account.policy_set(first.arn),
                context=known_context(account, first),
                userid=first.id if first.kind == "user" else "",
            )


def _policies_key(account: Account, principal: AccountPrincipal) -> str:
    """Return equal keys for principals with equal policies. The names of inline policies do not count."""
    inline = sorted(json.dumps(document, sort_keys=True, default=str) for document in principal.inline.values())
    gaps = [str(gap) for gap in account.gaps_of(principal.arn)]
    named = [sorted(principal.managed), sorted(principal.groups), sorted(principal.missing), principal.boundary]
    return json.dumps([inline, named, gaps])


def _named_principals(policies: PolicySet) -> frozenset[str]:
    documents = (*policies.documents.get("resource", ()), *policies.documents.get("rcp", ()))
    statements = (statement for document in documents for statement in document.statements)
    return frozenset(value for one in statements for _, value in one.principal or ())


def _facts(account: Account, principal: AccountPrincipal, reads: frozenset[str]) -> list[tuple[str, str]]:
    """Return the facts of a principal that its policies read."""
    userid = principal.id if principal.kind == "user" else ""
    caller = Caller(principal.arn, "", context=known_context(account, principal), userid=userid)
    return sorted((key, str(value)) for key, value in caller.known.items() if key.lower() in reads)


def _guardrails_of(snapshot: Mapping[str, Any]) -> Iterator[Guardrail]:
    """Yield every published version; the DRAFT of a guardrail that has none."""
    for one in snapshot.get("guardrails") or ():
        versions = one.get("versions") or [one.get("version") or DRAFT]
        numbers = [str(each["version"] if isinstance(each, Mapping) else each) for each in versions]
        for version in [number for number in numbers if number != DRAFT] or [DRAFT]:
            yield Guardrail(one["arn"], version, name=str(one.get("name") or ""))


def _parse_guardrail(text: str) -> Guardrail:
    arn, version = text, DRAFT
    head, _, tail = text.rpartition(":")
    if "guardrail/" in head:
        arn, version = head, tail
    try:
        return Guardrail(arn, version)
    except ConfigurationError:
        raise ConfigurationError(
            f"--approved: `{text}` is not an approved guardrail; write `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID:VERSION`"
        ) from None


def _resolved_models(snapshot: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the models of each profile by ARN, because the same ID can route to other models in another Region."""
    return {one["arn"]: tuple(one["models"]) for one in snapshot.get("inference_profiles") or ()}
