"""
The records that a call hands from stage to stage.

Each stage accepts only what the stage before returns, so no path can skip one: `Call`, `GuardedCall`, `AuthorizedCall`, `Reply`.
No record is ever changed. They are not frozen, since making a frozen one takes four times as long, and every call makes five.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.authorization import Authorization
from guardedbedrock.bedrock import ROWS, Guardrail, Operation
from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.bedrock.guardrail.location import NO_GUARDRAIL, GuardrailRef
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.iam import Decision, Outcome

_CONTENT: Final = frozenset({"messages", "system", "body"})
"""Parameters that hold a prompt and no identifiers. They can be large, so they are not converted."""


@dataclass(slots=True)
class Call:
    """
    A call as the application made it; `Call.of` makes one.

    Args:
        name: Name of the operation, such as ``Converse``.
        params: Its parameters; never changed.
        region: Region of the client.
        chosen: Name of the guardrail that `Guard.using` chose in this context; it may belong to another guard.
        service: The boto3 service name of the client.
        operation: The row of the operation in the table of operations.
        model: The model ID or ARN that the call names; None if it names none.
    """

    name: str
    params: Params
    region: str
    chosen: str | None
    service: str
    operation: Operation
    model: str | None

    @classmethod
    def of(cls, name: str, params: Params, region: str, chosen: str | None = None, service: str = "bedrock-runtime") -> Call:
        """Make the record of a call, with its row in the table of operations and the model that its parameters name."""
        operation = ROWS[service, name]
        return cls(name, params, region, chosen, service, operation, operation.model(params))


@dataclass(slots=True)
class GuardedCall:
    """
    A call with its guardrail.

    Args:
        call: The call as the application made it.
        params: The parameters as they will be sent.
        guardrail: The approved guardrail in them; None if the call goes out without one. Collaborators and nodes of a flow may
            have others, by their models.
        injected: Whether the guard added it.
        guardrail_refs: The authorized guardrails, as (identifier, version), of every structure of the operation's guardrail
            location; ``()`` if the operation has none. The gate compares requests with these and with the model of `call`:
            event handlers can change `params`, but neither of them.

    Attributes:
        evaluated: The parameters that the policies are evaluated for, by their paths. Event handlers get copies of the
            parameters, so these stay as they were authorized.
    """

    call: Call
    params: Params
    guardrail: Guardrail | None
    injected: bool
    guardrail_refs: tuple[GuardrailRef, ...]
    evaluated: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.evaluated = self.call.operation.evaluated(self.params)

    @property
    def guardrail_ref(self) -> GuardrailRef:
        """The first of `guardrail_refs`; (None, None) without a guardrail location."""
        return self.guardrail_refs[0] if self.guardrail_refs else NO_GUARDRAIL


@dataclass(slots=True)
class Verdict:
    """
    The decision of the policies on a whole call.

    Args:
        decision: The outcome of the first authorization that is surely denied (the error that AWS would send), else
            ``indeterminate`` if an authorization is open, else ``allowed``.
        decisions: One decision for each authorization; ``()`` if no policies are configured.
        params: The parameters as they would be sent.
        guardrail: The approved guardrail in them.
        authorization_set: The authorizations that the call needs; None if no policies are configured.
        indirect_effects: What the operation makes AWS do on the caller's behalf, which this guard cannot see; ``""`` if nothing.
        advisory_policy_types: Policy types whose denials leave the verdict open.
        policy_remarks: Remarks about the policies themselves, such as a Deny that denies nothing.
        unread: What could not be read and leaves the verdict open, apart from policies.
    """

    decision: Outcome
    decisions: tuple[Decision, ...]
    params: Params
    guardrail: Guardrail | None = None
    authorization_set: AuthorizationSet | None = None
    indirect_effects: str = ""
    advisory_policy_types: tuple[str, ...] = ()
    policy_remarks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Summarize the verdict in one line; `repr` shows every field."""
        if self.denied:
            reason = f": {self.denied.decision.message()}"
        elif self.decision == "indeterminate":
            depends_on = [f"depends on {', '.join(self.hangs_on)}"] if self.hangs_on else []
            reason = f": {'; '.join((*depends_on, *self.reasons)) or 'depends on a rule that AWS does not document'}"
        else:
            reason = ""
        guardrail = f" (guardrail {self.guardrail.name}, version {self.guardrail.version})" if self.guardrail else ""
        return f"{self.decision}{guardrail}{reason}"

    @property
    def authorizations(self) -> tuple[Authorization, ...]:
        """All authorizations with their decisions, in the order in which AWS checks them."""
        if self.authorization_set is None:
            return tuple(Authorization(decision.request, decision) for decision in self.decisions)
        return tuple(
            Authorization(decision.request, decision, one.one_of, one.undocumented, one.missing_policy)
            for one, decision in zip(self.authorization_set.authorizations, self.decisions, strict=True)
        )

    @property
    def denied(self) -> Authorization | None:
        """The first authorization that is surely denied."""
        if self.authorization_set is None:
            return None
        index = self.authorization_set.first_denied(self.decisions, self.advisory_policy_types)
        return None if index is None else self.authorizations[index]

    @property
    def message(self) -> str | None:
        """The message of the error that AWS would send first; None if nothing is surely denied."""
        return self.denied.decision.message() if self.denied else None

    @property
    def explanation(self) -> str:
        """
        Which statement decides, what it requires and what the request has, in one sentence; ``""`` for an allowed call.

        It explains the first denied authorization or, of an indeterminate verdict, the first open one.
        """
        open_decisions = (decision for decision in self.decisions if decision.outcome == "indeterminate")
        decisive = self.denied.decision if self.denied else next(open_decisions, None)
        return "" if decisive is None else decisive.explain().summary()

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """The context keys that an indeterminate verdict depends on; ``()`` for any other verdict."""
        keys = {key for one in self.authorizations for key in one.decision.hangs_on}
        return tuple(sorted(keys)) if self.decision == "indeterminate" else ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """
        Why an indeterminate verdict is open apart from context keys; ``()`` for any other verdict.

        These are policies that could not be read, and rules that AWS does not document, in words.
        """
        if self.decision != "indeterminate":
            return ()
        return tuple(dict.fromkeys((*(reason for decision in self.decisions for reason in decision.reasons), *self.unread)))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about what the decision alone does not say: denied regions, missing policies, indirect effects."""
        found = (
            () if self.authorization_set is None else self.authorization_set.remarks(self.decisions, self.advisory_policy_types)
        )
        indirect_effects = (self.indirect_effects,) if self.indirect_effects else ()
        return (*found, *indirect_effects, *self.policy_remarks)


@dataclass(slots=True)
class AuthorizedCall:
    """A guarded call that may be sent, with the verdict that allows it."""

    guarded: GuardedCall
    verdict: Verdict


@dataclass(slots=True)
class Reply:
    """
    The reply to an authorized call.

    Args:
        authorized: The call.
        response: The response as botocore parsed it, or as a test double returned it. It is never changed: the test double may
            return the same object again.
        body: The bytes of the response body if it is not a stream; the caller can still read them from the response.
        again: Requests the stream once more if it breaks before its first event; None if it must not be requested again.
        from_service: Whether botocore sent a request. If not, a test double answered.
    """

    authorized: AuthorizedCall
    response: Any
    body: bytes | None = None
    again: Any = None
    from_service: bool = True


def plain_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """
    Convert values of `str` subclasses in parameters to plain strings, once, when a call enters.

    INVARIANT: the stages and the gate compare the string that botocore sends. The members of a string enum are formatted in
    another way: ``f"{Model.HAIKU}"`` is not the model ID.
    """
    return {name: value if type(value) is str or name in _CONTENT else _plain(value) for name, value in params.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    # Loops: in Python 3.11 a comprehension is one more call for each level, so a document could be half as deep as with botocore.
    if isinstance(value, dict):
        members = {}
        for name, item in value.items():
            members[_plain(name)] = _plain(item)
        return members
    if not isinstance(value, list | tuple):
        return value
    items = []
    for item in value:
        items.append(_plain(item))  # noqa: PERF401
    return items if isinstance(value, list) else tuple(items)  # botocore accepts a tuple as a list
