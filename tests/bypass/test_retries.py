"""Retries: a request that is changed between two attempts and signed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from bypass.tampering import drop_body, drop_params, swap_params, swap_url
from harness.bypass import METHODS, on, unguarded
from harness.clients import HR, ask, read

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("handler", [drop_params, swap_params])
def test_change_before_the_second_attempt_is_refused(harness: Make, handler: Callable[..., Any], method: str) -> None:
    env = harness()
    env.fake.fail_next(429, "ThrottlingException", "slow")
    seen: list[int] = []

    def second_time(params: dict[str, Any], **_: Any) -> None:
        seen.append(1)
        if len(seen) > 1:
            handler(params)

    on(env, "before-parameter-build", second_time)
    with pytest.raises(GuardrailTamperedError):
        read(getattr(env.client, method)(**ask(method)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
@pytest.mark.parametrize("change", [drop_body, swap_url])
def test_change_between_attempts_of_botocore_is_refused(
    harness: Make, change: Callable[..., Any], mode: str, method: str
) -> None:
    env = harness(config=Config(retries={"total_max_attempts": 3, "mode": mode}))
    env.fake.fail_next(503, "ServiceUnavailableException", "later")

    def between(request_dict: dict[str, Any], attempts: int, **_: Any) -> float | None:
        change(request_dict)
        return 0.0 if attempts == 1 else None

    env.client.meta.events.register_first("needs-retry.bedrock-runtime", between)
    with pytest.raises(GuardrailTamperedError):
        read(getattr(env.client, method)(**ask(method)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("method", METHODS)
def test_unchanged_request_is_retried(harness: Make, method: str) -> None:
    env = harness(config=Config(retries={"total_max_attempts": 2, "mode": "standard"}))
    env.fake.fail_next(503, "ServiceUnavailableException", "later")
    env.client.meta.events.register_first("needs-retry.bedrock-runtime", lambda attempts, **_: 0.0 if attempts == 1 else None)

    read(getattr(env.client, method)(**ask(method)))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * 2
    assert unguarded(env.fake) == []
