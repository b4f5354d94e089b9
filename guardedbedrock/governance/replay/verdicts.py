"""The verdict on one distinct call under one set of policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import Caller, Guardrail, Inventory, Operation, authorizations, find_operation
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS
from guardedbedrock.bedrock.resources.models import GUARDRAIL_KEY
from guardedbedrock.governance.inputs import Policies
from guardedbedrock.governance.replay.evidence import Evidence
from guardedbedrock.governance.replay.projection import CallTuple
from guardedbedrock.iam import Decision, Outcome, Request

Source: TypeAlias = Literal["from-log", "unknown", "injected"]
SOURCES: Final[tuple[Source, ...]] = ("from-log", "unknown", "injected")


@dataclass(frozen=True, slots=True)
class CallVerdict:
    """
    What policies decide about a call.

    Args:
        outcome: The decision on the call as a whole.
        decisions: One decision for each authorization.
        reason: Why the outcome is open although no authorization was decided; ``""`` otherwise.
    """

    outcome: Outcome
    decisions: tuple[Decision, ...] = ()
    reason: str = ""

    @property
    def is_denied(self) -> bool:
        """Whether the call is denied for sure."""
        return self.outcome in ("implicitDeny", "explicitDeny")


@dataclass(frozen=True)
class Judge:
    """
    Decides distinct calls.

    Args:
        policies: The policies, by principal.
        guardrail: Which guardrail a call carries: the one that its invocation log shows (``from-log``; unknown without
            evidence), an ``unknown`` one, or the approved one that the guard would inject (``injected``).
        guardrails: The approved guardrails, for ``injected``.
        assumed: Context keys that the user states for every call.
        inventory: What is known of profiles and guardrails.
        advisory_policy_types: Policy types whose denials leave the verdict open.
    """

    policies: Policies
    guardrail: Source = "from-log"
    guardrails: tuple[Guardrail, ...] = ()
    assumed: Mapping[str, str] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)
    advisory_policy_types: tuple[str, ...] = ("rcp",)

    def decide(self, call: CallTuple, evidence: Evidence) -> CallVerdict:
        """Decide a call."""
        if not call.principal:
            return CallVerdict("indeterminate", reason=f"the record names no principal ({call.caller or 'no userIdentity'})")
        operation = find_operation(call.service, call.operation)
        params, is_known = self._with_guardrail(call, operation, evidence)
        try:
            required = authorizations(operation, params, self._caller(call), self.inventory)
        except (KeyError, TypeError, AttributeError) as error:
            return CallVerdict("indeterminate", reason=f"the record does not show a parameter of {call.operation}: {error}")
        decisions = []
        for request in required.requests:
            asked = request if is_known else _with_unknown_guardrail(request)
            policies = self.policies.policy_set(call.principal, request.resource)
            if policies is None:
                return CallVerdict("indeterminate", reason=f"the policies of {call.principal} are not known")
            decisions.append(policies.evaluate(asked))
        return CallVerdict(required.outcome(tuple(decisions), self.advisory_policy_types), tuple(decisions))

    def _with_guardrail(self, call: CallTuple, operation: Operation, evidence: Evidence) -> tuple[Mapping[str, Any], bool]:
        """Return the parameters with the guardrail that the call is taken to carry, and whether that is known."""
        params = json.loads(call.params)
        place = operation.location
        if not operation.inference or place is None or any(place.read(params)):
            return params, True
        if self.guardrail == "injected":
            for guardrail in self.guardrails:
                if guardrail.region == call.region:
                    return place.put(params, guardrail.arn, guardrail.version), True
            return params, True
        if self.guardrail == "from-log" and evidence.kind == "guarded" and evidence.guardrail:
            return place.put(params, evidence.guardrail, evidence.version or "DRAFT"), True
        return params, self.guardrail == "from-log" and evidence.kind == "unguarded"

    def _caller(self, call: CallTuple) -> Caller:
        return _caller(call.principal, call.account, call.region, call.context, _pairs(self._context(call)))

    def _context(self, call: CallTuple) -> dict[str, str]:
        tags = self.policies.tags(call.principal)
        known = {f"aws:PrincipalTag/{key}": value for key, value in (tags or {}).items()}
        return {**known, **self.assumed}


@lru_cache(maxsize=4096)
def _caller(
    principal: str, account: str, region: str, recorded: tuple[tuple[str, str], ...], known: tuple[tuple[str, str], ...]
) -> Caller:
    context = {**dict(recorded), **dict(known)}
    return Caller(principal=principal, region=region, account=account, context=context, unknown=UNKNOWN_KEYS)


def _pairs(context: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(context.items()))


def _with_unknown_guardrail(request: Request) -> Request:
    """A record does not show the guardrail of a call, so the key is unknown, never absent."""
    if not carries(request.action, GUARDRAIL_KEY):
        return request
    context = {key: value for key, value in request.context.items() if key.lower() != GUARDRAIL_KEY.lower()}
    return replace(request, context=context, unknown=frozenset(request.unknown) | {GUARDRAIL_KEY})
