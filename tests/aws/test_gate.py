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


def test_a_handler_that_changes_something_else_is_let_be(house: Make) -> None:
    """Applications add headers and parameters by handlers, and may."""
    made = house()

    def temper(params: dict[str, Any], **_: Any) -> None:
        params["inferenceConfig"] = {"temperature": 0.5}

    def sign_off(request: Any, **_: Any) -> None:
        request.headers["X-Team"] = "hr"

    made.client.meta.events.register("before-parameter-build.bedrock-runtime.Converse", temper)
    made.client.meta.events.register("before-sign", sign_off)
    made.client.converse(**ask("converse"))

    assert made.fake.requests[0].params["inferenceConfig"] == {"temperature": 0.5}
    assert made.fake.requests[0].headers["x-team"] == "hr"
    assert made.fake.requests[0].guardrail == (HR.arn, HR.version)


def test_every_attempt_begins_with_what_was_authorized(house: Make) -> None:
    """What a handler did to the parameters of one attempt is gone at the next, and was never done to the verdict."""
    recorder = Recorder()
    made = house(listeners=[recorder])
    made.fake.fail_next(429, "ThrottlingException", "slow", times=2)
    found: list[bool] = []

    def temper(params: dict[str, Any], **_: Any) -> None:
        found.append("inferenceConfig" in params)
        params["inferenceConfig"] = {"temperature": 0.5}

    made.client.meta.events.register("before-parameter-build", temper)
    made.client.converse(**ask("converse"))

    assert found == [False, False, False]
    assert "inferenceConfig" not in recorder.last.of(PreflightDecided)[0].verdict.params


def test_the_callers_own_parameters_are_out_of_a_handlers_reach(house: Make) -> None:
    """A handler that changes parameters in place changes those of this call alone."""
    made = house()
    params = {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}
    made.client.meta.events.register("before-parameter-build", swap_params)

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**params)

    assert params["guardrailConfig"] == {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


def test_tampering_is_told(house: Make) -> None:
    """The observation of a refused call closes with the error."""
    recorder = Recorder()
    made = house(listeners=[recorder])
    made.client.meta.events.register("before-call", drop_body)

    with pytest.raises(GuardrailTamperedError) as refused:
        made.client.converse(**ask("converse"))

    assert recorder.last.closed == [refused.value]


def test_report_lets_handlers_be(house: Make) -> None:
    """In mode `report` nothing is refused, not even here."""
    made = house(mode="report")
    made.client.meta.events.register("before-call", drop_body)

    made.client.converse(**ask("converse"))

    assert made.arrived == [("Converse", MODEL, None)]
    assert made.client.generate_presigned_url("converse", ask("converse")).startswith(made.fake.url)


def test_what_report_would_refuse_is_told_once_and_goes_on(house: Make) -> None:
    """Nobody is stopped, and the listener hears what would have been refused, once for both looks."""
    recorder = Recorder()
    made = house(mode="report", listeners=[recorder])
    made.client.meta.events.register("before-parameter-build", drop_params)
    made.client.converse(**ask("converse"))

    (heard,) = recorder.last.of(CallRefused)
    assert isinstance(heard.error, GuardrailTamperedError)
    assert not heard.enforced
    assert [request.guardrail for request in made.fake.requests] == [None]


def test_metadata_say_nothing_of_botocores_single_attempt(house: Make) -> None:
    """The reply is what a plain client gets."""
    reply = house().client.converse(**ask("converse"))

    assert "MaxAttemptsReached" not in reply["ResponseMetadata"]
