"""A replay of generated trails, compared with the decisions of the engine for each event."""

from __future__ import annotations

import gc
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import access
from harness.access import principal
from harness.replay import (
    ALLOW_ALL,
    BASELINE,
    NEW,
    ROLE,
    entry,
    final_records,
    outcome,
    read_all,
    read_log,
    record,
    uuid,
    write_json,
    write_trail,
)

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.reading.events import Clock, event_of
from guardedbedrock.governance.replay.reading.files import TrailFile
from guardedbedrock.governance.replay.reading.typed import decode_file, decode_record
from guardedbedrock.governance.replay.run import replay
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing.logs.trails import ACCOUNT, GUARDRAIL, TrailGenerator


@pytest.mark.parametrize("seed", [1, 2])
def test_a_replay_agrees_with_each_event_evaluated_by_itself(tmp_path: Path, seed: int) -> None:
    trails = TrailGenerator(seed=seed, copies=0.05, updates=0.03)
    files = trails.write(tmp_path / "trail", 1500, per_file=200)
    logs = trails.write_invocation_logs(tmp_path / "logs")
    policies = {name: write_json(tmp_path / f"{name}.json", one) for name, one in (("new", NEW), ("old", BASELINE))}

    report = replay([tmp_path / "trail"], policies["new"], baseline=policies["old"], invocation_logs=[tmp_path / "logs"])

    records = read_all(files)
    calls, shown, seen = final_records(records), read_log(logs), Counter[str]()
    after = [outcome(one, PolicySet(identity=[NEW]), shown, seen) for one in calls]
    before = [outcome(one, PolicySet(identity=[BASELINE]), shown, Counter()) for one in calls]
    assert report.events == len(records)
    assert report.bedrock == len(calls)
    assert report.outcomes == {name: after.count(name) for name in report.outcomes}
    assert report.evidence == {name: seen[name] for name in report.evidence}
    denied = ("implicitDeny", "explicitDeny")
    pairs = zip(before, after, strict=True)
    assert report.newly_denied == sum(new in denied and old not in denied for old, new in pairs)
    assert report.newly_denied > 0
    recorded = [
        one for one, old in zip(calls, before, strict=True) if one.get("errorCode") == "AccessDenied" and old == "allowed"
    ]
    assert sum(one.count for one in report.divergences) == len(recorded) > 0
    assert report.mantle == len({one["eventID"] for one in records if one["eventSource"] == "bedrock-mantle.amazonaws.com"}) > 0


def test_several_workers_give_the_same_report(tmp_path: Path) -> None:
    trails = TrailGenerator(seed=3, copies=0.05, updates=0.03)
    trails.write(tmp_path / "trail", 1500, per_file=100)
    trails.write_invocation_logs(tmp_path / "logs", per_file=300)
    new = write_json(tmp_path / "new.json", NEW)
    steps: list[tuple[int, int]] = []

    reports = [
        replay(
            [tmp_path / "trail"], new, invocation_logs=[tmp_path / "logs"], workers=workers, progress=lambda *s: steps.append(s)
        )
        for workers in (1, 2)
    ]

    assert reports[0].as_data() == reports[1].as_data()
    plain = replay([tmp_path / "trail"], new, invocation_logs=[tmp_path / "logs"], is_typed=False)
    assert plain.as_data() == reports[0].as_data()
    assert json.loads(json.dumps(reports[0].as_data()))["bedrock"] == reports[0].bedrock
    assert steps[-1][0] == steps[-1][1]


GUARDED_BODY = {"guardrailConfig": {"guardrailIdentifier": GUARDRAIL, "guardrailVersion": "3", "trace": "disabled"}}
TRACED_BODY = {"guardrailConfig": {"trace": "enabled"}}
APPLIED = {"appliedGuardrailDetails": {"guardrailArn": GUARDRAIL, "guardrailVersion": "3"}}
ENFORCED = {"appliedGuardrailDetails": {**APPLIED["appliedGuardrailDetails"], "guardrailOrigin": ["ACCOUNT_ENFORCED"]}}


def trace(assessment: dict[str, Any], side: str = "inputAssessment") -> dict[str, Any]:
    shown: Any = assessment if side == "inputAssessment" else [assessment]
    return {"guardrail": {side: {"abc123def456": shown}}}


