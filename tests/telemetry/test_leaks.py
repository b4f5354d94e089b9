"""Secrets in every field of every operation, on every way a call can end; none of them in anything that is recorded."""

from __future__ import annotations

import copy
import json
import logging
import traceback
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
import structlog
from botocore.exceptions import EventStreamError
from botocore.session import get_session
from harness.clients import DENIED_MODEL, HR, MODEL, ON_THE_SERVER, WEAK
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from guardedbedrock import Guard, GuardedBedrockError, StreamInterruptedError
from guardedbedrock.auditing import Audit, JsonLines
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import CallMetrics, CallSpans, DecisionLog, names
from guardedbedrock.telemetry.content.capture import VARIABLE
from guardedbedrock.testing import FakeBedrock, FakeGuardrail
from guardedbedrock.testing.faults import BreakStream, BrokenFrame, Fail, Fault, HangUp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

SECRET: Final = "hunter2"
KEY, PASSWORD, TOKEN = "AKIAHUNTER2HUNTER2XX", f"{SECRET}-secret-access-key", f"{SECRET}-session-token"
NAMES: Final = {
    "modelId": MODEL,
    "guardrailIdentifier": HR.arn,
    "guardrailVersion": HR.version,
    "invocationArn": "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef123456",
}
"""Parameters that name resources. They are recorded, so they cannot contain a secret."""

FORMED: Final = {
    "s3Uri": f"s3://{SECRET}/{SECRET}",
    "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "bucketOwner": "123456789012",
    "schema": json.dumps({"type": "string", "description": SECRET}),
}
"""Strings whose form the service checks, with a secret where the form permits one."""

OPERATIONS: Final = get_session().get_service_model("bedrock-runtime").operation_names
PII: Final = "ann.hunter2@example.com"
MASKING: Final = FakeGuardrail(HR.arn, version=HR.version, denied_words=(SECRET,), pii={"EMAIL": "anonymize"})
LETTING: Final = FakeGuardrail(HR.arn, version=HR.version)


def filled(shape: Any, name: str = "", depth: int = 0) -> Any:
    """Fill a shape with the secret wherever a string, a blob or a document can contain it."""
    if name in NAMES or name in FORMED:
        return {**NAMES, **FORMED}[name]
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, depth)
    if kind == "list":
        return [filled(shape.member, name, depth + 1)]
    if kind == "map":
        return {SECRET: filled(shape.value, "", depth + 1)}
    if kind == "string":
        checked = "pattern" in shape.metadata or shape.metadata.get("max", 99) < len(f"{SECRET} {PII}")
        return shape.enum[0] if getattr(shape, "enum", None) else SECRET if checked else f"{SECRET} {PII}"
    return {"blob": SECRET.encode(), "boolean": False, "timestamp": 0}.get(kind, 1)


def _structure(shape: Any, depth: int) -> dict[str, Any]:
    if getattr(shape, "is_document_type", False):
        return {SECRET: SECRET}
    members = dict(shape.members)
    if getattr(shape, "is_tagged_union", False):
        members = dict(list(members.items())[:1])
    deep = depth > 6
    return {
        name: filled(each, name, depth + 1) for name, each in members.items() if not (deep and name not in shape.required_members)
    }


def params(operation: str) -> dict[str, Any]:
    """Return parameters of an operation that contain secrets wherever possible."""
    shape = get_session().get_service_model("bedrock-runtime").operation_model(operation).input_shape
    env: dict[str, Any] = filled(shape)
    if "guardrailConfig" in env:
        env["guardrailConfig"] = {"trace": "enabled_full"}
    if operation.startswith("InvokeModel"):
        env["body"] = json.dumps({"messages": [{"role": "user", "content": f"{SECRET} {PII}"}], "max_tokens": 9}).encode()
        env["trace"], env["contentType"] = "ENABLED_FULL", "application/json"
    return env


