"""Log events: silent unless the application configures logging, readable, and without a word of the conversation."""

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

from guardedbedrock import AccessDeniedError, StreamInterruptedError
from guardedbedrock.bedrock import GuardrailFinding, Intervention
from guardedbedrock.bedrock.guardrail.coverage import CoverageGap
from guardedbedrock.core.events import (
    GuardrailDetected,
    IndirectInference,
    PartlyGuarded,
    ReplyUnguarded,
    SentWithoutGuardrail,
    SourceUnavailable,
    StreamInterrupted,
    UnlistedOperation,
)
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import DecisionLog
from guardedbedrock.telemetry.names import LOG_CONTEXT, LOG_EVENTS
from guardedbedrock.testing import FakeGuardrail
from guardedbedrock.testing.faults import BreakStream

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
ask = {"modelId": "amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
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
    """Create a harness whose only listener is the log."""
    return harness(listeners=[DecisionLog()], **options)


def denied(env: Harness, **params: Any) -> None:
    """Make a call that is denied."""
    with pytest.raises(AccessDeniedError):
        env.client.converse(**{**ask("converse"), **params})


def keys_of(entry: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return an event without the keys that differ from run to run."""
    return {key: value for key, value in entry.items() if key not in {"seconds", "request_id", "wait_seconds", "summary"}}


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the guard's records of the standard library's logger."""
    return [record for record in caplog.records if record.name == "guardedbedrock"]


def test_a_process_that_configures_no_logging_prints_nothing(tmp_path: Path) -> None:
    """Stdout and stderr stay empty."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", QUIET_PROGRAM]

    ran = subprocess.run(command, capture_output=True, text=True, env=clean, cwd=tmp_path, timeout=120, check=False)  # noqa: S603

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_standard_record_has_a_readable_message_and_the_keys_as_attributes(
    harness: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="guardedbedrock")

    logged(harness).client.converse(**ask("converse"))

    (record,) = records(caplog)
    assert (record.levelno, record.getMessage()) == (logging.INFO, "allowed Converse: 2 authorizations evaluated")
    assert record.__dict__["event"] == "guardedbedrock.decision"
    assert record.__dict__["summary"] == record.getMessage()
    assert {key: record.__dict__[key] for key in (*CALL, "decision")} == {**CALL, "decision": "allowed"}
    assert 0 <= record.__dict__["seconds"] < 60


def test_the_decision_without_policies_says_so(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="guardedbedrock")

    logged(harness, policies=None, principal=None).client.converse(**ask("converse"))

    assert [record.getMessage() for record in records(caplog)] == ["allowed Converse: no policies are configured"]


def test_at_level_warning_only_denials_are_logged(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="guardedbedrock")
    env = logged(harness)

    env.client.converse(**ask("converse"))
    assert records(caplog) == []
    denied(env, modelId=DENIED_MODEL)
    decision, refused = records(caplog)
    where = f"bedrock:InvokeModel on {DENIED_ARN}"
    explanation = decision.__dict__["explanation"]
    assert decision.getMessage() == f"denied Converse: explicitDeny by identity policy for {where}; {explanation}"
    assert explanation.startswith("statement `NoOpus` denies this")
    assert refused.getMessage() == f"refused Converse: ExplicitDenyError by identity policy for {where}"
    assert decision.__dict__["guardrail"] == HR.key


def test_context_variables_named_like_record_attributes_lose_no_event(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    """`logging` raises for such names in `extra`."""
    caplog.set_level(logging.INFO, logger="guardedbedrock")

    with structlog.contextvars.bound_contextvars(name="job", args="x", message="y"):
        logged(harness).client.converse(**ask("converse"))

    assert [record.__dict__["event"] for record in records(caplog)] == ["guardedbedrock.decision"]
    assert [record.__dict__["context_name"] for record in records(caplog)] == ["job"]


def test_structlog_events_have_the_context_variables_of_the_application(harness: Make) -> None:
    entries = structlog.testing.LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, entries])

    with structlog.contextvars.bound_contextvars(tenant="acme"):
        logged(harness).client.converse(**ask("converse"))

    assert [entry["tenant"] for entry in entries.entries] == ["acme"]


def test_a_configured_structlog_gets_the_event_with_its_keys(harness: Make) -> None:
    with structlog.testing.capture_logs() as entries:
        logged(harness).client.converse(**ask("converse"))

    expected = {**CALL, "principal": ROLE, "decision": "allowed", "event": "guardedbedrock.decision", "log_level": "info"}
    assert [keys_of(entry) for entry in entries] == [expected]


def test_a_denial_is_logged_with_principal_action_resource_policy_type_and_statement(harness: Make) -> None:
    with structlog.testing.capture_logs() as entries:
        denied(logged(harness), modelId=DENIED_MODEL)

    decision, refused = map(keys_of, entries)
    statements, explanation = decision.pop("statements"), decision.pop("explanation")
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
    assert "NoOpus" in explanation
    assert (refused["event"], refused["error_type"]) == ("guardedbedrock.refused", "ExplicitDenyError")


def test_retries_denials_of_aws_divergence_and_interventions_have_an_event_each(harness: Make) -> None:
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
    retry, denial, diverged, intervention = (entries[index] for index in (1, 2, 3, 5))
    assert (retry["attempt"], retry["code"]) == (1, "ThrottlingException")
    assert (denial["error_type"], denial["policy_type"]) == ("ExplicitDenyError", "session")
    assert denial["request_id"] == env.fake.requests[1].request_id
    assert diverged["decision"] == "allowed"
    assert intervention["reason"] == "Guardrail blocked."


def test_mode_report_logs_would_refuse_and_not_refused(harness: Make) -> None:
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


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_a_stream_that_breaks_is_logged_with_its_code(harness: Make, method: str) -> None:
    env = logged(harness)
    env.fake.fault(BreakStream("modelStreamErrorException", after=2))

    with structlog.testing.capture_logs() as entries, pytest.raises(StreamInterruptedError):
        read(getattr(env.client, method)(**ask(method)))

    broke = entries[-1]
    assert (broke["event"], broke["log_level"], broke["code"]) == (
        "guardedbedrock.stream_interrupted",
        "warning",
        "modelStreamErrorException",
    )
    assert broke["request_id"] == env.fake.requests[0].request_id
    assert broke["summary"].endswith("broke: modelStreamErrorException")


def test_a_stream_that_the_caller_leaves_early_logs_no_error(harness: Make) -> None:
    env = logged(harness)

    with structlog.testing.capture_logs() as entries:
        stream = env.client.converse_stream(**ask("converse_stream"))["stream"]
        next(iter(stream))
        stream.close()

    assert [entry["event"] for entry in entries] == ["guardedbedrock.decision"]


def test_a_guardrail_in_detect_mode_logs_its_findings(harness: Make) -> None:
    detecting = FakeGuardrail(
        HR.arn, version=HR.version, denied_topics={"Salaries": ("salary",)}, detect_only=frozenset({"Salaries"})
    )
    env = logged(harness, fake={"guardrails": [detecting]})

    with structlog.testing.capture_logs() as entries:
        env.client.converse(**ask("converse", "my salary"), guardrailConfig={"trace": "enabled"})

    detected = entries[-1]
    assert (detected["event"], detected["findings"], detected["sources"]) == (
        "guardedbedrock.detected",
        ["topicPolicy Salaries"],
        ["INPUT", "OUTPUT"],
    )
    assert (
        detected["summary"] == f"guardrail {HR.id} version {HR.version} detected in Converse without acting: topicPolicy Salaries"
    )


def test_every_event_and_key_is_in_the_table(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is part of the API: it lists exactly the keys that are logged."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    table = {row.name: {*row.keys, *LOG_CONTEXT, "event", "log_level"} for row in LOG_EVENTS}
    env = logged(harness, retry=RetryPolicy(attempts=2, sleep=lambda _: None))
    report = logged(harness, mode="report")
    heard = Observers([DecisionLog()], Call.of("NewThing", {}, "us-east-1"))
    detected = GuardrailFinding("contentPolicy", "HATE", "detected", "INPUT")

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
        heard.emit(StreamInterrupted("modelStreamErrorException", "r-1"))
        heard.emit(GuardrailDetected(Intervention("Converse", action="detected", findings=(detected,)), "r-1"))
        heard.emit(UnlistedOperation("bedrock-runtime", "NewThing"))
        heard.emit(SentWithoutGuardrail("amazon.titan-embed-text-v2:0", "embedding"))
        heard.emit(IndirectInference(("agent A with alias B",), "warn"))
        heard.emit(PartlyGuarded((CoverageGap("input-tags", "parts are tagged"),)))
        heard.emit(SourceUnavailable('policies = "account": AccessDenied', "allow"))

    assert {entry["event"] for entry in entries} == set(table)
    assert [(entry["event"], set(entry) - table[entry["event"]]) for entry in entries if set(entry) - table[entry["event"]]] == []


def test_an_event_has_the_ids_of_the_current_trace_and_span(harness: Make) -> None:
    tracer = TracerProvider().get_tracer("application")

    with structlog.testing.capture_logs() as entries, tracer.start_as_current_span("application") as span:
        logged(harness).client.converse(**ask("converse"))

    context = span.get_span_context()
    assert [(entry["trace_id"], entry["span_id"]) for entry in entries] == [
        (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    ]


PATCH: Final = """
original = logging.Logger.callHandlers
logging.Logger.callHandlers = lambda self, record: (read(record), original(self, record))
"""
CONFIGURE: Final = """
logging.config.dictConfig({
    "version": 1,
    "handlers": {"records": {"()": lambda: Records()}},
    "loggers": {"guardedbedrock": {"handlers": ["records"]}},
})
"""
DENIED_PROGRAM: Final = """
import logging.config
import guardedbedrock
from guardedbedrock.testing import FakeBedrock

def read(record):
    if record.name == "guardedbedrock":
        print(record.event)

class Records(logging.Handler):
    def emit(self, record):
        read(record)

SETUP

guardrail = guardedbedrock.Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")
policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
policies = guardedbedrock.iam.PolicySet(identity=[policy])
guard = guardedbedrock.Guard(guardrails=[guardrail], policies=policies, principal="arn:aws:iam::123456789012:role/App")
with FakeBedrock() as fake:
    client = guard.client("bedrock-runtime", **fake.client_kwargs())
    try:
        client.converse(modelId="amazon.nova-lite-v1:0", messages=[])
    except guardedbedrock.AccessDeniedError:
        pass
"""


@pytest.mark.parametrize("setup", [PATCH, CONFIGURE, "logging.root.addHandler(Records())"], ids=["patch", "config", "handler"])
def test_a_denial_reaches_whatever_reads_logs(setup: str) -> None:
    """An error tracker patches `Logger.callHandlers` and adds no handler; `dictConfig` removes the handlers of a library."""
    program = DENIED_PROGRAM.replace("SETUP", setup)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)  # noqa: S603  # our own

    assert done.stdout.split() == ["guardedbedrock.decision", "guardedbedrock.refused"]


def test_structlog_is_not_imported_unless_the_application_does() -> None:
    """Importing it takes as long as importing boto3."""
    setup = "import logging; logging.basicConfig(format='%(levelname)s %(message)s %(code)s', force=True)"
    names = "from guardedbedrock.core.records import Call; from guardedbedrock import events, telemetry"
    log = "telemetry.DecisionLog().open(Call.of('Converse', {}, 'us-east-1')).on_event(events.RetriesExhausted(3, 'X', 'tokens'))"
    script = f"import sys, guardedbedrock; guardedbedrock.client; {setup}; {names}; {log}; print('structlog' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603  # our own

    assert (done.stdout, done.stderr) == ("False\n", "WARNING gave up Converse: attempt 3 failed with X, no tokens left X\n")
