"""The harness of guarded clients: a fake Bedrock, a guard, a client of the guard, and a listener that records."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import boto3
import pytest
from botocore.config import Config

from guardedbedrock import AccessDeniedError, Guard, Guardrail, iam
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from guardedbedrock.core.records import Call

__all__ = ["Harness", "Recorder", "make_harness", "make_plain"]

MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
DENIED_MODEL: Final = "anthropic.claude-3-opus-20240229-v1:0"
ROLE: Final = "arn:aws:iam::123456789012:role/HRBotServiceRole"
HR: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3", name="hr")
PUBLIC: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/public000001", version="1", name="customer-facing")
WEAK: Final = {"guardrailIdentifier": "weak00000001", "guardrailVersion": "1"}
"""A guardrail that exists and is not approved."""

POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
        {"Sid": "NoOpus", "Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*::foundation-model/*opus*"},
    ],
}
POLICIES: Final = iam.PolicySet(identity=[POLICY])
ON_THE_SERVER: Final = (
    FakeGuardrail(HR.arn, version=HR.version, denied_words=("salary",)),
    FakeGuardrail(PUBLIC.arn, version=PUBLIC.version),
    FakeGuardrail(WEAK["guardrailIdentifier"], version=WEAK["guardrailVersion"]),
)
S3: Final = {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}}
CONVERSATIONS: Final = ("converse", "converse_stream")
INVOCATIONS: Final = ("invoke_model", "invoke_model_with_response_stream")

Make: TypeAlias = "Callable[..., Harness]"
EventT = TypeVar("EventT")


def ask(method: str, text: str = "hello there", model: str = MODEL) -> dict[str, Any]:
    """Return the parameters of a call to a model."""
    if method in CONVERSATIONS:
        return {"modelId": model, "messages": [{"role": "user", "content": [{"text": text}]}]}
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    return {"modelId": model, "body": json.dumps(body).encode()}


def read(response: dict[str, Any]) -> dict[str, Any]:
    """Read a response to its end, without the metadata that differ between requests."""
    whole = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    for name in ("body", "stream"):
        if name in whole:
            whole[name] = whole[name].read() if hasattr(whole[name], "read") else list(whole[name])
    return whole


class Harness(NamedTuple):
    """A fake, a guard, and a client of the guard that calls the fake."""

    fake: FakeBedrock
    guard: Guard
    client: Any

    @property
    def arrived(self) -> list[tuple[str | None, str | None, tuple[str, str] | None]]:
        """Operation, model and guardrail of every request that reached the fake."""
        return [(request.operation, request.params.get("modelId"), request.guardrail) for request in self.fake.requests]


def denial(harness: Harness, method: str = "converse", **params: Any) -> AccessDeniedError:
    """Make a call that is denied, and return the error."""
    with pytest.raises(AccessDeniedError) as denied:
        getattr(harness.client, method)(**{**ask(method), **params})
    return denied.value


@pytest.fixture(name="harness")
def make_harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Create harnesses; takes the keywords of `Guard`, ``config`` of the client, and ``fake``, the keywords of `FakeBedrock`."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with ExitStack() as stack:
        yield partial(_harness, stack)


def _harness(stack: ExitStack, *, config: Config | None = None, fake: dict[str, Any] | None = None, **options: Any) -> Harness:
    server = stack.enter_context(FakeBedrock(**{"guardrails": ON_THE_SERVER, **(fake or {})}))
    patient = RetryPolicy(attempts=3, sleep=lambda _: None)
    defaults = {"guardrails": [HR, PUBLIC], "policies": POLICIES, "principal": ROLE, "listeners": (), "retry": patient}
    guard = Guard(**{**defaults, **options})
    client = guard.client("bedrock-runtime", **server.client_kwargs(), config=config)
    stack.callback(client.close)
    return Harness(server, guard, client)


@pytest.fixture(name="plain")
def make_plain() -> Iterator[Callable[[FakeBedrock], Any]]:
    """Create plain boto3 clients."""
    with ExitStack() as stack:
        yield partial(_plain, stack)


def _plain(stack: ExitStack, fake: FakeBedrock) -> Any:
    client = boto3.client("bedrock-runtime", **fake.client_kwargs(), config=Config(retries={"total_max_attempts": 1}))
    stack.callback(client.close)
    return client


@dataclass
class Heard:
    """The recorded observation of one call."""

    call: Call
    events: list[Any] = field(default_factory=list)
    closed: list[BaseException | None] = field(default_factory=list)

    def enter(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""

    def on_event(self, event: Any) -> None:
        """Record the event."""
        self.events.append(event)

    def close(self, error: BaseException | None) -> None:
        """Record the error that the call ended with, or None."""
        self.closed.append(error)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """List the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Recorder:
    """A listener that records every call."""

    def __init__(self) -> None:
        self.calls: list[Heard] = []

    def open(self, call: Call) -> Heard:
        """Begin a recording."""
        heard = Heard(call)
        self.calls.append(heard)
        return heard

    @property
    def last(self) -> Heard:
        """The latest call."""
        return self.calls[-1]
