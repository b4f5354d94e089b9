"""``guardedbedrock invoke``: one guarded call to a model, with the configuration of the library."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

import guardedbedrock
from guardedbedrock.cli.console import console
from guardedbedrock.errors import AccessDeniedError, ConfigurationError, GuardrailInterventionError, UnguardedReplyError

_LARGEST_BODY: Final = 100_000_000

EXIT_DENIED = 1


@dataclass(frozen=True, slots=True)
class InvokeArguments:
    """
    The arguments of the command.

    Args:
        model: ID or ARN of the model or inference profile.
        prompt: The prompt; None with `body`.
        guardrail: Name of the approved guardrail to send.
        stream: Print the reply while it arrives.
        body: File with the body of `InvokeModel`.
        config: Configuration file; None looks where `Guard.from_config` looks.
        region: Region of the client.
    """

    model: str
    prompt: str | None = None
    guardrail: str | None = None
    stream: bool = False
    body: Path | None = None
    config: str | None = None
    region: str | None = None


def command(arguments: InvokeArguments) -> int:
    """
    Call the model and print the reply.

    Returns:
        1 if the call is denied, with the explanation, or if the configuration raises what the guardrail did; else 0.

    Raises:
        ConfigurationError: The arguments contradict each other, the configuration is invalid, or AWS does not answer.
    """
    if (arguments.prompt is None) == (arguments.body is None):
        raise ConfigurationError("give either PROMPT or --body FILE")
    guard = guardedbedrock.Guard.from_config(arguments.config)
    region = arguments.region or next((guardrail.region for guardrail in guard.rules.approved), None)
    client = guard.client("bedrock-runtime", region_name=region)
    try:
        with guard.using(arguments.guardrail) if arguments.guardrail else nullcontext():
            _call(client, arguments)
    except AccessDeniedError as error:
        _print_denial(error)
        return EXIT_DENIED
    except (GuardrailInterventionError, UnguardedReplyError) as error:
        console().print(str(error), style="red", soft_wrap=True)
        return EXIT_DENIED
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationError(f"the call failed: {error}") from None
    return 0


def _call(client: Any, arguments: InvokeArguments) -> None:
    if arguments.body is not None:
        _invoke(client, arguments, arguments.body)
        return
    params = {"modelId": arguments.model, "messages": [{"role": "user", "content": [{"text": arguments.prompt}]}]}
    if not arguments.stream:
        reply = client.converse(**params)
        _write("".join(block.get("text", "") for block in reply["output"]["message"]["content"]))
    else:
        for event in client.converse_stream(**params)["stream"]:
            _write(event.get("contentBlockDelta", {}).get("delta", {}).get("text", ""))
    _write("\n")


def _invoke(client: Any, arguments: InvokeArguments, file: Path) -> None:
    try:
        with file.open("rb") as opened:
            body = opened.read(_LARGEST_BODY + 1)
    except OSError as error:
        raise ConfigurationError(f"--body {file}: cannot be read ({error.strerror}); correct the path") from None
    if len(body) > _LARGEST_BODY:
        raise ConfigurationError(f"--body {file}: larger than {_LARGEST_BODY:,} bytes, which Bedrock accepts in no request")
    params = {"modelId": arguments.model, "body": body}
    if not arguments.stream:
        _write(client.invoke_model(**params)["body"].read().decode("utf-8", "replace"))
    else:
        for event in client.invoke_model_with_response_stream(**params)["body"]:
            _write(event.get("chunk", {}).get("bytes", b"").decode("utf-8", "replace"))
    _write("\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _print_denial(error: AccessDeniedError) -> None:
    screen = console()
    screen.print(f"denied: {error.message}", style="red", soft_wrap=True)
    for authorization in error.authorizations:
        if authorization.decision.outcome != "allowed":
            screen.print(str(authorization.decision.explain()), soft_wrap=True)
    if error.hint:
        screen.print(f"hint: {error.hint}", soft_wrap=True)
