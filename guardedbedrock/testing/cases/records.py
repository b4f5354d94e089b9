"""A case, what it expects, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.bedrock import AuthorizationSet, Guardrail, Vocabulary
    from guardedbedrock.bedrock.caller import Bearer
    from guardedbedrock.iam import Decision, Outcome, PolicySet


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    What a case expects; what is None is not looked at.

    Args:
        decision: The outcome.
        determining: Sids of the statements that decide, in no order.
        policy_type: The kind of policy that decides.
        hangs_on: Context keys that an indeterminate answer hangs on, in no order.
    """

    decision: Outcome
    determining: frozenset[str] | None = None
    policy_type: str | None = None
    hangs_on: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ClientCall:
    """
    A call of a client, as a case writes it.

    Args:
        operation: Such as ``Converse``.
        region: Region of the client.
        params: What the application gives, before a guardrail is put in.
        principal: ARN of who calls.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        guardrails: The approved ones; the first is put in where the operation takes one and the parameters name none.
        enforced: Those that the account or the organization puts on every model call.
        resolved_models: The models that profiles, routers and prompts resolve to.
        context: Context keys that are known of the call.
        service: The boto3 service of the client.
        bearer: Kind of the Bedrock API key that the client signs with.
    """

    operation: str
    region: str
    params: Mapping[str, Any]
    principal: str
    vocabulary: Vocabulary = "aws"
    guardrails: tuple[Guardrail, ...] = ()
    enforced: tuple[Guardrail, ...] = ()
    resolved_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    context: Mapping[str, object] = field(default_factory=dict)
    service: str = "bedrock-runtime"
    bearer: Bearer = ""


@dataclass(frozen=True, slots=True)
class Case:
    """
    One question to the policies, with the answer it should get.

    Args:
        id: Its name, unique among all cases that are loaded together.
        policies: Compiled; cases that hold the same policies share them.
        asked: Every authorization that is asked; one, unless the case is a call.
        expect: What should come of it.
        call: The call, when it is one.
        why: The rule that the case holds, in words.
        file: Where it stands.
    """

    id: str
    policies: PolicySet
    asked: AuthorizationSet
    expect: Expectation
    call: ClientCall | None = None
    why: str = ""
    file: str = ""

    @property
    def advisory_policy_types(self) -> tuple[str, ...]:
        """Policy types whose denials are not sure to come: AWS does not list Bedrock among the services that RCPs reach."""
        return ("rcp",) if self.call else ()


@dataclass(frozen=True, slots=True)
class Result:
    """
    What came of a case.

    Args:
        id: The case's.
        decision: What the policies answer: of several authorizations the first that is denied, else whether one is indeterminate.
        expected: What they should have answered.
        determining: Sids of the determining statements of all authorizations; a statement without a Sid counts as none.
        expected_determining: What it should have been; None when the case does not say.
        authorizations: Every decision, in the order in which AWS asks.
        differences: Field of ``expect`` to what was expected and what came.
    """

    id: str
    decision: Outcome
    expected: Outcome
    determining: frozenset[str]
    expected_determining: frozenset[str] | None
    authorizations: tuple[Decision, ...]
    differences: Mapping[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Say whether everything that the case expects came."""
        return not self.differences
