"""Retry settings: the `Config` of the client, the settings of the guard, the environment or profile, the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from guardedbedrock import Guard, Guardrail, RetryPolicy
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
ASK: Final = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
ATTEMPTS_OF_THE_GUARD: Final = 3
FOUR: Final = RetryPolicy(attempts=4, sleep=lambda _: None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, here: Path) -> Iterator[FakeBedrock]:
    """Start a fake Bedrock, with an environment that configures no retries and with waits that take no time."""
    for name in ("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(here / "config"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with FakeBedrock(guardrails=[FakeGuardrail(ARN, version="3")]) as fake:
        yield fake


def attempts(fake: FakeBedrock, client: Any) -> int:
    """Count the requests of a call that is always throttled."""
    fake.fail_next(429, "ThrottlingException", "Too many requests", times=99)
    with pytest.raises(ClientError):
        client.converse(**ASK)
    client.close()
    return len(fake.requests)


def created(fake: FakeBedrock, retry: RetryPolicy | None = None, config: Config | None = None) -> Any:
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], listeners=(), retry=retry)
    return guard.client("bedrock-runtime", **fake.client_kwargs(), config=config)


def test_the_guard_retries_by_default(fake: FakeBedrock) -> None:
    assert attempts(fake, created(fake)) == ATTEMPTS_OF_THE_GUARD


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("source", ["variables", "profile", "default profile"])
def test_the_environment_and_the_profile_override_the_defaults(
    fake: FakeBedrock, mode: str, source: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "variables":
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
        monkeypatch.setenv("AWS_RETRY_MODE", mode)
    else:
        name = "profile team" if source == "profile" else "default"
        (here / "config").write_text(f"[{name}]\nmax_attempts = 2\nretry_mode = {mode}\n", "utf-8")
        if source == "profile":
            monkeypatch.setenv("AWS_PROFILE", "team")

    client = created(fake)

    assert client.meta.config.retries == {"total_max_attempts": 2, "mode": mode}
    assert attempts(fake, client) == 2


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("AWS_MAX_ATTEMPTS", "1", 1), ("AWS_MAX_ATTEMPTS", "6", 6), ("AWS_RETRY_MODE", "legacy", 5)]
)
def test_one_variable_is_enough(fake: FakeBedrock, name: str, value: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mode alone, botocore decides the number: the legacy mode makes five attempts."""
    monkeypatch.setenv(name, value)

    assert attempts(fake, created(fake)) == expected


def test_retries_that_the_guard_is_given_override_the_environment(fake: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")

    assert attempts(fake, created(fake, retry=FOUR)) == 4


def test_a_table_of_the_file_overrides_the_environment(fake: FakeBedrock, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    text = f"[[guardrails]]\narn = '{ARN}'\nversion = 3\n[retry]\nattempts = 4\nlongest_wait = 0\n"
    (here / "guardedbedrock.toml").write_text(text, "utf-8")

    client = Guard.from_config(listeners=()).client("bedrock-runtime", **fake.client_kwargs())

    assert attempts(fake, client) == 4


@pytest.mark.parametrize("retry", [None, FOUR], ids=["default", "configured"])
def test_a_config_overrides_everything(fake: FakeBedrock, retry: RetryPolicy | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "6")

    assert attempts(fake, created(fake, retry, Config(retries={"total_max_attempts": 2}))) == 2


def test_the_default_config_of_the_session_is_a_config(fake: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = botocore.session.Session()
    inner.set_default_client_config(Config(retries={"total_max_attempts": 2}))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", boto3.Session(botocore_session=inner))

    assert attempts(fake, created(fake, FOUR)) == 2


def test_a_config_without_retries_says_nothing(fake: FakeBedrock) -> None:
    assert attempts(fake, created(fake, FOUR, Config(read_timeout=5))) == 4
