"""The contract of the fake with boto3 and langchain-aws; `tests/aio` tests it with aiobotocore."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from fake.contract import (
    CASES,
    KEYS,
    LANGCHAIN,
    LANGCHAIN_PARTS,
    SERVICES,
    STEADY,
    STREAMED,
    failure,
    outcome,
    params_of,
    prepare,
)
from fake.streams import joined

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

CHATS = Path(__file__).with_name("contract_in_langchain.py")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBedrock]:
    """One server for all cases; each case reconfigures it."""
    with FakeBedrock() as running:
        yield running


@pytest.fixture(scope="module")
def clients(fake: FakeBedrock) -> Iterator[dict[str, Any]]:
    """A client for each service."""
    session = boto3.Session()
    made = {name: session.client(name, **fake.client_kwargs(), config=Config(**STEADY)) for name in SERVICES}
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
    part = next((response[name] for name in STREAMED if name in response), None)
    if part is None:
        return None
    with closing(part):
        return bytes(part.read()) if hasattr(part, "read") else list(_events(part))


def _events(stream: Any) -> Iterator[Any]:
    try:
        yield from stream
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        yield failure(error)


def test_cases_are_valid() -> None:
    """An unknown field is an error, every case has a reason, and the number of cases does not drop."""
    assert all(set(case) <= KEYS and case["why"] for case in CASES.values())
    assert len(CASES) >= 148


@pytest.mark.parametrize("name", CASES)
def test_boto3_fulfills_the_contract(fake: FakeBedrock, clients: dict[str, Any], name: str) -> None:
    """The whole parsed reply equals the expectation of the case."""
    case = CASES[name]
    prepare(fake, case.get("setup", {}))
    for call in case.get("before", ()):
        _call(clients, call)

    assert _call(clients, case) == case["expect"]


@pytest.fixture(scope="module")
def chats() -> dict[str, Any]:
    """The results of langchain-aws, from a separate process, because its import changes boto3."""
    told = subprocess.run([sys.executable, str(CHATS)], check=True, capture_output=True, text=True)  # noqa: S603 - our own script
    return dict(json.loads(told.stdout))


@pytest.mark.parametrize("name", LANGCHAIN)
def test_langchain_fulfills_the_contract(chats: dict[str, Any], name: str) -> None:
    """Text, calls of tools, reason to stop and tokens, or the same error."""
    assert chats[name] == _expected(CASES[name])


@pytest.mark.parametrize("name", LANGCHAIN_PARTS)
def test_the_other_parts_of_langchain_fulfill_the_contract(chats: dict[str, Any], name: str) -> None:
    """Vectors, ranked documents and retrieved documents are those of the case."""
    assert chats[name] == _computed(LANGCHAIN_PARTS[name], CASES[name])


def _computed(part: str, case: dict[str, Any]) -> dict[str, Any]:
    expect = case["expect"]
    if part == "retriever":
        found = [[each["content"]["text"], each["location"], each["score"]] for each in expect["retrievalResults"]]
        return {"documents": found}
    if part == "rerank":
        texts = [source["inlineDocumentSource"]["textDocument"]["text"] for source in case["params"]["sources"]]
        return {"ranked": [[texts[each["index"]], each["relevanceScore"]] for each in expect["results"]]}
    body = expect["body"]
    vectors = [body["embedding"]] if "embedding" in body else body["embeddings"]
    return {"vectors": [each["embedding"] if isinstance(each, dict) else each for each in vectors]}


def test_langchain_makes_many_of_the_calls(chats: dict[str, Any]) -> None:
    """Whole and streamed."""
    assert list(chats) == [*LANGCHAIN, *LANGCHAIN_PARTS]
    assert len(LANGCHAIN) >= 18
    assert Counter(LANGCHAIN_PARTS.values()) >= Counter({"embeddings": 4, "rerank": 2, "retriever": 2})
    assert {CASES[name]["operation"] for name in LANGCHAIN} == {"Converse", "ConverseStream"}


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
        "tools": [[use["name"], use["input"], use["toolUseId"]] for use in uses],
        "stopReason": reason,
        "tokens": [usage["inputTokens"], usage["outputTokens"]],
    }
