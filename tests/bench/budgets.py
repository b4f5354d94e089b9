"""
The budgets beside what was measured, as one table; nothing here passes or fails.

Ratios compare two things in one run, in turns, so that a slow machine slows both. Engine rows measure `PolicySet.evaluate` on a
request that is there already; no answer is remembered between two evaluations. Loading is measured up to the first decision.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import boto3
import cedar

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.calls import Call
from guardedbedrock.events import Observers
from guardedbedrock.iam.patterns import compile_pattern
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.preflight import judge
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

HERE = Path(__file__).parent
ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
ROLE = "arn:aws:iam::123456789012:role/Bench"
CALL = {
    "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
    "messages": [{"role": "user", "content": [{"text": "How many days of leave do I have, and who approves them?"}]}],
}
ALLOW = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
ALLOWING = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": ALLOW}])
UNTIL = {"DateLessThan": {"aws:CurrentTime": "2050-01-01T00:00:00Z"}}
TIMED = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": {**ALLOW, "Condition": UNTIL}}])
REGIONS = ("us-east-1", "us-east-2", "us-west-2")
CALLS = 1500
WARM = 100


class Row(NamedTuple):
    """One budget: what, how much is allowed, how much was measured, in one unit; and what cedarpy took for the same."""

    what: str
    budget: float
    measured: float
    unit: str
    cedar: float | None = None


def microseconds(function: Callable[[], object], *, repeats: int = 15, number: int = 2000) -> float:
    """Time one call of a function, in us: the quickest of several rounds, which is the one least disturbed."""
    best = float("inf")
    for _ in range(repeats):
        started = perf_counter()
        for _ in range(number):
            function()
        best = min(best, (perf_counter() - started) / number)
    return best * 1e6


def engine() -> Iterator[Row]:
    """Decisions on the workloads."""
    workloads = json.loads((HERE / "workloads.json").read_text("utf-8"))
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


def preflight() -> Iterator[Row]:
    """What the preflight adds to the engine: of a profile of three regions, and two guardrails, one of them enforced."""
    model = "anthropic.claude-3-haiku-20240307-v1:0"
    behind = {f"us.{model}": [f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in REGIONS]}
    enforced = Guardrail(ARN.replace("abc123def456", "enforced1234"), version="1")
    options = {"guardrails": [Guardrail(ARN, version="3")], "enforced": [enforced], "principal": ROLE, "behind": behind}
    call = Call("Converse", {**CALL, "modelId": f"us.{model}"}, "us-east-1")
    for what, policies, clock in (("", ALLOWING, None), (", by the clock", TIMED, count(1_800_000_000))):
        told = {} if clock is None else {"clock": lambda seconds=clock: datetime.fromtimestamp(next(seconds), UTC)}
        rules = Guard(**options, policies=policies, **told).rules
        guarded = inject(call, rules, Observers((), call))
        requests = [decision.request for decision in judge(guarded, rules).decisions]
        whole = microseconds(lambda g=guarded, r=rules: judge(g, r))
        engine_alone = microseconds(lambda p=policies, rs=requests: [p.evaluate(request) for request in rs])
        yield Row(f"preflight of {len(requests)} authorizations{what}, beyond the engine", 40, whole - engine_alone, "us")


def _serve(connection: Connection) -> None:
    with FakeBedrock(guardrails=[FakeGuardrail(ARN, version="3")]) as fake:
        connection.send(fake.client_kwargs())
        connection.recv()


def client() -> Iterator[Row]:
    """The same Converse on a plain and on a guarded client, in turns, over a loopback server in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    options = ours.recv()
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    guarded, plain = guard.client("bedrock-runtime", **options).converse, boto3.client("bedrock-runtime", **options).converse
    named = {**CALL, "guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "3"}}
    ratio, extra = _in_turns(lambda: guarded(**CALL), lambda: plain(**named))
    ours.send(None)
    server.join()
    yield Row("guarded converse against a plain one, median", 1.03, ratio, "x")
    yield Row("what the guard adds to a converse, median", float("nan"), extra, "us")


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for turn in range(CALLS + WARM):
        pairs = [(first, times[0]), (second, times[1])]
        for function, into in pairs if turn % 2 else reversed(pairs):
            started = perf_counter()
            function()
            into.append(perf_counter() - started)
    gc.enable()
    one, other = (statistics.median(taken[WARM:]) for taken in times)
    return one / other, (one - other) * 1e6


def imports() -> Iterator[Row]:
    """Start-up, each in fresh processes."""
    yield Row("import guardedbedrock, beyond boto3", 60, _import("import boto3", "import guardedbedrock"), "ms")
    use = "import guardedbedrock; guardedbedrock.client"
    yield Row("the same, and all that `client` needs", float("nan"), _import("import boto3", use), "ms")
    yield Row("import guardedbedrock.iam, alone", 30, _import("pass", "import guardedbedrock.iam"), "ms")
    yield Row("import boto3, for scale", float("nan"), _import("pass", "import boto3"), "ms")


def _import(before: str, measured: str) -> float:
    code = f"import time\n{before}\nt = time.perf_counter()\n{measured}\nprint(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(7)]  # noqa: S603  # our own code
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def main() -> None:
    """Measure everything and print the table."""
    print(f"{'what':62} {'budget':>9} {'measured':>10}          {'cedarpy':>9} {'ratio':>6}")
    for part in (engine, preflight, client, imports):
        for row in part():
            verdict = "" if row.budget != row.budget else "met" if row.measured <= row.budget else "NOT MET"
            budget = "-" if row.budget != row.budget else f"{row.budget:g} {row.unit}"
            beside = f"{row.cedar:>6.0f} {row.unit} {row.cedar / row.measured:>5.0f}x" if row.cedar else ""
            print(f"{row.what:62} {budget:>9} {row.measured:>7.2f} {row.unit:2} {verdict:8} {beside}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
