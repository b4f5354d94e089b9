"""
The memory of a process that calls many models: every cache is bounded.

    python tests/soak/memory.py --models 100000

Prints the growth of the process in bytes, after a warm-up that fills the caches. Exit code 1 if it is above the limit.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.auditing import Audit, DenialAlert
from guardedbedrock.errors import AccessDeniedError

LIMIT: Final = 20_000_000
"""Bytes by which 100,000 models may let the process grow."""
_WARM_UP: Final = 2_000
_SLACK: Final = 1_500_000  # bytes: the allocator's own growth, which does not depend on the number of models
_ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:"
_MODELS: Final = (
    "anthropic.model-{}-v1:0",
    "us.anthropic.model-{}-v1:0",
    _ARN + "application-inference-profile/a{}",
    _ARN + "provisioned-model/p{}",
    "anthropic.forbidden-{}-v1:0",
)
_POLICY: Final = [
    {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*::foundation-model/*forbidden*"},
]
_ANSWER: Final = json.dumps({"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn"}).encode()


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def _send(_: Any, request: Any) -> AWSResponse:
    return AWSResponse(request.url, 200, {"Content-Type": "application/json"}, _Raw(_ANSWER))


def call_models(client: Any, guard: Guard, numbers: range) -> int:
    """Call each model once, and simulate a call to it in another Region; return the number of denials."""
    denied = 0
    for number in numbers:
        call = {
            "modelId": _MODELS[number % len(_MODELS)].format(number),
            "messages": [{"role": "user", "content": [{"text": str(number)}]}],
            "requestMetadata": {"number": str(number)},
        }
        try:
            client.converse(**call)
        except AccessDeniedError:
            denied += 1
        guard.simulate("Converse", call, region_name=f"eu-west-{number}")
    return denied


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(models: int) -> int:
    """Return the number of bytes by which the process grows while it calls models that it has never called before."""
    guard = Guard(
        guardrails=[Guardrail(_ARN + "guardrail/abc123def456", version="3")],
        policies=iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": _POLICY}]),
        principal="arn:aws:iam::123456789012:role/Soak",
        mode="report",
        audit=Audit([DenialAlert(100_000, 60.0, print)], records="all"),
    )
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = guard.client("bedrock-runtime", region_name="us-east-1", **keys)
    with patch.object(URLLib3Session, "send", _send):
        call_models(client, guard, range(_WARM_UP))
        before = resident()
        call_models(client, guard, range(_WARM_UP, _WARM_UP + models))
        return resident() - before


def main(arguments: list[str]) -> int:
    """Run by the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=100_000)
    models: int = parser.parse_args(arguments).models
    grown = growth(models)
    print(f"{grown} bytes more after {models} models")
    return 1 if grown > min(LIMIT, _SLACK + LIMIT * models // 100_000) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
