"""The scope of a report about the principal of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from guardedbedrock.bedrock import AUTHORIZERS, Inventory
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.report.reported_models import given_models, models_of
from guardedbedrock.governance.report.scope import PrincipalGroup, Scope, regions_of
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.settings import load

_ANY_ROLE: Final = "role/AnyRole"


def of_configuration(path: str | Path | None, models: Sequence[str] = ()) -> Scope:
    """
    Read the scope of a report about the principal of a configuration.

    Args:
        path: The configuration; None searches the locations of `Guard.from_config`.
        models: The models; those that the policies and profiles name by default.

    Raises:
        ConfigurationError: The configuration is invalid, or has no policies or no guardrails.
        PolicySyntaxError: A policy document cannot be read.
    """
    settings = load(path)
    name = str(path or "the configuration")
    policies = settings.policy_set()
    if policies is None:
        raise ConfigurationError(f"{name}: has no policies to report on; add [policies] with files, or give --snapshot FILE")
    guardrails = settings.approved
    if not guardrails:
        raise ConfigurationError(f"{name}: lists no guardrail; write [[guardrails]] with arn and version")
    listed = (*guardrails, *settings.enforced)
    _, partition, _, _, account, _ = guardrails[0].arn.split(":", 5)
    is_named = settings.principal is not None and not settings.asks_sts
    principal = str(settings.principal) if is_named else f"arn:{partition}:iam::{account}:{_ANY_ROLE}"
    group = PrincipalGroup((principal,), policies, policies, context=settings.known_context)
    resolved = settings.profiles
    profiles = [
        {"id": key, "arn": key, "models": models_of_it, "region": region}
        for key, models_of_it in resolved.items()
        for region in regions_of(guardrails, ())
    ]
    return Scope(
        source=name,
        account=identify(principal).account or account,
        time="",
        groups=(group,),
        models=given_models(models) or tuple(models_of((group,), {"inference_profiles": profiles})),
        guardrails=guardrails,
        regions=regions_of(guardrails, (one.region for one in settings.enforced)),
        inventory=Inventory(
            tags={one.arn: one.tags for one in listed if one.tags is not None},
            resolved_models=resolved,
            enforced=settings.enforced,
            profiles={one.arn: one.profile for one in listed if one.profile},
            guardrail_on_profiles=settings.guardrail_on_profiles,
        ),
        assumptions=() if is_named else (f"The configuration names no principal; {principal} represents it.",),
        authorizer=AUTHORIZERS[settings.vocabulary],
        rcp_applies=settings.rcp_applies,
    )
