"""
A fake Bedrock for tests (an HTTP server on loopback with guardrails and IAM), and policy tests as data (`cases`).

The fake parses and serializes HTTP with the service models of the installed botocore, so that server and client have the same
shapes. It decides with `guardedbedrock.iam` and its configured policies, and denies with AWS's headers, body and message. Names
load on first use, because case files need no botocore.

To find your way in this package:

    fake.py  fake_state.py       `FakeBedrock` and its state
    server/                      HTTP, TLS, signatures, authorization, the steps of a request
    wire/                        HTTP to operation parameters and back
    runtime/  control/           the operations of bedrock-runtime and of bedrock
    agents/                      agents, flows, knowledge bases, prompts and sessions
    resources/  assessment/      guardrails and profiles; what a guardrail finds in content
    faults/                      faults to inject
    recordings/                  recorded exchanges: cassettes, replay and record
    denials/                     every known denial of AWS, and assertions about denials
    logs/                        generated trails, the invocation log, filter patterns
    operation_names.py           the operations that the fake knows
    article_vocabulary.py        the vocabulary of the article, for cases and fakes that use it
    times.py                     how often a scripted reply or a fault happens
    received_requests.py         the log of requests and its assertions
    cases/                       policy tests as data
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from guardedbedrock.testing import cases, faults
    from guardedbedrock.testing.denials.assertions import assert_denied
    from guardedbedrock.testing.denials.catalogue import DENIALS
    from guardedbedrock.testing.denials.denial import Denial
    from guardedbedrock.testing.fake import FakeBedrock
    from guardedbedrock.testing.logs.filter_patterns import FilterPattern
    from guardedbedrock.testing.received_requests import ReceivedRequest
    from guardedbedrock.testing.resources import (
        CONTENT_WORDS,
        FakeDocument,
        FakeEnforcement,
        FakeGuardrail,
        FakeInferenceProfile,
        FakeKnowledgeBase,
    )
    from guardedbedrock.testing.runtime import Citation, ModelReply, Reasoning, ToolUse, named_tools, prose
    from guardedbedrock.testing.server.credentials import FakeApiKey, FakeCredentials

__all__ = [
    "CONTENT_WORDS",
    "DENIALS",
    "Citation",
    "Denial",
    "FakeApiKey",
    "FakeBedrock",
    "FakeCredentials",
    "FakeDocument",
    "FakeEnforcement",
    "FakeGuardrail",
    "FakeInferenceProfile",
    "FakeKnowledgeBase",
    "FilterPattern",
    "ModelReply",
    "Reasoning",
    "ReceivedRequest",
    "ToolUse",
    "assert_denied",
    "cases",
    "faults",
    "named_tools",
    "prose",
]

_PACKAGES: Final = {"cases", "faults"}

_MODULES: Final = {
    "CONTENT_WORDS": "resources",
    "Citation": "runtime",
    "DENIALS": "denials.catalogue",
    "Denial": "denials.denial",
    "FakeApiKey": "server.credentials",
    "FakeBedrock": "fake",
    "FakeCredentials": "server.credentials",
    "FakeDocument": "resources",
    "FakeEnforcement": "resources",
    "FakeGuardrail": "resources",
    "FakeInferenceProfile": "resources",
    "FakeKnowledgeBase": "resources",
    "FilterPattern": "logs.filter_patterns",
    "ModelReply": "runtime",
    "Reasoning": "runtime",
    "ReceivedRequest": "received_requests",
    "ToolUse": "runtime",
    "assert_denied": "denials.assertions",
    "named_tools": "runtime",
    "prose": "runtime",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"guardedbedrock.testing.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'guardedbedrock.testing' has no attribute '{name}'")
    return getattr(import_module(f"guardedbedrock.testing.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
