"""The time that the preflight adds to the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

from measuring import Row, microseconds
from samples import ALLOW, ALLOWING, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.stages.authorize import judge
from guardedbedrock.stages.inject import inject

UNTIL = {"DateLessThan": {"aws:CurrentTime": "2050-01-01T00:00:00Z"}}
TIMED = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": {**ALLOW, "Condition": UNTIL}}])
REGIONS = ("us-east-1", "us-east-2", "us-west-2")


def _next_second(seconds: Iterator[int]) -> datetime:
    return datetime.fromtimestamp(next(seconds), UTC)


def _evaluate_all(policies: iam.PolicySet, requests: Sequence[iam.Request]) -> list[iam.Decision]:
    return [policies.evaluate(request) for request in requests]


def preflight() -> Iterator[Row]:
    """
    Measure the preflight of a profile of three Regions with two guardrails, one of them enforced.

    If the policies read the time, each preflight is at another second, so the engine evaluates it again. Otherwise the cache
    answers.
    """
    model = "anthropic.claude-3-haiku-20240307-v1:0"
    profiles = {f"us.{model}": [f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in REGIONS]}
    enforced = Guardrail(ARN.replace("abc123def456", "enforced1234"), version="1")
    options: dict[str, Any] = {
        "guardrails": [Guardrail(ARN, version="3")],
        "enforced": [enforced],
        "principal": ROLE,
        "profiles": profiles,
    }
    call = Call.of("Converse", {**CALL, "modelId": f"us.{model}"}, "us-east-1")
    for policies, clock in ((ALLOWING, None), (TIMED, count(1_800_000_000))):
        if clock is not None:
            options["clock"] = partial(_next_second, clock)
        rules = Guard(**options, policies=policies).rules
        guarded = inject(call, rules, Observers((), call))
        requests = [decision.request for decision in judge(guarded, rules).decisions]
        whole = microseconds(partial(judge, guarded, rules))
        what = f"preflight of {len(requests)} authorizations"
        if clock is None:
            yield Row(f"{what} that were asked before", 40, whole, "us")
        else:
            engine_alone = microseconds(partial(_evaluate_all, policies, requests))
            yield Row(f"{what} by the clock, beyond the engine", 40, whole - engine_alone, "us")
