"""Operations that reach a model and have no guardrail location."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from harness.bypass import CONFIG, unguarded
from harness.clients import HR, MODEL, S3, WEAK, ask

from guardedbedrock import UnguardableOperationError

if TYPE_CHECKING:
    from harness.clients import Make

JOB: Final = {"modelId": MODEL, "modelInput": {}, "outputDataConfig": S3}


@pytest.mark.parametrize("more", [{}, CONFIG, {"guardrailConfig": CONFIG}], ids=["plain", "members", "config"])
@pytest.mark.parametrize("name", ["StartAsyncInvoke", "InvokeModelWithBidirectionalStream"])
def test_operation_without_a_location_is_refused_by_name(harness: Make, name: str, more: dict[str, Any]) -> None:
    env = harness()

    with pytest.raises(UnguardableOperationError):
        env.client._make_api_call(name, {**JOB, **more})

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_start_async_invoke_is_refused(harness: Make) -> None:
    env = harness()

    with pytest.raises(UnguardableOperationError):
        env.client.start_async_invoke(**JOB)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("name", ["Nonsense", "converse", "InvokeModelWithoutGuardrail"])
def test_unknown_operation_is_refused(harness: Make, name: str) -> None:
    env = harness()

    with pytest.raises(UnguardableOperationError, match="as far as this version of guardedbedrock knows"):
        env.client._make_api_call(name, ask("converse"))

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_apply_guardrail_may_name_any_guardrail(harness: Make) -> None:
    env = harness()
    told = {"source": "INPUT", "content": [{"text": {"text": "hello"}}]}

    env.client.apply_guardrail(**WEAK, **told)
    env.client.apply_guardrail(guardrailIdentifier=HR.id, guardrailVersion=HR.version, **told)
    with pytest.raises(ClientError):
        env.client.converse(**ask("converse"), guardrailConfig=WEAK)

    assert [request.operation for request in env.fake.requests] == ["ApplyGuardrail"] * 2
    assert unguarded(env.fake) == []