class Diary:
    """Everything that is recorded, as one string."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self._tracers, self._meters = TracerProvider(), MeterProvider([self._reader])
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._file, self._caplog = folder / "audit.jsonl", caplog
        self.audit = Audit([JsonLines(self._file)], records="all")
        self.listeners = (
            CallSpans(self._tracers.get_tracer("guardedbedrock"), slow_preflight=0.0),
            CallMetrics(self._meters.get_meter("guardedbedrock")),
            DecisionLog(),
        )
        self.errors: list[str] = []
        self.told_by_streams: list[str] = []

    def note(self, error: BaseException) -> None:
        """
        Record an error as a program would: message, repr, notes, traceback without the lines of this test.

        The message of an AWS error belongs to the caller, as with boto3; only its notes are recorded here.
        """
        if isinstance(error, EventStreamError):
            self.told_by_streams.append(str(error))
        ours = isinstance(error, GuardedBedrockError) and not told_by_aws(error)
        told = [*traceback.format_exception_only(error)] if ours else []
        self.errors += [*told, repr(error) if ours else "", *getattr(error, "__notes__", ())]

    def text(self, entries: list[Any], *, leave_out: Collection[str] = ()) -> str:
        """Return the whole diary, without some attributes of spans of requests."""
        spans = [written(span, leave_out) for span in self._spans.get_finished_spans()]
        data = self._reader.get_metrics_data()
        logs = [record.__dict__ for record in self._caplog.records if record.name.startswith("guardedbedrock")]
        audit = self._file.read_text("utf-8") if self._file.exists() else ""
        return "\n".join([*spans, data.to_json() if data else "", str(logs), str(entries), audit, *self.errors])

    def close(self) -> None:
        """End the providers."""
        self._tracers.shutdown()
        self._meters.shutdown()


def written(span: ReadableSpan, leave_out: Collection[str] = ()) -> str:
    """Write a span."""
    told = json.loads(span.to_json())
    if span.kind is SpanKind.CLIENT:
        told["attributes"] = {name: value for name, value in told["attributes"].items() if name not in leave_out}
    return json.dumps(told, ensure_ascii=False)


@pytest.fixture
def diary(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Diary]:
    """Record everything, at the lowest level."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    caplog.set_level(logging.DEBUG, logger="guardedbedrock")
    with closing(Diary(tmp_path, caplog)) as env:
        yield env


def told_by_aws(error: GuardedBedrockError) -> bool:
    """Return whether the text is that of an error event."""
    return isinstance(error, StreamInterruptedError) and error.response["Error"]["Code"] != "StreamInterrupted"


def nothing(_: FakeBedrock) -> None:
    """Let every request succeed."""


def fault(*what: Fault) -> Callable[[FakeBedrock], None]:
    """Let every request fail."""
    return lambda fake: fake.fault(*what, times=None)


CONTENT: Final = (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.STOP_SEQUENCES)
MODELS: Final = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")

