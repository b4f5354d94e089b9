"""The calls of a soak, and how each may end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.errors import GuardedBedrockError
from guardedbedrock.stages.retry.policy import RetryPolicy

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
FORBIDDEN: Final = "amazon.titan-text-lite-v1"
POLICIES: Final = [
    {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "bedrock:Invoke*", "Resource": f"arn:aws:bedrock:*::foundation-model/{FORBIDDEN}"},
]
BODY: Final = json.dumps(
    {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
)


def make_client(kwargs: dict[str, Any]) -> Any:
    """Make a guarded client that tries each call up to twice, without a pause."""
    guard = Guard(
        guardrails=[Guardrail(ARN, version="1")],
        policies=iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": POLICIES}]),
        principal="arn:aws:iam::123456789012:role/Soak",
        listeners=(),
        retry=RetryPolicy(attempts=2, sleep=lambda _: None),
    )
    return guard.client("bedrock-runtime", **kwargs)


def _ask(text: str, model: str = MODEL) -> dict[str, Any]:
    return {"modelId": model, "messages": [{"role": "user", "content": [{"text": text}]}]}


def _converse(text: str, model: str = MODEL) -> Callable[[Any], str]:
    return lambda client: str(client.converse(**_ask(text, model))["stopReason"])


def _stream(text: str) -> Callable[[Any], str]:
    def call(client: Any) -> str:
        with closing(client.converse_stream(**_ask(text))["stream"]) as stream:
            events = list(stream)
        return next(str(event["messageStop"]["stopReason"]) for event in events if "messageStop" in event)

    return call


def _invoke(client: Any) -> str:
    reply = json.loads(client.invoke_model(modelId=MODEL, body=BODY)["body"].read())
    return f"{reply['stop_reason']} {reply['amazon-bedrock-guardrailAction']}"


def _invoke_stream(client: Any) -> str:
    with closing(client.invoke_model_with_response_stream(modelId=MODEL, body=BODY)["body"]) as stream:
        chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    return str(chunks[-1]["amazon-bedrock-guardrailAction"])


def _apply(client: Any) -> str:
    content = [{"text": {"text": "write to a@example.com"}}]
    reply = client.apply_guardrail(guardrailIdentifier=ARN, guardrailVersion="1", source="INPUT", content=content)
    return str(reply["action"])


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of call.

    Args:
        call: Makes it, and says how it ended well.
        well: How it ends when nothing goes wrong.
        cut: The result if the connection ends while the reply is read.
    """

    call: Callable[[Any], str]
    well: str
    cut: frozenset[str] = frozenset({"ConnectionClosedError"})


_INTERRUPTED: Final = frozenset({"StreamInterruptedError", "ProtocolError"})
"""Of an error in place of a stream botocore reads the body itself, and lets urllib3's error out when that breaks."""

KINDS: Final = {
    "converse": Kind(_converse("hello there"), "end_turn"),
    "blocked": Kind(_converse("my salary"), "guardrail_intervened"),
    "forbidden": Kind(_converse("hello", FORBIDDEN), "ExplicitDenyError"),
    "stream": Kind(_stream("hello there, tell me more"), "end_turn", cut=_INTERRUPTED),
    "masked stream": Kind(_stream("mail a@example.com"), "guardrail_intervened", cut=_INTERRUPTED),
    "invoke": Kind(_invoke, "end_turn NONE", cut=frozenset({"ResponseStreamingError", "ProtocolError"})),
    "invoke stream": Kind(_invoke_stream, "NONE", cut=_INTERRUPTED),
    "apply": Kind(_apply, "GUARDRAIL_INTERVENED"),
}

REFUSED: Final = frozenset(
    {
        "ConnectionClosedError",
        "ExplicitDenyError",
        "ImplicitDenyError",
        "InternalServerException",
        "ModelAccessError",
        "ServiceUnavailableException",
        "ThrottlingException",
        "ValidationException",
        "502",
    }
)
"""How any call may end that meets a fault."""


def outcome(client: Any, name: str) -> tuple[str, bool]:
    """Make a call, and say how it ended, and whether that is one of the ways in which it may."""
    kind = KINDS[name]
    may = {kind.well} | kind.cut | REFUSED
    try:
        ended = kind.call(client)
    except Exception as error:  # noqa: BLE001 - whatever comes is an outcome
        ended = _named(error)
    return ended, ended in may


def _named(error: Exception) -> str:
    if isinstance(error, ClientError) and not isinstance(error, GuardedBedrockError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__
