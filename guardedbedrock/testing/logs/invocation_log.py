"""
The model invocation log of Bedrock, written to a folder instead of S3 and CloudWatch Logs.

Source: Amazon Bedrock User Guide, "Monitor model invocation using CloudWatch Logs and Amazon S3".
"""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.wire import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from guardedbedrock.testing.received_requests import ReceivedRequest
    from guardedbedrock.testing.wire import ApiParams

DEFAULT_CONFIGURATION: Final[Mapping[str, Any]] = {
    "s3Config": {"bucketName": "invocation-logs"},
    "textDataDeliveryEnabled": True,
    "imageDataDeliveryEnabled": True,
    "embeddingDataDeliveryEnabled": True,
}
"""The logging configuration of a fake that has a folder for the log, until a client changes it."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\\:]")
_LARGE: Final = 100 * 1024
"""Bytes of a body above which AWS stores it in a file and logs only the path."""

_PERMISSION_CHECK: Final = "Permissions are correctly set for Amazon Bedrock logs."
_STREAM: Final = "aws/bedrock/modelinvocations"
_DELIVERY: Final = {"IMAGE": "imageDataDeliveryEnabled", "EMBEDDING": "embeddingDataDeliveryEnabled"}


class InvocationLog:
    """
    Writes one record for each answered model call.

    Below the folder there is a folder for each bucket, with gzipped JSON lines under ``AWSLogs``, and a folder for each log
    group, with the log stream ``aws/bedrock/modelinvocations`` as a file of JSON lines. Calls that fail are not logged, because
    AWS does not document whether it logs them.

    Args:
        folder: It is created with the first record.
        region: Region of the fake.
        account: Account of the fake.
    """

    def __init__(self, folder: Path, region: str, account: str) -> None:
        self._folder, self._region, self._account = folder, region, account
        self._lock = ForkSafeLock()

    def write(self, configuration: ApiParams, principal: str, request: ReceivedRequest, entry: ApiParams) -> None:
        """
        Write the record of a call to the destinations of the logging configuration.

        Args:
            configuration: ``LoggingConfig`` of the service model.
            principal: ARN of the caller.
            request: The call.
            entry: ``output`` (JSON), ``usage`` (members of ``TokenUsage``) and ``modality`` of the output.
        """
        record = self._record(principal, request, entry)
        bodies: dict[str, Any] = {"input": _input(request.http_request.body), "output": entry["output"]}
        if not configuration.get(_DELIVERY.get(entry["modality"], "textDataDeliveryEnabled"), True):
            bodies = {}
        at = datetime.fromtimestamp(request.at, UTC)
        if "s3Config" in configuration:
            self._write_to_bucket(configuration["s3Config"], record, bodies, at)
        if "cloudWatchConfig" in configuration:
            self._write_to_stream(configuration["cloudWatchConfig"], record, bodies, at)

    def _record(self, principal: str, request: ReceivedRequest, entry: ApiParams) -> ApiParams:
        usage = entry["usage"]
        metadata = request.params.get("requestMetadata")
        return {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": datetime.fromtimestamp(request.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "accountId": self._account,
            "region": self._region,
            "requestId": request.request_id,
            "operation": request.operation,
            "modelId": request.params["modelId"],
            "inferenceRegion": self._region,
            "identity": {"arn": principal},
            **({"requestMetadata": metadata} if metadata else {}),
            "input": {
                "inputContentType": "application/json",
                "inputTokenCount": usage.get("inputTokens", 0),
                "cacheReadInputTokenCount": usage.get("cacheReadInputTokens", 0),
                "cacheWriteInputTokenCount": usage.get("cacheWriteInputTokens", 0),
            },
            "output": {"outputContentType": "application/json", "outputTokenCount": usage.get("outputTokens", 0)},
        }

    def _write_to_bucket(self, config: ApiParams, record: ApiParams, bodies: ApiParams, at: datetime) -> None:
        self._write_file(config, f"{_stamp(at)}_{record['requestId'][:16]}.json.gz", self._with(record, bodies, config, at), at)

    def _write_to_stream(self, config: ApiParams, record: ApiParams, bodies: ApiParams, at: datetime) -> None:
        line = json.dumps(self._with(record, bodies, config.get("largeDataDeliveryS3Config"), at))
        path = self._path(f"{config['logGroupName']}/{_STREAM}")
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            first = "" if path.exists() else f"{_PERMISSION_CHECK}\n"
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"{first}{line}\n")

    def _with(self, record: ApiParams, bodies: ApiParams, large: ApiParams | None, at: datetime) -> ApiParams:
        """Return a record with its bodies. A large body is written to a file, or left out if there is no bucket for it."""
        complete = {**record, "input": {**record["input"]}, "output": {**record["output"]}}
        for side, body in bodies.items():
            if len(json.dumps(body)) <= _LARGE:
                complete[side][f"{side}BodyJson"] = body
            elif large is not None:
                path = self._write_file(large, f"data/{record['requestId']}_{side}.json.gz", body, at)
                complete[side][f"{side}BodyS3Path"] = path
        return complete

    def _path(self, key: str) -> Path:
        """Return a path below the folder. A client chooses the names, which must not lead to other folders."""
        parts = [_CONTROL.sub("_", part) for part in key.split("/") if part]
        return self._folder.joinpath(*("_" if part in {".", ".."} else part for part in parts))

    def _write_file(self, config: ApiParams, name: str, content: Any, at: datetime) -> str:
        """Write JSON to a bucket, and return its S3 URI."""
        prefix = [config["keyPrefix"].strip("/")] if config.get("keyPrefix") else []
        service = ["AWSLogs", self._account, "BedrockModelInvocationLogs", self._region, f"{at:%Y/%m/%d/%H}"]
        key = "/".join([config["bucketName"], *prefix, *service, name])
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(f"{json.dumps(content)}\n".encode()))
        return f"s3://{key}"


def _input(body: bytes) -> Any:
    """Return a body as JSON. Some formats accept a body that is not JSON; it is logged as a string."""
    try:
        return read_json(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z"
