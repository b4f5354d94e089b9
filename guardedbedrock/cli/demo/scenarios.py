"""The scenarios of the demo: the calls of the project's own tests, and three that depend on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import SERVICES
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import cases
from guardedbedrock.testing.cases import Case, ClientCall

Ending: TypeAlias = Literal["stopped", "refused", "reply", "intervention", "stream", "deniedByAws"]
"""``stopped`` by a policy in this process, or ``refused`` by the guard. Otherwise, the response to the call that was sent."""

FILES: Final = tuple(Path(__file__).parent.with_name(name) for name in ("scenarios.json", "extra_scenarios.json"))

_ENDINGS: Final[Mapping[str, frozenset[Ending]]] = {
    "allowed": frozenset({"reply"}),
    "implicitDeny": frozenset({"stopped"}),
    "explicitDeny": frozenset({"stopped"}),
    "indeterminate": frozenset({"reply", "deniedByAws"}),
}
_HIDDEN_SCP: Final = [
    {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Sid": "NoModels", "Effect": "Deny", "Action": "bedrock:InvokeModel*", "Resource": "*"},
]


@dataclass(frozen=True, slots=True)
class ServerVariation:
    """
    How the server of one scenario differs from the guard.

    Args:
        ending: How the scenario must end.
        denied_words: Words that its guardrail denies.
        scp: Statements of a service control policy that the guard does not know.
    """

    ending: Ending
    denied_words: tuple[str, ...] = ()
    scp: list[dict[str, str]] = field(default_factory=list)


_VARIATIONS: Final = {
    "guardrail/steps-in": ServerVariation("intervention", denied_words=("salary",)),
    "stream/guarded": ServerVariation("stream"),
    "aws/knows-more": ServerVariation("deniedByAws", scp=_HIDDEN_SCP),
}


@dataclass(frozen=True, slots=True)
class DemoScenario:
    """
    A call, and the server that it goes to.

    Args:
        case: The call with the guard's policies and the expected decision.
        call: The call of the case.
        endings: How it may end.
        policies: The policies of the server.
        denied_words: Words that the server's guardrails deny.
    """

    case: Case
    call: ClientCall
    endings: frozenset[Ending]
    policies: PolicySet
    denied_words: tuple[str, ...]


def scenarios() -> tuple[DemoScenario, ...]:
    """Read every scenario in the package; those that manage guardrails are last."""
    read = (_scenario(case, case.call) for case in cases.load(*FILES) if isinstance(case, Case) and case.call)
    return tuple(sorted(read, key=lambda scenario: SERVICES.index(scenario.call.service)))


def _scenario(case: Case, call: ClientCall) -> DemoScenario:
    variation = _VARIATIONS.get(case.id)
    if variation is not None:
        policies = _with_scp(case.policies, variation.scp)
        return DemoScenario(case, call, frozenset({variation.ending}), policies, variation.denied_words)
    return DemoScenario(case, call, _ENDINGS[case.expect.decision], case.policies, ())


def _with_scp(policies: PolicySet, statements: list[dict[str, str]]) -> PolicySet:
    if not statements:
        return policies
    documents: dict[str, Any] = {str(policy_type): documents for policy_type, documents in policies.documents.items()}
    return PolicySet(**documents, scp=[[{"Version": "2012-10-17", "Statement": statements}]])