@pytest.mark.parametrize(
    ("operation", "body", "output", "kind", "verdict"),
    [
        ("Converse", GUARDED_BODY, {}, "guarded", "allowed"),
        ("ConverseStream", GUARDED_BODY, [{"messageStop": {}}], "guarded", "allowed"),
        ("Converse", {}, {"trace": trace(APPLIED)}, "guarded", "allowed"),
        ("Converse", {}, {"trace": trace(APPLIED, "outputAssessments")}, "guarded", "allowed"),
        ("ConverseStream", {}, [{"metadata": {"trace": trace(APPLIED)}}], "guarded", "allowed"),
        ("InvokeModel", {}, {"amazon-bedrock-trace": trace(APPLIED)}, "guarded", "allowed"),
        # The reply shows that a guardrail ran, and not which one.
        ("InvokeModel", {}, {"amazon-bedrock-guardrailAction": "NONE"}, "guarded", "indeterminate"),
        # A guardrail that the account enforces is not in the request.
        ("Converse", TRACED_BODY, {"trace": trace(ENFORCED)}, "guarded", "indeterminate"),
        ("Converse", TRACED_BODY, {}, "unguarded", "explicitDeny"),
        ("Converse", {}, {}, "none", "indeterminate"),
        # The body of InvokeModel belongs to the model; its guardrail is in headers, which the log does not show.
        ("InvokeModel", GUARDED_BODY, {}, "none", "indeterminate"),
        ("InvokeModel", TRACED_BODY, {}, "none", "indeterminate"),
        ("Converse", {"guardrailConfig": {"guardrailIdentifier": f"{GUARDRAIL}0", "trace": "enabled"}}, {}, "guarded", "allowed"),
        ("Converse", {"guardrailConfig": {"guardrailIdentifier": "other"}}, {}, "guarded", "explicitDeny"),
        ("Converse", "text", "text", "none", "indeterminate"),
        ("Converse", [None], [None, {"trace": "x"}], "none", "indeterminate"),
    ],
)
def test_an_invocation_log_shows_the_guardrail_of_a_call(  # noqa: PLR0913, PLR0917  # one column each
    tmp_path: Path, operation: str, body: Any, output: Any, kind: str, verdict: str
) -> None:
    write_trail(tmp_path / "trail", record(eventName=operation))
    log = write_json(tmp_path / "log.json", entry(operation=operation, body=body, output=output))

    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", NEW), invocation_logs=[log])

    assert report.evidence == {"guarded": 0, "unguarded": 0, "none": 0, kind: 1}
    assert {name: count for name, count in report.outcomes.items() if count} == {verdict: 1}


def test_the_entry_that_shows_most_wins_whatever_the_order(tmp_path: Path) -> None:
    entries = [entry(), entry(body=TRACED_BODY), entry(body=GUARDED_BODY)]
    write_trail(tmp_path / "trail", record())
    new = write_json(tmp_path / "new.json", NEW)
    for number, order in enumerate((entries, entries[::-1])):
        logs = tmp_path / f"logs{number}"
        for index, one in enumerate(order):
            write_json(logs / f"{index}.json", one)
        assert replay([tmp_path / "trail"], new, invocation_logs=[logs], workers=1).evidence["guarded"] == 1


@pytest.mark.parametrize(("mode", "expected"), [("unknown", "indeterminate"), ("from-log", "allowed"), ("injected", "allowed")])
def test_the_guardrail_of_a_call_comes_from_the_chosen_source(tmp_path: Path, mode: Any, expected: str) -> None:
    write_trail(tmp_path / "trail", record())
    write_json(tmp_path / "new.json", NEW)
    log = write_json(tmp_path / "log.json", entry(body=GUARDED_BODY))
    config = tmp_path / "guardedbedrock.toml"
    config.write_text(
        f'principal = "caller"\n\n[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "3"\n\n[policies]\nidentity = ["new.json"]\n',
        encoding="utf-8",
    )
    report = replay([tmp_path / "trail"], config, invocation_logs=[log], guardrail=mode)
    assert report.outcomes[expected] == 1


