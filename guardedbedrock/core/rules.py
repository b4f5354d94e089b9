"""The settings of a guard in the form that the stages use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeAlias

from guardedbedrock.bedrock import Caller, Guardrail, Inventory, Vocabulary
from guardedbedrock.bedrock.authorization.authorization_set import TIME_KEYS
from guardedbedrock.bedrock.caller import Bearer, unknown_keys
from guardedbedrock.bedrock.errors.policy_mistakes import PolicyMistake, policy_mistakes
from guardedbedrock.bedrock.guardrail.coverage import SuffixHistory
from guardedbedrock.bedrock.indirect_inference import Attachment, IndirectTarget
from guardedbedrock.bedrock.resources.inventory import GuardrailOnProfiles
from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels
from guardedbedrock.core.clock import utc_now
from guardedbedrock.core.preflight_cache import PreflightCache
from guardedbedrock.errors import ConfigurationError, SourceError
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.principals import identify

Mode: TypeAlias = Literal["enforce", "report", "off"]
OnUnapproved: TypeAlias = Literal["refuse", "replace"]
OnIndeterminate: TypeAlias = Literal["send", "refuse"]
OnPartial: TypeAlias = Literal["allow", "warn", "refuse"]
OnIntervention: TypeAlias = Literal["return", "raise"]
OnUnavailable: TypeAlias = Literal["deny", "allow"]
OnUnguardedReply: TypeAlias = Literal["return", "raise"]
OnMantle: TypeAlias = Literal["refuse", "allow"]
OnIndirect: TypeAlias = Literal["refuse", "verify", "warn", "allow"]

Attached: TypeAlias = Callable[[IndirectTarget, str], Attachment]
"""Returns the guardrails of an agent alias or flow alias in a region; may ask AWS, and raises `SourceError` if it fails."""

_MOST_REGIONS: Final = 64
"""Regions whose caller is remembered. AWS has fewer, but a request that another library signs may name any."""
_TIME_KEYS: Final = frozenset(key.lower() for key in TIME_KEYS)
_ROLE_KEY: Final = "aws:PrincipalArn"


class RulesSource(Protocol):
    """
    A source of rules that change while the process runs.

    Attributes:
        has_policies: Whether the policies come from it; otherwise only the approved guardrails do.
    """

    has_policies: bool

    def current(self, rules: Rules) -> Rules:
        """Return the rules of a call that begins now."""

    def is_ready(self, rules: Rules) -> bool:
        """Return whether `current` returns without reading the source."""

    def has_read(self, region: str) -> bool:
        """Return whether `approved` returns without reading the source."""

    def approved(self, region: str) -> tuple[Guardrail, ...] | None:
        """Return the approved guardrails of a Region; None if the source does not know them."""


def _everything_was_read(_: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The settings of a guard in the form that the stages use, with the caches that belong to them.

    Args:
        approved: The approved guardrails. The first one of the client's region that fits the call's model is injected, unless
            another is chosen by name.
        policies: Policies to evaluate calls against; None checks only that the guardrail is approved.
        principal: Returns the ARN of the caller; may ask AWS.
        role_arn: ARN of the role of the caller's session; None if it is not known.
        context: Context keys that are known for every call.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        mode: ``enforce``, ``report`` (a call that would be refused is reported and sent) or ``off``.
        on_unapproved: What to do with a call that names a guardrail which is not approved.
        on_partial: What to do with a call whose guardrail would evaluate only a part of the prompt, or too late; see
            `CoverageGap`.
        on_indeterminate: What to do with a call for which the policies give no sure answer.
        on_intervention: Whether an intervention is returned or raised.
        on_unguarded_reply: Whether a reply that shows that no guardrail ran is returned or raised.
        on_mantle: What to do with a request to ``bedrock-mantle``, which has no guardrails.
        allow_unguarded: Operations without a guardrail location that may be sent all the same.
        on_indirect: What to do with a call that makes AWS call models where the call has no guardrail location.
        unsupported_models: Whether a call to a model that takes no guardrail and generates nothing is sent or refused.
        models_without_guardrail: Patterns of further models that take no guardrail.
        guardrail_on_profiles: Whether ``bedrock:GuardrailIdentifier`` is present on the authorization of a profile.
        clock: Returns the current time, for ``aws:CurrentTime``.
        resolved_models: The models behind profiles, routers and prompts; see `Inventory`.
        enforced: Guardrails that the account or the organization enforces; see `Inventory`.
        advisory_policy_types: Policy types whose denials leave a verdict open: AWS does not list Bedrock among the services that
            RCPs apply to.
        secure: Whether the client uses TLS.
        bearer: Kind of the Bedrock API key that the client signs with; ``""`` for none.
        choice: Name of the guardrail to inject unless the call chooses another; None chooses by model.
        known_account: Account of the principal if it is known without asking AWS.
        attached: Finds the guardrails that are attached to agents and flows, for `on_indirect` ``verify``.
        on_unavailable: What to do with a call while the source of policies or guardrails is unavailable.
        source: The source of the rules of each call; None if they never change.
        unavailable: Why the source is unavailable; ``""`` if it is not.
        unread: Describes the data that the source could not read and that every inference call in a Region depends on.

    Attributes:
        reads_time: Whether a policy reads the current time.
        needs_role_arn: Whether a policy reads ``aws:PrincipalArn``, and neither the configuration nor the source has it. The
            ARN of a role session does not contain the path of the role.
        policy_mistakes: Frequent mistakes in the policies, for hints.
        policy_remarks: Remarks about policies that deny nothing.
        inventory: What the settings say about the resources that calls name.
        suffixes: The input tag suffixes of recent calls.
        callers: Cache of `Caller` by region, since building one may ask STS for the principal.
        preflights: The cache of preflight results; see `PreflightCache`.
    """

    approved: tuple[Guardrail, ...]
    policies: PolicySet | None
    principal: Callable[[], str]
    role_arn: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    vocabulary: Vocabulary = "aws"
    mode: Mode = "enforce"
    on_unapproved: OnUnapproved = "refuse"
    on_partial: OnPartial = "warn"
    on_indeterminate: OnIndeterminate = "send"
    on_intervention: OnIntervention = "return"
    on_unguarded_reply: OnUnguardedReply = "return"
    on_mantle: OnMantle = "refuse"
    allow_unguarded: frozenset[str] = frozenset()
    on_indirect: OnIndirect = "warn"
    unsupported_models: UnsupportedModels = "send"
    models_without_guardrail: tuple[str, ...] = ()
    guardrail_on_profiles: GuardrailOnProfiles = "unknown"
    clock: Callable[[], datetime] = utc_now
    resolved_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enforced: tuple[Guardrail, ...] = ()
    advisory_policy_types: tuple[str, ...] = ("rcp",)
    secure: bool = True
    bearer: Bearer = ""
    choice: str | None = None
    known_account: str = ""
    attached: Attached | None = None
    on_unavailable: OnUnavailable = "deny"
    source: RulesSource | None = field(default=None, repr=False, compare=False)
    unavailable: str = ""
    unread: Callable[[str], tuple[str, ...]] = _everything_was_read
    reads_time: bool = field(init=False, repr=False, compare=False)
    needs_role_arn: bool = field(init=False, repr=False, compare=False)
    policy_mistakes: tuple[PolicyMistake, ...] = field(init=False, repr=False, compare=False)
    policy_remarks: tuple[str, ...] = field(init=False, repr=False, compare=False)
    inventory: Inventory = field(init=False, repr=False, compare=False)
    suffixes: SuffixHistory = field(init=False, repr=False, compare=False, default_factory=SuffixHistory)
    # Cache, keyed by the Region: the ARN of a caller is read once, and STS may have to be asked.
    callers: dict[str, Caller] = field(init=False, repr=False, compare=False, default_factory=dict)
    preflights: PreflightCache = field(init=False, repr=False, compare=False, default_factory=PreflightCache)
    _by_region: Mapping[str, tuple[Guardrail, ...]] = field(init=False, repr=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        regions = {guardrail.region for guardrail in self.approved}
        by_region = {region: tuple(g for g in self.approved if g.region == region) for region in regions}
        read = frozenset() if self.policies is None else self.policies.reads
        object.__setattr__(self, "reads_time", not _TIME_KEYS.isdisjoint(read))
        is_given = _ROLE_KEY.lower() in {key.lower() for key in self.context}
        object.__setattr__(self, "needs_role_arn", _ROLE_KEY.lower() in read and not is_given)
        mistakes = self._policy_mistakes()
        object.__setattr__(self, "policy_mistakes", mistakes)
        object.__setattr__(self, "policy_remarks", tuple(mistake.text for mistake in mistakes if mistake.denies_nothing))
        object.__setattr__(self, "inventory", self._inventory())
        object.__setattr__(self, "_by_region", MappingProxyType(by_region))
        object.__setattr__(self, "_names", frozenset(guardrail.name for guardrail in self.approved))

    @property
    def needs_principal(self) -> bool:
        """Whether the policies of the principal are evaluated, now or once the source has them."""
        return self.policies is not None or (self.source is not None and self.source.has_policies)

    def current(self) -> Rules:
        """Return the rules of a call that begins now; the call keeps them to its end."""
        return self if self.source is None else self.source.current(self)

    def caller(self, region: str) -> Caller:
        """Return the principal as it calls from a region."""
        known = self.callers.get(region)
        if known is None:
            principal = self.principal()
            self._check_role(principal)
            known = Caller(
                principal=principal,
                region=region,
                context={**self._role_of_caller(), **self.context},
                unknown=unknown_keys(principal, () if self.policies is None else self.policies.reads),
                secure=self.secure,
                bearer=self.bearer,
                userid=getattr(self.principal, "userid", ""),
            )
            if len(self.callers) >= _MOST_REGIONS:
                self.callers.clear()
            self.callers[region] = known
        return known

    def _role_of_caller(self) -> dict[str, str]:
        """Return ``aws:PrincipalArn`` of a role session if IAM returns its role; otherwise the path is unknown."""
        ask = getattr(self.principal, "role_arn", None)
        role = ask() if ask is not None and self.needs_role_arn else ""
        return {_ROLE_KEY: role} if role else {}

    def _check_role(self, principal: str) -> None:
        """Reject a caller that is not a session of the configured role: its ``aws:PrincipalArn`` would be wrong."""
        if self.role_arn is None:
            return
        caller, role = identify(principal), identify(self.role_arn)
        if (caller.kind, caller.account, caller.role_name) != ("assumed-role", role.account, role.role_name):
            raise SourceError(f"role_arn: `{principal}` is not a session of that role; correct role_arn, or remove it")

    def account(self, region: str) -> str:
        """
        Return the account of the caller; ``""`` if it is unknown.

        AWS is asked for it only if policies are evaluated, which needs the principal anyway.
        """
        if self.known_account or self.policies is None:
            return self.known_account
        try:
            return self.caller(region).account
        except ConfigurationError:  # the preflight reports it
            return ""

    def _policy_mistakes(self) -> tuple[PolicyMistake, ...]:
        is_article = self.vocabulary == "invoke-with-guardrail"
        return () if self.policies is None else policy_mistakes(self.policies, has_invoke_with_guardrail=is_article)

    def _inventory(self) -> Inventory:
        guardrails = (*self.approved, *self.enforced)
        return Inventory(
            tags={guardrail.arn: guardrail.tags for guardrail in guardrails if guardrail.tags is not None},
            resolved_models=self.resolved_models,
            enforced=self.enforced,
            guardrail_on_profiles=self.guardrail_on_profiles,
            profiles={guardrail.arn: guardrail.profile for guardrail in guardrails if guardrail.profile},
        )

    def chosen(self, name: str | None) -> str | None:
        """Return the name of the chosen guardrail: the call's choice if this guard has a guardrail of that name, else its own."""
        return name if name in self._names else self.choice

    def in_region(self, region: str) -> tuple[Guardrail, ...]:
        """Return the approved guardrails of a region."""
        return self._by_region.get(region, ())
