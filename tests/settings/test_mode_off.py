"""``mode = "off"`` writes one WARNING for each client, wherever it is set and however the client is created."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest

import guardedbedrock
from guardedbedrock import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE: Final = (
    'guardedbedrock is off for a new bedrock-runtime client (mode = "off"): guardrails are not injected and policies are not '
    'checked; remove the setting, or set mode = "report" to observe'
)
OPTIONS: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}


def installed() -> Any:
    with Guard.from_config().install():
        return boto3.client("bedrock-runtime", **OPTIONS)


WAYS: Final[dict[str, Callable[[], Any]]] = {
    "client": lambda: guardedbedrock.client("bedrock-runtime", **OPTIONS),
    "session": lambda: guardedbedrock.Session().client("bedrock-runtime", **OPTIONS),
    "guard": lambda: Guard(guardrails=[], mode="off").client("bedrock-runtime", **OPTIONS),
    "wrap": lambda: Guard.from_config().wrap(boto3.client("bedrock-runtime", **OPTIONS)),
    "install": installed,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_is_not_guarded_is_named_in_the_log(
    way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GUARDEDBEDROCK_MODE", "off")

    for count in (1, 2):
        WAYS[way]().close()
        records = [record for record in caplog.records if record.name == "guardedbedrock"]
        assert [(record.levelno, record.getMessage()) for record in records] == [(logging.WARNING, MESSAGE)] * count


@pytest.mark.parametrize("mode", ["enforce", "report"])
def test_other_modes_write_no_warning(mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    guardrail = guardedbedrock.Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")

    Guard(guardrails=[guardrail], mode=mode).client("bedrock-runtime", **OPTIONS).close()

    assert [record for record in caplog.records if record.name == "guardedbedrock"] == []


SILENT: Final = "import guardedbedrock\nguardedbedrock.client('bedrock-runtime', region_name='us-east-1').close()\n"


@pytest.mark.parametrize(
    ("setup", "prefix"),
    [("", ""), ("import logging\nlogging.basicConfig()\n", "WARNING:guardedbedrock:")],
    ids=["no logging", "configured"],
)
def test_the_warning_reaches_stderr_once_whether_or_not_logging_is_configured(setup: str, prefix: str) -> None:
    environ = {**os.environ, "GUARDEDBEDROCK_MODE": "off"}

    result = subprocess.run([sys.executable, "-c", setup + SILENT], env=environ, capture_output=True, text=True, check=True)  # noqa: S603

    assert result.stderr == f"{prefix}{MESSAGE}\n"
