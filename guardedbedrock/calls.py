"""
The records that a call hands from stage to stage, and the rules they go by.

Each stage takes only what the stage before returns, so no path can skip one: `Call`, `GuardedCall`, `AuthorizedCall`, `Reply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

from guardedbedrock.bedrock import ROWS, Caller, Guardrail, Inventory, Operation, Vocabulary
from guardedbedrock.bedrock.asked import TIME_KEYS, Asked, Question
from guardedbedrock.bedrock.callers import Bearer
from guardedbedrock.bedrock.placement import Named, Params
from guardedbedrock.bedrock.questions import Questions
from guardedbedrock.bedrock.selective import Suffixes
from guardedbedrock.iam import Decision, Outcome, PolicySet, Request

Mode: TypeAlias = Literal["enforce", "report", "off"]
OnUnapproved: TypeAlias = Literal["refuse", "replace"]
OnIndeterminate: TypeAlias = Literal["send", "refuse"]
OnPartial: TypeAlias = Literal["allow", "warn", "refuse"]
OnIntervention: TypeAlias = Literal["return", "raise"]
OnUnguardedReply: TypeAlias = Literal["return", "raise"]
Preference: TypeAlias = tuple[str, str | None, Any]
"""Region, chosen name and model of a call: what the guardrail hangs on that a call which names none is given."""
Answerable: TypeAlias = tuple[str, str, Named, Any]
"""Operation, region, guardrail and model of a call: what a verdict hangs on where none of the call's other parameters matters."""
Answered: TypeAlias = tuple[frozenset[str], Asked, tuple[Decision, ...], Outcome]
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
        behind: What is known to stand behind profiles, routers and prompts; see `Inventory`.
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
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enforced: tuple[Guardrail, ...] = ()
    inert: tuple[str, ...] = ("rcp",)
    secure: bool = True
    bearer: Bearer = ""
    choice: str | None = None
    questions: Questions = field(init=False, repr=False, compare=False)
    reads_time: bool = field(init=False, repr=False, compare=False)
    suffixes: Suffixes = field(init=False, repr=False, compare=False, default_factory=Suffixes)
    callers: dict[str, Caller] = field(init=False, repr=False, compare=False, default_factory=dict)
    preferred: dict[Preference, Guardrail] = field(init=False, repr=False, compare=False, default_factory=dict)
    answered: dict[Answerable, Answered] = field(init=False, repr=False, compare=False, default_factory=dict)
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
            behind=self.behind,
            enforced=self.enforced,
            profiles={guardrail.arn: guardrail.profile for guardrail in guardrails if guardrail.profile},
        )

    def chosen(self, name: str | None) -> str | None:
        """Give the name that a call goes by: its own, unless that was chosen for another guard, else the guard's choice."""
        return name if name in self._names else self.choice

    def in_region(self, region: str) -> tuple[Guardrail, ...]:
        """The approved guardrails that a client in a region can use."""
        return self._by_region.get(region, ())


make_record: Final = tuple.__new__
"""
Makes one of the records below from its class and the tuple of all its fields.

Their own constructors are functions of Python's, which takes as long again, and every call makes each of these records.
"""


class _Made(NamedTuple):
    name: str
    params: Params
    region: str
    chosen: str | None
    service: str
    operation: Operation


