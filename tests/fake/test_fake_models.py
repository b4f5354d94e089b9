"""Model families: unknown models, embeddings, images, rerankers, text completions, and the list of foundation models."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeBedrock, FakeGuardrail, FakeInferenceProfile
from guardedbedrock.testing.resources.models import FAMILIES, MODELS, find_family

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]
    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
TITAN_2 = "amazon.titan-embed-text-v2:0"
RERANK = "cohere.rerank-v3-5:0"
MESSAGES = [{"role": "user", "content": [{"text": "hello"}]}]
S3 = {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}}
PNG = b"\x89PNG\r\n\x1a\n"
ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"


def invoke(client: Any, model: str, **body: Any) -> Any:
    return json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())


def rejection(call: Callable[..., Any], **params: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


UNKNOWN = ["acme.tiny-v1:0", "us.acme.tiny-v1:0", "my-throughput", f"{ACCOUNT}:inference-profile/us.acme.tiny-v1:0"]


@pytest.mark.parametrize("model", [*UNKNOWN, "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"])
def test_an_unknown_model_is_a_validation_error(serve: Serve, model: str) -> None:
    _, client = serve()
    expected = (400, "ValidationException", "The provided model identifier is invalid.")

    assert rejection(client.converse, modelId=model, messages=MESSAGES) == expected
    assert rejection(client.converse_stream, modelId=model, messages=MESSAGES) == expected
    assert rejection(client.invoke_model, modelId=model, body=b"{}") == expected
    assert rejection(client.invoke_model_with_response_stream, modelId=model, body=b"{}") == expected
    assert rejection(client.count_tokens, modelId=model, input={"converse": {"messages": MESSAGES}}) == expected
    assert rejection(client.start_async_invoke, modelId=model, modelInput={}, outputDataConfig=S3) == expected


UNKNOWN_ARN = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
INDIRECT: dict[str, dict[str, Any]] = {
    "rerank": {
        "queries": [{"type": "TEXT", "textQuery": {"text": "a"}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}}],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": UNKNOWN_ARN}},
        },
    },
    "retrieve_and_generate": {
        "input": {"text": "a"},
        "retrieveAndGenerateConfiguration": {
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {"knowledgeBaseId": "KB00000001", "modelArn": UNKNOWN_ARN},
        },
    },
    "invoke_inline_agent": {"sessionId": "s1", "foundationModel": UNKNOWN_ARN, "instruction": "i" * 40, "inputText": "a"},
    "optimize_prompt": {"input": {"textPrompt": {"text": "a"}}, "targetModelId": UNKNOWN_ARN},
}


@pytest.mark.parametrize("operation", INDIRECT)
def test_an_unknown_model_of_an_agent_or_a_knowledge_base_is_a_validation_error(operation: str) -> None:
    """As for the operations of the runtime."""
    with FakeBedrock() as fake:
        client = boto3.client("bedrock-agent-runtime", **fake.client_kwargs())

        found = rejection(getattr(client, operation), **INDIRECT[operation])

    assert found == (400, "ValidationException", "The provided model identifier is invalid.")


@pytest.mark.parametrize(
    "model", [HAIKU, f"us.{HAIKU}", f"global.{HAIKU}", f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"]
)
def test_a_model_is_known_by_each_of_its_names(serve: Serve, model: str) -> None:
    _, client = serve()

    reply = client.converse(modelId=model, messages=MESSAGES)

    assert reply["output"]["message"]["content"] == [{"text": "You said: hello"}]


def test_an_application_profile_behaves_as_its_model(serve: Serve) -> None:
    model = f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN_2}"
    _, client = serve(inference_profiles=[FakeInferenceProfile("a1b2c3", (model,), kind="APPLICATION")])
    profile = f"{ACCOUNT}:application-inference-profile/a1b2c3"

    assert len(invoke(client, profile, inputText="hello")["embedding"]) == 1024
    assert rejection(client.converse, modelId=profile, messages=MESSAGES)[0] == 400


SIZES = [
    ("amazon.titan-embed-text-v1", {"inputText": "a"}, lambda body: body["embedding"], 1536),
    (TITAN_2, {"inputText": "a"}, lambda body: body["embedding"], 1024),
    (TITAN_2, {"inputText": "a", "dimensions": 256}, lambda body: body["embeddingsByType"]["float"], 256),
    (TITAN_2, {"inputText": "a", "embeddingTypes": ["binary"]}, lambda body: body["embeddingsByType"]["binary"], 1024),
    ("amazon.titan-embed-image-v1", {"inputImage": "AA=="}, lambda body: body["embedding"], 1024),
    ("cohere.embed-english-v3", {"texts": ["a"], "input_type": "search_query"}, lambda body: body["embeddings"][0], 1024),
    (
        "cohere.embed-v4:0",
        {"texts": ["a"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 512},
        lambda body: body["embeddings"]["float"][0],
        512,
    ),
    (
        "amazon.nova-2-multimodal-embeddings-v1:0",
        {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingDimension": 384, "text": {"value": "a"}}},
        lambda body: body["embeddings"][0]["embedding"],
        384,
    ),
    (
        "twelvelabs.marengo-embed-2-7-v1:0",
        {"inputType": "text", "inputText": "a"},
        lambda body: body["data"][0]["embedding"],
        1024,
    ),
]


@pytest.mark.parametrize(("model", "body", "vector", "size"), SIZES)
def test_an_embedding_has_the_size_of_its_model(serve: Serve, model: str, body: dict[str, Any], vector: Any, size: int) -> None:
    _, client = serve()

    assert len(vector(invoke(client, model, **body))) == size
    assert invoke(client, model, **body) == invoke(client, model, **body)


def test_a_dimension_that_the_model_does_not_have_is_a_validation_error(serve: Serve) -> None:
    _, client = serve()

    status, code, message = rejection(client.invoke_model, modelId=TITAN_2, body=b'{"inputText": "a", "dimensions": 100}')

    assert (status, code) == (400, "ValidationException")
    assert message.startswith("Malformed input request: #/dimensions: 100 is not a valid enum value")


REQUIRED = [(family.prefix, name) for family in FAMILIES for name in family.required]


@pytest.mark.parametrize(("prefix", "name"), REQUIRED)
def test_a_body_without_a_required_member_is_a_validation_error(serve: Serve, prefix: str, name: str) -> None:
    _, client = serve()
    (first, *_) = (family for family in FAMILIES if family.prefix == prefix)
    others = dict.fromkeys((other for other in first.required if other != name), "x")

    status, _, message = rejection(client.invoke_model, modelId=f"{prefix}-new", body=json.dumps(others))

    assert status == 400
    assert f"required key [{name}] not found" in message


@pytest.mark.parametrize("model", [TITAN_2, RERANK, "cohere.embed-english-v3", "amazon.rerank-v1:0"])
def test_a_guardrail_on_a_model_without_guardrails_is_a_validation_error(serve: Serve, model: str) -> None:
    """AWS lists these models as unsupported and does not document its response, so the fake rejects the call."""
    _, client = serve(guardrails=[FakeGuardrail("abc")])
    params = {"modelId": model, "body": b"{}", "guardrailIdentifier": "abc", "guardrailVersion": "1"}

    assert rejection(client.invoke_model, **params) == (400, "ValidationException", "Guardrails are not supported for this model")


def test_an_embedding_takes_no_scripted_reply(serve: Serve) -> None:
    fake, client = serve()
    fake.reply("Twelve days.")

    invoke(client, TITAN_2, inputText="hello")
    reply = client.converse(modelId=HAIKU, messages=MESSAGES)

    assert reply["output"]["message"]["content"] == [{"text": "Twelve days."}]


def test_a_reranker_orders_documents_by_the_words_of_the_query(serve: Serve) -> None:
    _, client = serve()
    documents = ["the weather", "days of leave", "sick leave"]

    body = invoke(client, RERANK, query="days of leave", documents=documents, top_n=2, api_version=2)

    assert [result["index"] for result in body["results"]] == [1, 2]
    assert body["results"][0]["relevance_score"] == 1.0


IMAGES = [
    ("amazon.nova-canvas-v1:0", {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a"}}, lambda body: body["images"][0]),
    ("stability.sd3-5-large-v1:0", {"prompt": "a"}, lambda body: body["images"][0]),
    ("stability.stable-diffusion-xl-v1", {"text_prompts": [{"text": "a"}]}, lambda body: body["artifacts"][0]["base64"]),
]


@pytest.mark.parametrize(("model", "body", "image"), IMAGES)
def test_an_image_model_returns_a_png(serve: Serve, model: str, body: dict[str, Any], image: Any) -> None:
    _, client = serve()

    assert base64.b64decode(image(invoke(client, model, **body))).startswith(PNG)


NOT_CONVERSE = sorted(model for model in MODELS if not find_family(model, {}).converse)


@pytest.mark.parametrize("model", NOT_CONVERSE)
def test_converse_with_a_model_that_does_not_chat_is_a_validation_error(serve: Serve, model: str) -> None:
    _, client = serve()

    status, code, message = rejection(client.converse, modelId=model, messages=MESSAGES)

    assert (status, code) == (400, "ValidationException")
    assert message.startswith("This action doesn't support the model that you provided.")


MISSING = [
    ("amazon.titan-text-express-v1", {"prompt": "a"}, "inputText"),
    ("amazon.nova-lite-v1:0", {"inputText": "a"}, "messages"),
    ("ai21.j2-mid-v1", {"messages": []}, "prompt"),
    ("ai21.jamba-1-5-mini-v1:0", {"prompt": "a"}, "messages"),
    ("anthropic.claude-v2:1", {"inputText": "a"}, "prompt"),
    ("cohere.command-text-v14", {"message": "a"}, "prompt"),
    ("cohere.command-r-v1:0", {"prompt": "a"}, "message"),
    ("deepseek.r1-v1:0", {"inputText": "a"}, "prompt"),
    ("meta.llama3-8b-instruct-v1:0", {"messages": []}, "prompt"),
    ("mistral.mistral-7b-instruct-v0:2", {}, "prompt"),
    ("openai.gpt-oss-20b-1:0", {"prompt": "a"}, "messages"),
    ("qwen.qwen3-32b-v1:0", {"prompt": "a"}, "messages"),
    ("twelvelabs.pegasus-1-2-v1:0", {"prompt": "a"}, "inputPrompt"),
    ("writer.palmyra-x5-v1:0", {"prompt": "a"}, "messages"),
]


@pytest.mark.parametrize(("model", "body", "name"), MISSING)
def test_the_body_of_another_model_is_a_validation_error(serve: Serve, model: str, body: dict[str, Any], name: str) -> None:
    _, client = serve()
    problem = f"#: required key [{name}] not found, please reformat your input and try again."

    found = rejection(client.invoke_model, modelId=model, body=json.dumps(body))

    assert found == (400, "ValidationException", f"Malformed input request: {problem}")
    assert rejection(client.invoke_model, modelId=model, body=b"hello")[:2] == found[:2]


@pytest.mark.parametrize("model", [HAIKU, f"us.{HAIKU}", f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"])
def test_a_text_completion_for_claude_3_is_a_validation_error(serve: Serve, model: str) -> None:
    """Claude 3 and later have only the Messages API."""
    _, client = serve()
    message = '"claude-3-haiku-20240307" is not supported on this API. Please use the Messages API instead.'

    for call in (client.invoke_model, client.invoke_model_with_response_stream):
        assert rejection(call, modelId=model, body=b'{"prompt": "hello"}') == (400, "ValidationException", message)


TOO_LONG = [
    ("amazon.titan-text-lite-v1", {"inputText": "a", "textGenerationConfig": {"maxTokenCount": 4097}}, 4096),
    ("anthropic.claude-v2", {"prompt": "a", "max_tokens_to_sample": 4097}, 4096),
    ("meta.llama3-8b-instruct-v1:0", {"prompt": "a", "max_gen_len": 2049}, 2048),
    ("mistral.mistral-7b-instruct-v0:2", {"prompt": "a", "max_tokens": 8193}, 8192),
]


@pytest.mark.parametrize(("model", "body", "limit"), TOO_LONG)
def test_more_output_tokens_than_the_model_has_are_a_validation_error(
    serve: Serve, model: str, body: dict[str, Any], limit: int
) -> None:
    """Of InvokeModel and of Converse, each with its own message. The limit itself is accepted."""
    _, client = serve()

    _, _, invoked = rejection(client.invoke_model, modelId=model, body=json.dumps(body))
    _, _, said = rejection(client.converse, modelId=model, messages=MESSAGES, inferenceConfig={"maxTokens": limit + 1})

    assert f"{limit + 1} is not less or equal to {limit}" in invoked
    assert said.startswith(f"The maximum tokens you requested exceeds the model limit of {limit}.")
    assert client.converse(modelId=model, messages=MESSAGES, inferenceConfig={"maxTokens": limit})["stopReason"] == "end_turn"


TOOL_CONFIG = {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}]}
IMAGE_MESSAGES = [{"role": "user", "content": [{"text": "a"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]}]
SYSTEM = [{"text": "Be brief."}]
CAPABILITIES = [
    ("amazon.titan-text-express-v1", {"system": SYSTEM}, "This model doesn't support system messages."),
    ("mistral.mistral-7b-instruct-v0:2", {"system": SYSTEM}, "This model doesn't support system messages."),
    ("anthropic.claude-v2", {"toolConfig": TOOL_CONFIG}, "This model doesn't support tool use."),
    ("deepseek.r1-v1:0", {"toolConfig": TOOL_CONFIG}, "This model doesn't support tool use."),
    ("meta.llama3-8b-instruct-v1:0", {"toolConfig": TOOL_CONFIG}, "This model doesn't support tool use."),
    ("amazon.nova-micro-v1:0", {"messages": IMAGE_MESSAGES}, "This model doesn't support the image content block that you"),
    ("openai.gpt-oss-120b-1:0", {"messages": IMAGE_MESSAGES}, "This model doesn't support the image content block that you"),
    ("meta.llama3-1-8b-instruct-v1:0", {"messages": IMAGE_MESSAGES}, "This model doesn't support the image content block that"),
]


@pytest.mark.parametrize(("model", "used", "problem"), CAPABILITIES)
def test_a_capability_that_a_model_lacks_is_a_validation_error(
    serve: Serve, model: str, used: dict[str, Any], problem: str
) -> None:
    _, client = serve()
    call = {"modelId": model, "messages": MESSAGES, **used}

    for ask in (client.converse, client.converse_stream):
        status, code, message = rejection(ask, **call)
        assert (status, code) == (400, "ValidationException")
        assert message.startswith(problem)


@pytest.mark.parametrize("model", [HAIKU, "amazon.nova-lite-v1:0", "meta.llama4-scout-17b-instruct-v1:0", "qwen.qwen4-new-v1:0"])
def test_other_models_have_every_capability(serve: Serve, model: str) -> None:
    """So have models that are newer than the fake."""
    _, client = serve()

    reply = client.converse(modelId=model, messages=IMAGE_MESSAGES, system=SYSTEM, toolConfig=TOOL_CONFIG)

    assert reply["stopReason"] == "end_turn"


def test_claude_2_completes_a_prompt_as_text(serve: Serve) -> None:
    """The format of the Text Completions API, whole and streamed."""
    _, client = serve()
    prompt = "\n\nHuman: How many days?\n\nAssistant:"
    body = json.dumps({"prompt": prompt, "max_tokens_to_sample": 300})

    whole = json.loads(client.invoke_model(modelId="anthropic.claude-v2", body=body)["body"].read())
    stream = client.invoke_model_with_response_stream(modelId="anthropic.claude-v2", body=body)["body"]
    parts = [json.loads(event["chunk"]["bytes"]) for event in stream]

    stop = {"stop_reason": "stop_sequence", "stop": "\n\nHuman:"}
    assert whole == {"type": "completion", "completion": "You said: How many days?", **stop}
    assert "".join(part["completion"] for part in parts) == whole["completion"]
    assert {name: parts[-1][name] for name in stop} == stop
    assert {part["stop_reason"] for part in parts[:-1]} == {None}


def test_the_foundation_models_are_listed_by_filter(manage: Manage) -> None:
    _, control, _ = manage()

    every = control.list_foundation_models()["modelSummaries"]
    embedding = control.list_foundation_models(byOutputModality="EMBEDDING", byProvider="cohere")["modelSummaries"]

    assert [model["modelId"] for model in every] == list(MODELS)
    assert [model["modelId"] for model in embedding] == [
        "cohere.embed-english-v3",
        "cohere.embed-multilingual-v3",
        "cohere.embed-v4:0",
    ]
    assert control.list_foundation_models(byInferenceType="PROVISIONED")["modelSummaries"] == []


def test_a_foundation_model_is_found_by_id_and_arn(manage: Manage) -> None:
    _, control, _ = manage()
    arn = f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}"

    for identifier in (HAIKU, arn):
        shown = control.get_foundation_model(modelIdentifier=identifier)["modelDetails"]
        assert (shown["modelArn"], shown["providerName"], shown["responseStreamingSupported"]) == (arn, "Anthropic", True)
    status, code, _ = rejection(control.get_foundation_model, modelIdentifier="acme.tiny-v1:0")
    assert (status, code) == (404, "ResourceNotFoundException")


def test_every_listed_model_has_a_family() -> None:
    assert all(find_family(model, {}).provider for model in MODELS)


def test_the_logging_configuration_is_stored(manage: Manage) -> None:
    _, control, _ = manage()
    logging = {"s3Config": {"bucketName": "logs", "keyPrefix": "bedrock"}, "textDataDeliveryEnabled": True}

    assert "loggingConfig" not in control.get_model_invocation_logging_configuration()
    control.put_model_invocation_logging_configuration(loggingConfig=logging)
    assert control.get_model_invocation_logging_configuration()["loggingConfig"] == logging
    control.delete_model_invocation_logging_configuration()
    assert "loggingConfig" not in control.get_model_invocation_logging_configuration()


TOOL_RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "12"}]}}
INVALID = {
    "assistant first": ([{"role": "assistant", "content": [{"text": "hi"}]}], "A conversation must start with a user message."),
    "tools": ([{"role": "user", "content": [TOOL_RESULT]}], "The toolConfig field must be defined when using toolUse"),
}


@pytest.mark.parametrize(("messages", "problem"), INVALID.values(), ids=INVALID)
def test_an_invalid_conversation_is_a_validation_error(serve: Serve, messages: list[Any], problem: str) -> None:
    _, client = serve()

    for call in (client.converse, client.converse_stream):
        status, code, message = rejection(call, modelId=HAIKU, messages=messages)
        assert (status, code) == (400, "ValidationException")
        assert message.startswith(problem)


def test_converse_returns_the_performance_configuration(serve: Serve) -> None:
    _, client = serve()
    config = {"latency": "optimized"}

    reply = client.converse(modelId=HAIKU, messages=MESSAGES, performanceConfig=config)
    stream = client.converse_stream(modelId=HAIKU, messages=MESSAGES, performanceConfig=config)["stream"]
    (metadata,) = (event["metadata"] for event in stream if "metadata" in event)

    assert reply["performanceConfig"] == metadata["performanceConfig"] == config
