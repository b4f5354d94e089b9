"""Throttling, interventions and scripted replies in one line; assertions on the requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock import ConfigurationError
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from guardedbedrock.guard import Guard
    from guardedbedrock.pytest_plugin.server import BedrockServer

ARN = "arn:aws:bedrock:us-east-1:123456789012:guardrail"


def text(reply: dict[str, Any]) -> str:
    return str(reply["output"]["message"]["content"][0]["text"])


def test_a_guarded_client_retries_two_throttles(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    """The guard of the tests retries without waiting."""
    guardedbedrock_server.throttle(times=2)

    assert guardedbedrock_client.converse(**ask)["stopReason"] == "end_turn"
    guardedbedrock_server.calls.assert_sent(3, "Converse")


def test_one_string_is_not_a_list_of_replies(guardedbedrock_server: BedrockServer) -> None:
    with pytest.raises(ConfigurationError, match=r"script: expected a list of replies, got a string; write \['Twelve'\]"):
        guardedbedrock_server.script("Twelve")


def test_a_plain_client_is_throttled(guardedbedrock_server: BedrockServer, plain: Any, ask: dict[str, Any]) -> None:
    guardedbedrock_server.throttle(operation="Converse", retry_after=2)

    with pytest.raises(plain.exceptions.ThrottlingException) as caught:
        plain.converse(**ask)

    answer = caught.value.response["ResponseMetadata"]
    assert (answer["HTTPStatusCode"], answer["HTTPHeaders"]["retry-after"]) == (429, "2")
    assert plain.converse(**ask)["stopReason"] == "end_turn"


def test_an_intervention_on_the_prompt_runs_no_model(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.intervene("Ask HR.")
    guardedbedrock_server.script(["Twelve days."])

    first, second, third = (guardedbedrock_client.converse(**ask) for _ in range(3))

    assert (first["stopReason"], text(first), first["usage"]["outputTokens"]) == ("guardrail_intervened", "Ask HR.", 0)
    assert (second["stopReason"], text(second)) == ("end_turn", "Twelve days.")
    assert text(third) == "You said: hello there"


def test_an_intervention_without_a_text_is_rejected(guardedbedrock_server: BedrockServer) -> None:
    """The fake could not answer with it."""
    with pytest.raises(ConfigurationError, match=r"^intervene: text: must be a string, not 5$"):
        guardedbedrock_server.intervene(5)  # type: ignore[arg-type]  # as a test may pass it


@pytest.mark.parametrize(
    ("arguments", "keyword"),
    [(([["Converse"]], {}), "operation"), ((["Converse"], {"by": 5}), "by"), ((["Converse"], {"resource": 5}), "resource")],
)
def test_a_denial_of_another_type_is_rejected(
    guardedbedrock_server: BedrockServer, arguments: tuple[list[Any], dict[str, Any]], keyword: str
) -> None:
    positional, keywords = arguments

    with pytest.raises(ConfigurationError, match=f"^deny: {keyword}: must be a string, not "):
        guardedbedrock_server.deny(*positional, **keywords)


def test_an_intervention_on_the_response(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.intervene("Ask HR.", source="OUTPUT")
    guardedbedrock_server.script(["Twelve days."])

    reply = guardedbedrock_client.converse(**ask)

    assert (reply["stopReason"], text(reply)) == ("guardrail_intervened", "Ask HR.")
    assert reply["usage"]["outputTokens"] > 0


def test_an_intervention_has_the_format_of_each_operation(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.intervene("No.", times=None)
    prompt = json.dumps({"messages": ask["messages"], "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9})

    stream = list(guardedbedrock_client.converse_stream(**ask)["stream"])
    body = json.loads(guardedbedrock_client.invoke_model(modelId=ask["modelId"], body=prompt)["body"].read())
    applied = guardedbedrock_client.apply_guardrail(
        guardrailIdentifier=f"{ARN}/default", guardrailVersion="1", source="INPUT", content=[{"text": {"text": "x"}}]
    )

    assert "guardrail_intervened" in [event["messageStop"]["stopReason"] for event in stream if "messageStop" in event]
    assert body["amazon-bedrock-guardrailAction"] == "INTERVENED"
    assert (applied["action"], applied["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": "No."}])


def test_an_intervention_applies_to_the_next_guarded_call_of_its_operation(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, plain: Any, ask: dict[str, Any]
) -> None:
    guardedbedrock_server.intervene("No.", operation="Converse")

    assert plain.converse(**ask)["stopReason"] == "end_turn"
    list(guardedbedrock_client.converse_stream(**ask)["stream"])
    assert text(guardedbedrock_client.converse(**ask)) == "No."


@pytest.mark.guardedbedrock(guardrails=["hr", FakeGuardrail("pub1", "4", name="public")])
def test_assertions_on_the_guardrail_of_every_call(
    guardedbedrock_server: BedrockServer, guardedbedrock_guard: Guard, guardedbedrock_client: Any, plain: Any, ask: dict[str, Any]
) -> None:
    calls = guardedbedrock_server.calls
    guardedbedrock_client.converse(**ask)
    for name in ("hr", f"{ARN}/hr"):
        calls.assert_guarded_by(name, version="1")
    calls.assert_guarded()
    with guardedbedrock_guard.using("public"):
        list(guardedbedrock_client.converse_stream(**ask)["stream"])
    calls.assert_guarded_by("public", operation="ConverseStream")

    with pytest.raises(AssertionError) as other:
        calls.assert_guarded_by("hr")
    plain.converse(**ask)
    with pytest.raises(AssertionError) as unguarded:
        calls.assert_guarded()

    first = f"  1. Converse {ask['modelId']}, guardrail {ARN}/hr (hr) version 1, status 200"
    second = f"  2. ConverseStream {ask['modelId']}, guardrail {ARN}/pub1 (public) version 4, status 200"
    third = f"  3. Converse {ask['modelId']}, no guardrail, status 200"
    assert str(other.value).splitlines() == [
        "expected every model call to be guarded by `hr`, but 1 of 2 was not; requests:",
        first,
        second,
    ]
    assert str(unguarded.value).splitlines() == [
        "expected every model call to be guarded, but 1 of 3 was not; requests:",
        first,
        second,
        third,
    ]
    assert repr(calls).splitlines() == [first, second, third]


def test_assertions_on_a_wrong_version_and_on_no_call(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    calls = guardedbedrock_server.calls
    with pytest.raises(AssertionError, match=r"^expected every call to Converse to be guarded, got no call to Converse$"):
        calls.assert_guarded("Converse")
    guardedbedrock_client.converse(**ask)

    with pytest.raises(AssertionError, match="guarded by `default` version 2, but 1 of 1 was not; requests:"):
        calls.assert_guarded_by("default", version="2")


def test_assertions_on_the_number_of_requests(
    guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]
) -> None:
    calls = guardedbedrock_server.calls
    calls.assert_nothing_sent()
    guardedbedrock_server.throttle()
    guardedbedrock_client.converse(**ask)

    calls.assert_nothing_sent("ConverseStream")
    calls.assert_sent(2)
    with pytest.raises(AssertionError) as failed:
        calls.assert_nothing_sent()

    line = f"Converse {ask['modelId']}, guardrail {ARN}/default (default) version 1, status"
    assert str(failed.value).splitlines() == [
        "expected no requests, got 2; requests:",
        f"  1. {line} 429 ThrottlingException",
        f"  2. {line} 200",
    ]
    with pytest.raises(AssertionError, match=r"^expected 1 request to Converse, got 2; requests:"):
        calls.assert_sent(operation="Converse")


def test_a_failure_shows_no_prompt(guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]) -> None:
    guardedbedrock_client.converse(**ask)

    assert "hello" not in repr(guardedbedrock_server.calls)


def test_calls_are_a_live_sequence(guardedbedrock_server: BedrockServer, guardedbedrock_client: Any, ask: dict[str, Any]) -> None:
    calls = guardedbedrock_server.calls
    assert (len(calls), list(calls), list(calls("Converse"))) == (0, [], [])
    for _ in range(22):
        guardedbedrock_client.converse(**ask)

    assert (len(calls), len(calls("Converse")), len(calls()), len(calls("ConverseStream"))) == (22, 22, 22, 0)
    assert [one.operation for one in calls[:2]] == ["Converse"] * 2
    assert calls[-1].status == 200
    assert repr(calls).splitlines()[-1] == "  ... and 2 more"


def test_a_request_to_an_unknown_path_is_listed_with_its_path(guardedbedrock_server: BedrockServer) -> None:
    from urllib.error import HTTPError  # noqa: PLC0415
    from urllib.request import urlopen  # noqa: PLC0415

    with pytest.raises(HTTPError) as caught:
        urlopen(f"{guardedbedrock_server.endpoint_url}/nowhere")  # noqa: S310 - loopback
    caught.value.close()

    assert repr(guardedbedrock_server.calls) == "  1. GET /nowhere, no guardrail, status 404 UnknownOperationException"
