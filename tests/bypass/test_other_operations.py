"""Requests to a model under the name of an operation that needs no guardrail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from harness.bypass import METHODS, on, unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, ask
from harness.installed import MISSING

from guardedbedrock import Guard, GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

JOB: Final = json.dumps(
    {"modelId": MODEL, "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}}}
).encode()


@pytest.mark.parametrize("event", ["before-call", "request-created", "before-sign", "before-send"])
def test_list_async_invokes_cannot_become_start_async_invoke(harness: Make, event: str) -> None:
    env = harness()

    def post(params: Any = None, request: Any = None, **_: Any) -> None:
        if params is not None:
            params.update(method="POST", body=JOB)
        else:
            request.method = "POST"
            setattr(request, "body" if event == "before-send" else "data", JOB)

    on(env, event, post)
    with pytest.raises(GuardrailTamperedError):
        env.client.list_async_invokes()

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_presigned_list_async_invokes_cannot_become_start_async_invoke(harness: Make) -> None:
    env = harness()

    with pytest.raises(GuardrailTamperedError):
        env.client.generate_presigned_url("list_async_invokes", HttpMethod="POST")

    assert unguarded(env.fake) == []


OTHERS: Final = [
    name
    for name in ("ApplyGuardrail", "CountTokens", "InvokeGuardrailChecks", "ListAsyncInvokes")
    if ("bedrock-runtime", name) not in MISSING
]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("path", ["converse", "converse-stream", "invoke", "invoke-with-response-stream"])
def test_operation_directed_to_a_model_by_the_service_model_is_refused(harness: Make, name: str, path: str) -> None:
    env = harness()
    service = env.client.meta.service_model
    http = service._service_description["operations"][name]["http"]
    kept = dict(http)
    http.update(method="POST", requestUri=f"/model/{MODEL}/{path}")
    params = {
        "CountTokens": {"modelId": MODEL, "input": {"converse": {"messages": ask("converse")["messages"]}}},
        "ApplyGuardrail": {"guardrailIdentifier": "x", "guardrailVersion": "1", "source": "INPUT", "content": []},
        "InvokeGuardrailChecks": {"messages": ask("converse")["messages"], "checks": {}},
        "ListAsyncInvokes": {},
    }
    try:
        with pytest.raises(GuardrailTamperedError):
            env.client._make_api_call(name, params[name])
    finally:
        http.update(kept)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("name", ["GetAsyncInvoke", "CountTokens"])
def test_operation_directed_to_a_model_by_a_handler_is_refused(harness: Make, name: str) -> None:
    env = harness()
    on(env, "before-sign", lambda request, **_: setattr(request, "url", f"{env.fake.endpoint_url}/model/{MODEL}/converse"))
    params = {
        "GetAsyncInvoke": {"invocationArn": "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"},
        "CountTokens": {"modelId": MODEL, "input": {"converse": {"messages": ask("converse")["messages"]}}},
    }

    with pytest.raises(GuardrailTamperedError):
        env.client._make_api_call(name, params[name])

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("params", [{}, {"body": json.dumps({"modelId": MODEL}).encode()}], ids=["as ever", "in the body"])
def test_call_directed_to_another_model_by_the_service_model_is_refused(
    harness: Make, method: str, params: dict[str, Any]
) -> None:
    env = harness()
    asked = {**ask(method), **{name: value for name, value in params.items() if name in ask(method)}}
    http = env.client.meta.service_model.operation_model(env.client.meta.method_to_api_mapping[method]).http
    kept = dict(http)
    other = http["requestUri"].replace("{modelId}", DENIED_MODEL)
    on(env, "before-parameter-build", lambda model, **_: model.http.update(requestUri=other))
    try:
        with pytest.raises(GuardrailTamperedError):
            getattr(env.client, method)(**asked)
    finally:
        http.update(kept)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", METHODS)
def test_host_prefix_of_the_service_model_is_refused(harness: Make, method: str) -> None:
    env = harness()
    on(env, "before-parameter-build", lambda model, **_: setattr(model, "endpoint", {"hostPrefix": "localhost:1/"}))

    with pytest.raises(GuardrailTamperedError):
        getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


GENERATE: Final = json.dumps(
    {
        "input": {"text": "hi"},
        "retrieveAndGenerateConfiguration": {
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {"knowledgeBaseId": "KB12345678", "modelArn": DENIED_MODEL},
        },
    }
).encode()
INVOCATION: Final = "arn:aws:bedrock:us-east-1:123456789012:data-automation-invocation/11111111-1111-1111-1111-111111111111"
AGENT: Final = json.dumps({"agentName": "a", "foundationModel": DENIED_MODEL}).encode()


@pytest.mark.parametrize(
    ("service", "method", "http", "body"),
    [
        ("bedrock-agent-runtime", "create_session", ("POST", "/retrieveAndGenerate"), GENERATE),
        ("bedrock-agent", "list_agents", ("PUT", "/agents/"), AGENT),
    ],
    ids=["retrieve and generate", "create an agent"],
)
def test_operation_of_another_service_directed_to_models_by_a_handler_is_refused(
    harness: Make, service: str, method: str, http: tuple[str, str], body: bytes
) -> None:
    env = harness()
    client = env.guard.client(service, **env.fake.client_kwargs())
    verb, path = http
    written = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).http
    kept = dict(written)  # all clients of the process share it
    client.meta.events.register("provide-client-params", lambda model, **_: model.http.update(method=verb, requestUri=path))
    client.meta.events.register("before-call", lambda params, **_: params.update(body=body))
    try:
        with pytest.raises(GuardrailTamperedError, match="goes to another operation"):
            getattr(client, method)()
    finally:
        written.update(kept)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("event", ["before-sign", "before-send"])
def test_header_that_names_another_operation_is_refused(harness: Make, event: str) -> None:
    """The operations of data automation share one path; a header tells them apart."""
    env = harness()
    guard = Guard(guardrails=[HR], on_indirect="refuse", listeners=())
    client = guard.client("bedrock-data-automation-runtime", **env.fake.client_kwargs())

    def start(request: Any, **_: Any) -> None:
        target = str(request.headers["X-Amz-Target"]).partition(".")[0]
        del request.headers["X-Amz-Target"]
        request.headers["X-Amz-Target"] = f"{target}.InvokeDataAutomationAsync"

    client.meta.events.register(event, start)
    with pytest.raises(GuardrailTamperedError, match="goes to another operation"):
        client.get_data_automation_status(invocationArn=INVOCATION)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_resource_of_another_service_may_have_the_name_of_a_runtime_path(harness: Make) -> None:
    env = harness()
    client = env.guard.client("bedrock", **env.fake.client_kwargs())

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_custom_model(modelIdentifier="async-invoke")

    assert unguarded(env.fake) == []
    assert [request.operation for request in env.fake.requests] == ["GetCustomModel"]


def test_data_automation_calls_reach_the_service(harness: Make) -> None:
    """The fake does not serve them, so it answers 404; the gate does not refuse them."""
    env = harness()
    client = Guard(guardrails=[HR], listeners=()).client("bedrock-data-automation-runtime", **env.fake.client_kwargs())
    calls: list[Callable[[], Any]] = [
        lambda: client.get_data_automation_status(invocationArn=INVOCATION),
        lambda: client.invoke_data_automation_async(
            inputConfiguration={"s3Uri": "s3://a/b"},
            outputConfiguration={"s3Uri": "s3://a/c"},
            dataAutomationProfileArn="arn:aws:bedrock:us-east-1:123456789012:data-automation-profile/x",
        ),
    ]

    for call in calls:
        with pytest.raises(ClientError) as answered:
            call()
        assert answered.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert unguarded(env.fake) == []
