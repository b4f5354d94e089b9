"""
Proofs: the time of each question on growing policies, and the memory of the largest.

A policy has n Allow statements of m resources each with conditions, a Deny without one of 5 approved guardrails, and 4 levels of
SCPs. One variant forgets the Deny for streams in one region, so that a witness exists. The times are by the clock; each question
runs in this process once to import the solver, then is measured.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Final

from measuring import NO_BUDGET, Row

from guardedbedrock import iam
from guardedbedrock.governance.proof import questions
from guardedbedrock.governance.proof.policies import ProofPolicies

SIZES: Final = ((5, 5), (20, 10), (50, 20))
ROUNDS: Final = 3
OPTIONS: Final = questions.Options(timeout=1)
"""An unknown answer is printed beside the table."""
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
APPROVED: Final = tuple(f"arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def45{number}:3" for number in range(5))
MEMORY: Final = (
    "import resource, of_proof; of_proof.ask_all(*of_proof.SIZES[-1]); "
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def proof() -> Iterator[Row]:
    """Median and maximum of every question at each size, growth, and memory."""
    ask_all(*SIZES[0])
    taken = {size: [ask_all(*size) for _ in range(ROUNDS)] for size in SIZES}
    for name in taken[SIZES[0]][0]:
        medians = {size: statistics.median(one[name] for one in rounds) for size, rounds in taken.items()}
        for (statements, resources), median in medians.items():
            yield Row(f"proof, {name}, {statements} x {resources}, median", 50, median, "ms")
        yield Row(f"proof, {name}, largest against smallest", NO_BUDGET, medians[SIZES[-1]] / medians[SIZES[0]], "x")
    every = [spent for rounds in taken.values() for one in rounds for spent in one.values()]
    yield Row("proof, every question and size, median", 50, statistics.median(every), "ms")
    yield Row("proof, every question and size, maximum", 5000, max(every), "ms")
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=__file__.rpartition("/")[0])  # noqa: S603  # a command of this benchmark
    yield Row("proof, memory of a process that asks every question, 50 x 20", 500, float(done.stdout), "MB")


def ask_all(statements: int, resources: int) -> dict[str, float]:
    """Ask every question once; return the milliseconds of each by name."""
    strict, leaky = (_policies(statements, resources, leaks=leaks) for leaks in (False, True))
    model = "arn:aws:bedrock:us-east-1::foundation-model/acme.m0-0-v1"
    context = {"bedrock:GuardrailIdentifier": APPROVED[0], "aws:RequestedRegion": "us-east-1", "aws:PrincipalTag/team": "t0"}
    request = iam.Request(strict.principal, BOTH[0], model, context, ["aws:SourceIp"])
    asked: dict[str, tuple[Callable[[], Any], str]] = {
        "guardrail-required, proved": (lambda: questions.guardrail_required(strict, APPROVED, OPTIONS), "proved"),
        "guardrail-required, refuted": (lambda: questions.guardrail_required(leaky, APPROVED, OPTIONS), "refuted"),
        "never, proved": (lambda: questions.never(strict, "bedrock:DeleteGuardrail", options=OPTIONS), "proved"),
        "no-new-access, proved": (lambda: questions.no_new_access(leaky, strict, OPTIONS), "proved"),
        "no-new-access, refuted": (lambda: questions.no_new_access(strict, leaky, OPTIONS), "refuted"),
        "always-allowed, refuted": (lambda: questions.always_allowed(strict, [request], OPTIONS), "refuted"),
        "unreachable, proved": (lambda: questions.unreachable(strict, OPTIONS), "proved"),
    }
    taken = {}
    for name, (ask, expected) in asked.items():
        started = perf_counter()
        answer = ask()
        taken[name] = (perf_counter() - started) * 1000
        if answer.answer != expected:
            print(f"{name}, {statements} x {resources}: {answer.answer} in place of {expected}; {answer.reason}")
    return taken


def _policies(statements: int, resources: int, *, leaks: bool) -> ProofPolicies:
    allows = [_allow(number, resources) for number in range(statements)]
    condition = {"StringNotEquals": {"bedrock:GuardrailIdentifier": list(APPROVED)}}
    denied: list[dict[str, Any]] = [{"Effect": "Deny", "Action": BOTH, "Resource": "*", "Condition": condition}]
    if leaks:
        elsewhere = {**condition, "StringNotEqualsIfExists": {"aws:RequestedRegion": "us-west-2"}}
        denied = [{**denied[0], "Condition": elsewhere}]
    level = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "bedrock:Delete*", "Resource": "*"},
    ]
    scp = [[{"Version": "2012-10-17", "Statement": level}] for _ in range(4)]
    identity = [{"Version": "2012-10-17", "Statement": [*allows, *denied]}]
    return ProofPolicies.of(iam.PolicySet(identity=identity, scp=scp))


def _allow(number: int, resources: int) -> dict[str, Any]:
    models = [f"arn:aws:bedrock:*::foundation-model/acme.m{number}-{index}-*" for index in range(resources)]
    tag = {"StringEquals": {"aws:PrincipalTag/team": [f"t{number}", f"u{number}"]}}
    network = {"IpAddress": {"aws:SourceIp": f"10.{number}.0.0/16"}}
    return {"Effect": "Allow", "Action": BOTH, "Resource": models, "Condition": {**tag, **network}}
