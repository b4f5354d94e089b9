"""Serve the fake in a separate process, so that its memory can be measured: print the address, serve until stdin ends."""

from __future__ import annotations

import json
import sys

from guardedbedrock.testing import FakeBedrock, FakeGuardrail
from guardedbedrock.testing.faults import BadBody, BreakStream, BrokenFrame, Deny, Fail, Fault, HangUp, Latency, Stall

FAULTS: tuple[Fault, ...] = (
    Fail(500, "InternalServerException", "oops"),
    Fail(503, "ServiceUnavailableException", "busy"),
    Fail(429, "ThrottlingException", "slow down", retry_after=0.001),
    Fail(400, "ValidationException", "no"),
    Deny("scp-explicit-arn"),
    Deny("identity-implicit"),
    Deny("model-access"),
    HangUp(),
    HangUp(after=40),
    HangUp(after=3, part="body"),
    BadBody("html", status=502),
    BreakStream(after=3),
    BrokenFrame(after=2),
    HangUp(after=150, part="body"),
    Latency(0.01, "exponential"),
    Stall(0.02, after=5),
)
"""Events that may happen to a call; the last two do not change its outcome."""


def main(share: float, seed: int) -> None:
    """Serve, with faults on that share of the requests."""
    guardrail = FakeGuardrail("abc123def456", denied_words=("salary",), pii={"EMAIL": "anonymize"})
    with FakeBedrock(guardrails=[guardrail], keep=500, seed=seed) as fake:
        for fault in FAULTS:
            fake.fault(fault, times=None, chance=share / len(FAULTS))
        sys.stdout.write(json.dumps(fake.client_kwargs()) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
