"""A guarded HTTP client against a plain one: a chat completion in turns, over a loopback server in another process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import httpx
from measuring import NO_BUDGET, Row, clocked, in_turns
from of_clients import served
from samples import ALLOWING, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail

_NAMED: Final = {"X-Amzn-Bedrock-GuardrailIdentifier": ARN, "X-Amzn-Bedrock-GuardrailVersion": "3"}


def http() -> Iterator[Row]:
    """The same chat completion with a plain and with a guarded client of httpx."""
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    body = {"model": CALL["modelId"], "messages": [{"role": "user", "content": "How many days of leave do I have?"}]}
    with served() as options:
        url = f"{options['endpoint_url']}/openai/v1/chat/completions"
        guarded = guard.httpx_client(endpoint_url=options["endpoint_url"], region_name="us-east-1")
        with guarded, httpx.Client(headers=_NAMED) as plain:
            (ratio, extra), _ = in_turns(
                clocked(lambda: guarded.post(url, json=body)), clocked(lambda: plain.post(url, json=body))
            )
    yield Row("guarded chat completion against a plain one, median", NO_BUDGET, ratio, "x")
    yield Row("what the guard adds to a chat completion, median", NO_BUDGET, extra, "us")
