"""Every operation through a guarded async client: the request and the reply."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws.test_guarded_operations import CASES, WRONG
from botocore.exceptions import ParamValidationError
from harness.aio import read
from harness.clients import DENIED_MODEL, HR, MODEL, PUBLIC, S3, WEAK, Recorder, ask

from guardedbedrock import ExplicitDenyError, GuardrailNotApprovedError, UnguardableOperationError
from guardedbedrock.core.events import CallRefused, GuardrailInjected, GuardrailIntervened
from guardedbedrock.errors import GuardrailInterventionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.aio import Make

pytestmark = pytest.mark.anyio
INFERENCE: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")


@pytest.mark.parametrize(("method", "case"), CASES.items(), ids=CASES)
async def test_request_has_the_given_parameters_and_the_guardrail(
    harness: Make, method: str, case: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    fake, _, client = await harness(allow_unguarded=["StartAsyncInvoke"])
    given, added = case
    mine = copy.deepcopy(given)

    await read(await getattr(client, method)(**mine))

    arrived = [{**request.params} for request in fake.requests]
    for params in arrived:
        params.pop("accept", None)  # aiohttp says of itself that it accepts everything
    assert arrived == [{**given, **added}]
    assert mine == given


@pytest.mark.parametrize(("method", "case"), CASES.items(), ids=CASES)
async def test_reply_equals_the_reply_of_a_plain_client(
    harness: Make, plain: Callable[..., Any], method: str, case: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    fake, _, client = await harness(allow_unguarded=["StartAsyncInvoke"])
    given, added = case

    expected = await getattr(await plain(fake), method)(**given, **added)
    actual = await getattr(client, method)(**given)

    assert await read(actual) == await read(expected)
    assert actual["ResponseMetadata"]["RequestId"] == fake.requests[-1].request_id
    assert actual["ResponseMetadata"].keys() - {"GuardedBedrock"} == expected["ResponseMetadata"].keys()


async def test_async_invokes_are_listed_in_pages(harness: Make, plain: Callable[..., Any]) -> None:
    fake, _, client = await harness()
    start = (await plain(fake)).start_async_invoke
    arns = [(await start(modelId=MODEL, modelInput={}, outputDataConfig=S3))["invocationArn"] for _ in range(5)]

    paged = client.get_paginator("list_async_invokes").paginate(sortOrder="Ascending", PaginationConfig={"PageSize": 2})
    pages = [page async for page in paged]

    assert len(pages) == 3
    assert [job["invocationArn"] for page in pages for job in page["asyncInvokeSummaries"]] == arns


@pytest.mark.parametrize("method", INFERENCE)
async def test_denied_call_sends_nothing(harness: Make, method: str) -> None:
    fake, _, client = await harness()

    with pytest.raises(client.exceptions.AccessDeniedException) as denied:
        await getattr(client, method)(**ask(method, model=DENIED_MODEL))

    assert isinstance(denied.value, ExplicitDenyError)
    assert (denied.value.operation_name, denied.value.simulated) == (client.meta.method_to_api_mapping[method], True)
    assert fake.requests == []


@pytest.mark.parametrize("method", INFERENCE)
async def test_unapproved_guardrail_is_refused(harness: Make, method: str) -> None:
    recorder = Recorder()
    fake, _, client = await harness(listeners=[recorder])
    own = {"guardrailConfig": WEAK} if method.startswith("converse") else WEAK

    with pytest.raises(GuardrailNotApprovedError) as refused:
        await getattr(client, method)(**ask(method), **own)

    assert isinstance(refused.value, client.exceptions.AccessDeniedException)
    assert len(recorder.last.of(CallRefused)) == 1
    assert recorder.last.closed == [refused.value]
    assert fake.requests == []


async def test_approved_guardrail_of_the_caller_is_kept(harness: Make) -> None:
    recorder = Recorder()
    env = await harness(listeners=[recorder])

    await env.client.converse(
        **ask("converse"), guardrailConfig={"guardrailIdentifier": PUBLIC.id, "guardrailVersion": PUBLIC.version}
    )

    assert env.arrived == [("Converse", MODEL, (PUBLIC.id, PUBLIC.version))]
    assert recorder.last.of(GuardrailInjected) == [GuardrailInjected(PUBLIC, was_there=True)]


async def test_operation_without_a_guardrail_location_is_refused(harness: Make) -> None:
    env = await harness()

    with pytest.raises(UnguardableOperationError):
        await env.client.start_async_invoke(modelId=MODEL, modelInput={}, outputDataConfig=S3)

    assert env.arrived == []


@pytest.mark.parametrize(("method", "params"), WRONG.values(), ids=WRONG)
async def test_invalid_parameters_raise_the_error_of_a_plain_client(harness: Make, method: str, params: dict[str, Any]) -> None:
    fake, _, client = await harness()

    with pytest.raises(ParamValidationError):
        await getattr(client, method)(**params)

    assert fake.requests == []


@pytest.mark.parametrize(("mode", "guardrail"), [("report", (HR.arn, HR.version)), ("off", None)])
async def test_report_and_off_send_every_call(harness: Make, mode: str, guardrail: Any) -> None:
    env = await harness(mode=mode)

    await env.client.converse(**ask("converse", model=DENIED_MODEL))

    assert env.arrived == [("Converse", DENIED_MODEL, guardrail)]


@pytest.mark.parametrize("method", INFERENCE)
async def test_intervention_raises_if_configured(harness: Make, method: str) -> None:
    recorder = Recorder()
    env = await harness(on_intervention="raise", listeners=[recorder])

    with pytest.raises(GuardrailInterventionError) as raised:
        await read(await getattr(env.client, method)(**ask(method, "my salary")))

    assert len(recorder.last.of(GuardrailIntervened)) == 1
    assert recorder.last.closed == [raised.value]


async def test_apply_guardrail_returns_its_assessment(harness: Make) -> None:
    recorder = Recorder()
    env = await harness(on_intervention="raise", listeners=[recorder])

    verdict = await env.client.apply_guardrail(**CASES["apply_guardrail"][0])

    assert verdict["action"] == "GUARDRAIL_INTERVENED"
    assert len(recorder.last.of(GuardrailIntervened)) == 1
