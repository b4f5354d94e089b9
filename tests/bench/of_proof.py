"""
Proof: how long a question takes, how it grows, and how much memory it needs.

The policies are n Allow statements of m resources each with conditions, a Deny without one of 5 approved guardrails, and 4 levels
of SCPs. One variant forgets the Deny in one region, so that a witness exists; another allows some models twice. Each question is
asked once to import the solver, then measured. The times are processor times: the solver runs in this thread. A median is over
the quickest round of each size or question, a maximum over every round.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from time import process_time
from typing import Any, Final

from measuring import NO_BUDGET, Row

from guardedbedrock import iam
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import (
    always_allowed,
    equivalent,
    guardrail_required,
    never,
    no_new_access,
    unreachable,
)

SIZES: Final = ((1, 1), (5, 5), (10, 10), (20, 10), (50, 20))
ROUNDS: Final = 3
OPTIONS: Final = Options(timeout=60)
"""No question needs this limit. A short one would give unknown answers on a busy machine, because it is by the clock."""
MEDIAN: Final = 50
LONGEST: Final = 5000
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
APPROVED: Final = tuple(f"arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def45{number}:3" for number in range(5))
TEAM: Final = "aws:PrincipalTag/team"
MEMORY: Final = (
    "import resource, of_proof; of_proof.ask_all(*of_proof.SIZES[-1]); "
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def proof() -> Iterator[Row]:
    """Median and maximum of every question and size, growth, and memory."""
    ask_all(*SIZES[0])
    rounds = {size: [ask_all(*size) for _ in range(ROUNDS)] for size in SIZES}
    taken = {size: {name: [one[name] for one in listed] for name in listed[0]} for size, listed in rounds.items()}
    for name in taken[SIZES[0]]:
        of_question = [of_size[name] for of_size in taken.values()]
        yield Row(f"proof, {name}, every size, median", MEDIAN, _median(of_question), "ms")
        yield Row(f"proof, {name}, every size, maximum", LONGEST, max(map(max, of_question)), "ms")
        yield Row(f"proof, {name}, 50 x 20 against 1 x 1", NO_BUDGET, min(of_question[-1]) / min(of_question[0]), "x")
    for (statements, resources), of_size in taken.items():
        yield Row(f"proof, {statements} x {resources}, every question, median", NO_BUDGET, _median(of_size.values()), "ms")
        yield Row(f"proof, {statements} x {resources}, every question, maximum", LONGEST, max(map(max, of_size.values())), "ms")
    every = [rounds for of_size in taken.values() for rounds in of_size.values()]
    yield Row("proof, every question and size, median", MEDIAN, _median(every), "ms")
    yield Row("proof, every question and size, maximum", LONGEST, max(map(max, every)), "ms")
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, capture_output=True, check=True, text=True, cwd=__file__.rpartition("/")[0])  # noqa: S603  # a command of this benchmark
    yield Row("proof, memory of a process that asks every question, 50 x 20", 500, float(done.stdout), "MB")


def _median(every: Iterable[list[float]]) -> float:
    return statistics.median(min(rounds) for rounds in every)


def ask_all(statements: int, resources: int) -> dict[str, float]:
    """Ask every question once; return the milliseconds of each by name."""
    allows = [_allow(number, resources) for number in range(statements)]
    strict, leaky = _policies(allows, DENY), _policies(allows, {**DENY, "Condition": {**UNAPPROVED, **ELSEWHERE}})
    doubled = _policies([*allows, *map(_narrow, reversed(allows))], DENY)
    with_dead = _policies([*allows, DEAD], DENY)
    model = "arn:aws:bedrock:us-east-1::foundation-model/acme.m0-0-v1"
    context = {"bedrock:GuardrailIdentifier": APPROVED[0], "aws:RequestedRegion": "us-east-1", TEAM: "t0"}
    anywhere = iam.Request(strict.principal, BOTH[0], model, context, ["aws:SourceIp"])
    inside = iam.Request(strict.principal, BOTH[0], model, {**context, "aws:SourceIp": "10.0.0.1"}, ["aws:UserAgent"])
    asked: dict[str, Callable[[], Any]] = {
        "guardrail-required, proved": lambda: guardrail_required(strict, APPROVED, OPTIONS),
        "guardrail-required, refuted": lambda: guardrail_required(leaky, APPROVED, OPTIONS),
        "no-new-access, proved": lambda: no_new_access(leaky, strict, OPTIONS),
        "no-new-access, refuted": lambda: no_new_access(strict, leaky, OPTIONS),
        "equivalent, proved": lambda: equivalent(strict, doubled, OPTIONS),
        "equivalent, refuted": lambda: equivalent(leaky, doubled, OPTIONS),
        "never, proved": lambda: never(strict, "bedrock:DeleteGuardrail", options=OPTIONS),
        "never, refuted": lambda: never(strict, BOTH[1], options=OPTIONS),
        "always-allowed, proved": lambda: always_allowed(strict, [inside], OPTIONS),
        "always-allowed, refuted": lambda: always_allowed(strict, [anywhere], OPTIONS),
        "unreachable, proved": lambda: unreachable(strict, OPTIONS),
        "unreachable, refuted": lambda: unreachable(with_dead, OPTIONS),
    }
    taken = {}
    for name, ask in asked.items():
        started = process_time()
        answer = ask()
        taken[name] = (process_time() - started) * 1000
        if answer.answer != name.rpartition(" ")[2]:
            raise AssertionError(f"{name}, {statements} x {resources}: {answer.answer}; {answer.reason}")
    return taken


UNAPPROVED: Final = {"StringNotEquals": {"bedrock:GuardrailIdentifier": list(APPROVED)}}
ELSEWHERE: Final = {"StringNotEqualsIfExists": {"aws:RequestedRegion": "us-west-2"}}
DENY: Final = {"Effect": "Deny", "Action": BOTH, "Resource": "*", "Condition": UNAPPROVED}
CONTRADICTION: Final = {"StringEquals": {TEAM: "a"}, "StringNotLike": {TEAM: "a*"}}
DEAD: Final = {"Effect": "Allow", "Action": BOTH, "Resource": "*", "Condition": CONTRADICTION}


def _policies(allows: list[dict[str, Any]], deny: dict[str, Any]) -> ProofPolicies:
    level = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "bedrock:Delete*", "Resource": "*"},
    ]
    scp = [[{"Version": "2012-10-17", "Statement": level}] for _ in range(4)]
    identity = [{"Version": "2012-10-17", "Statement": [*allows, deny]}]
    return ProofPolicies.of(iam.PolicySet(identity=identity, scp=scp))


def _allow(number: int, resources: int) -> dict[str, Any]:
    models = [f"arn:aws:bedrock:*::foundation-model/acme.m{number}-{index}-*" for index in range(resources)]
    tag = {"StringEquals": {TEAM: [f"t{number}", f"u{number}"]}}
    network = {"IpAddress": {"aws:SourceIp": f"10.{number}.0.0/16"}}
    return {"Effect": "Allow", "Action": BOTH, "Resource": models, "Condition": {**tag, **network}}


def _narrow(allow: dict[str, Any]) -> dict[str, Any]:
    return {**allow, "Resource": [f"{pattern[:-1]}v1*" for pattern in allow["Resource"]]}
