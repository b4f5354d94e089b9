"""
The engine: decisions, the keys that a decision depends on, loading of policies, and wildcards; cedarpy on the comparable policy.

A decision is measured as `PolicySet.evaluate` on an existing request; no answer is cached between two calls. Loading is measured
up to the first decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cedar
from measuring import Row, microseconds
from samples import ROLE

from guardedbedrock import iam
from guardedbedrock.iam.matching.patterns import compile_pattern


def engine() -> Iterator[Row]:
    """Decisions on the workloads."""
    workloads = json.loads((Path(__file__).parent / "workloads.json").read_text("utf-8"))
    rows = (("a", "2 statements", 2), ("b", "10x10 statements", 8), ("c", "SCP+boundary+session+identity of 100", 8))
    for name, what, budget in rows:
        for kind in ("allow", "deny"):
            workload = workloads[f"{name}_{kind}"]
            policies, request = iam.PolicySet(**workload["policies"]), _request(workload["request"])
            theirs = microseconds(cedar.contender(workload["policies"], workload["request"]), repeats=3, number=50)
            ours = microseconds(partial(policies.evaluate, request))
            yield Row(f"decision, {what}, {kind}", budget, ours, "us", theirs)
    yield _many_others()
    yield from _unresolved_keys()
    hundred, first = workloads["b_allow"]["policies"], _request(workloads["b_allow"]["request"])
    load = microseconds(lambda: iam.PolicySet(**hundred).evaluate(first), number=20)
    yield Row("load and compile 100 statements, first decision included", 1000, load, "us")
    hostile = compile_pattern("*a" * 64)
    value = "a" * 2047 + "b"
    yield Row("hostile wildcard, `*a` x 64 on 2,048 characters", 1000, microseconds(lambda: hostile(value), number=20), "us")


def _request(given: dict[str, Any]) -> iam.Request:
    return iam.Request(
        given["principal"], given["action"], given["resource"], given["context"], resource_account=given["resourceAccount"]
    )


def _many_others() -> Row:
    allow = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
    request = iam.Request(ROLE, "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m")
    times = []
    for number_of_others in (10, 10_000):
        others = [{"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"} for number in range(number_of_others)]
        policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [*others, allow]}])
        times.append(microseconds(partial(policies.evaluate, request)))
    return Row("decision over 10,000 statements of other actions, against 10", 2, times[1] / times[0], "x")


def _unresolved_keys() -> Iterator[Row]:
    """Measure `Decision.hangs_on` with 50 unknown keys in 200 statements; each request is new, so that no answer is reused."""
    keys = [f"aws:PrincipalTag/k{number}" for number in range(50)]
    blocks = {
        "one key in each": [{"StringEquals": {keys[number % 50]: f"v{number}"}} for number in range(200)],
        "three keys in each": [
            {
                "StringLike": {keys[number % 50]: f"v{number}*", keys[(number + 7) % 50]: "z*"},
                "StringNotEquals": {keys[number * 3 % 50]: "q"},
            }
            for number in range(200)
        ],
        "all keys in each": [{"StringEquals": dict.fromkeys(keys, f"v{number}")} for number in range(200)],
    }
    for what, conditions in blocks.items():
        statements = [
            {"Effect": effect, "Action": "bedrock:*", "Resource": "*", "Condition": condition}
            for effect, condition in zip(["Allow", "Allow", "Allow", "Deny"] * 50, conditions, strict=True)
        ]
        policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": statements}])

        def named(policies: iam.PolicySet = policies) -> tuple[str, ...]:
            model = "arn:aws:bedrock:us-east-1::foundation-model/m"
            return policies.evaluate(iam.Request(ROLE, "bedrock:InvokeModel", model, unknown=keys)).hangs_on

        if len(named()) != len(keys):
            raise AssertionError(f"expected {len(keys)} keys, got {len(named())}")
        measured = microseconds(named, repeats=5, number=3) / 1000
        yield Row(f"hangs_on, 50 unknown keys x 200 statements, {what}", 50, measured, "ms")
