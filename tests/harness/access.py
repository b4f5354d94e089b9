"""Snapshots of accounts for the access report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.iam.account.snapshot import write_snapshot

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
CALLS: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
MODEL: Final = "amazon.nova-lite-v1:0"
ANY_MODEL: Final = "arn:aws:bedrock:*::foundation-model/*"
KEY: Final = "bedrock:GuardrailIdentifier"
ALLOW: Final = {"Sid": "Call", "Effect": "Allow", "Action": CALLS, "Resource": "*"}
APPLY: Final = {"Sid": "Apply", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}


def guardrail_arn(name: str = "hr0000000001", region: str = REGION) -> str:
    """Return the ARN of a guardrail of the account."""
    return f"arn:aws:bedrock:{region}:{ACCOUNT}:guardrail/{name}"


APPROVED: Final = f"{guardrail_arn()}:3"
REQUIRE: Final = {
    "Sid": "Require",
    "Effect": "Deny",
    "Action": CALLS,
    "Resource": "*",
    "Condition": {"StringNotEquals": {KEY: APPROVED}},
}


def role(name: str, kind: str = "role") -> str:
    """Return the ARN of a principal."""
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def principal(name: str, *statements: dict[str, Any], kind: str = "role", **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return the ARN of a principal with one inline policy, and its entry in a snapshot."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    entry = {"kind": kind, "name": name, "id": f"AID{name}", "inline": {"policy": document}, "managed": [], "groups": []}
    return role(name, kind), {**entry, **fields}


def snapshot(*principals: tuple[str, dict[str, Any]], **sections: Any) -> dict[str, Any]:
    """Return a snapshot with one guardrail, in two published versions."""
    versions = [{"version": one, "status": "READY"} for one in ("DRAFT", "3")]
    hr = {"arn": guardrail_arn(), "id": "hr0000000001", "name": "hr", "region": REGION, "version": "DRAFT", "versions": versions}
    return {
        "schema": "guardedbedrock.snapshot",
        "version": 1,
        "account": ACCOUNT,
        "time": "2026-11-28T00:00:00Z",
        "regions": [REGION],
        "principals": dict(principals),
        "guardrails": [{**hr, "status": "READY", "tags": {}}],
        **sections,
    }


def write(folder: Path, *principals: tuple[str, dict[str, Any]], **sections: Any) -> Path:
    """Write a snapshot and its digest."""
    file = folder / "account.json"
    write_snapshot(snapshot(*principals, **sections), file)
    return file


def large(principals: int = 500, guardrails: int = 20, models: int = 60, policies: int = 40) -> dict[str, Any]:
    """Return the snapshot of a large account; its principals have so many different policies."""
    ids = [f"guardrail{number:03}" for number in range(guardrails)]
    named = [f"acme.model-{number}-v1:0" for number in range(models)]
    entries = []
    for number in range(principals):
        own = number % policies
        arn = guardrail_arn(ids[own % guardrails])
        allowed = [f"arn:aws:bedrock:*::foundation-model/{named[(own + step) % models]}" for step in (0, 20, 40)]
        statements: list[dict[str, Any]] = [
            {"Sid": f"Call{own}", "Effect": "Allow", "Action": CALLS, "Resource": allowed},
            {"Sid": "Apply", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": arn},
        ]
        if own % 3:
            statements.append({**REQUIRE, "Condition": {"StringNotEquals": {KEY: f"{arn}:1"}}})
        if own % 5 == 0:
            office = {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
            statements.append({"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": office})
        entries.append(principal(f"team-{own}-{number}", *statements))
    listed = [
        {"arn": guardrail_arn(one), "id": one, "name": one, "region": REGION, "status": "READY", "version": "1", "tags": {}}
        for one in ids
    ]
    return snapshot(*entries, guardrails=listed)
