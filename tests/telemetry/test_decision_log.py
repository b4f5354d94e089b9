"""One log event for each decision: silent until somebody listens, and without a word of the conversation."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import structlog
from botocore.exceptions import ClientError
from harness.clients import DENIED_MODEL, HR, MODEL, ROLE, WEAK, ask, read
from opentelemetry.sdk.trace import TracerProvider

from guardedbedrock import AccessDeniedError
from guardedbedrock.bedrock.guardrail.coverage import CoverageGap
from guardedbedrock.core.events import PartlyGuarded, ReplyUnguarded, UnlistedOperation
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import DecisionLog
from guardedbedrock.telemetry.names import LOG_CONTEXT, LOG_EVENTS

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from harness.clients import Harness, Make

SECRET: Final = "the merger with Acme"
SAID: Final = "sell everything tomorrow"
METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
CALL: Final = {"operation": "Converse", "region": "us-east-1", "model": MODEL, "guardrail": HR.key}
DENIED_ARN: Final = f"arn:aws:bedrock:us-east-1::foundation-model/{DENIED_MODEL}"
QUIET_PROGRAM: Final = """
import json, sys, guardedbedrock
from guardedbedrock import Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail
arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
ask = {"modelId": "a.b", "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
with FakeBedrock(guardrails=[FakeGuardrail(arn, denied_words=("hello",))]) as fake:
    client = Guard(guardrails=[Guardrail(arn, version="1")]).client("bedrock-runtime", **fake.client_kwargs())
    client.converse(**ask)
    fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel because no session policy allows it")
    for config in ({}, {"guardrailIdentifier": "zzz", "guardrailVersion": "1"}):
        try:
            client.converse(**ask, guardrailConfig=config)
        except guardedbedrock.AccessDeniedError:
            pass
        else:
            sys.exit("not denied")
    client.close()
"""


def logged(harness: Make, **options: Any) -> Harness:
    """Make a house with the log as its only listener."""
    return harness(listeners=[DecisionLog()], **options)


def denied(env: Harness, **params: Any) -> None:
    """Make a call that is denied."""
    with pytest.raises(AccessDeniedError):
        env.client.converse(**{**ask("converse"), **params})


def keys_of(entry: MutableMapping[str, Any]) -> dict[str, Any]:
    """Give an event without what differs from run to run."""
    return {key: value for key, value in entry.items() if key not in {"seconds", "request_id", "wait_seconds"}}


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Give what the guard said to the standard library's logger."""
    return [record for record in caplog.records if record.name == "guardedbedrock"]


def test_an_unconfigured_process_prints_nothing(tmp_path: Path) -> None:
    """A library prints nothing of its own accord, whatever it has to say: not to stdout, where programs read, nor to stderr."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", QUIET_PROGRAM]

    ran = subprocess.run(command, capture_output=True, text=True, env=clean, cwd=tmp_path, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_standard_librarys_logger_hears_a_decision(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    """At INFO the logger `guardedbedrock` gets one event for a call, with its keys as attributes of the record."""
    caplog.set_level(logging.INFO, logger="guardedbedrock")

    logged(harness).client.converse(**ask("converse"))

    (record,) = records(caplog)
    assert (record.levelno, record.getMessage()) == (logging.INFO, "guardedbedrock.decision")
    assert {key: record.__dict__[key] for key in (*CALL, "decision")} == {**CALL, "decision": "allowed"}
    assert 0 <= record.__dict__["seconds"] < 60


def test_the_standard_librarys_logger_hears_no_more_than_it_asks_for(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    """At WARNING a decision that allows is not heard, one that denies is."""
    caplog.set_level(logging.WARNING, logger="guardedbedrock")
    env = logged(harness)

    env.client.converse(**ask("converse"))
    assert records(caplog) == []
    denied(env, modelId=DENIED_MODEL)
    assert [record.getMessage() for record in records(caplog)] == ["guardedbedrock.decision", "guardedbedrock.refused"]


def test_the_applications_context_loses_no_event(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Context variables with the names of a log record's own attributes do not keep the event from the log."""
    caplog.set_level(logging.INFO, logger="guardedbedrock")

    with structlog.contextvars.bound_contextvars(name="job", args="x", message="y"):
        logged(harness).client.converse(**ask("converse"))

    assert [record.getMessage() for record in records(caplog)] == ["guardedbedrock.decision"]


def test_a_configured_structlog_adds_the_applications_context(harness: Make) -> None:
    """What the application bound to its context is in the events, by its own processors."""
    entries = structlog.testing.LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, entries])

    with structlog.contextvars.bound_contextvars(tenant="acme"):
        logged(harness).client.converse(**ask("converse"))

    assert [entry["tenant"] for entry in entries.entries] == ["acme"]


def test_a_configured_structlog_gets_the_events(harness: Make) -> None:
    """An application that configured structlog gets the events as it wants them."""
    with structlog.testing.capture_logs() as entries:
        logged(harness).client.converse(**ask("converse"))

    expected = {**CALL, "principal": ROLE, "decision": "allowed", "event": "guardedbedrock.decision", "log_level": "info"}
    assert [keys_of(entry) for entry in entries] == [expected]


def test_a_denial_is_logged_with_its_reasons(harness: Make) -> None:
    """Who was denied what, by which type of policy and which statement."""
    with structlog.testing.capture_logs() as entries:
        denied(logged(harness), modelId=DENIED_MODEL)

    decision, refused = map(keys_of, entries)
    statements = decision.pop("statements")
    assert decision == {
        **CALL,
        "model": DENIED_MODEL,
        "event": "guardedbedrock.decision",
        "log_level": "warning",
        "decision": "explicitDeny",
        "principal": ROLE,
        "action": "bedrock:InvokeModel",
        "resource": DENIED_ARN,
        "policy_type": "identity",
    }
    assert "NoOpus" in str(statements)
    assert (refused["event"], refused["error_type"]) == ("guardedbedrock.refused", "ExplicitDenyError")