def test_injected_denies_a_region_without_an_approved_guardrail(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record(awsRegion="eu-central-1"))
    write_json(tmp_path / "new.json", NEW)
    config = tmp_path / "guardedbedrock.toml"
    config.write_text(
        f'principal = "caller"\n\n[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "3"\n\n[policies]\nidentity = ["new.json"]\n',
        encoding="utf-8",
    )
    assert replay([tmp_path / "trail"], config, guardrail="injected").newly_denied == 1


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "requestParameters.modelId: missing in the record of Converse"),
        ({"modelId": 5}, "requestParameters: a value has a type that Converse does not accept"),
        ({"modelId": [None]}, "requestParameters: a value has a type that Converse does not accept"),
    ],
)
def test_a_record_without_a_parameter_says_which(tmp_path: Path, params: dict[str, Any], reason: str) -> None:
    write_trail(tmp_path / "trail", record(requestParameters=params))
    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", NEW))
    assert [one.reason for one in report.undecided] == [reason]


def test_injected_needs_a_configuration(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record())
    with pytest.raises(ConfigurationError, match="needs approved guardrails"):
        replay([tmp_path / "trail"], write_json(tmp_path / "new.json", NEW), guardrail="injected")


def test_copies_count_once_even_if_their_request_ids_differ(tmp_path: Path) -> None:
    write_trail(tmp_path / "a", record(), record(), record(requestID="other"), record(2))
    write_trail(tmp_path / "b", record(requestID=None))
    report = replay([tmp_path / "a", tmp_path / "b"], write_json(tmp_path / "new.json", NEW))
    assert (report.events, report.bedrock) == (5, 2)


def addendum(number: int, original: int, *, request: bool = True, **fields: Any) -> dict[str, Any]:
    names = {"reason": "UPDATED_DATA", "updatedFields": "errorCode", "originalEventID": uuid(original)}
    if request:
        names["originalRequestID"] = uuid(original, "r")
    changed: dict[str, Any] = {"addendum": names, "errorCode": "ThrottlingException", **fields}
    return record(number, **changed)


@pytest.mark.parametrize("request_id", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_an_addendum_replaces_its_original_and_keeps_the_evidence(tmp_path: Path, *, request_id: bool, order: int) -> None:
    # Two files, so that the original and the addendum may be read by different tasks.
    for index, one in enumerate([record(1), addendum(2, 1, request=request_id, errorCode="AccessDenied")][::order]):
        write_trail(tmp_path / "trail", one, name=f"{index}.json")
    log = write_json(tmp_path / "log.json", entry(1, body=GUARDED_BODY))
    policies = write_json(tmp_path / "new.json", NEW)
    report = replay([tmp_path / "trail"], policies, baseline=policies, invocation_logs=[log])
    assert report.bedrock == 1
    assert report.evidence["guarded"] == 1
    assert [(one.recorded, one.verdict, one.example) for one in report.divergences] == [("denied", "allowed", uuid(2))]


@pytest.mark.parametrize(
    ("records", "calls"),
    [
        ([addendum(2, 1)], 1),  # the original is in no file
        ([record(1), addendum(2, 1), addendum(3, 2)], 1),  # an addendum of an addendum
        ([record(1), addendum(2, 1), addendum(3, 1)], 1),  # two addenda of one event
        ([record(1), addendum(1, 1)], 1),  # the addendum has the event ID of the original
        ([record(1), addendum(1, 1, requestID="another")], 1),
        ([record(1), addendum(2, 1), addendum(2, 1)], 1),  # copies of an addendum
        ([record(1), record(2, addendum={"reason": "DELIVERY_DELAY", "originalEventID": uuid(1)})], 2),
        ([record(1), record(2, addendum={"reason": "UPDATED_DATA"})], 2),
        ([record(1), addendum(2, 1, eventTime="2020-01-01T00:00:00Z"), record(3)], 1),  # the time of the addendum counts
        ([record(1, eventTime="2020-01-01T00:00:00Z"), addendum(2, 1)], 1),
    ],
)
def test_every_call_counts_once_with_its_addenda(tmp_path: Path, records: list[Any], calls: int) -> None:
    for order in (1, -1):
        folder = tmp_path / f"trail{order}"
        for index, one in enumerate(records[::order]):
            write_trail(folder, one, name=f"{index}.json")
        report = replay([folder], write_json(tmp_path / "new.json", NEW), since="2026-01-01")
        assert report.bedrock == calls


def test_time_bounds_include_since_and_exclude_until(tmp_path: Path) -> None:
    times = ["2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z", "2026-11-01T23:59:59Z", "2026-11-02T00:00:00Z"]
    write_trail(tmp_path / "trail", *(record(number, eventTime=time) for number, time in enumerate(times)))
    report = replay(
        [tmp_path / "trail"], write_json(tmp_path / "new.json", NEW), since="2026-11-01", until="2026-11-02T00:00:00Z"
    )
    assert (report.events, report.bedrock) == (4, 2)
    change = report.changes[0]
    assert (change.first, change.last, change.example, change.count) == (times[1], times[2], uuid(1), 2)


def test_a_bound_that_is_no_time_is_an_error(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record())
    with pytest.raises(ConfigurationError, match="since: `yesterday` is not a time"):
        replay([tmp_path / "trail"], write_json(tmp_path / "new.json", NEW), since="yesterday")


def test_bounds_that_no_call_can_meet_are_an_error(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record())
    for since, until in (("2026-11-02", "2026-11-01"), ("2026-11-01", "2026-11-01")):
        with pytest.raises(ConfigurationError, match="is not before until"):
            replay([tmp_path / "trail"], write_json(tmp_path / "new.json", NEW), since=since, until=until)


def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record())
    new = write_json(tmp_path / "new.json", NEW)
    for is_enabled in (True, False):
        (gc.enable if is_enabled else gc.disable)()
        try:
            replay([tmp_path / "trail"], new)
            assert gc.isenabled() is is_enabled
        finally:
            gc.enable()


