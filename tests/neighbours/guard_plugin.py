"""
A pytest plugin that guards the clients in the tests of another project, in mode ``report``.

With GUARD_EVERY_SERVICE=1 the guard's mixin is the first base of the clients of every service, not only of Bedrock's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

from botocore import handlers

from guardedbedrock import Guard, Guardrail
from guardedbedrock.aws.creation.wrap import BINDING, put_first
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT

REGIONS: Final = ("us-east-1", "us-west-2", "eu-west-1")
GUARDRAILS: Final = tuple(
    Guardrail(f"arn:aws:bedrock:{region}:123456789012:guardrail/abc123def456", version="1") for region in REGIONS
)


def pytest_configure() -> None:
    """Install the guard before a test creates a client."""
    guard = Guard(guardrails=GUARDRAILS, mode="report", listeners=())
    guard.install()
    if os.environ.get("GUARD_EVERY_SERVICE"):
        binding = replace(guard._binding, retry=ONE_ATTEMPT)  # botocore retries, as on clients of `install`

        def put_mixin_first(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
            if BINDING not in class_attributes:
                put_first(binding, class_attributes, base_classes)

        handlers.BUILTIN_HANDLERS.append(("creating-client-class", put_mixin_first))
