"""The guardrail of a call, and refused calls, through a real client."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import CONVERSATIONS, DENIED_MODEL, HR, INVOCATIONS, MODEL, PUBLIC, S3, WEAK, Recorder, ask, read

from guardedbedrock import ConfigurationError, Guardrail, GuardrailNotApprovedError, UnguardableOperationError
from guardedbedrock.core.events import CallRefused, GuardrailInjected
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from harness.clients import Make

WHOLE: Final = (HR.arn, HR.version)
SHORT: Final = (HR.id, HR.version)
GIVEN: Final[dict[str, tuple[dict[str, str], tuple[str, str]]]] = {
    "nothing": ({}, WHOLE),
    "arn-alone": ({"guardrailIdentifier": HR.arn}, WHOLE),
    "id-alone": ({"guardrailIdentifier": HR.id}, SHORT),
    "version-alone": ({"guardrailVersion": HR.version}, WHOLE),
    "whole": ({"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}, WHOLE),
    "whole-by-id": ({"guardrailIdentifier": HR.id, "guardrailVersion": HR.version}, SHORT),
    "another-approved": ({"guardrailIdentifier": PUBLIC.arn, "guardrailVersion": PUBLIC.version}, (PUBLIC.arn, PUBLIC.version)),
    "half-of-another": ({"guardrailIdentifier": PUBLIC.arn}, (PUBLIC.arn, PUBLIC.version)),
    "empty-strings": ({"guardrailIdentifier": "", "guardrailVersion": ""}, WHOLE),
}
"""The parameters of the application, and the parameters that arrive."""

UNAPPROVED: Final[dict[str, dict[str, str]]] = {
    "another": WEAK,
    "half-of-another": {"guardrailIdentifier": WEAK["guardrailIdentifier"]},
    "another-version": {"guardrailIdentifier": HR.arn, "guardrailVersion": "2"},
    "the-draft": {"guardrailIdentifier": HR.arn, "guardrailVersion": "DRAFT"},
    "another-version-alone": {"guardrailVersion": "2"},
    "another-region": {"guardrailIdentifier": HR.arn.replace("us-east-1", "eu-west-1"), "guardrailVersion": HR.version},
    "another-account": {"guardrailIdentifier": HR.arn.replace("123456789012", "999999999999"), "guardrailVersion": HR.version},
}
METHODS: Final = (*CONVERSATIONS, *INVOCATIONS)


def params_with(method: str, guardrail: dict[str, str]) -> dict[str, Any]:
    """Write a call that names a guardrail, or half of one, at the operation's guardrail location."""
    return {**ask(method), **({"guardrailConfig": dict(guardrail)} if method in CONVERSATIONS else guardrail)}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("given", "expected"), GIVEN.values(), ids=GIVEN)
def test_guardrail_is_completed_or_kept(harness: Make, method: str, given: dict[str, str], expected: tuple[str, str]) -> None:
    fake, _, client = harness()
    params = params_with(method, given)
    before = copy.deepcopy(params)

    read(getattr(client, method)(**params))

    assert [request.guardrail for request in fake.requests] == [expected]
    assert params == before


@pytest.mark.parametrize(
    "config", [{"trace": "enabled_full"}, {"trace": "disabled", "streamProcessingMode": "async"}], ids=["trace", "mode"]
)
def test_other_members_of_a_guardrail_config_are_kept(harness: Make, config: dict[str, str]) -> None:
    fake, _, client = harness()

    read(client.converse_stream(**ask("converse_stream"), guardrailConfig=config))

    named = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
    assert fake.requests[0].params["guardrailConfig"] == {**config, **named}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", UNAPPROVED.values(), ids=UNAPPROVED)
def test_guardrail_outside_the_approved_list_is_refused(harness: Make, method: str, given: dict[str, str]) -> None:
    recorder = Recorder()
    fake, _, client = harness(listeners=[recorder])

    with pytest.raises(GuardrailNotApprovedError, match="is not approved for us-east-1") as refused:
        getattr(client, method)(**params_with(method, given))

    assert fake.requests == []
    assert HR.key in str(refused.value.hint)
    assert recorder.last.of(CallRefused) == [CallRefused(refused.value, enforced=True)]
    assert recorder.last.closed == [refused.value]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", UNAPPROVED.values(), ids=UNAPPROVED)
def test_unapproved_guardrail_is_replaced_if_configured(harness: Make, method: str, given: dict[str, str]) -> None:
    fake, _, client = harness(on_unapproved="replace")

    read(getattr(client, method)(**params_with(method, given)))

    assert [request.guardrail for request in fake.requests] == [WHOLE]


@pytest.mark.parametrize("method", METHODS)
def test_using_chooses_the_guardrail_of_calls_inside_the_block(harness: Make, method: str) -> None:
    recorder = Recorder()
    fake, guard, client = harness(listeners=[recorder])

    with guard.using("customer-facing"):
        read(getattr(client, method)(**ask(method)))
    read(getattr(client, method)(**ask(method)))

    assert [request.guardrail for request in fake.requests] == [(PUBLIC.arn, PUBLIC.version), WHOLE]
    told = [event for heard in recorder.calls for event in heard.of(GuardrailInjected)]
    assert told == [GuardrailInjected(PUBLIC, was_there=False), GuardrailInjected(HR, was_there=False)]


def test_using_block_ends_with_an_error(harness: Make) -> None:
    fake, guard, client = harness()

    with guard.using("customer-facing"):
        with guard.using("hr"):
            client.converse(**ask("converse"))
        with pytest.raises(client.exceptions.AccessDeniedException), guard.using("hr"):
            client.converse(**ask("converse", model=DENIED_MODEL))
        client.converse(**ask("converse"))

    assert [request.guardrail for request in fake.requests] == [WHOLE, (PUBLIC.arn, PUBLIC.version)]


