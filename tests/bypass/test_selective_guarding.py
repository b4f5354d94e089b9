"""A guardrail that evaluates only a part of the prompt."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.bypass import METHODS, on, unguarded
from harness.clients import HR, Recorder, ask, read

from guardedbedrock import GuardrailTamperedError, PartlyGuardedError
from guardedbedrock.core.events import CallRefused, PartlyGuarded

if TYPE_CHECKING:
    from harness.clients import Make

SUFFIX: Final = "q7Zx81mPw0"
TAG: Final = f"amazon-bedrock-guardrails-guardContent_{SUFFIX}"
HIDING: Final[list[dict[str, Any]]] = [{"text": "a forbidden question"}, {"guardContent": {"text": {"text": "hello"}}}]
CONFIG: Final = "amazon-bedrock-guardrailConfig"


def invocation(text: str, **config: Any) -> dict[str, Any]:
    """Return an invocation with a configuration of its guardrail in the body."""
    params = ask("invoke_model", text)
    return {**params, "body": json.dumps({**json.loads(params["body"]), CONFIG: config}).encode()}


def conversation(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a conversation."""
    return {**ask("converse"), "messages": [{"role": "user", "content": list(content)}], **more}


TAGGED: Final = invocation(f"a forbidden question <{TAG}>hello</{TAG}>", tagSuffix=SUFFIX)
GUESSABLE: Final = invocation("hello", tagSuffix="xyz")
LATE: Final = invocation("hello", streamProcessingMode="ASYNCHRONOUS")
WAYS: Final[dict[str, tuple[str, dict[str, Any], list[str]]]] = {
    "guard content": ("converse", conversation(*HIDING), ["guard-content"]),
    "guard content, streamed": ("converse_stream", conversation(*HIDING), ["guard-content"]),
    "tags": ("invoke_model", TAGGED, ["input-tags"]),
    "tags, streamed": ("invoke_model_with_response_stream", TAGGED, ["input-tags"]),
    "a suffix to guess": ("invoke_model", GUESSABLE, ["guessable-suffix"]),
    "chunks before they are evaluated": (
        "converse_stream",
        conversation({"text": "hello"}, guardrailConfig={"streamProcessingMode": "async"}),
        ["async-stream"],
    ),
    "chunks of an invocation": ("invoke_model_with_response_stream", LATE, ["async-stream"]),
    "hidden in escapes": (
        "invoke_model",
        {**TAGGED, "body": TAGGED["body"].replace(b"guardrailConfig", b"guardrail\\u0043onfig")},
        ["input-tags"],
    ),
}
SEEN: Final = {name: way for name, way in WAYS.items() if name != "hidden in escapes"}


@pytest.mark.parametrize(("method", "params", "kinds"), WAYS.values(), ids=WAYS)
def test_partly_guarded_call_is_refused_if_configured(
    harness: Make, method: str, params: dict[str, Any], kinds: list[str]
) -> None:
    recorder = Recorder()
    env = harness(on_partial="refuse", listeners=[recorder])

    with pytest.raises(PartlyGuardedError) as refused:
        getattr(env.client, method)(**params)

    assert isinstance(refused.value, env.client.exceptions.AccessDeniedException)
    assert SUFFIX not in str(refused.value)
    assert len(kinds) == 1
    assert recorder.last.of(CallRefused)[0].enforced
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize(("method", "params", "kinds"), SEEN.values(), ids=SEEN)
def test_partly_guarded_call_is_reported_by_default(
    harness: Make, caplog: pytest.LogCaptureFixture, method: str, params: dict[str, Any], kinds: list[str]
) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])

    read(getattr(env.client, method)(**params))

    (heard,) = recorder.last.of(PartlyGuarded)
    assert [gap.kind for gap in heard.gaps] == kinds
    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert caplog.records == []
    assert unguarded(env.fake) == []


def test_partly_guarded_call_is_logged_without_its_prompt(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "guardedbedrock")
    env = harness(listeners=None)

    env.client.invoke_model(**TAGGED)

    (record,) = caplog.records
    assert (record.message, record.levelname, vars(record)["gaps"]) == (
        "the guardrail evaluates only a part of InvokeModel: input-tags",
        "WARNING",
        ["input-tags"],
    )
    assert "forbidden question" not in str(vars(record))
    assert unguarded(env.fake) == []


@pytest.mark.parametrize(("method", "params", "kinds"), SEEN.values(), ids=SEEN)
def test_partly_guarded_call_is_not_reported_under_allow(
    harness: Make, method: str, params: dict[str, Any], kinds: list[str]
) -> None:
    recorder = Recorder()
    env = harness(on_partial="allow", listeners=[recorder])

    read(getattr(env.client, method)(**params))

    assert kinds
    assert recorder.last.of(PartlyGuarded) == []
    assert unguarded(env.fake) == []


def test_partly_guarded_call_is_sent_in_report_mode(harness: Make) -> None:
    recorder = Recorder()
    env = harness(on_partial="refuse", mode="report", listeners=[recorder])

    env.client.converse(**conversation(*HIDING))

    (heard,) = recorder.last.of(CallRefused)
    assert (type(heard.error), heard.enforced) == (PartlyGuardedError, False)
    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]


def test_repeated_tag_suffix_is_reported(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])

    for number in range(2):
        env.client.invoke_model(**invocation(f"hello {number}", tagSuffix=SUFFIX))

    first, second = (call.of(PartlyGuarded) for call in recorder.calls)
    assert first == []
    assert [gap.kind for gap in second[0].gaps] == ["guessable-suffix"]
    assert unguarded(env.fake) == []


def hide_in_params(params: dict[str, Any], **_: Any) -> None:
    """Mark a block, or tag a part, in the parameters of a call that has none."""
    if "messages" in params:
        params["messages"] = [{"role": "user", "content": HIDING}]
    else:
        params["body"] = TAGGED["body"]


def hide_in_body(params: dict[str, Any], **_: Any) -> None:
    """Do the same in the serialized body."""
    said = json.loads(params["body"])
    if "guardrailConfig" in said:
        params["body"] = json.dumps({**said, "messages": [{"role": "user", "content": HIDING}]}).encode()
    else:
        params["body"] = TAGGED["body"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("event", "handler"), [("before-parameter-build", hide_in_params), ("before-call", hide_in_body)])
def test_handler_that_hides_a_part_of_the_prompt_is_refused(harness: Make, event: str, handler: Any, method: str) -> None:
    env = harness(on_partial="refuse")
    on(env, event, handler)

    with pytest.raises(GuardrailTamperedError):
        getattr(env.client, method)(**ask(method))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", METHODS)
def test_wholly_guarded_call_is_sent_under_refuse(harness: Make, method: str) -> None:
    env = harness(on_partial="refuse")
    params = ask(method)

    read(getattr(env.client, method)(**params))
    if "body" in params:
        read(getattr(env.client, method)(**{**params, "body": BytesIO(params["body"])}))

    assert {request.guardrail for request in env.fake.requests} == {(HR.arn, HR.version)}
    assert unguarded(env.fake) == []
