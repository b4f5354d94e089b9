"""Records for auditors: CloudTrail's shape, found by the filters that auditors have."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from harness.clients import DENIED_MODEL, HR, MODEL, ROLE, WEAK, ask, read

from guardedbedrock import AccessDeniedError
from guardedbedrock.auditing import Audit, LoggerSink
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry.audit.cloudtrail_record import CallFacts, user_identity
from guardedbedrock.telemetry.audit.cloudtrail_record import record as record_of
from guardedbedrock.testing import FilterPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.clients import Harness, Make

NOW: Final = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
DENIED_ARN: Final = f"arn:aws:bedrock:us-east-1::foundation-model/{DENIED_MODEL}"
USUAL: Final = '{ ($.errorCode = "AccessDenied") && ($.eventSource = "bedrock.amazonaws.com") && ($.eventName = "Converse") }'
SENTENCE: Final = f"User: {ROLE} is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy"


class Kept:
    """A sink that stores its records."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def write(self, record: Mapping[str, Any]) -> None:
        """Store a record, converted to JSON and back."""
        self.records.append(json.loads(json.dumps(record)))


class Broken:
    """A sink whose disk is full."""

    def write(self, _: Mapping[str, Any]) -> None:
        """Fail."""
        raise OSError("no space left")


def audited(harness: Make, records: Any = "denials", **options: Any) -> tuple[Harness, list[dict[str, Any]]]:
    """Make a harness whose guard writes records."""
    kept = Kept()
    return harness(audit=Audit([kept], records=records, clock=lambda: NOW), **options), kept.records


def denied(env: Harness, **params: Any) -> AccessDeniedError:
    """Make a call that is denied, and return the error."""
    with pytest.raises(AccessDeniedError) as error:
        env.client.converse(**{**ask("converse"), **params})
    return error.value