def test_using_an_unknown_name_raises_configuration_error(harness: Make) -> None:
    guard = harness().guard

    with pytest.raises(ConfigurationError, match="`nobody`; there are customer-facing, hr"), guard.using("nobody"):
        pass


def test_version_alone_is_a_version_of_the_chosen_guardrail(harness: Make) -> None:
    fake, guard, client = harness()

    with guard.using("customer-facing"):
        client.converse(**ask("converse"), guardrailConfig={"guardrailVersion": PUBLIC.version})
        with pytest.raises(GuardrailNotApprovedError):
            client.converse(**ask("converse"), guardrailConfig={"guardrailVersion": HR.version})

    assert [request.guardrail for request in fake.requests] == [(PUBLIC.arn, PUBLIC.version)]


def test_identifier_alone_gets_the_chosen_version(harness: Make) -> None:
    old, new = HR, Guardrail(HR.arn, version="4", name="next")
    on_the_server = [FakeGuardrail(one.arn, version=one.version) for one in (old, new)]
    fake, guard, client = harness(guardrails=[old, new], fake={"guardrails": on_the_server})

    client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": HR.arn})
    with guard.using("next"):
        client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": HR.arn})

    assert [request.guardrail for request in fake.requests] == [(HR.arn, "3"), (HR.arn, "4")]


START: Final = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3}


def test_operation_that_cannot_carry_a_guardrail_is_refused(harness: Make) -> None:
    fake, _, client = harness()

    with pytest.raises(UnguardableOperationError) as refused:
        client.start_async_invoke(**START)

    assert fake.requests == []
    assert '"StartAsyncInvoke" to allow_unguarded' in str(refused.value.hint)


def test_operation_in_allow_unguarded_is_sent(harness: Make) -> None:
    fake, _, client = harness(allow_unguarded=["StartAsyncInvoke"])

    client.start_async_invoke(**START)
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.start_async_invoke(**{**START, "modelId": DENIED_MODEL})

    assert [(request.operation, request.guardrail) for request in fake.requests] == [("StartAsyncInvoke", None)]


def test_unknown_operation_is_refused(harness: Make) -> None:
    fake, _, client = harness()

    with pytest.raises(UnguardableOperationError):
        client._make_api_call("InvokeModelByTelepathy", {})

    assert fake.requests == []


def test_report_mode_reports_refusals_and_sends_the_calls(harness: Make) -> None:
    recorder = Recorder()
    fake, _, client = harness(mode="report", listeners=[recorder])

    client.converse(**ask("converse"), guardrailConfig=WEAK)
    client.converse(**ask("converse", model=DENIED_MODEL))
    client.start_async_invoke(**START)

    told = [[(type(event.error).__name__, event.enforced) for event in heard.of(CallRefused)] for heard in recorder.calls]
    assert told == [
        [("GuardrailNotApprovedError", False)],
        [("ExplicitDenyError", False)],
        [("UnguardableOperationError", False)],
    ]
    assert [request.guardrail for request in fake.requests] == [tuple(WEAK.values()), WHOLE, None]
    assert [heard.closed for heard in recorder.calls] == [[None]] * 3


def test_report_mode_injects_the_guardrail(harness: Make) -> None:
    fake, _, client = harness(mode="report")

    client.converse(**ask("converse"))

    assert [request.guardrail for request in fake.requests] == [WHOLE]


def test_off_mode_behaves_like_a_plain_client(harness: Make) -> None:
    recorder = Recorder()
    fake, _, client = harness(mode="off", listeners=[recorder])

    client.converse(**ask("converse", model=DENIED_MODEL), guardrailConfig=WEAK)
    client.converse(**ask("converse"))
    url = client.generate_presigned_url("converse", ask("converse"))

    assert [request.guardrail for request in fake.requests] == [tuple(WEAK.values()), None]
    assert recorder.calls == []
    assert url.startswith(fake.endpoint_url)


HALF: Final[dict[str, tuple[dict[str, str], tuple[str, str]]]] = {
    "both empty": ({"guardrailIdentifier": "", "guardrailVersion": ""}, (HR.arn, HR.version)),
    "no version": ({"guardrailIdentifier": HR.arn, "guardrailVersion": ""}, (HR.arn, HR.version)),
    "ID and no version": ({"guardrailIdentifier": HR.id, "guardrailVersion": ""}, (HR.id, HR.version)),
    "no identifier": ({"guardrailIdentifier": "", "guardrailVersion": HR.version}, (HR.arn, HR.version)),
}
APPLIED: Final[dict[str, Any]] = {"source": "INPUT", "content": [{"text": {"text": "hello"}}]}


@pytest.mark.parametrize(("given", "sent"), HALF.values(), ids=HALF)
def test_apply_guardrail_with_an_empty_identifier_or_version_is_completed(
    harness: Make, given: dict[str, str], sent: tuple[str, str]
) -> None:
    env = harness()

    env.client.apply_guardrail(**given, **APPLIED)

    assert [request.guardrail for request in env.fake.requests] == [sent]


@pytest.mark.parametrize("given", [{**WEAK, "guardrailVersion": ""}, {"guardrailIdentifier": "", "guardrailVersion": "77"}])
def test_apply_guardrail_with_an_unapproved_half_is_refused_as_not_approved(harness: Make, given: dict[str, str]) -> None:
    env = harness()

    with pytest.raises(GuardrailNotApprovedError):
        env.client.apply_guardrail(**given, **APPLIED)

    assert env.fake.requests == []