ENDINGS: Final[dict[str, tuple[Callable[[FakeBedrock], None], dict[str, Any]]]] = {
    "answered": (nothing, {}),
    "intervened": (nothing, {"guardrail": MASKING}),
    "intervened-raise": (nothing, {"guardrail": MASKING, "on_intervention": "raise"}),
    "denied-here": (nothing, {"modelId": DENIED_MODEL}),
    "denied-by-aws": (lambda fake: fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel", times=9), {}),
    "refused": (nothing, {"guardrailConfig": WEAK, "guardrailIdentifier": "weak00000001", "guardrailVersion": "1"}),
    "reported": (
        nothing,
        {"guardrailConfig": WEAK, "guardrailIdentifier": "weak00000001", "guardrailVersion": "1", "mode": "report"},
    ),
    "wrong": (fault(Fail(400, "ValidationException", f"malformed input: {SECRET}")), {}),
    "throttled": (fault(Fail(429, "ThrottlingException", f"slow {SECRET}")), {}),
    "failed": (fault(Fail(500, "InternalServerException", f"oops {SECRET}")), {}),
    "hung-up": (fault(HangUp(60, "body")), {}),
    "broken-stream": (fault(BreakStream("validationException", after=2, message="no")), {}),
    "stream-error": (fault(BreakStream("modelStreamErrorException", after=2, message=f"the model said {SECRET}")), {}),
    "stream-throttled": (fault(BreakStream("throttlingException", after=2, message=f"slow {SECRET}")), {}),
    "stream-throttled-at-once": (fault(BreakStream("throttlingException", after=0, message=f"slow {SECRET}")), {}),
    "damaged-stream": (fault(BrokenFrame(after=2)), {}),
}


def drive(diary: Diary, ending: str) -> tuple[list[Any], set[str]]:
    """Let every operation end in this way; return the events of structlog, and the operations that were answered."""
    go_wrong, options = ENDINGS[ending]
    told = copy.deepcopy(options)
    settings = {name: told.pop(name) for name in ("mode", "on_intervention") if name in told}
    guardrails = (told.pop("guardrail", LETTING), *ON_THE_SERVER[1:])
    with structlog.testing.capture_logs() as entries, FakeBedrock(guardrails=guardrails) as fake:
        guard = Guard(
            guardrails=[HR],
            policies={"identity": ALLOWING},
            principal="arn:aws:iam::123456789012:role/App",
            listeners=diary.listeners,
            audit=diary.audit,
            retry=RetryPolicy(attempts=2, sleep=lambda _: None),
            allow_unguarded=["StartAsyncInvoke"],
            **settings,
        )
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": PASSWORD, "aws_session_token": TOKEN}
        client = guard.client("bedrock-runtime", **{**fake.client_kwargs(), **keys})
        fake.reply(f"{SECRET} {PII}", times=None)
        go_wrong(fake)
        for operation in OPERATIONS:
            attempt(client, operation, told, diary)
        client.close()
    return list(entries), {str(request.operation) for request in fake.requests if request.status == 200}


def leaked(text: str) -> list[str]:
    """Return the secrets in a string."""
    return [word for word in (SECRET, PII, KEY, PASSWORD, TOKEN) if word in text.lower() or word in text]


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_telemetry_contains_a_secret(diary: Diary, ending: str) -> None:
    entries, answered = drive(diary, ending)

    assert ending not in {"answered", "intervened"} or answered >= {*MODELS, "ApplyGuardrail", "StartAsyncInvoke"}
    assert len(entries) >= 6
    assert leaked(diary.text(entries)) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_content_capture_writes_content_into_its_span_attributes_only(
    diary: Diary, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setenv(VARIABLE, "true")

    entries, _ = drive(diary, ending)

    assert leaked(diary.text(entries, leave_out=CONTENT)) == []
    assert set(leaked(diary.text(entries))) <= {SECRET, PII}
    assert ending != "answered" or leaked(diary.text(entries)) == [SECRET, PII]


def attempt(client: Any, operation: str, told: dict[str, Any], diary: Diary) -> None:
    """Call an operation with all its secrets, and read the reply, unless the client does not have the operation."""
    method = next((name for name, each in client.meta.method_to_api_mapping.items() if each == operation), "")
    if not hasattr(client, method):
        return
    given = params(operation)
    given |= {name: value for name, value in told.items() if name in given}
    try:
        response = getattr(client, method)(**given)
        for name in ("stream", "body"):
            if name in response:
                response[name].read() if hasattr(response[name], "read") else list(response[name])
    except Exception as error:  # noqa: BLE001  # every way to end is meant
        diary.note(error)


ALLOWING: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "NoOpus", "Effect": "Deny", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:*::foundation-model/*opus*"},
    ],
}


@pytest.mark.parametrize("ending", [name for name in ENDINGS if name.startswith("stream-")])
def test_the_caller_gets_the_message_of_an_error_event(diary: Diary, ending: str) -> None:
    """Otherwise the tests above would prove nothing."""
    drive(diary, ending)

    assert [SECRET in text for text in diary.told_by_streams] == [True, True]


def test_the_parameters_of_the_leak_tests_contain_secrets() -> None:
    """Otherwise the tests above would prove nothing."""
    for operation in ("Converse", "ConverseStream", "InvokeModel", "ApplyGuardrail", "CountTokens", "StartAsyncInvoke"):
        if operation in OPERATIONS:
            assert SECRET in str(params(operation)), operation
