"""The answers of a replay, computed event by event with the public engine: no tuples, no spool, no counting."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from guardedbedrock.bedrock import Caller, authorizations, find_operation
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS
from guardedbedrock.iam import PolicySet, Request
from guardedbedrock.testing.trails import ACCOUNT, GUARDRAIL

KEY: Final = "bedrock:GuardrailIdentifier"
INFERENCE: Final = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
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


def outcome(record_: Mapping[str, Any], policies: PolicySet, shown: Mapping[str, str], seen: Counter[str]) -> str:
    """Decide one record by itself."""
    identity = record_["userIdentity"]
    principal = identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn") or identity.get("arn")
    operation = record_["eventName"]
    evidence = shown.get(record_["requestID"])
    if operation in INFERENCE:
        seen["none" if evidence is None else "guarded" if evidence else "unguarded"] += 1
    if not principal:
        return "indeterminate"
    service = "bedrock-runtime" if operation in INFERENCE else "bedrock"
    params = dict(record_["requestParameters"] or {})
    row = find_operation(service, operation)
    if evidence and row.location:
        params = row.location.put(params, evidence, "3")
    caller = Caller(principal, record_["awsRegion"], account=identity["accountId"], unknown=UNKNOWN_KEYS)
    required = authorizations(row, params, caller)
    hides = evidence is None and operation in INFERENCE
    requests = [_hide(one) if hides and one.action.startswith("bedrock:InvokeModel") else one for one in required.requests]
    return required.outcome(tuple(policies.evaluate(one) for one in requests), ("rcp",))


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