def deny(**condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [ALLOW_ALL, statement]}


@pytest.mark.parametrize(
    ("fields", "condition", "expected"),
    [
        ({}, {"ArnEquals": {"aws:PrincipalArn": ROLE}}, "explicitDeny"),
        ({}, {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, "explicitDeny"),
        ({}, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "allowed"),
        # With a VPC endpoint the recorded address is private.
        ({"vpcEndpointId": "vpce-1"}, {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, "indeterminate"),
        ({"vpcEndpointId": "vpce-1"}, {"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "explicitDeny"),
        ({}, {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, "indeterminate"),
        ({"sourceIPAddress": "bedrock.amazonaws.com"}, {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, "indeterminate"),
        ({}, {"DateGreaterThan": {"aws:CurrentTime": "2026-10-31T00:00:00Z"}}, "explicitDeny"),
        ({}, {"DateGreaterThan": {"aws:CurrentTime": "2026-11-01T00:00:00Z"}}, "allowed"),
        ({}, {"DateGreaterThanEquals": {"aws:CurrentTime": "2026-11-01T00:00:00Z"}}, "explicitDeny"),
        ({}, {"NumericLessThan": {"aws:EpochTime": "1793491200"}}, "allowed"),
        ({}, {"NumericLessThanEquals": {"aws:EpochTime": "1793491200"}}, "explicitDeny"),
        ({}, {"StringLike": {"aws:CurrentTime": "2026-11-01T*"}}, "explicitDeny"),
        ({}, {"StringLike": {"aws:CurrentTime": "2026-12-01T*"}}, "allowed"),
        ({}, {"StringEquals": {"aws:PrincipalTag/team": "a"}}, "indeterminate"),
        ({}, {"StringEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}, "indeterminate"),
        ({}, {"StringEquals": {"aws:CalledViaFirst": "athena.amazonaws.com"}}, "allowed"),
        ({}, {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, "explicitDeny"),
        ({}, {"StringEquals": {"aws:SourceIdentity": "ana"}}, "indeterminate"),
        ({}, {"StringEquals": {"aws:userid": "AROAEXAMPLE:session"}}, "explicitDeny"),
        ({}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, "allowed"),
    ],
)
def test_context_keys_come_from_the_record_and_are_unknown_otherwise(
    tmp_path: Path, fields: dict[str, Any], condition: dict[str, Any], expected: str
) -> None:
    write_trail(tmp_path / "trail", record(**fields))
    policies = write_json(tmp_path / "new.json", deny(**condition))
    report, plain = (replay([tmp_path / "trail"], policies, is_typed=is_typed) for is_typed in (True, False))
    assert report == plain
    assert {name: count for name, count in report.outcomes.items() if count} == {expected: 1}


def test_times_on_both_sides_of_a_bound_are_told_apart(tmp_path: Path) -> None:
    times = [f"2026-11-0{day}T12:00:00Z" for day in range(1, 7)]
    write_trail(tmp_path / "trail", *(record(number, eventTime=time) for number, time in enumerate(times)))
    condition = {
        "DateGreaterThan": {"aws:CurrentTime": "2026-11-02T12:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2026-11-05"},
    }
    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", deny(**condition)))
    assert report.outcomes["explicitDeny"] == 2
    assert report.distinct < len(times)


def test_an_explanation_shows_the_time_of_the_example(tmp_path: Path) -> None:
    """Equal decisions are made once; a time that no request had would be taken for a fact."""
    times = {2: "2026-11-04T12:00:00Z", 1: "2026-11-03T12:34:56Z", 3: "2026-11-05T12:00:00Z"}
    calls = [record(number, eventTime=time, userAgent=f"agent-{4 - number}") for number, time in times.items()]
    write_trail(tmp_path / "trail", *calls)
    condition = {"DateGreaterThan": {"aws:CurrentTime": "2026-11-01"}, "StringLike": {"aws:UserAgent": "agent-*"}}
    allow = write_json(tmp_path / "old.json", BASELINE)
    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", deny(**condition)))
    differing = replay([tmp_path / "trail"], allow, baseline=write_json(tmp_path / "new.json", deny(**condition)))

    for one in (report.changes[0], report.impact[0]):
        assert (one.count, one.first, one.example) == (3, times[1], uuid(1))
        assert times[1] in one.explanation
    assert [one.first in one.explanation for one in differing.divergences] == [True, True, True]


def test_both_decoders_give_an_event_the_same_attributes(tmp_path: Path) -> None:
    trails = TrailGenerator(seed=5, updates=0.1, service_events=0)
    (file,) = trails.write(tmp_path, 500)
    raws = decode_file(TrailFile(str(file)))
    assert raws is not None
    plain = read_all([file])
    assert len(raws) == len(plain) > 400
    clock = Clock()
    for raw, one in zip(raws, plain, strict=True):
        record = decode_record(raw)
        assert record is not None
        event = event_of(one)
        found = record.event(clock.seconds_of(record.event_time))
        assert replace(found, params=event.params) == event
        assert json.loads(found.params) == json.loads(event.params)


def test_an_assumption_fills_a_gap_and_does_not_override_the_record(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record(1), record(2, vpcEndpointId="vpce-2"))
    policy = write_json(tmp_path / "new.json", deny(StringEquals={"aws:SourceVpce": "vpce-1"}))
    report = replay([tmp_path / "trail"], policy, assume={"AWS:sourcevpce": "vpce-1"})
    assert (report.outcomes["explicitDeny"], report.outcomes["allowed"]) == (1, 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [({}, "allowed"), (TRACED_BODY, "explicitDeny"), ({"guardrailConfig": {"guardrailIdentifier": "other"}}, "explicitDeny")],
)
def test_an_assumed_guardrail_fills_only_the_gap_of_calls_without_evidence(tmp_path: Path, body: Any, expected: str) -> None:
    write_trail(tmp_path / "trail", record())
    log = write_json(tmp_path / "log.json", entry(body=body))
    new = write_json(tmp_path / "new.json", NEW)
    report = replay([tmp_path / "trail"], new, invocation_logs=[log], assume={"bedrock:guardrailidentifier": f"{GUARDRAIL}:3"})
    assert {name: count for name, count in report.outcomes.items() if count} == {expected: 1}


IDENTITIES: dict[str, tuple[dict[str, Any], str]] = {
    "a role with its path": (record()["userIdentity"], ROLE),
    "a session without its role": (
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/s", "accountId": ACCOUNT},
        f"arn:aws:sts::{ACCOUNT}:assumed-role/App/s",
    ),
    "a role": ({"type": "Role", "arn": ROLE, "accountId": ACCOUNT}, ROLE),
    "a user": (
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/u", "accountId": ACCOUNT},
        f"arn:aws:iam::{ACCOUNT}:user/u",
    ),
    "root": ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}, f"arn:aws:iam::{ACCOUNT}:root"),
    "a federated user": (
        {
            "type": "FederatedUser",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/f",
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/u"}},
        },
        f"arn:aws:sts::{ACCOUNT}:federated-user/f",
    ),
    "an Identity Center user": ({"type": "IdentityCenterUser", "accountId": ACCOUNT, "credentialId": "c"}, ""),
    "a service": ({"type": "AWSService", "invokedBy": "bedrock.amazonaws.com"}, ""),
    "another account": ({"type": "AWSAccount", "principalId": "AIDA", "accountId": "999999999999"}, ""),
    "a directory": ({"type": "Directory", "accountId": ACCOUNT}, ""),
    "an unknown type": ({"type": "Unknown"}, ""),
    "nothing": ({}, ""),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_every_kind_of_identity_is_replayed(tmp_path: Path, name: str) -> None:
    identity, principal = IDENTITIES[name]
    write_trail(tmp_path / "trail", record(userIdentity=identity))
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", nothing))
    if principal:
        assert {one.principal for one in report.changes} == {principal}
        assert report.newly_denied == 1
    else:
        assert report.outcomes["indeterminate"] == 1
        (undecided,) = report.undecided
        assert "names no principal" in undecided.reason
        assert undecided.example == uuid(1)


def test_without_a_baseline_the_record_is_what_was_before(tmp_path: Path) -> None:
    message = f"User: {ROLE} is not authorized to perform: bedrock:InvokeModel"
    write_trail(
        tmp_path / "trail",
        record(1, errorCode="AccessDenied", errorMessage=message),
        record(2, errorCode="AccessDenied"),
        # Bedrock sends this code for a model without access too, which no policy decides.
        record(
            3, errorCode="AccessDeniedException", errorMessage="You don't have access to the model with the specified model ID."
        ),
        record(4, errorCode="ValidationException"),
    )
    report = replay([tmp_path / "trail"], write_json(tmp_path / "new.json", BASELINE))
    assert [(one.before, one.after, one.count) for one in report.changes] == [("denied", "allowed", 2)]
    assert report.newly_denied == 0


def test_a_newly_denied_change_comes_first_with_its_explanation(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", record(1), record(2, eventName="ListGuardrails", requestParameters=None), record(3))
    new = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:ListGuardrails", "Resource": "*"}]}
    report = replay(
        [tmp_path / "trail"], write_json(tmp_path / "n.json", new), baseline=write_json(tmp_path / "o.json", BASELINE)
    )
    (change,) = report.changes
    assert (change.principal, change.action, change.before, change.after, change.count) == (
        ROLE,
        "bedrock:InvokeModel",
        "allowed",
        "implicitDeny",
        2,
    )
    assert change.resource == "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    assert "bedrock:InvokeModel" in change.explanation
    assert report.newly_denied == 2


def test_a_snapshot_gives_the_policies_of_each_principal_and_the_path_of_a_role(tmp_path: Path) -> None:
    """The record of a session without its issuer has no path; principals that the snapshot lacks stay undecided."""
    role_with_path = (ROLE, principal("App", inline={})[1])
    file = access.write(tmp_path, principal("Ana", ALLOW_ALL, kind="user"), role_with_path)
    session = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/s", "accountId": ACCOUNT}
    users = [
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "accountId": ACCOUNT} for name in ("Ana", "Unknown")
    ]
    write_trail(tmp_path / "trail", *(record(number, userIdentity=one) for number, one in enumerate([session, *users])))

    report = replay([tmp_path / "trail"], file)

    assert report.outcomes == {"allowed": 1, "indeterminate": 1, "implicitDeny": 1, "explicitDeny": 0}
    assert [(one.principal, one.count) for one in report.impact] == [(ROLE, 1)]
    assert "user/Unknown are not known" in report.undecided[0].reason
    by_snapshot = replay([tmp_path / "trail"], write_json(tmp_path / "old.json", BASELINE), snapshot=file)
    assert by_snapshot.outcomes["allowed"] == 3
