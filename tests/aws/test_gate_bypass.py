"""Whoever tries to get past the guard: event handlers, private methods, other ways of signing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from aws.rig import DENIED_MODEL, HR, MODEL, S3, Recorder, ask, read
from aws.tampering import (
    drop_body,
    drop_copy,
    drop_params,
    strip,
    strip_prepared,
    swap,
    swap_approved,
    swap_model,
    swap_params,
    swap_url,
    turn,
)
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.events import Decided

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws.rig import Make

ON_PARAMS: Final = (drop_params, swap_params, swap_approved, swap_model)
ON_DICT: Final = (drop_body, swap_url)
ON_REQUEST: Final = (strip, swap, turn)
EVENTS: Final[dict[str, tuple[Callable[..., Any], ...]]] = {
    "provide-client-params": (*ON_PARAMS, drop_copy),
    "before-parameter-build": ON_PARAMS,
    "before-call": ON_DICT,
    "request-created": ON_REQUEST,
    "before-sign": ON_REQUEST,
    "before-send": (strip_prepared,),
}
METHODS: Final = ("converse", "invoke_model")
SCOPES: Final = ("{event}.bedrock-runtime.*", "{event}.bedrock-runtime", "{event}", "{event}.*.*")
SIGNERS: Final = {"signed": None, "unsigned": Config(signature_version=UNSIGNED)}
ATTACKS: Final = [
    pytest.param(scope.format(event=event), handler, signer, id=f"{scope.format(event=event)}-{handler.__name__}-{signer}")
    for event, handlers in EVENTS.items()
    for handler in handlers
    for scope in SCOPES
    for signer in (["signed"] if event in {"provide-client-params", "before-parameter-build", "before-call"} else SIGNERS)
]


@pytest.mark.parametrize(("event", "handler", "signer"), ATTACKS)
def test_a_handler_does_not_get_past_the_guard(house: Make, event: str, handler: Callable[..., Any], signer: str) -> None:
    """A handler of any event, at any level, changes neither model nor guardrail of what is sent: it is overruled or refused."""
    made = house(config=SIGNERS[signer])
    made.client.meta.events.register(event, handler)

    for method in METHODS:
        with suppress(GuardrailTamperedError):
            read(getattr(made.client, method)(**ask(method)))

    assert {request[1:] for request in made.arrived} <= {(MODEL, (HR.arn, HR.version))}


@pytest.mark.parametrize("handler", ON_REQUEST)
def test_a_handler_that_comes_last_does_not_either(house: Make, handler: Callable[..., Any]) -> None:
    """`register_last` after the guard's own is no way round it."""
    made = house()
    made.client.meta.events.register_last("before-sign.bedrock-runtime", handler, unique_id="last")

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        made.client.invoke_model(**ask("invoke_model"))

    assert made.fake.requests == []


def test_a_handler_of_the_session_does_not_either(monkeypatch: pytest.MonkeyPatch, house: Make) -> None:
    """A handler that was there before the client was made has no better place."""
    session = boto3.Session()
    session.events.register("before-sign", strip)
    session.events.register("before-parameter-build", drop_params)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    made = house()

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**ask("converse"))

    assert made.fake.requests == []


def test_the_callers_own_parameters_are_out_of_a_handlers_reach(house: Make) -> None:
    """A handler that changes parameters in place changes those of this call alone."""
    made = house()
    params = {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}
    made.client.meta.events.register("before-parameter-build", swap_params)

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**params)

    assert params["guardrailConfig"] == {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


def test_what_a_handler_did_to_one_attempt_is_seen_at_the_next(house: Make) -> None:
    """A retry is looked at as the first attempt was."""
    made = house()
    made.fake.fail_next(429, "ThrottlingException", "slow")
    seen: list[int] = []

    def second_time(params: dict[str, Any], **_: Any) -> None:
        seen.append(1)
        if len(seen) > 1:
            drop_params(params)

    made.client.meta.events.register("before-parameter-build", second_time)
    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**ask("converse"))

    assert made.arrived == [("Converse", MODEL, (HR.arn, HR.version))]


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
    assert "inferenceConfig" not in recorder.last.of(Decided)[0].verdict.params


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


def test_the_private_method_is_guarded(house: Make) -> None:
    """Whoever calls `_make_api_call` goes through the stages."""
    made = house()

    made.client._make_api_call("Converse", ask("converse"))
    with pytest.raises(made.client.exceptions.AccessDeniedException):
        made.client._make_api_call("Converse", ask("converse", model=DENIED_MODEL))

    assert made.arrived == [("Converse", MODEL, (HR.arn, HR.version))]


GUARDED: Final = {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}


def test_botocores_own_method_called_past_the_guard_is_refused(house: Make) -> None:
    """Leaving the mixin out leaves the gate, even for a call that would pass."""
    made = house()

    with pytest.raises(GuardrailTamperedError, match="which this client did not authorize"):
        BaseClient._make_api_call(made.client, "Converse", GUARDED)

    assert made.fake.requests == []


def test_a_call_within_a_call_is_not_covered_by_it(house: Make) -> None:
    """A handler that calls past the guard while a call is under way is refused, another operation as well as the same."""
    made = house()
    other = {**ask("converse", model=DENIED_MODEL), "guardrailConfig": GUARDED["guardrailConfig"]}

    def inside(**_: Any) -> None:
        made.client.meta.events.unregister("before-call.bedrock-runtime", inside)
        for operation, params in (("Converse", other), ("ConverseStream", GUARDED)):
            with pytest.raises(GuardrailTamperedError):
                BaseClient._make_api_call(made.client, operation, params)

    made.client.meta.events.register("before-call.bedrock-runtime", inside)
    made.client.converse(**ask("converse"))

    assert made.arrived == [("Converse", MODEL, (HR.arn, HR.version))]


def test_the_model_of_an_asynchronous_job_stands_in_the_body(house: Make) -> None:
    """StartAsyncInvoke has no model in its path, and is held to the one that was authorized all the same."""
    made = house(allow_unguarded=["StartAsyncInvoke"])

    def turn_body(params: dict[str, Any], **_: Any) -> None:
        params["body"] = params["body"].replace(b"haiku-20240307", b"opus-20240229")

    made.client.meta.events.register("before-call", turn_body)
    with pytest.raises(GuardrailTamperedError):
        made.client.start_async_invoke(modelId=MODEL, modelInput={}, outputDataConfig=S3)

    assert made.fake.requests == []


def test_unsigned_requests_are_guarded(house: Make) -> None:
    """A client that does not sign is guarded like any other."""
    made = house(config=Config(signature_version=UNSIGNED))

    made.client.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "Converse", GUARDED)

    assert "authorization" not in made.fake.requests[0].headers
    assert made.arrived == [("Converse", MODEL, (HR.arn, HR.version))]


def test_report_lets_handlers_be(house: Make) -> None:
    """In mode `report` nothing is refused, not even here."""
    made = house(mode="report")
    made.client.meta.events.register("before-call", drop_body)

    made.client.converse(**ask("converse"))

    assert made.arrived == [("Converse", MODEL, None)]
    assert made.client.generate_presigned_url("converse", ask("converse")).startswith(made.fake.url)


def test_tampering_is_told(house: Make) -> None:
    """The observation of a refused call closes with the error."""
    recorder = Recorder()
    made = house(listeners=[recorder])
    made.client.meta.events.register("before-call", drop_body)

    with pytest.raises(GuardrailTamperedError) as refused:
        made.client.converse(**ask("converse"))

    assert recorder.last.closed == [refused.value]
