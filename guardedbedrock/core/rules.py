"""What a guard was told, ready for the stages to go by, with what they remember of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import Caller, Guardrail, Inventory, Vocabulary
from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS, AuthorizationSet
from guardedbedrock.bedrock.authorization.callers import Bearer
from guardedbedrock.bedrock.authorization.questions import Questions
from guardedbedrock.bedrock.guardrail.coverage import Suffixes
from guardedbedrock.bedrock.guardrail.location import GuardrailRef
from guardedbedrock.iam import Decision, Outcome, PolicySet

Mode: TypeAlias = Literal["enforce", "report", "off"]
OnUnapproved: TypeAlias = Literal["refuse", "replace"]
OnIndeterminate: TypeAlias = Literal["send", "refuse"]
OnPartial: TypeAlias = Literal["allow", "warn", "refuse"]
OnIntervention: TypeAlias = Literal["return", "raise"]
OnUnguardedReply: TypeAlias = Literal["return", "raise"]
Preference: TypeAlias = tuple[str, str | None, Any]
"""Region, chosen name and model of a call: what the guardrail hangs on that a call which names none is given."""
Answerable: TypeAlias = tuple[str, str, GuardrailRef, Any]
"""Operation, region, guardrail and model of a call: what a verdict hangs on where none of the call's other parameters matters."""
Known: TypeAlias = tuple[frozenset[str], AuthorizationSet, tuple[Decision, ...], Outcome]
"""The parameters that would matter, what was asked, and what the policies answered."""


_TIME_KEYS: Final = frozenset(key.lower() for key in TIME_KEYS)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What a guard was told, ready for the stages.

    Args:
        approved: The approved guardrails; the first of a region that is for the call's model is the one that is injected unless
            another is chosen by name.
        policies: Policies to check calls against; None checks the approved list only.
        principal: Gives the ARN of who calls; may ask AWS.
        context: Context keys that are known of every call.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        mode: ``enforce``, ``report`` (what would be refused is reported and goes on) or ``off``.
        on_unapproved: What becomes of a call that names a guardrail which is not approved.
        on_partial: What becomes of a call whose guardrail would look at a part of the prompt only, or too late; see `Gap`.
        on_indeterminate: What becomes of a call on which the policies give no sure answer.
        on_intervention: Whether an intervention is a reply or an error.
        on_unguarded_reply: Whether a reply which shows that no guardrail ran is a reply or an error.
        allow_unguarded: Operations without a place for a guardrail that may go out all the same.
        clock: The current time, for ``aws:CurrentTime``.
        resolved_models: The models that profiles, routers and prompts resolve to; see `Inventory`.
        enforced: Guardrails that the account or the organization puts on every model call.
        inert: Policy types whose denials are not sure to come: AWS does not list Bedrock among the services that RCPs reach.
        secure: Whether the client speaks TLS.
        bearer: Kind of the Bedrock API key that the client signs with.
        choice: Name of the guardrail that is chosen unless the call chooses another; None leaves it to the model.
    """

    approved: tuple[Guardrail, ...]
    policies: PolicySet | None
    principal: Callable[[], str]
    context: Mapping[str, object] = field(default_factory=dict)
    vocabulary: Vocabulary = "aws"
    mode: Mode = "enforce"
    on_unapproved: OnUnapproved = "refuse"
    on_partial: OnPartial = "warn"
    on_indeterminate: OnIndeterminate = "send"
    on_intervention: OnIntervention = "return"
    on_unguarded_reply: OnUnguardedReply = "return"
    allow_unguarded: frozenset[str] = frozenset()
    clock: Callable[[], datetime] = _now
    resolved_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enforced: tuple[Guardrail, ...] = ()
    advisory_policy_types: tuple[str, ...] = ("rcp",)
    secure: bool = True
    bearer: Bearer = ""
    choice: str | None = None
    questions: Questions = field(init=False, repr=False, compare=False)
    reads_time: bool = field(init=False, repr=False, compare=False)
    suffixes: Suffixes = field(init=False, repr=False, compare=False, default_factory=Suffixes)
    callers: dict[str, Caller] = field(init=False, repr=False, compare=False, default_factory=dict)
    preferred: dict[Preference, Guardrail] = field(init=False, repr=False, compare=False, default_factory=dict)
    answered: dict[Answerable, Known] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_region: Mapping[str, tuple[Guardrail, ...]] = field(init=False, repr=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        regions = {guardrail.region for guardrail in self.approved}
        by_region = {region: tuple(g for g in self.approved if g.region == region) for region in regions}
        read = frozenset() if self.policies is None else self.policies.reads
        object.__setattr__(self, "reads_time", not _TIME_KEYS.isdisjoint(read))
        object.__setattr__(self, "questions", Questions(self.policies or PolicySet(), self._inventory()))
        object.__setattr__(self, "_by_region", MappingProxyType(by_region))
        object.__setattr__(self, "_names", frozenset(guardrail.name for guardrail in self.approved))

    def caller(self, region: str) -> Caller:
        """Give the principal as it calls from a region; `callers` remembers it."""
        if region not in self.callers:
            made = Caller(
                principal=self.principal(),
                region=region,
                vocabulary=self.vocabulary,
                context=self.context,
                secure=self.secure,
                bearer=self.bearer,
                userid=getattr(self.principal, "userid", ""),
            )
            self.callers.setdefault(region, made)
        return self.callers[region]

    def _inventory(self) -> Inventory:
        guardrails = (*self.approved, *self.enforced)
        return Inventory(
            tags={guardrail.arn: guardrail.tags for guardrail in guardrails if guardrail.tags is not None},
            resolved_models=self.resolved_models,
            enforced=self.enforced,
            profiles={guardrail.arn: guardrail.profile for guardrail in guardrails if guardrail.profile},
        )

    def chosen(self, name: str | None) -> str | None:
        """Give the name that a call goes by: its own, unless that was chosen for another guard, else the guard's choice."""
        return name if name in self._names else self.choice

    def in_region(self, region: str) -> tuple[Guardrail, ...]:
        """The approved guardrails that a client in a region can use."""
        return self._by_region.get(region, ())
