"""What the demo plays: the calls of the project's own tests, and three that only a server can answer."""

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
"""How a scenario may end: denied by a policy here, refused by the guard; or sent, and what came back."""

FILES: Final = tuple(Path(__file__).parent.with_name(name) for name in ("scenarios.json", "encores.json"))

_ENDINGS: Final[Mapping[str, frozenset[Ending]]] = {
    "allowed": frozenset({"reply"}),
    "implicitDeny": frozenset({"stopped"}),
    "explicitDeny": frozenset({"stopped"}),
    "indeterminate": frozenset({"reply", "deniedByAws"}),
}
_UNTOLD: Final = [
    {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Sid": "NoModels", "Effect": "Deny", "Action": "bedrock:InvokeModel*", "Resource": "*"},
]


@dataclass(frozen=True, slots=True)
class Server:
    """
    What is different at the server of one scenario.

    Args:
        ending: How the scenario should end.
        denied_words: Words that its guardrail denies.
        scp: Statements of a service control policy that the guard was not told of.
    """

    ending: Ending
    denied_words: tuple[str, ...] = ()
    scp: list[dict[str, str]] = field(default_factory=list)


_SERVERS: Final = {
    "guardrail/steps-in": Server("intervention", denied_words=("salary",)),
    "stream/guarded": Server("stream"),
    "aws/knows-more": Server("deniedByAws", scp=_UNTOLD),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    A call, and the server that it goes to.

    Args:
        case: The call with its policies and what should come of it.
        call: The case's call.
        endings: How it may end.
        policies: Those of the server.
        denied_words: Words that the server's guardrails deny.
    """

    case: Case
    call: ClientCall
    endings: frozenset[Ending]
    policies: PolicySet
    denied_words: tuple[str, ...]


def scenarios() -> tuple[Scenario, ...]:
    """Read every scenario that ships with the package; those that manage guardrails come last."""
    read = (_scenario(case, case.call) for case in cases.load(*FILES) if case.call)
    return tuple(sorted(read, key=lambda scenario: SERVICES.index(scenario.call.service)))


def _scenario(case: Case, call: ClientCall) -> Scenario:
    server = _SERVERS.get(case.id)
    if server is not None:
        return Scenario(case, call, frozenset({server.ending}), _with_scp(case.policies, server.scp), server.denied_words)
    return Scenario(case, call, _ENDINGS[case.expect.decision], case.policies, ())


def _with_scp(policies: PolicySet, statements: list[dict[str, str]]) -> PolicySet:
    if not statements:
        return policies
    given: dict[str, Any] = {str(policy_type): documents for policy_type, documents in policies.documents.items()}
    return PolicySet(**given, scp=[[{"Version": "2012-10-17", "Statement": statements}]])
