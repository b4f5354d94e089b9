"""Make the calls of the contract that langchain-aws supports, and write the results as JSON. Runs in a separate process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from langchain_aws import AmazonKnowledgeBasesRetriever, BedrockEmbeddings, BedrockRerank, ChatBedrockConverse
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake.contract import CASES, LANGCHAIN, LANGCHAIN_PARTS, STEADY, failure, prepare

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator


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
        stop_sequences=config.get("stopSequences"),  # type: ignore[call-arg]  # mypy knows only its alias
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
        "tools": [[call["name"], call["args"], call["id"]] for call in message.tool_calls],
        "stopReason": metadata["stopReason"],
        "tokens": [usage["input_tokens"], usage["output_tokens"]],
    }


def _embed(clients: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    body = params["body"]
    nova = body.get("singleEmbeddingParams", {})
    texts = body.get("texts") or [body.get("inputText") or nova["text"]["value"]]
    dimensions = body.get("dimensions") or nova.get("embeddingDimension")
    model = BedrockEmbeddings(model_id=params["modelId"], client=clients["bedrock-runtime"], dimensions=dimensions)
    return {"vectors": [vector[:3] for vector in model.embed_documents(texts)]}


def _rerank(clients: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    ranking = params["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    texts = [source["inlineDocumentSource"]["textDocument"]["text"] for source in params["sources"]]
    model = BedrockRerank(
        model_arn=ranking["modelConfiguration"]["modelArn"],
        client=clients["bedrock-agent-runtime"],
        top_n=ranking.get("numberOfResults", len(texts)),
    )
    found = model.compress_documents([Document(text) for text in texts], params["queries"][0]["textQuery"]["text"])
    return {"ranked": [[document.page_content, document.metadata["relevance_score"]] for document in found]}


def _retrieve(clients: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    retriever = AmazonKnowledgeBasesRetriever(
        knowledge_base_id=params["knowledgeBaseId"],
        retrieval_config=params.get("retrievalConfiguration"),
        min_score_confidence=None,
        client=clients["bedrock-agent-runtime"],
    )
    documents = retriever.invoke(params["retrievalQuery"]["text"])
    return {
        "documents": [[each.page_content, each.metadata["location"], each.metadata["score"]] for each in documents],
    }


_PARTS = {"embeddings": _embed, "rerank": _rerank, "retriever": _retrieve}


def main() -> None:
    """Run all cases against one fake."""
    told = {}
    with FakeBedrock() as fake:
        clients = {
            name: boto3.client(name, **fake.client_kwargs(), config=Config(**STEADY))
            for name in ("bedrock-runtime", "bedrock", "bedrock-agent-runtime")
        }
        for name in LANGCHAIN:
            prepare(fake, CASES[name].get("setup", {}))
            told[name] = _chat(clients, CASES[name])
        for name, part in LANGCHAIN_PARTS.items():
            prepare(fake, CASES[name].get("setup", {}))
            told[name] = _PARTS[part](clients, CASES[name]["params"])
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
