"""The verdict on one distinct call under one set of policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import Caller, Guardrail, Inventory, Operation, authorizations, find_operation
from guardedbedrock.bedrock.actions import GUARDRAIL_KEY, is_guardrail_key
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS, may_be_set
from guardedbedrock.governance.inputs import PoliciesByPrincipal
from guardedbedrock.governance.replay.distinct_calls.counting import CallGroup
from guardedbedrock.governance.replay.reading.evidence import Evidence
from guardedbedrock.governance.replay.reading.projection import CallTuple
from guardedbedrock.iam import Decision, Outcome, Request

GuardrailAssumption: TypeAlias = Literal["from-log", "unknown", "injected"]
SOURCES: Final[tuple[GuardrailAssumption, ...]] = ("from-log", "unknown", "injected")


@dataclass(frozen=True, slots=True)
class CallVerdict:
    """
    The verdict of policies on a call.

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
        """Whether the call is certainly denied."""
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
        assumed: Context keys that the user assumes for every call.
        inventory: The known profiles and guardrails.
        advisory_policy_types: Policy types whose denials leave the verdict open.
        reads: Context keys in lower case that the policies read.
    """

    policies: PoliciesByPrincipal
    guardrail: GuardrailAssumption = "from-log"
    guardrails: tuple[Guardrail, ...] = ()
    assumed: Mapping[str, str] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)
    advisory_policy_types: tuple[str, ...] = ("rcp",)
    reads: frozenset[str] = frozenset()

    def decide(self, group: CallGroup) -> CallVerdict:
        """Decide the calls of a group. The decision shows the time of the first call, which is the example of the report."""
        call, evidence = group.call.at(group.first), group.evidence
        if not call.principal:
            return CallVerdict("indeterminate", reason=f"the record names no principal ({call.caller or 'no userIdentity'})")
        operation = find_operation(call.service, call.operation)
        try:
            params, is_known = self._with_guardrail(call, operation, evidence)
            required = authorizations(operation, params, self._caller(call), self.inventory)
        except KeyError as error:
            return CallVerdict(
                "indeterminate", reason=f"requestParameters.{error.args[0]}: missing in the record of {call.operation}"
            )
        except (TypeError, AttributeError, ValueError):
            return CallVerdict(
                "indeterminate", reason=f"requestParameters: a value has a type that {call.operation} does not accept"
            )
        decisions = []
        for request in required.requests:
            policies = self.policies.policy_set(call.principal, request.resource)
            if policies is None:
                return CallVerdict("indeterminate", reason=f"the policies of {call.principal} are not known")
            decisions.append(policies.evaluate(self._complete(request, call, is_guardrail_known=is_known)))
        outcome = required.outcome(tuple(decisions), self.advisory_policy_types)
        remarks = "; ".join(required.remarks(tuple(decisions), self.advisory_policy_types)) if outcome == "indeterminate" else ""
        return CallVerdict(outcome, tuple(decisions), remarks)

    def _with_guardrail(self, call: CallTuple, operation: Operation, evidence: Evidence) -> tuple[Mapping[str, Any], bool]:
        """Return the parameters with the guardrail that the call is assumed to carry, and whether that is known."""
        params = json.loads(call.params)
        location = operation.location
        if not operation.inference or location is None or any(location.read(params)):
            return params, True
        if self.guardrail == "injected":
            for guardrail in self.guardrails:
                if guardrail.region == call.region:
                    identifier = guardrail.arn if location.accepts_arn else guardrail.id
                    return location.put(params, identifier, guardrail.version), True
            return params, True  # the guard has no guardrail for this region
        if self.guardrail == "from-log" and evidence.kind == "guarded" and evidence.guardrail:
            return location.put(params, evidence.guardrail, evidence.version or "DRAFT"), True
        return params, self.guardrail == "from-log" and evidence.kind == "unguarded"

    def _complete(self, request: Request, call: CallTuple, *, is_guardrail_known: bool) -> Request:
        """Add the time of the call. A guardrail that no evidence shows is the assumed one or unknown, and never absent."""
        times = {key: value for key, value in call.context if key in _TIMES}
        if times:
            request = request.with_context(times)
        if is_guardrail_known or not carries(request.action, GUARDRAIL_KEY):
            return request
        context = {key: value for key, value in request.context.items() if not is_guardrail_key(key)}
        assumed = [value for key, value in self.assumed.items() if is_guardrail_key(key)]
        if assumed:
            unknown = frozenset(key for key in request.unknown if not is_guardrail_key(key))
            return replace(request, context={**context, GUARDRAIL_KEY: assumed[-1]}, unknown=unknown)
        return replace(request, context=context, unknown=frozenset(request.unknown) | {GUARDRAIL_KEY})

    def _caller(self, call: CallTuple) -> Caller:
        recorded = dict(call.context)
        given = {key.lower() for key in recorded}
        # Keys of the record take precedence; an assumption only fills a gap. `_complete` fills the gap of the guardrail.
        assumed = {key: value for key, value in self.assumed.items() if key.lower() not in {*given, GUARDRAIL_KEY.lower()}}
        tags = {f"aws:PrincipalTag/{key}": value for key, value in (self.policies.tags(call.principal) or {}).items()}
        unknown = {key for key in self.reads if may_be_set(key, via_service=recorded.get("aws:ViaAWSService") == "true")}
        return _caller(
            call.principal,
            call.account,
            call.region,
            tuple(sorted({**tags, **assumed, **recorded}.items())),
            frozenset(unknown) | UNKNOWN_KEYS,
        )


_TIMES: Final = ("aws:CurrentTime", "aws:EpochTime")


@lru_cache(maxsize=4096)  # keyed by all arguments: a trail has few principals and many records of each
def _caller(principal: str, account: str, region: str, context: tuple[tuple[str, str], ...], unknown: frozenset[str]) -> Caller:
    return Caller(principal=principal, region=region, account=account, context=dict(context), unknown=unknown)
