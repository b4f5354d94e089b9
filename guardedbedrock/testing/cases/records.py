"""The records of policy tests: case, expectation and result."""

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
    The expectation of a case. A field that is None is not checked.

    Args:
        decision: The outcome.
        determining: Sids of the determining statements.
        policy_type: Type of the policy that decides.
        hangs_on: The unknown context keys that an indeterminate decision depends on.
    """

    decision: Outcome
    determining: frozenset[str] | None = None
    policy_type: str | None = None
    hangs_on: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ClientCall:
    """
    The call of a client in a case.

    Args:
        operation: For example ``Converse``.
        region: Region of the client.
        params: Parameters of the application, before injection.
        principal: ARN of the caller.
        vocabulary: ``aws`` or ``invoke-with-guardrail``.
        guardrails: The approved guardrails. If the parameters name none, the first is injected.
        enforced: Guardrails that the account or the organization enforces on model calls.
        resolved_models: The models that profiles, routers and prompts resolve to.
        context: Known context keys of the call.
        service: Name of the boto3 service.
        bearer: Kind of the Bedrock API key that the client uses.
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
    One policy test.

    Args:
        id: Unique name among all cases that are loaded together.
        policies: The compiled policies. Cases with equal policies share them.
        asked: The authorizations: one for a request, one or more for a call.
        expect: The expectation.
        call: The call, or None for a request.
        why: The rule that the case tests, in words.
        file: The file of the case.
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
        """Policy types whose denials are not certain. AWS does not list Bedrock among the services that support RCPs."""
        return ("rcp",) if self.call else ()


@dataclass(frozen=True, slots=True)
class Result:
    """
    The result of a case.

    Args:
        id: ID of the case.
        decision: The decision for the call. The first denied authorization decides, else an indeterminate one.
        expected: The expected decision.
        determining: Sids of the determining statements of all authorizations. A statement without a Sid is left out.
        expected_determining: The expected Sids; None if the case does not check them.
        authorizations: The decision for each authorization, in the order in which AWS checks them.
        differences: Field of ``expect`` to a pair: the expected and the actual value.
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
        """Whether the result equals the expectation."""
        return not self.differences
