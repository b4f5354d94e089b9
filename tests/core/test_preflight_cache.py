"""The cache of preflight results: a result is reused exactly if everything that it depends on is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from guardedbedrock import Guardrail
from guardedbedrock.core import preflight_cache
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.core.rules import Rules
from guardedbedrock.iam import Decision, PolicySet, Request
from guardedbedrock.stages.authorize import judge
from guardedbedrock.stages.inject import inject
from guardedbedrock.testing.denials.mutable_policies import MutablePolicies

ROLE: Final = "arn:aws:iam::123456789012:role/App"
HAIKU: Final = "anthropic.claude-3-haiku-20240307-v1:0"
ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail"
APPROVED: Final = (Guardrail(f"{ARN}/abc123def456", "3", name="hr"), Guardrail(f"{ARN}/public000001", "1", name="public"))
SYSTEM_TOOL: Final = {"tools": [{"systemTool": {"name": "nova_grounding"}}]}
CONVERSE: Final = {"modelId": HAIKU, "messages": [{"role": "user", "content": [{"text": "one"}]}]}
ALLOW: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}}
UNTIL_2030: Final = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
    },
}
END: Final = datetime(2030, 1, 1, tzinfo=UTC)


class CountingPolicies(PolicySet):
    """A policy set that counts its evaluations."""

    evaluations = 0

    def evaluate(self, request: Request) -> Decision:
        """Count, and evaluate."""
        self.evaluations += 1
        return super().evaluate(request)


def rules(policies: PolicySet, **options: Any) -> Rules:
    return Rules(**{"approved": APPROVED, "policies": policies, "principal": lambda: ROLE, **options})


def preflight(rules: Rules, params: dict[str, Any], operation: str = "Converse", **call: Any) -> Verdict:
    made = Call.of(operation, params, **{"region": "us-east-1", **call})
    return judge(inject(made, rules, Observers((), made)), rules)


def test_a_call_that_differs_only_in_its_messages_is_evaluated_once() -> None:
    policies = CountingPolicies(identity=[ALLOW])
    ours = rules(policies)
    first = preflight(ours, CONVERSE)
    evaluations = policies.evaluations

    second = preflight(ours, {**CONVERSE, "messages": [{"role": "user", "content": [{"text": "two"}]}]})

    assert evaluations == policies.evaluations == len(first.decisions)
    assert second.decisions is first.decisions
    assert second.params["messages"][0]["content"][0]["text"] == "two"


@pytest.mark.parametrize(
    ("params", "call"),
    [
        ({"modelId": "amazon.nova-lite-v1:0"}, {}),
        ({"guardrailConfig": {"guardrailIdentifier": "public000001", "guardrailVersion": "1"}}, {}),
        ({}, {"chosen": "public"}),
        ({"serviceTier": {"type": "flex"}}, {}),
        ({"toolConfig": SYSTEM_TOOL}, {}),
        ({}, {"region": "us-west-2"}),
        ({}, {"operation": "ConverseStream"}),
    ],
    ids=["model", "named guardrail", "chosen guardrail", "service tier", "system tool", "region", "operation"],
)
def test_a_call_that_differs_in_what_its_authorizations_read_is_evaluated_again(
    params: dict[str, Any], call: dict[str, Any]
) -> None:
    policies = CountingPolicies(identity=[ALLOW])
    west = Guardrail(f"{ARN.replace('us-east-1', 'us-west-2')}/west00000001", "1", name="west")
    ours = rules(policies, approved=(*APPROVED, west))
    preflight(ours, CONVERSE)
    evaluations = policies.evaluations

    other = preflight(ours, {**CONVERSE, **params}, **call)

    assert policies.evaluations == evaluations + len(other.decisions)


def test_other_values_of_one_parameter_are_other_entries() -> None:
    policies = CountingPolicies(identity=[ALLOW])
    ours = rules(policies)
    for tier in ("flex", "priority", "flex", "priority"):
        preflight(ours, {**CONVERSE, "serviceTier": {"type": tier}})

    assert policies.evaluations == 2 * len(preflight(ours, {**CONVERSE, "serviceTier": {"type": "flex"}}).decisions)


def test_a_policy_that_ends_is_evaluated_at_every_second() -> None:
    now = [END - timedelta(seconds=1)]
    ours = rules(PolicySet(identity=[UNTIL_2030]), clock=lambda: now[0])

    before = preflight(ours, CONVERSE)
    now[0] += timedelta(milliseconds=999)
    same_second = preflight(ours, CONVERSE)
    now[0] = END
    after = preflight(ours, CONVERSE)
    now[0] -= timedelta(seconds=1)
    set_back = preflight(ours, CONVERSE)

    assert [verdict.decision for verdict in (before, same_second, after, set_back)] == [
        "allowed",
        "allowed",
        "implicitDeny",
        "allowed",
    ]
    assert before.decisions is same_second.decisions


def test_the_authorizations_of_a_call_are_listed_once_for_all_seconds() -> None:
    now = [END - timedelta(seconds=1)]
    ours = rules(PolicySet(identity=[UNTIL_2030]), clock=lambda: now[0])

    before = preflight(ours, CONVERSE)
    now[0] = END

    assert preflight(ours, CONVERSE).authorization_set is before.authorization_set


def test_policies_that_do_not_read_the_time_never_ask_the_clock() -> None:
    def clock() -> datetime:
        raise AssertionError("the clock was read")

    assert preflight(rules(PolicySet(identity=[ALLOW]), clock=clock), CONVERSE).decision == "allowed"


def test_policies_that_can_change_are_evaluated_for_every_call() -> None:
    policies = MutablePolicies()
    ours = rules(policies)
    before = preflight(ours, CONVERSE).decision

    policies.deny(PolicySet(identity=[]))

    assert (before, preflight(ours, CONVERSE).decision) == ("allowed", "implicitDeny")


def test_rules_that_are_derived_from_others_begin_with_an_empty_cache() -> None:
    ours = rules(PolicySet(identity=[ALLOW]))
    allowed = preflight(ours, CONVERSE).decision

    denied = preflight(replace(ours, policies=PolicySet(identity=[])), CONVERSE).decision

    assert (allowed, denied) == ("allowed", "implicitDeny")


def test_operations_that_call_no_model_are_evaluated_every_time() -> None:
    policies = CountingPolicies(identity=[ALLOW])
    ours = rules(policies)
    for _ in range(2):
        preflight(ours, {"guardrailIdentifier": "abc123def456"}, "GetGuardrail", service="bedrock")

    assert policies.evaluations == 2


def test_a_full_cache_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight_cache, "_MAX_ENTRIES", 2)
    policies = CountingPolicies(identity=[ALLOW])
    ours = rules(policies)
    for model in ("a.one", "a.two", "a.three"):
        preflight(ours, {**CONVERSE, "modelId": model})
    evaluations = policies.evaluations

    preflight(ours, {**CONVERSE, "modelId": "a.three"})
    cached = policies.evaluations
    preflight(ours, {**CONVERSE, "modelId": "a.one"})

    assert cached == evaluations
    assert policies.evaluations > cached
