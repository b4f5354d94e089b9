"""Changes that the gate permits, what it reports, and mode ``report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bypass.tampering import drop_body, drop_params, swap_params
from harness.clients import HR, MODEL, Recorder, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.core.events import CallRefused, PreflightDecided

if TYPE_CHECKING:
    from harness.clients import Make


def test_handler_may_change_other_parameters_and_headers(harness: Make) -> None:
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


def test_every_attempt_starts_from_the_authorized_parameters(harness: Make) -> None:
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


def test_handler_does_not_change_the_callers_parameters(harness: Make) -> None:
    env = harness()
    params = {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}
    env.client.meta.events.register("before-parameter-build", swap_params)

    with pytest.raises(GuardrailTamperedError):
        env.client.converse(**params)

    assert params["guardrailConfig"] == {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


def test_observation_of_a_tampered_call_closes_with_the_error(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    env.client.meta.events.register("before-call", drop_body)

    with pytest.raises(GuardrailTamperedError) as refused:
        env.client.converse(**ask("converse"))

    assert recorder.last.closed == [refused.value]


def test_report_mode_sends_tampered_requests(harness: Make) -> None:
    env = harness(mode="report")
    env.client.meta.events.register("before-call", drop_body)

    env.client.converse(**ask("converse"))

    assert env.arrived == [("Converse", MODEL, None)]
    assert env.client.generate_presigned_url("converse", ask("converse")).startswith(env.fake.endpoint_url)


def test_report_mode_reports_tampering_once(harness: Make) -> None:
    recorder = Recorder()
    env = harness(mode="report", listeners=[recorder])
    env.client.meta.events.register("before-parameter-build", drop_params)
    env.client.converse(**ask("converse"))

    (heard,) = recorder.last.of(CallRefused)
    assert isinstance(heard.error, GuardrailTamperedError)
    assert not heard.enforced
    assert [request.guardrail for request in env.fake.requests] == [None]


def test_reply_does_not_contain_max_attempts_reached(harness: Make) -> None:
    reply = harness().client.converse(**ask("converse"))

    assert "MaxAttemptsReached" not in reply["ResponseMetadata"]