class Call(_Made):
    """
    A call as the application made it.

    Args:
        name: Name of the operation.
        params: Its parameters; never changed.
        region: Region of the client.
        chosen: Name of the guardrail that `Guard.using` chose, of this guard or another.
        service: The boto3 service of the client.

    Attributes:
        operation: The row of the operation.
    """

    __slots__ = ()

    def __new__(cls, name: str, params: Params, region: str, chosen: str | None = None, service: str = "bedrock-runtime") -> Self:
        """Look the row up, and make the record."""
        return make_record(cls, (name, params, region, chosen, service, ROWS[service, name]))

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Give what copies are made of."""
        return self[:-1]

    @property
    def model(self) -> str | None:
        """The model that the call names."""
        return self.params.get("modelId")


class GuardedCall(NamedTuple):
    """
    A call with its guardrail.

    Args:
        call: The call as it was made.
        params: The parameters as they will be sent.
        guardrail: The approved guardrail in them; None where none is or none can be.
        injected: Whether the guard put it there.
        model: The model that was authorized. The gate compares with this and the next, which no event handler can change as it
            can change the parameters.
        named: Identifier and version of the guardrail that was authorized.
    """

    call: Call
    params: Params
    guardrail: Guardrail | None
    injected: bool
    model: str | None
    named: Named


class Authorization(NamedTuple):
    """
    One question that the call put to IAM, and the answer.

    Args:
        request: What was asked.
        decision: What the policies answered.
        among: AWS asks one of all authorizations of the call that have this same text; ``""`` where it stands alone.
        perhaps: Nothing documents whether AWS asks it.
        unread: A policy that has a say and is not known; ``""`` where there is none.
    """

    request: Request
    decision: Decision
    among: str = ""
    perhaps: bool = False
    unread: str = ""


class Verdict(NamedTuple):
    """
    What the policies say of a call as a whole.

    Args:
        decision: The outcome of the first authorization that is surely denied (the error that AWS would send), else
            ``indeterminate`` if one is open, else ``allowed``.
        decisions: What the policies answered; ``()`` when no policies are configured.
        params: The parameters as they would be sent.
        guardrail: The approved guardrail in them.
        asked: What was asked, and how each answer counts; None when no policies are configured.
        beyond: What the operation does out of this guard's sight; ``""`` where it does nothing there.
        inert: Policy types whose denials are not sure to come.
    """

    decision: Outcome
    decisions: tuple[Decision, ...]
    params: Params
    guardrail: Guardrail | None = None
    asked: Asked | None = None
    beyond: str = ""
    inert: tuple[str, ...] = ()

    @property
    def authorizations(self) -> tuple[Authorization, ...]:
        """All that was asked, each question with its decision, in the order in which AWS asks."""
        questions = self.asked.questions if self.asked else tuple(Question(decision.request) for decision in self.decisions)
        pairs = zip(questions, self.decisions, strict=True)
        return tuple(Authorization(decision.request, decision, q.among, q.perhaps, q.unread) for q, decision in pairs)

    @property
    def denied(self) -> Authorization | None:
        """The first authorization that is surely denied."""
        index = self.asked.denied(self.decisions, self.inert) if self.asked else None
        return None if index is None else self.authorizations[index]

    @property
    def message(self) -> str | None:
        """The sentence of the error that AWS would send first; None when nothing is surely denied."""
        return self.denied.decision.message() if self.denied else None

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """Context keys that an indeterminate verdict hangs on."""
        keys = {key for one in self.authorizations for key in one.decision.hangs_on}
        return tuple(sorted(keys)) if self.decision == "indeterminate" else ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What one word does not say: regions that deny while others allow, policies nobody read, calls out of sight."""
        told = self.asked.remarks(self.decisions, self.inert) if self.asked else ()
        return (*told, self.beyond) if self.beyond else tuple(told)


class AuthorizedCall(NamedTuple):
    """A guarded call that may be sent, with the verdict that lets it."""

    guarded: GuardedCall
    verdict: Verdict

    @property
    def call(self) -> Call:
        """The call as it was made."""
        return self.guarded.call


class Reply(NamedTuple):
    """
    What came back for an authorized call.

    Args:
        authorized: The call.
        response: As botocore parsed it.
        body: The bytes of its body, where that is no stream; the response has them still to be read.
        again: Asks for the stream again, should it break before its first event; None where nobody may.
    """

    authorized: AuthorizedCall
    response: dict[str, Any]
    body: bytes | None = None
    again: Any = None