def test_a_simulated_denial_has_the_fields_of_a_cloudtrail_record(harness: Make) -> None:
    env, records = audited(harness)

    error = denied(env, modelId=DENIED_MODEL)

    (record,) = records
    record.pop("eventID")
    told = record.pop("additionalEventData")["guardedbedrock"]
    assert record == {
        "eventVersion": "1.09",
        "userIdentity": {"type": "Role", "arn": ROLE, "accountId": "123456789012"},
        "eventTime": "2026-11-24T12:00:00Z",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "Converse",
        "awsRegion": "us-east-1",
        "userAgent": "guardedbedrock",
        "errorCode": "AccessDenied",
        "errorMessage": error.message,
        "requestParameters": {"modelId": DENIED_MODEL, "guardrailIdentifier": HR.arn, "guardrailVersion": HR.version},
        "responseElements": None,
        "requestID": "",
        "readOnly": True,
        "resources": [
            {"type": "AWS::Bedrock::Model", "ARN": DENIED_ARN},
            {"accountId": "123456789012", "type": "AWS::Bedrock::Guardrail", "ARN": HR.arn},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
    }
    assert (told["simulated"], told["decision"], told["policyType"]) == (True, "explicitDeny", "identity")
    assert "NoOpus" in str(told["statements"])


@pytest.mark.parametrize("denial", ["preflight", "aws", "guard"])
def test_the_metric_filter_for_cloudtrail_denials_matches_every_denial(harness: Make, denial: str) -> None:
    """It does not matter whether the preflight, AWS or the guard denied the call."""
    env, records = audited(harness)
    if denial == "aws":
        env.fake.deny_next(SENTENCE)
    params: dict[str, dict[str, Any]] = {"preflight": {"modelId": DENIED_MODEL}, "aws": {}, "guard": {"guardrailConfig": WEAK}}
    denied(env, **params[denial])

    assert [FilterPattern(USUAL).matches(record) for record in records] == [True]
    assert FilterPattern(f'{{ $.errorCode = "AccessDenied*" && $.userIdentity.arn = "{ROLE}" }}').matches(records[0])
    assert not FilterPattern('{ $.errorCode = "ThrottlingException" }').matches(records[0])


def test_a_denial_by_aws_is_recorded_with_its_request_id_and_divergence(harness: Make) -> None:
    env, records = audited(harness)
    env.fake.deny_next(SENTENCE)
    denied(env)

    (record,) = records
    assert record["requestID"] == env.fake.requests[0].request_id
    assert record["errorMessage"] == SENTENCE
    told = record["additionalEventData"]["guardedbedrock"]
    assert (told["simulated"], told["diverged"], told["decision"]) == (False, True, "allowed")


def test_only_denials_are_recorded_by_default(harness: Make) -> None:
    env, records = audited(harness)
    env.client.converse(**ask("converse"))
    env.fake.fail_next(400, "ValidationException", "the secret prompt was too long")
    with pytest.raises(ClientError):
        env.client.converse(**ask("converse"))
    assert records == []

    env, records = audited(harness, "all")
    read(env.client.converse_stream(**ask("converse_stream", "my salary")))
    env.fake.fail_next(400, "ValidationException", "the secret prompt was too long")
    with pytest.raises(ClientError):
        env.client.converse(**ask("converse"))
    allowed, wrong = records
    assert "errorCode" not in allowed
    assert allowed["requestID"] == env.fake.requests[0].request_id
    assert allowed["additionalEventData"]["guardedbedrock"]["intervention"] == {"action": None, "policies": [], "sources": []}
    assert (wrong["errorCode"], "errorMessage" in wrong) == ("ValidationException", False)
    assert wrong["requestID"] == env.fake.requests[1].request_id


def test_mode_report_records_what_it_would_refuse_and_no_denial(harness: Make) -> None:
    env, records = audited(harness, "all", mode="report")
    env.client.converse(**ask("converse"), guardrailConfig=WEAK)

    (record,) = records
    assert not FilterPattern(USUAL).matches(record)
    assert record["additionalEventData"]["guardedbedrock"]["wouldRefuse"] == "GuardrailNotApprovedError"
    assert WEAK.items() <= record["requestParameters"].items()


@pytest.mark.parametrize("hours", [-5, 0, 2])
def test_the_time_of_a_record_is_in_utc(hours: int) -> None:
    here = timezone(timedelta(hours=hours))

    written = record_of(CallFacts(Call.of("Converse", {}, "us-east-1")), None, "id", NOW.astimezone(here))

    assert written["eventTime"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("service", "operation", "category"),
    [
        ("bedrock-runtime", "Converse", "Management"),
        ("bedrock-runtime", "ListAsyncInvokes", "Management"),
        ("bedrock-runtime", "ApplyGuardrail", "Data"),
        ("bedrock-runtime", "StartAsyncInvoke", "Data"),
        ("bedrock-agent-runtime", "InvokeAgent", "Data"),
        ("bedrock-agent-runtime", "InvokeInlineAgent", "Data"),
        ("bedrock-agent-runtime", "InvokeFlow", "Data"),
        ("bedrock-agent-runtime", "Retrieve", "Data"),
        ("bedrock-agent-runtime", "RetrieveAndGenerate", "Data"),
        ("bedrock-agent-runtime", "RetrieveAndGenerateStream", "Data"),
        ("bedrock-agent", "CreateAgent", "Management"),
    ],
)
def test_the_category_of_a_record_is_that_of_cloudtrail(service: str, operation: str, category: str) -> None:
    call = Call.of(operation, {}, "us-east-1", service=service)

    written = record_of(CallFacts(call), None, "id", NOW)

    assert (written["eventCategory"], written["managementEvent"]) == (category, category == "Management")


IDENTITIES: Final[dict[str, tuple[str | None, dict[str, Any]]]] = {
    "unknown": (None, {"type": "Unknown"}),
    "user": (
        "arn:aws:iam::111122223333:user/team/ada",
        {"type": "IAMUser", "accountId": "111122223333", "userName": "ada"},
    ),
    "session": (
        "arn:aws:sts::111122223333:assumed-role/Chat/ada",
        {
            "type": "AssumedRole",
            "accountId": "111122223333",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "arn": "arn:aws:iam::111122223333:role/Chat",
                    "accountId": "111122223333",
                    "userName": "Chat",
                }
            },
        },
    ),
    "root": ("arn:aws:iam::111122223333:root", {"type": "Root", "accountId": "111122223333"}),
}


@pytest.mark.parametrize(("arn", "identity"), IDENTITIES.values(), ids=IDENTITIES)
def test_user_identity_has_the_shape_of_cloudtrail(arn: str | None, identity: dict[str, Any]) -> None:
    assert user_identity(arn) == {**identity, **({"arn": arn} if arn else {})}


def test_a_sink_that_raises_is_logged_and_the_others_get_the_record(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    env = harness(audit=Audit([Broken(), kept], records="all"))

    env.client.converse(**ask("converse"))

    assert [record["requestParameters"]["modelId"] for record in kept.records] == [MODEL]
    assert [record.getMessage() for record in caplog.records] == [
        "audit sink Broken lost a record: OSError; further losses are only counted"
    ]


def test_the_logger_sink_writes_one_line_of_json_for_each_record(harness: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="guardedbedrock.audit")
    env = harness(audit=Audit([LoggerSink()]))

    denied(env, modelId=DENIED_MODEL)

    (line,) = [record.getMessage() for record in caplog.records if record.name == "guardedbedrock.audit"]
    assert FilterPattern(USUAL).matches(json.loads(line))
    assert "\n" not in line
