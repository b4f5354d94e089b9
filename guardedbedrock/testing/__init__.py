"""
A fake Bedrock for tests: a real HTTP server on loopback, true to the wire, with guardrails and IAM; and case files.

The fake reads and writes HTTP by the service model of the installed botocore, so its shapes are those of the client that talks
to it. It decides with `guardedbedrock.iam`, by the policies it is given, and denies with AWS's headers, body and sentence.
Names load when they are first used, because case files need no botocore.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from guardedbedrock.testing import cases, faults
    from guardedbedrock.testing.assessment import CONTENT_WORDS
    from guardedbedrock.testing.credentials import FakeApiKey, FakeCredentials
    from guardedbedrock.testing.denial import Denial
    from guardedbedrock.testing.denials import DENIALS
    from guardedbedrock.testing.denied import assert_denied
    from guardedbedrock.testing.enforcement import FakeEnforcement
    from guardedbedrock.testing.fake import FakeBedrock
    from guardedbedrock.testing.filter_patterns import FilterPattern
    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.profiles import FakeInferenceProfile
    from guardedbedrock.testing.records import ReceivedRequest
    from guardedbedrock.testing.runtime import Reasoning, Said, ToolUse, prose

__all__ = [
    "CONTENT_WORDS",
    "DENIALS",
    "Denial",
    "FakeApiKey",
    "FakeBedrock",
    "FakeCredentials",
    "FakeEnforcement",
    "FakeGuardrail",
    "FakeInferenceProfile",
    "FilterPattern",
    "Reasoning",
    "ReceivedRequest",
    "Said",
    "ToolUse",
    "assert_denied",
    "cases",
    "faults",
    "prose",
]

_ROOMS: Final = {"cases", "faults"}

_HOMES: Final = {
    "CONTENT_WORDS": "assessment",
    "DENIALS": "denials",
    "Denial": "denial",
    "FakeApiKey": "credentials",
    "FakeBedrock": "fake",
    "FakeCredentials": "credentials",
    "FakeEnforcement": "enforcement",
    "FakeGuardrail": "guardrails",
    "FakeInferenceProfile": "profiles",
    "FilterPattern": "filter_patterns",
    "Reasoning": "runtime",
    "ReceivedRequest": "records",
    "Said": "runtime",
    "ToolUse": "runtime",
    "assert_denied": "denied",
    "prose": "runtime",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"guardedbedrock.testing.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'guardedbedrock.testing' has no attribute '{name}'")
    return getattr(import_module(f"guardedbedrock.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
