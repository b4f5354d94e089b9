"""Every operation through a guarded client: the request and the reply."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import xform_name
from botocore.exceptions import ParamValidationError
from harness.clients import DENIED_MODEL, HR, MODEL, S3, ask, read

from guardedbedrock import ExplicitDenyError
from guardedbedrock.bedrock.service_models import service_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

NAMED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
CONFIG: Final = {"guardrailConfig": NAMED}
CONTENT: Final = [{"text": {"text": "my salary"}}]
INPUT: Final = {"converse": {"messages": ask("converse")["messages"]}}
CHECKS: Final = {"promptAttack": {"categories": [{"category": "JAILBREAK"}]}}
START: Final = {"modelId": MODEL, "modelInput": {"a": [1]}, "outputDataConfig": S3, "clientRequestToken": "once"}
OPERATION: Final = {xform_name(name): name for name in service_model("bedrock-runtime").operation_names}
"""Method of the client to its operation, for the operations that the installed botocore has."""
EVERY: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "converse": (ask("converse"), CONFIG),
    "converse_stream": (ask("converse_stream"), CONFIG),
    "invoke_model": (ask("invoke_model"), NAMED),
    "invoke_model_with_response_stream": (ask("invoke_model_with_response_stream"), NAMED),
    "apply_guardrail": ({**NAMED, "source": "INPUT", "content": CONTENT}, {}),
    "count_tokens": ({"modelId": MODEL, "input": INPUT}, {}),
    "invoke_guardrail_checks": ({"messages": [{"role": "user", "content": [{"text": "hi"}]}], "checks": CHECKS}, {}),
    "start_async_invoke": (START, {}),
    "list_async_invokes": ({"maxResults": 5}, {}),
}
"""Method of the client to its parameters and to the parameters that the guard adds."""
CASES: Final = {method: case for method, case in EVERY.items() if method in OPERATION}

BEYOND: Final = {"GetAsyncInvoke", "InvokeModelWithBidirectionalStream"}
"""ApplyGuardrail has its own tests; the bidirectional stream needs HTTP/2."""


def test_every_runtime_operation_has_a_case() -> None:
    assert {OPERATION[method] for method in CASES} == {*OPERATION.values()} - BEYOND


@pytest.mark.parametrize(("method", "case"), CASES.items(), ids=CASES)
def test_request_has_the_given_parameters_and_the_guardrail(
    harness: Make, method: str, case: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    fake, _, client = harness(allow_unguarded=["StartAsyncInvoke"])
    given, added = case
    mine = copy.deepcopy(given)

    read(getattr(client, method)(**mine))

    assert [request.params for request in fake.requests] == [{**given, **added}]
    assert mine == given


@pytest.mark.parametrize(("method", "case"), CASES.items(), ids=CASES)
def test_reply_equals_the_reply_of_a_plain_client(
    harness: Make, plain: Callable[..., Any], method: str, case: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    fake, _, client = harness(allow_unguarded=["StartAsyncInvoke"])
    given, added = case

    expected = getattr(plain(fake), method)(**given, **added)
    actual = getattr(client, method)(**given)

    assert read(actual) == read(expected)
    assert actual["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert actual["ResponseMetadata"]["RequestId"] == fake.requests[-1].request_id


def test_async_invoke_is_started_and_listed_in_pages(harness: Make, plain: Callable[..., Any]) -> None:
    fake, _, client = harness()
    start = plain(fake).start_async_invoke
    arns = [start(modelId=MODEL, modelInput={}, outputDataConfig=S3)["invocationArn"] for _ in range(5)]

    assert client.get_async_invoke(invocationArn=arns[0])["invocationArn"] == arns[0]
    pages = list(client.get_paginator("list_async_invokes").paginate(sortOrder="Ascending", PaginationConfig={"PageSize": 2}))
    listed = [job["invocationArn"] for page in pages for job in page["asyncInvokeSummaries"]]
    assert (len(pages), listed) == (3, arns)


@pytest.mark.parametrize("method", ["converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"])
def test_denied_call_sends_nothing(harness: Make, method: str) -> None:
    fake, _, client = harness()

    with pytest.raises(ExplicitDenyError) as denied:
        getattr(client, method)(**ask(method, model=DENIED_MODEL))

    assert denied.value.operation_name == client.meta.method_to_api_mapping[method]
    assert fake.requests == []


def test_count_tokens_is_checked_against_policies(harness: Make) -> None:
    fake, _, client = harness()

    with pytest.raises(ExplicitDenyError) as denied:
        client.count_tokens(modelId=DENIED_MODEL, input=INPUT)

    assert (denied.value.action, fake.requests) == ("bedrock:CountTokens", [])


def test_every_inference_request_carries_the_guardrail(harness: Make) -> None:
    fake, guard, client = harness()
    for method in ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"):
        read(getattr(client, method)(**ask(method)))
        with guard.using("customer-facing"):
            read(getattr(client, method)(**ask(method)))

    approved = {(guardrail.arn, guardrail.version) for guardrail in guard.rules.approved}
    assert len(fake.requests) == 8
    assert {request.guardrail for request in fake.requests} == approved


WRONG: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "no-model": ("converse", {"messages": []}),
    "no-model-in-invoke": ("invoke_model", {"body": b"{}"}),
    "model-is-a-number": ("converse", {"modelId": 3}),
    "model-is-a-list": ("converse", {"modelId": [MODEL]}),
    "model-is-empty": ("converse", {"modelId": ""}),
    "unknown-parameter": ("converse", {"modelId": MODEL, "bogus": 1}),
    "no-messages-type": ("converse", {"modelId": MODEL, "messages": "hello"}),
    "apply-without-guardrail": ("apply_guardrail", {"source": "INPUT", "content": []}),
    "get-without-arn": ("get_async_invoke", {}),
    "count-without-model": ("count_tokens", {"input": INPUT}),
}
"""Parameters that botocore itself rejects."""


@pytest.mark.parametrize(("method", "params"), WRONG.values(), ids=WRONG)
def test_invalid_parameters_raise_the_error_of_a_plain_client(harness: Make, method: str, params: dict[str, Any]) -> None:
    fake, _, client = harness()

    with pytest.raises(ParamValidationError):
        getattr(client, method)(**params)

    assert fake.requests == []


@pytest.mark.parametrize("params", [[], [1], "text", 3], ids=repr)
def test_parameters_that_are_not_a_dict_raise_the_error_of_a_plain_client(harness: Make, params: Any) -> None:
    """Code that wraps `_make_api_call` may pass them."""
    fake, _, client = harness()

    with pytest.raises(ParamValidationError):
        client._make_api_call("Converse", params)

    assert fake.requests == []
