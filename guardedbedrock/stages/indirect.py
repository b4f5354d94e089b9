"""Decide about indirect inference: calls that make AWS call models where the call has no guardrail location."""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.guardrail.location import GuardrailRef
from guardedbedrock.bedrock.indirect_inference import Attachment, IndirectTarget, find_indirect
from guardedbedrock.core.events import CallRefused, IndirectInference
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailNotApprovedError, RefusedError, SourceError, UnguardableOperationError

MOST_TARGETS: Final = 50
"""Aliases that one call may lead to; more are refused under ``verify``."""

_PERMISSIONS: Final = (
    "allow bedrock:GetAgent, GetAgentAlias, GetAgentVersion, ListAgentCollaborators, GetFlow, GetFlowAlias and GetFlowVersion "
    "if AWS denied one, or "
)
_OTHER_SETTINGS: Final = 'set on_indirect = "warn" to send the call and report it'


def check_indirect(call: Call, rules: Rules, observers: Observers) -> None:
    """
    Apply `on_indirect` to everything that calls models for a call without a guardrail location in the call.

    Raises:
        UnguardableOperationError: `on_indirect` is ``refuse``; or it is ``verify``, and AWS does not report the guardrail.
        GuardrailNotApprovedError: `on_indirect` is ``verify``, and the attached guardrail is missing or not approved.
    """
    targets = find_indirect(call.operation, call.params)
    if not targets:
        return
    try:
        if rules.on_indirect == "refuse":
            raise _refused(call, targets)
        if rules.on_indirect == "verify":
            _verify(call, targets, rules)
    except RefusedError as error:
        observers.emit(CallRefused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
        return
    observers.emit(IndirectInference(tuple(target.description for target in targets), rules.on_indirect))


def _refused(call: Call, targets: tuple[IndirectTarget, ...]) -> UnguardableOperationError:
    return UnguardableOperationError(
        message=f"{call.name} makes AWS call models where the call cannot name a guardrail: {targets[0].description}",
        operation_name=call.name,
        hint=f'set on_indirect = "verify" to check the guardrail that is attached there, or {_OTHER_SETTINGS}',
    )


def _verify(call: Call, targets: tuple[IndirectTarget, ...], rules: Rules) -> None:
    """Check every alias that the call leads to, each once."""
    waiting, seen = list(targets), set(targets)
    while waiting:
        target = waiting.pop()
        if target.kind == "no-model":
            continue
        for agent in _verified(call, target, rules).agents:
            if agent not in seen:
                seen.add(agent)
                waiting.append(agent)
        if len(seen) > MOST_TARGETS:
            raise _unverified(call, f"it leads to more than {MOST_TARGETS} agents and flows")


def _verified(call: Call, target: IndirectTarget, rules: Rules) -> Attachment:
    if target.kind == "unverifiable":
        raise _unverified(call, "AWS does not report which guardrail runs there")
    if rules.attached is None:
        raise _unverified(call, f"no client of bedrock-agent is available to look {target.description} up")
    try:
        attachment = rules.attached(target, call.region)
    except SourceError as error:
        raise _unverified(call, f"{target.description}: {error}", _PERMISSIONS) from error
    for ref in attachment.guardrails:
        if not _is_approved(ref, call.region, rules):
            raise _not_approved(call, target, ref)
    return attachment


def _is_approved(ref: GuardrailRef, region: str, rules: Rules) -> bool:
    identifier, version = ref
    return any(identifier in (one.arn, one.id) and version == one.version for one in rules.in_region(region))


def _unverified(call: Call, reason: str, fix: str = "") -> UnguardableOperationError:
    return UnguardableOperationError(
        message=f"the guardrail of {call.name} cannot be verified: {reason}",
        operation_name=call.name,
        hint=f"{fix}{_OTHER_SETTINGS}",
    )


def _not_approved(call: Call, target: IndirectTarget, ref: GuardrailRef) -> GuardrailNotApprovedError:
    identifier, version = ref
    problem = f"has guardrail {identifier} version {version}, which is not approved" if identifier else "has no guardrail"
    return GuardrailNotApprovedError(
        message=f"{target.description} {problem} for {call.region}",
        operation_name=call.name,
        resource=identifier,
        hint="attach an approved guardrail version, create a new version of the agent or flow, and route the alias to it, or "
        f"{_OTHER_SETTINGS}",
    )
