"""
Decisions of the engine, loading of policies, and wildcards, beside cedarpy on the comparable policy.

A decision is `PolicySet.evaluate` on a request that is there already; no answer is remembered between two. Loading is measured
up to the first decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
            ours = microseconds(lambda p=policies, r=request: p.evaluate(r))
            yield Row(f"decision, {what}, {kind}", budget, ours, "us", theirs)
    yield _many_others()
    hundred, first = workloads["b_allow"]["policies"], _request(workloads["b_allow"]["request"])
    load = microseconds(lambda: iam.PolicySet(**hundred).evaluate(first), number=20)
    yield Row("load and compile 100 statements, first decision included", 1000, load, "us")
    hostile = compile_pattern("*a" * 64)
    value = "a" * 2047 + "b"
    yield Row("hostile wildcard, `*a` x 64 on 2,048 characters", 1000, microseconds(lambda: hostile(value), number=20), "us")


def _request(given: dict[str, Any]) -> iam.Request:
    names = ("principal", "action", "resource", "context")
    return iam.Request(*(given[name] for name in names), resource_account=given["resourceAccount"])


def _many_others() -> Row:
    allow = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
    request = iam.Request(ROLE, "bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m")
    times = []
    for number_of_others in (10, 10_000):
        others = [{"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"} for number in range(number_of_others)]
        policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [*others, allow]}])
        times.append(microseconds(lambda p=policies: p.evaluate(request)))
    return Row("decision over 10,000 statements of other actions, against 10", 2, times[1] / times[0], "x")
