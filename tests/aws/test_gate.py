"""What the gate lets be, what it tells, and what it does where it only reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bypass.tampering import drop_body, drop_params, swap_params
from harness.clients import HR, MODEL, Recorder, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.core.events import CallRefused, PreflightDecided

if TYPE_CHECKING:
    from harness.clients import Make


def test_a_handler_that_changes_something_else_is_let_be(harness: Make) -> None:
    """Applications add headers and parameters by handlers, and may."""
    env = harness()

    def temper(params: dict[str, Any], **_: Any) -> None:
        params["inferenceConfig"] = {"temperature": 0.5}

    def sign_off(request: Any, **_: Any) -> None:
        request.headers["X-Team"] = "hr"

    env.client.meta.events.register("before-parameter-build.bedrock-runtime.Converse", temper)
    env.client.meta.events.register("before-sign", sign_off)
    env.client.converse(**ask("converse"))

    assert env.fake.requests[0].params["inferenceConfig"] == {"temperature": 0.5}
    assert env.fake.requests[0].headers["x-team"] == "hr"
    assert env.fake.requests[0].guardrail == (HR.arn, HR.version)


def test_every_attempt_begins_with_what_was_authorized(harness: Make) -> None:
    """What a handler did to the parameters of one attempt is gone at the next, and was never done to the verdict."""
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.fake.fail_next(429, "ThrottlingException", "slow", times=2)
    found: list[bool] = []

    def temper(params: dict[str, Any], **_: Any) -> None:
        found.append("inferenceConfig" in params)
        params["inferenceConfig"] = {"temperature": 0.5}

    env.client.meta.events.register("before-parameter-build", temper)
    env.client.converse(**ask("converse"))

    assert found == [False, False, False]
    assert "inferenceConfig" not in recorder.last.of(PreflightDecided)[0].verdict.params


def test_the_callers_own_parameters_are_out_of_a_handlers_reach(harness: Make) -> None:
    """A handler that changes parameters in place changes those of this call alone."""
    env = harness()
    params = {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}
    env.client.meta.events.register("before-parameter-build", swap_params)

    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**params)

    assert params["guardrailConfig"] == {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


def test_tampering_is_told(harness: Make) -> None:
    """The observation of a refused call closes with the error."""
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.client.meta.events.register("before-call", drop_body)

    with pytest.raises(GuardrailTamperedError) as refused:
        env.client.converse(**ask("converse"))

    assert recorder.last.closed == [refused.value]


def test_report_lets_handlers_be(harness: Make) -> None:
    """In mode `report` nothing is refused, not even here."""
    env = harness(mode="report")
    env.client.meta.events.register("before-call", drop_body)

    env.client.converse(**ask("converse"))

    assert env.arrived == [("Converse", MODEL, None)]
    assert env.client.generate_presigned_url("converse", ask("converse")).startswith(env.fake.endpoint_url)


def test_what_report_would_refuse_is_told_once_and_goes_on(harness: Make) -> None:
    """Nobody is stopped, and the listener hears what would have been refused, once for both looks."""
    recorder = Recorder()
    env = harness(mode="report", listeners=[recorder])
    env.client.meta.events.register("before-parameter-build", drop_params)
    env.client.converse(**ask("converse"))

    (heard,) = recorder.last.of(CallRefused)
    assert isinstance(heard.error, GuardrailTamperedError)
    assert not heard.enforced
    assert [request.guardrail for request in env.fake.requests] == [None]


def test_metadata_say_nothing_of_botocores_single_attempt(harness: Make) -> None:
    """The reply is what a plain client gets."""
    reply = harness().client.converse(**ask("converse"))

    assert "MaxAttemptsReached" not in reply["ResponseMetadata"]
