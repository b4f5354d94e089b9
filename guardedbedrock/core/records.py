"""
The records that a call hands from stage to stage.

Each stage takes only what the stage before returns, so no path can skip one: `Call`, `GuardedCall`, `AuthorizedCall`, `Reply`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Self

from guardedbedrock.bedrock import ROWS, Guardrail, Operation
from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet, RequiredAuthorization
from guardedbedrock.bedrock.guardrail.location import GuardrailRef, Params
from guardedbedrock.iam import Decision, Outcome, Request

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
    named: GuardrailRef


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
    one_of: str = ""
    undocumented: bool = False
    missing_policy: str = ""


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
    asked: AuthorizationSet | None = None
    indirect_effects: str = ""
    advisory_policy_types: tuple[str, ...] = ()

    @property
    def authorizations(self) -> tuple[Authorization, ...]:
        """All that was asked, each question with its decision, in the order in which AWS asks."""
        questions = (
            self.asked.questions if self.asked else tuple(RequiredAuthorization(decision.request) for decision in self.decisions)
        )
        pairs = zip(questions, self.decisions, strict=True)
        return tuple(
            Authorization(decision.request, decision, q.one_of, q.undocumented, q.missing_policy) for q, decision in pairs
        )

    @property
    def denied(self) -> Authorization | None:
        """The first authorization that is surely denied."""
        index = self.asked.denied(self.decisions, self.advisory_policy_types) if self.asked else None
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
        told = self.asked.remarks(self.decisions, self.advisory_policy_types) if self.asked else ()
        return (*told, self.indirect_effects) if self.indirect_effects else tuple(told)


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
