"""The answers of a replay, computed event by event with the public engine: no tuples, no spool, no counting."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from guardedbedrock.bedrock import Caller, authorizations, find_operation
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS
from guardedbedrock.iam import Decision, PolicySet, Request
from guardedbedrock.testing.logs.trails import ACCOUNT, GUARDRAIL

KEY: Final = "bedrock:GuardrailIdentifier"
INFERENCE: Final = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
DENIED: Final = ("implicitDeny", "explicitDeny")
ALLOW_ALL: Final = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
REQUIRE_GUARDRAIL: Final = {
    "Sid": "RequireGuardrail",
    "Effect": "Deny",
    "Action": "bedrock:InvokeModel*",
    "Resource": "*",
    "Condition": {"StringNotLike": {KEY: f"{GUARDRAIL}*"}},
}
BASELINE: Final = {"Version": "2012-10-17", "Statement": [ALLOW_ALL]}
NEW: Final = {"Version": "2012-10-17", "Statement": [ALLOW_ALL, REQUIRE_GUARDRAIL]}
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/apps/App"
MODEL: Final = "amazon.nova-lite-v1:0"


def record(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Make a record of Converse by a role; `fields` replace its fields."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:session",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/session",
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "accountId": ACCOUNT, "userName": "App"}},
        },
        "eventTime": "2026-11-01T00:00:00Z",
        "eventSource": "bedrock.amazonaws.com",
        "eventName": "Converse",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"modelId": MODEL},
        "requestID": uuid(number, "r"),
        "eventID": uuid(number),
        "eventType": "AwsApiCall",
        **fields,
    }


def uuid(number: int, kind: str = "e") -> str:
    """Make a UUID."""
    return f"{'00000000' if kind == 'e' else '11111111'}-0000-4000-8000-{number:012}"


def entry(number: int = 1, *, operation: str = "Converse", body: Any = None, output: Any = None) -> dict[str, Any]:
    """Make the entry of an invocation log for the record of this number."""
    return {
        "schemaType": "ModelInvocationLog",
        "requestId": uuid(number, "r"),
        "operation": operation,
        "modelId": MODEL,
        "input": {"inputBodyJson": body or {}},
        "output": {"outputBodyJson": output or {}},
    }


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")
    return path


def write_trail(folder: Path, *records: Any, name: str = "trail.json") -> Path:
    """Write records as one CloudTrail file, and return the folder."""
    write_json(folder / name, {"Records": list(records)})
    return folder


def read_all(files: Iterable[Path]) -> list[Any]:
    """Read the records of gzipped CloudTrail files."""
    return [one for file in files for one in json.loads(gzip.decompress(file.read_bytes()))["Records"]]


def read_log(files: Iterable[Path]) -> dict[str, str]:
    """Read what the generated invocation logs show, by request ID: a guardrail, ``""`` for none, missing if it is not shown."""
    shown: dict[str, str] = {}
    for file in files:
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            found = json.loads(line)
            config = found["input"]["inputBodyJson"].get("guardrailConfig", {})
            is_converse = found["operation"].startswith("Converse")
            if "trace" in found["output"]["outputBodyJson"]:
                shown[found["requestId"]] = GUARDRAIL
            elif config.get("trace") == "enabled" and is_converse:
                shown[found["requestId"]] = ""
    return shown


def final_records(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Remove copies, records of other services and replaced records; give an addendum the request ID of its original."""
    by_id = {one["eventID"]: one for one in records if one["eventSource"] == "bedrock.amazonaws.com"}
    found = {key: one for key, one in by_id.items() if one["eventType"] != "AwsServiceEvent"}
    for one in list(found.values()):
        original = one.get("addendum", {}).get("originalEventID")
        if original:
            found[one["eventID"]] = {**one, "requestID": by_id[original]["requestID"]}
            found.pop(original, None)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """The decisions on one record by itself."""

    principal: str
    outcome: str
    decisions: tuple[Decision, ...] = ()


def decide(record_: Mapping[str, Any], policies: PolicySet, shown: Mapping[str, str]) -> Answer:
    """Decide one record by itself."""
    identity = record_["userIdentity"]
    principal = identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn") or identity.get("arn")
    if not principal:
        return Answer("", "indeterminate")
    operation = record_["eventName"]
    evidence = shown.get(record_["requestID"])
    service = "bedrock-runtime" if operation in INFERENCE else "bedrock"
    params = dict(record_["requestParameters"] or {})
    row = find_operation(service, operation)
    if evidence and row.location:
        params = row.location.put(params, evidence, "3")
    known = {"aws:SourceIp": record_["sourceIPAddress"]}
    caller = Caller(principal, record_["awsRegion"], account=identity["accountId"], context=known, unknown=UNKNOWN_KEYS)
    required = authorizations(row, params, caller)
    hides = evidence is None and operation in INFERENCE
    requests = [_hide(one) if hides and one.action.startswith("bedrock:InvokeModel") else one for one in required.requests]
    decisions = tuple(policies.evaluate(one) for one in requests)
    return Answer(principal, required.outcome(decisions, ("rcp",)), decisions)


def outcome(record_: Mapping[str, Any], policies: PolicySet, shown: Mapping[str, str], seen: Counter[str]) -> str:
    """Decide one record by itself, and count its evidence."""
    if record_["eventName"] in INFERENCE:
        evidence = shown.get(record_["requestID"])
        seen["none" if evidence is None else "guarded" if evidence else "unguarded"] += 1
    return decide(record_, policies, shown).outcome


def answers(
    records: Sequence[Mapping[str, Any]], new: Mapping[str, Any], old: Mapping[str, Any], shown: Mapping[str, str]
) -> dict[str, Any]:
    """Return the members of the report that matter, computed record by record: no tuple and no group is involved."""
    after_set, before_set = PolicySet(identity=[new]), PolicySet(identity=[old])
    calls, seen, outcomes = final_records(records), Counter[str](), Counter[str]()
    newly_denied = 0
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for one in calls:
        outcomes[outcome(one, after_set, shown, seen)] += 1
        after, before = decide(one, after_set, shown), decide(one, before_set, shown)
        newly_denied += after.outcome in DENIED and before.outcome not in DENIED
        for was, now in zip(before.decisions, after.decisions, strict=True):
            if was.outcome != now.outcome:
                key = (after.principal, now.request.action, now.request.resource, was.outcome, now.outcome)
                found.setdefault(key, []).append((one["eventTime"], one["eventID"]))
    changes = [(*key, len(events), min(events)[0], max(events)[0], min(events)[1]) for key, events in found.items()]
    return {
        "bedrock": len(calls),
        "outcomes": {name: outcomes[name] for name in ("allowed", "indeterminate", *DENIED)},
        "evidence": {name: seen[name] for name in ("guarded", "unguarded", "none")},
        "newly_denied": newly_denied,
        "changes": sorted(changes),
    }


def answers_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a report, as JSON data, that `answers` computes."""
    names = ("principal", "action", "resource", "before", "after", "count", "first", "last", "example")
    changes = sorted(tuple(change[name] for name in names) for change in report["changes"])
    return {**{name: report[name] for name in ("bedrock", "outcomes", "evidence", "newly_denied")}, "changes": changes}


def _hide(request: Request) -> Request:
    return Request(
        request.principal,
        request.action,
        request.resource,
        {key: value for key, value in request.context.items() if key != KEY},
        unknown={*request.unknown, KEY},
        resource_account=request.resource_account,
        partly_known=request.partly_known,
        rcp_applies=True,
    )
