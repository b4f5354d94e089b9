"""
A drop-in ``bedrock-runtime`` client for boto3 that puts an approved guardrail into every model call and checks IAM before
anything is sent.

    client = guardedbedrock.client("bedrock-runtime", region_name="us-east-1")

Names load when they are first used, so that ``import guardedbedrock.iam`` needs no boto3.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardedbedrock import iam
    from guardedbedrock.authorization import Authorization
    from guardedbedrock.aws.client.intervention import intervention
    from guardedbedrock.aws.creation.unguarded import UnguardedClientWarning
    from guardedbedrock.aws.sources.resolved_models import models_behind
    from guardedbedrock.bedrock import EnforcedGuardrail, Guardrail, Intervention
    from guardedbedrock.core.observers import Listener, Observation
    from guardedbedrock.core.records import Verdict
    from guardedbedrock.entry import Session, client
    from guardedbedrock.errors import (
        AccessDeniedError,
        ConfigurationError,
        ExplicitDenyError,
        GuardedBedrockError,
        GuardrailInterventionError,
        GuardrailNotApprovedError,
        GuardrailTamperedError,
        ImplicitDenyError,
        ModelAccessError,
        PartlyGuardedError,
        PolicyDeniedError,
        PolicySyntaxError,
        PreflightUnavailableError,
        RefusedError,
        SourceError,
        StreamInterruptedError,
        UnguardableOperationError,
        UnguardedReplyError,
    )
    from guardedbedrock.guard import Guard
    from guardedbedrock.stages.retry.policy import RetryPolicy

__all__ = [
    "AccessDeniedError",
    "Authorization",
    "ConfigurationError",
    "EnforcedGuardrail",
    "ExplicitDenyError",
    "Guard",
    "GuardedBedrockError",
    "Guardrail",
    "GuardrailInterventionError",
    "GuardrailNotApprovedError",
    "GuardrailTamperedError",
    "ImplicitDenyError",
    "Intervention",
    "Listener",
    "ModelAccessError",
    "Observation",
    "PartlyGuardedError",
    "PolicyDeniedError",
    "PolicySyntaxError",
    "PreflightUnavailableError",
    "RefusedError",
    "RetryPolicy",
    "Session",
    "SourceError",
    "StreamInterruptedError",
    "UnguardableOperationError",
    "UnguardedClientWarning",
    "UnguardedReplyError",
    "Verdict",
    "client",
    "iam",
    "intervention",
    "models_behind",
]

_HOMES = {
    "Authorization": "guardedbedrock.authorization",
    "EnforcedGuardrail": "guardedbedrock.bedrock",
    "Guard": "guardedbedrock.guard",
    "Guardrail": "guardedbedrock.bedrock",
    "Intervention": "guardedbedrock.bedrock",
    "Listener": "guardedbedrock.core.observers",
    "Observation": "guardedbedrock.core.observers",
    "RetryPolicy": "guardedbedrock.stages.retry.policy",
    "Session": "guardedbedrock.entry",
    "UnguardedClientWarning": "guardedbedrock.aws.creation.unguarded",
    "Verdict": "guardedbedrock.core.records",
    "client": "guardedbedrock.entry",
    "intervention": "guardedbedrock.aws.client.intervention",
    "models_behind": "guardedbedrock.aws.sources.resolved_models",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("guardedbedrock")
    if name == "iam":
        return import_module("guardedbedrock.iam")
    if name not in __all__:
        raise AttributeError(f"module 'guardedbedrock' has no attribute '{name}'")
    found = getattr(import_module(_HOMES.get(name, "guardedbedrock.errors")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
