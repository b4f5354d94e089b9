"""
Generated CloudTrail records and model invocation logs, for tests and benches of a replay.

    trail = TrailGenerator(seed=1)
    trail.write(folder, events=10_000)            # trail files in AWS's layout
    trail.write_invocation_logs(folder / "logs")  # entries for the model calls that were written

The same seed writes the same records. Shapes follow AWS CloudTrail User Guide, "CloudTrail record contents", and Amazon Bedrock
User Guide, "Monitor Amazon Bedrock API calls using CloudTrail".
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

ACCOUNT: Final = "123456789012"
MODELS: Final = (
    "anthropic.claude-3-haiku-20240307-v1:0",
    "amazon.nova-lite-v1:0",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6",
)
RUNTIME: Final = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
GUARDRAIL: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
_CONTROL: Final = ("ListGuardrails", "GetGuardrail", "UpdateGuardrail", "DeleteGuardrail")
_KINDS: Final = (
    "AssumedRole",
    "AssumedRole",
    "AssumedRole",
    "IAMUser",
    "FederatedUser",
    "Root",
    "AWSService",
    "IdentityCenterUser",
)


@dataclass
class TrailGenerator:
    """
    Generates records.

    Args:
        seed: The same seed generates the same records.
        roles: Number of roles that call.
        models: The models that are called.
        regions: The regions that are called.
        denied: Share of calls that AWS denied.
        copies: Share of records that are delivered twice.
        updates: Share of records that an UPDATED_DATA addendum replaces; every second one names the original request too.
        others: Share of records of other services.
        mantle: Share of records of ``bedrock-mantle``.
        service_events: Share of records that are events of the service, not calls.
        future_fields: Share of records with fields that no version of CloudTrail has yet.
        control: Share of calls that manage guardrails.
        guarded: Share of model calls whose invocation log shows a guardrail.
        traced: Share of the other model calls whose trace was enabled, so that the log shows that no guardrail ran.
        start: Time of the first record.
        step: Time between two records.
    """

    seed: int = 0
    roles: int = 20
    models: Sequence[str] = MODELS
    regions: Sequence[str] = ("us-east-1", "eu-central-1")
    denied: float = 0.03
    copies: float = 0.01
    updates: float = 0.002
    others: float = 0.05
    mantle: float = 0.005
    service_events: float = 0.005
    future_fields: float = 0.02
    control: float = 0.05
    guarded: float = 0.5
    traced: float = 0.5
    start: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    step: timedelta = timedelta(seconds=1)
    _random: Random = field(init=False, repr=False)
    _calls: list[tuple[dict[str, Any], Random]] = field(init=False, repr=False, default_factory=list)
    keep_calls: bool = True

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311  # not for secrets

    def records(self, events: int) -> Iterator[dict[str, Any]]:
        """Yield `events` records, and additional copies and addenda."""
        for number in range(events):
            record = self._record(self.start + number * self.step)
            yield record
            if self._random.random() < self.copies:
                yield record
            if self._random.random() < self.updates:
                yield self._update(record)

    def write(self, folder: Path, events: int, *, per_file: int = 5000, compress: bool = True) -> list[Path]:
        """
        Write trail files in the layout of AWS.

        Args:
            folder: Where ``AWSLogs`` is created.
            events: Number of records, without copies and addenda.
            per_file: Records in each file.
            compress: Whether files are gzipped.

        Returns:
            The files.
        """
        files: list[Path] = []
        waiting: list[dict[str, Any]] = []
        for record in self.records(events):
            waiting.append(record)
            if len(waiting) == per_file:
                files.append(self._write_file(folder, waiting, len(files), compress=compress))
                waiting = []
        if waiting:
            files.append(self._write_file(folder, waiting, len(files), compress=compress))
        return files

    def write_invocation_logs(self, folder: Path, *, per_file: int = 5000) -> list[Path]:
        """Write invocation log files for the model calls that were generated so far."""
        folder.mkdir(parents=True, exist_ok=True)
        entries, files = [self._entry(record, random) for record, random in self._calls], []
        for first in range(0, len(entries), per_file):
            file = folder / f"{first // per_file:06}.json.gz"
            lines = "".join(json.dumps(entry) + "\n" for entry in entries[first : first + per_file])
            file.write_bytes(gzip.compress(lines.encode(), mtime=0))
            files.append(file)
        return files

    def _record(self, time: datetime) -> dict[str, Any]:
        random = self._random
        if random.random() < self.others:
            return self._common(time, "s3.amazonaws.com", "GetObject", self.regions[0], {"bucketName": "b", "key": "k"})
        region = random.choice(self.regions)
        if random.random() < self.mantle:
            params = {"model": "openai.gpt-oss-120b", "stream": False}
            record = self._common(time, "bedrock-mantle.amazonaws.com", "CreateInference", region, params)
            return {**record, "managementEvent": False, "eventCategory": "Data"}
        if random.random() < self.control:
            name = random.choice(_CONTROL)
            params = {} if name == "ListGuardrails" else {"guardrailIdentifier": "abc123def456"}
            record = self._common(time, "bedrock.amazonaws.com", name, region, params)
            record["tlsDetails"]["clientProvidedHostHeader"] = f"bedrock.{region}.amazonaws.com"
            if random.random() < self.service_events:
                record["eventType"] = "AwsServiceEvent"
            return record
        record = self._common(
            time, "bedrock.amazonaws.com", random.choice(RUNTIME), region, {"modelId": random.choice(self.models)}
        )
        record["tlsDetails"]["clientProvidedHostHeader"] = f"bedrock-runtime.{region}.amazonaws.com"
        if random.random() < self.denied:
            record["errorCode"] = "AccessDenied"
            record["errorMessage"] = (
                f"User: {record['userIdentity'].get('arn')} is not authorized to perform: bedrock:InvokeModel on resource: "
                f"arn:aws:bedrock:{region}::foundation-model/m with an explicit deny in a service control policy"
            )
        elif random.random() < 0.01:  # noqa: PLR2004
            record["errorCode"] = "ThrottlingException"
        if random.random() < self.future_fields:
            record["futureDetails"] = {"level": 1, "names": ["a", None]}
            record["userIdentity"]["futureField"] = "value"
        if record["requestParameters"]["modelId"].startswith("us."):
            record["additionalEventData"] = {"inferenceRegion": "us-west-2"}
        if self.keep_calls:
            self._calls.append((record, Random(random.getrandbits(32))))  # noqa: S311
        return record

    def _common(self, time: datetime, source: str, name: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        random, identity = self._random, self._identity(time)
        caller = identity.get("invokedBy")
        return {
            "eventVersion": random.choice(("1.08", "1.10", "1.11")),
            "userIdentity": identity,
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": source,
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": caller or f"198.51.100.{random.randrange(256)}",
            "userAgent": caller or "Boto3/1.43.0 md/Botocore#1.43.0",
            "requestParameters": dict(params) or None,
            "responseElements": None,
            "requestID": self._uuid(),
            "eventID": self._uuid(),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
        }

    def _identity(self, time: datetime) -> dict[str, Any]:
        random = self._random
        kind = random.choice(_KINDS)
        number = random.randrange(self.roles)
        if kind == "AssumedRole":
            name, role_id = f"App{number}", f"AROAEXAMPLE{number:06}"
            return {
                "type": kind,
                "principalId": f"{role_id}:session{random.randrange(50)}",
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session",
                "accountId": ACCOUNT,
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": role_id,
                        "arn": f"arn:aws:iam::{ACCOUNT}:role/apps/{name}",
                        "accountId": ACCOUNT,
                        "userName": name,
                    },
                    "attributes": {"creationDate": time.strftime("%Y-%m-%dT%H:00:00Z"), "mfaAuthenticated": "false"},
                },
            }
        if kind == "IAMUser":
            name = f"user{number}"
            arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
            return {"type": kind, "principalId": f"AIDA{number:06}", "arn": arn, "accountId": ACCOUNT, "userName": name}
        if kind == "FederatedUser":
            arn = f"arn:aws:sts::{ACCOUNT}:federated-user/fed{number}"
            return {"type": kind, "principalId": f"{ACCOUNT}:fed{number}", "arn": arn, "accountId": ACCOUNT}
        if kind == "Root":
            return {"type": kind, "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
        if kind == "AWSService":
            return {"type": kind, "invokedBy": "bedrock.amazonaws.com"}
        store = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-1234567890"
        return {"type": kind, "accountId": ACCOUNT, "onBehalfOf": {"userId": "u", "identityStoreArn": store}, "credentialId": "c"}

    def _update(self, record: Mapping[str, Any]) -> dict[str, Any]:
        addendum = {
            "reason": "UPDATED_DATA",
            "updatedFields": "errorCode",
            "originalEventID": record["eventID"],
        }
        update = {**record, "eventID": self._uuid(), "addendum": addendum, "errorCode": "ThrottlingException"}
        if self._random.random() < 0.5:  # noqa: PLR2004
            addendum["originalRequestID"] = record["requestID"]
            update["requestID"] = self._uuid()
        return update

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _write_file(self, folder: Path, records: Sequence[Mapping[str, Any]], number: int, *, compress: bool) -> Path:
        first = datetime.fromisoformat(records[0]["eventTime"])
        day_folder = folder / "AWSLogs" / ACCOUNT / "CloudTrail" / self.regions[0] / first.strftime("%Y/%m/%d")
        day_folder.mkdir(parents=True, exist_ok=True)
        name = f"{ACCOUNT}_CloudTrail_{self.regions[0]}_{first.strftime('%Y%m%dT%H%MZ')}_{number:016}.json"
        data = json.dumps({"Records": records}, separators=(",", ":")).encode()
        file = day_folder / (f"{name}.gz" if compress else name)
        file.write_bytes(gzip.compress(data, compresslevel=1, mtime=0) if compress else data)
        return file

    def _entry(self, record: Mapping[str, Any], random: Random) -> dict[str, Any]:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "the prompt of a test"}]}]}
        output: dict[str, Any] = {"stopReason": "end_turn", "usage": {}}
        if random.random() < self.guarded:
            body["guardrailConfig"] = {"guardrailIdentifier": GUARDRAIL, "guardrailVersion": "3", "trace": "enabled"}
            details = {"appliedGuardrailDetails": {"guardrailArn": GUARDRAIL, "guardrailVersion": "3"}}
            output["trace"] = {"guardrail": {"inputAssessment": {"abc123def456": details}}}
        elif random.random() < self.traced:
            body["guardrailConfig"] = {"trace": "enabled"}
        return {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": record["eventTime"],
            "accountId": ACCOUNT,
            "region": record["awsRegion"],
            "requestId": record["requestID"],
            "operation": record["eventName"],
            "modelId": record["requestParameters"]["modelId"],
            "input": {"inputContentType": "application/json", "inputBodyJson": body, "inputTokenCount": 9},
            "output": {"outputContentType": "application/json", "outputBodyJson": output, "outputTokenCount": 9},
        }
