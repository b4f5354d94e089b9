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
    from guardedbedrock.testing.credentials import FakeApiKey, FakeCredentials
    from guardedbedrock.testing.denials import DENIALS, Denial
    from guardedbedrock.testing.denied import assert_denied
    from guardedbedrock.testing.fake import FakeBedrock
    from guardedbedrock.testing.filter_patterns import FilterPattern
    from guardedbedrock.testing.guardrails import FakeGuardrail
    from guardedbedrock.testing.profiles import FakeInferenceProfile
    from guardedbedrock.testing.records import ReceivedRequest

__all__ = [
    "DENIALS",
    "Denial",
    "FakeApiKey",
    "FakeBedrock",
    "FakeCredentials",
    "FakeGuardrail",
    "FakeInferenceProfile",
    "FilterPattern",
    "ReceivedRequest",
    "assert_denied",
    "cases",
    "faults",
]

_ROOMS: Final = {"cases", "faults"}

_HOMES: Final = {
    "DENIALS": "denials",
    "Denial": "denials",
    "FakeApiKey": "credentials",
    "FakeBedrock": "fake",
    "FakeCredentials": "credentials",
    "FakeGuardrail": "guardrails",
    "FakeInferenceProfile": "profiles",
    "FilterPattern": "filter_patterns",
    "ReceivedRequest": "records",
    "assert_denied": "denied",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"guardedbedrock.testing.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'guardedbedrock.testing' has no attribute '{name}'")
    return getattr(import_module(f"guardedbedrock.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