def test_what_is_out_of_the_ordinary_is_logged(harness: Make) -> None:
    """Retries, denials of AWS, divergence and interventions have an event each."""
    env = logged(harness)
    env.fake.fail_next(429, "ThrottlingException", "slow")
    env.fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy")

    with structlog.testing.capture_logs() as entries:
        denied(env)
        env.client.converse(**ask("converse", "my salary"), guardrailConfig={"trace": "enabled"})

    assert [(entry["log_level"], entry["event"]) for entry in entries] == [
        ("info", "guardedbedrock.decision"),
        ("info", "guardedbedrock.retry"),
        ("warning", "guardedbedrock.denied"),
        ("warning", "preflight.diverged"),
        ("info", "guardedbedrock.decision"),
        ("info", "guardedbedrock.intervention"),
    ]
    retry, said_no, diverged, stepped_in = (entries[index] for index in (1, 2, 3, 5))
    assert (retry["attempt"], retry["code"]) == (1, "ThrottlingException")
    assert (said_no["error_type"], said_no["policy_type"]) == ("ExplicitDenyError", "session")
    assert said_no["request_id"] == env.fake.requests[1].request_id
    assert diverged["decision"] == "allowed"
    assert stepped_in["reason"] == "Guardrail blocked."


def test_a_report_says_what_it_would_refuse(harness: Make) -> None:
    """In mode `report` the word is another, so that nobody counts it among the refusals."""
    with structlog.testing.capture_logs() as entries:
        logged(harness, mode="report").client.converse(**ask("converse"), guardrailConfig=WEAK)

    assert [entry["event"] for entry in entries] == ["guardedbedrock.would_refuse", "guardedbedrock.decision"]


@pytest.mark.parametrize("method", METHODS)
def test_no_word_of_the_conversation_is_in_the_log(harness: Make, method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither prompt nor completion nor credentials, in no key and no value, whether the call ends well or not."""
    caplog.set_level(logging.DEBUG, logger="guardedbedrock")
    env = logged(harness)
    env.fake.reply(SAID)

    def talk() -> None:
        read(getattr(env.client, method)(**ask(method, SECRET)))
        read(getattr(env.client, method)(**ask(method, f"salary {SECRET}")))
        with pytest.raises(AccessDeniedError):
            getattr(env.client, method)(**ask(method, SECRET, model=DENIED_MODEL))

    talk()
    with structlog.testing.capture_logs() as entries:
        talk()

    told = f"{[record.__dict__ for record in records(caplog)]} {entries}"
    assert len(entries) == len(records(caplog)) >= 4
    assert [word for word in ("merger", "Acme", "tomorrow", "salary", "testing") if word in told] == []


def test_every_event_and_key_is_in_the_table(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is API: what is logged stands in it, and what stands in it is logged."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    table = {row.name: {*row.keys, *LOG_CONTEXT, "event", "log_level"} for row in LOG_EVENTS}
    env = logged(harness, retry=RetryPolicy(attempts=2, sleep=lambda _: None))
    report = logged(harness, mode="report")
    heard = Observers([DecisionLog()], Call("NewThing", {}, "us-east-1"))

    with structlog.testing.capture_logs() as entries:
        env.fake.fail_next(429, "ThrottlingException", "slow", times=3)
        with pytest.raises(ClientError):
            env.client.converse(**ask("converse"))
        env.client.converse(**ask("converse", "my salary"), guardrailConfig={"trace": "enabled"})
        denied(env, modelId=DENIED_MODEL)
        env.fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy")
        denied(env)
        report.client.converse(**ask("converse"), guardrailConfig=WEAK)
        heard.emit(ReplyUnguarded("abc123def456", "3", "r-1"))
        heard.emit(UnlistedOperation("bedrock-runtime", "NewThing"))
        heard.emit(PartlyGuarded((CoverageGap("input-tags", "parts are tagged"),)))

    assert {entry["event"] for entry in entries} == set(table)
    assert [(entry["event"], set(entry) - table[entry["event"]]) for entry in entries if set(entry) - table[entry["event"]]] == []


def test_an_event_names_the_trace(harness: Make) -> None:
    """A log line and a span find each other."""
    tracer = TracerProvider().get_tracer("application")

    with structlog.testing.capture_logs() as entries, tracer.start_as_current_span("application") as span:
        logged(harness).client.converse(**ask("converse"))

    context = span.get_span_context()
    assert [(entry["trace_id"], entry["span_id"]) for entry in entries] == [
        (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    ]


def test_structlog_is_the_applications_to_load() -> None:
    """It takes as long to load as boto3: where the application does without it, so does the guard."""
    told = "import logging; logging.basicConfig(format='%(levelname)s %(message)s %(decision)s', force=True)"
    call = "from guardedbedrock.core.records import Call; from guardedbedrock.telemetry.logs import decision_log as logs"
    log = "logs.CallLog(Call('Converse', {}, 'us-east-1'))._log(logging.WARNING, 'guardedbedrock.decision', decision='allowed')"
    script = f"import sys, guardedbedrock; guardedbedrock.client; {told}; {call}; {log}; print('structlog' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603  # our own

    assert (done.stdout, done.stderr) == ("False\n", "WARNING guardedbedrock.decision allowed\n")
