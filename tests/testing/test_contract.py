"""The contract, as boto3 and langchain-aws keep it; aiobotocore keeps it in a folder of its own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from langchain_aws import ChatBedrockConverse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from testing.contract import CASES, KEYS, failure, outcome, params_of, prepare
from testing.streams import joined

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("bedrock-runtime", "bedrock")
STEADY = Config(retries={"mode": "standard", "total_max_attempts": 1})


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBedrock]:
    """One server for all cases: each makes it anew."""
    with FakeBedrock() as running:
        yield running


@pytest.fixture(scope="module")
def clients(fake: FakeBedrock) -> Iterator[dict[str, Any]]:
    """A client for each service."""
    session = boto3.Session()
    made = {name: session.client(name, **fake.client_kwargs(), config=STEADY) for name in SERVICES}
    yield made
    for client in made.values():
        client.close()


def _call(clients: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    client = clients[call.get("service", "bedrock-runtime")]
    try:
        response = getattr(client, xform_name(call["operation"]))(**params_of(call))
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        return failure(error)
    return outcome(response, _read(response))


def _read(response: dict[str, Any]) -> list[Any] | bytes | None:
    part = response.get("stream", response.get("body"))
    if part is None:
        return None
    with closing(part):
        return bytes(part.read()) if hasattr(part, "read") else list(_events(part))


def _events(stream: Any) -> Iterator[Any]:
    try:
        yield from stream
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        yield failure(error)


def test_cases_are_written_as_they_should_be() -> None:
    """A stray field is an error, every case says why, and there are enough of them."""
    assert all(set(case) <= KEYS and case["why"] for case in CASES.values())
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_boto3_keeps_the_contract(fake: FakeBedrock, clients: dict[str, Any], name: str) -> None:
    """What it parsed is what the case expects, whole."""
    case = CASES[name]
    prepare(fake, case.get("setup", {}))
    for call in case.get("before", ()):
        _call(clients, call)

    assert _call(clients, case) == case["expect"]


SPOKEN = {"modelId", "messages", "system", "guardrailConfig", "inferenceConfig"}
TEXT_ONLY = {"text"}


def _speaks_langchain(case: dict[str, Any]) -> bool:
    """Say whether langchain-aws can make a call: a chat of texts."""
    params = case.get("params", {})
    blocks = [block for message in params.get("messages", ()) for block in message["content"]]
    chat = case["operation"] in {"Converse", "ConverseStream"} and set(params) <= SPOKEN
    return chat and all(set(block) == TEXT_ONLY for block in blocks) and not case.get("before")


LANGCHAIN = [name for name, case in CASES.items() if _speaks_langchain(case)]


@pytest.mark.parametrize("name", LANGCHAIN)
def test_langchain_keeps_the_contract(fake: FakeBedrock, clients: dict[str, Any], name: str) -> None:
    """Text, calls of tools, reason to stop and tokens, or the same error."""
    case = CASES[name]
    prepare(fake, case.get("setup", {}))

    assert _chat(clients, case) == _expected(case)


def test_langchain_makes_a_good_part_of_the_calls() -> None:
    """Whole and streamed."""
    assert len(LANGCHAIN) >= 18
    assert {CASES[name]["operation"] for name in LANGCHAIN} == {"Converse", "ConverseStream"}


def _chat(clients: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    params, config = case["params"], case["params"].get("inferenceConfig", {})
    model = ChatBedrockConverse(
        model=params["modelId"],
        client=clients["bedrock-runtime"],
        bedrock_client=clients["bedrock"],
        provider="anthropic",
        guardrails=params.get("guardrailConfig"),
        max_tokens=config.get("maxTokens"),
        temperature=config.get("temperature"),
        stop_sequences=config.get("stopSequences"),
    )
    try:
        if case["operation"] == "Converse":
            return _told(model.invoke(list(_messages(params))))
        chunks = list(model.stream(list(_messages(params))))
        return _told(sum(chunks[1:], chunks[0]))
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        return failure(error)


def _messages(params: dict[str, Any]) -> Iterator[BaseMessage]:
    yield from (SystemMessage(block["text"]) for block in params.get("system", ()))
    for message in params["messages"]:
        kind = HumanMessage if message["role"] == "user" else AIMessage
        yield kind([{"type": "text", "text": block["text"]} for block in message["content"]])


def _told(message: Any) -> dict[str, Any]:
    metadata, usage = message.response_metadata, message.usage_metadata
    return {
        "text": message.text if isinstance(message.text, str) else message.text(),
        "tools": [(call["name"], call["args"], call["id"]) for call in message.tool_calls],
        "stopReason": metadata["stopReason"],
        "tokens": (usage["input_tokens"], usage["output_tokens"]),
    }


def _expected(case: dict[str, Any]) -> dict[str, Any]:
    expect = case["expect"]
    if "code" in expect:
        return dict(expect)
    if "stream" in expect and "code" in expect["stream"][-1]:
        return dict(expect["stream"][-1])
    if "stream" in expect:
        (content, reason), usage = joined(expect["stream"]), expect["stream"][-1]["metadata"]["usage"]
    else:
        content, reason, usage = expect["output"]["message"]["content"], expect["stopReason"], expect["usage"]
    uses = [block["toolUse"] for block in content if "toolUse" in block]
    return {
        "text": "".join(block.get("text", "") for block in content),
        "tools": [(use["name"], use["input"], use["toolUseId"]) for use in uses],
        "stopReason": reason,
        "tokens": (usage["inputTokens"], usage["outputTokens"]),
    }
