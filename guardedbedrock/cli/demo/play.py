"""Play a scenario: send its call over a real socket and record what happened."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import botocore
from botocore.exceptions import ClientError

import guardedbedrock
from guardedbedrock.bedrock import OPERATIONS, Guardrail
from guardedbedrock.cli.demo.scenarios import DemoScenario, Ending
from guardedbedrock.core.events import Event, GuardrailInjected, GuardrailIntervened, PreflightDecided
from guardedbedrock.core.observers import Observation
from guardedbedrock.errors import AccessDeniedError, RefusedError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail, ReceivedRequest
from guardedbedrock.testing.cases.runner import determining_sids

if TYPE_CHECKING:
    from guardedbedrock.core.records import Call, Verdict

_NO_AWS_FILES: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
_PLACEHOLDER: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "1")
"""The approved guardrail of scenarios whose operation takes none: a guard requires at least one."""


class EventRecorder(Observation):
    """A listener and its observation, which records the events of one call."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def open(self, call: Call) -> EventRecorder:  # noqa: ARG002 - the client makes one call only
        """Observe the call."""
        return self

    def on_event(self, event: Event) -> None:
        """Record the event."""
        self.events.append(event)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """
    The outcome of a scenario.

    Args:
        scenario: The scenario.
        ending: How it ended.
        verdict: The result of the preflight; None if the guard refused the call before it.
        injected: The guardrail that the guard added to the call.
        reply: The text of the reply.
        error: The error that the caller got.
        received: The requests that reached the fake.
    """

    scenario: DemoScenario
    ending: Ending
    verdict: Verdict | None
    injected: Guardrail | None = None
    reply: str = ""
    error: AccessDeniedError | ClientError | None = None
    received: tuple[ReceivedRequest, ...] = ()

    @property
    def unguarded(self) -> int:
        """Number of requests that reached the fake without an approved guardrail although their operation takes one."""
        approved = {(name, g.version) for g in self.scenario.call.guardrails for name in (g.arn, g.id)}
        guardable = (request for request in self.received if request.operation and OPERATIONS[request.operation].location)
        return sum(request.guardrail not in approved for request in guardable)

    @property
    def as_expected(self) -> bool:
        """Whether the ending, the decision, its statements and the number of requests are the expected ones."""
        expect = self.scenario.case.expect
        if self.verdict is None or self.verdict.decision != expect.decision:
            return False
        has_statements = expect.determining in (None, determining_sids(self.verdict.decisions, self.verdict.decision))
        sent = self.ending not in ("stopped", "refused")
        has_requests = len(self.received) == sent and not self.unguarded
        return self.ending in self.scenario.endings and has_statements and has_requests


def play(scenario: DemoScenario) -> ScenarioResult:
    """Send the call of a scenario from a guarded client to a fake Bedrock."""
    call, recorder = scenario.call, EventRecorder()
    guard = guardedbedrock.Guard(
        guardrails=call.guardrails or (_PLACEHOLDER,),
        policies=scenario.case.policies,
        principal=call.principal,
        vocabulary=call.vocabulary,
        listeners=[recorder],
    )
    with _fake(scenario) as fake:
        client = guard.client(call.service, **fake.client_kwargs())
        try:
            reply, error = _read(getattr(client, botocore.xform_name(call.operation))(**call.params)), None
        except ClientError as caught:
            reply, error = "", caught
        finally:
            client.close()
    return _result(scenario, recorder.events, reply, error, tuple(fake.requests))


def _fake(scenario: DemoScenario) -> FakeBedrock:
    call = scenario.call
    guardrails = [FakeGuardrail(g.arn, g.version, denied_words=scenario.denied_words, tags=g.tags or {}) for g in call.guardrails]
    return FakeBedrock(
        guardrails=guardrails,
        policies=scenario.policies,
        principal=call.principal,
        region=call.region,
        vocabulary=call.vocabulary,
    )


def _result(
    scenario: DemoScenario, events: list[Event], reply: str, error: ClientError | None, received: tuple[ReceivedRequest, ...]
) -> ScenarioResult:
    verdict = next((event.verdict for event in events if isinstance(event, PreflightDecided)), None)
    injected = next((event.guardrail for event in events if isinstance(event, GuardrailInjected) and not event.was_there), None)
    return ScenarioResult(scenario, _ending(scenario, events, error), verdict, injected, reply, error, received)


def _ending(scenario: DemoScenario, events: list[Event], error: ClientError | None) -> Ending:
    if isinstance(error, RefusedError):
        return "refused"
    if error is not None:
        return "stopped" if getattr(error, "simulated", False) else "deniedByAws"
    if any(isinstance(event, GuardrailIntervened) for event in events):
        return "intervention"
    return "stream" if OPERATIONS[scenario.call.operation].streams else "reply"


def _read(response: Mapping[str, Any]) -> str:
    """Read the text of a reply: of a stream, of an InvokeModel body, or a description of a control plane response."""
    if "guardrailId" in response:
        return f"a guardrail, version {response['version']}"
    if "guardrails" in response:
        return f"{len(response['guardrails'])} guardrails"
    if "stream" in response:
        events = list(response["stream"])
        return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    message = json.loads(response["body"].read()) if "body" in response else response["output"]["message"]
    return "".join(block.get("text", "") for block in message["content"])


@contextmanager
def isolated_environment() -> Iterator[None]:
    """Remove AWS settings and proxies from the environment, so that the machine's configuration cannot affect the calls."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(_NO_AWS_FILES)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
