"""Plays a scenario over a real socket, and takes down what happened."""

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
from guardedbedrock.cli.demo.scenarios import Ending, Scenario
from guardedbedrock.core.events import Event, GuardrailInjected, GuardrailIntervened, PreflightDecided
from guardedbedrock.errors import AccessDeniedError, RefusedError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail, ReceivedRequest

if TYPE_CHECKING:
    from guardedbedrock.core.records import Call, Verdict

_NOWHERE: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
_STAND_IN: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "1")
"""For operations that take no guardrail; a guard is never without an approved one."""


class Witness:
    """A listener that remembers what it heard of one call."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def open(self, call: Call) -> Witness:  # noqa: ARG002 - it hears of one call only
        """Observe the call."""
        return self

    def enter(self) -> None:
        """There is no span to make current."""

    def leave(self) -> None:
        """There is none to take back."""

    def on_event(self, event: Event) -> None:
        """Remember the event."""
        self.events.append(event)

    def close(self, error: BaseException | None) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    What happened in a scenario.

    Args:
        scenario: The scenario.
        ending: How it ended.
        verdict: What the preflight found; None when the guard refused before.
        injected: The guardrail that the guard put in.
        reply: What came back, in words.
        error: What the caller caught.
        received: The requests that reached the server.
    """

    scenario: Scenario
    ending: Ending
    verdict: Verdict | None
    injected: Guardrail | None = None
    reply: str = ""
    error: AccessDeniedError | ClientError | None = None
    received: tuple[ReceivedRequest, ...] = ()

    @property
    def unguarded(self) -> int:
        """Number of requests that reached the server without an approved guardrail."""
        approved = {(name, g.version) for g in self.scenario.call.guardrails for name in (g.arn, g.id)}
        answered = (request for request in self.received if request.operation and OPERATIONS[request.operation].place)
        return sum(request.guardrail not in approved for request in answered)

    @property
    def as_expected(self) -> bool:
        """Say whether decision, statements, ending and requests are what they should be."""
        expect = self.scenario.case.expect
        found = self.verdict.authorizations if self.verdict else ()
        sids = {statement.sid for one in found for statement in one.decision.statements if statement.sid}
        sent = self.ending not in ("stopped", "refused")
        return (
            self.ending in self.scenario.endings
            and self.verdict is not None
            and self.verdict.decision == expect.decision
            and expect.determining in (None, sids)
            and len(self.received) == sent
            and not self.unguarded
        )


def play(scenario: Scenario) -> Step:
    """Make the call of a scenario."""
    call, witness = scenario.call, Witness()
    guard = guardedbedrock.Guard(
        guardrails=call.guardrails or (_STAND_IN,),
        policies=scenario.case.policies,
        principal=call.principal,
        vocabulary=call.vocabulary,
        listeners=[witness],
    )
    with _fake(scenario) as fake:
        client = guard.client(call.service, **fake.client_kwargs())
        try:
            reply, error = _read(getattr(client, botocore.xform_name(call.operation))(**call.params)), None
        except ClientError as caught:
            reply, error = "", caught
        finally:
            client.close()
    return _step(scenario, witness.events, reply, error, tuple(fake.requests))


def _fake(scenario: Scenario) -> FakeBedrock:
    call = scenario.call
    guardrails = [FakeGuardrail(g.arn, g.version, denied_words=scenario.denied_words, tags=g.tags or {}) for g in call.guardrails]
    return FakeBedrock(
        guardrails=guardrails,
        policies=scenario.policies,
        principal=call.principal,
        region=call.region,
        vocabulary=call.vocabulary,
    )


def _step(
    scenario: Scenario, events: list[Event], reply: str, error: ClientError | None, received: tuple[ReceivedRequest, ...]
) -> Step:
    verdict = next((event.verdict for event in events if isinstance(event, PreflightDecided)), None)
    put_in = next((event.guardrail for event in events if isinstance(event, GuardrailInjected) and not event.was_there), None)
    return Step(scenario, _ending(scenario, events, error), verdict, put_in, reply, error, received)


def _ending(scenario: Scenario, events: list[Event], error: ClientError | None) -> Ending:
    if isinstance(error, RefusedError):
        return "refused"
    if error is not None:
        return "stopped" if getattr(error, "simulated", False) else "deniedByAws"
    if any(isinstance(event, GuardrailIntervened) for event in events):
        return "intervention"
    return "stream" if OPERATIONS[scenario.call.operation].streams else "reply"


def _read(response: Mapping[str, Any]) -> str:
    """Read the text of a reply: of a stream until its end, of InvokeModel from its body; or what the control plane tells of."""
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
def undisturbed() -> Iterator[None]:
    """Keep profiles, tokens, endpoints and proxies of this machine away from calls that go to the machine itself."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(_NOWHERE)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
