"""StartAsyncInvoke, GetAsyncInvoke, ListAsyncInvokes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.wire import ServiceError
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.wire import ApiParams


class AsyncInvocations:
    """
    The asynchronous invocations of one account and region. An invocation is in progress until `get` has returned it once.

    Args:
        region: Region of the invocations.
        account: Account of the invocations.
    """

    def __init__(self, region: str, account: str) -> None:
        self._prefix = f"arn:aws:bedrock:{region}:{account}:async-invoke/"
        self._models = f"arn:aws:bedrock:{region}::foundation-model/"
        self._jobs: dict[str, ApiParams] = {}
        self._lock = ForkSafeLock()

    def start(self, params: ApiParams) -> ApiParams:
        """Start an invocation. The same ``clientRequestToken`` returns the same invocation."""
        token = params.get("clientRequestToken")
        with self._lock:
            seed = token or f"job {len(self._jobs)}"
            arn = self._prefix + hashlib.sha256(seed.encode()).hexdigest()[:12]
            if arn not in self._jobs:
                self._jobs[arn] = self._new(arn, params)
        return {"invocationArn": arn}

    def _new(self, arn: str, params: ApiParams) -> ApiParams:
        model, now = params["modelId"], datetime.now(UTC)
        token = {"clientRequestToken": params["clientRequestToken"]} if "clientRequestToken" in params else {}
        return {
            "invocationArn": arn,
            "modelArn": model if model.startswith("arn:") else self._models + model,
            "status": "InProgress",
            "submitTime": now,
            "lastModifiedTime": now,
            "outputDataConfig": params["outputDataConfig"],
            **token,
        }

    def get(self, params: ApiParams) -> ApiParams:
        """
        Return an invocation. The next call returns it as completed.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown invocation; the service model has no other error for it.
        """
        arn = params["invocationArn"]
        with self._lock:
            if arn not in self._jobs:
                raise ServiceError.invalid(f"invocationArn: unknown asynchronous invocation {arn}")
            shown = self._jobs[arn]
            self._jobs[arn] = shown | _done(shown)
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return invocations by status and time, newest first by default, in pages of ``maxResults``."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if _wanted(job, params)]
        if params.get("sortOrder", "Descending") == "Descending":
            jobs.reverse()
        return page("asyncInvokeSummaries", jobs, params)

    def clear(self) -> None:
        """Remove all invocations."""
        with self._lock:
            self._jobs.clear()


def _done(job: ApiParams) -> dict[str, Any]:
    if job["status"] != "InProgress":
        return {}
    now = max(datetime.now(UTC), job["submitTime"] + timedelta(milliseconds=1))
    return {"status": "Completed", "lastModifiedTime": now, "endTime": now}


def _wanted(job: ApiParams, params: ApiParams) -> bool:
    tests: dict[str, Callable[[Any], bool]] = {
        "statusEquals": lambda status: job["status"] == status,
        "submitTimeAfter": lambda time: job["submitTime"] > time,
        "submitTimeBefore": lambda time: job["submitTime"] < time,
    }
    return all(test(params[name]) for name, test in tests.items() if name in params)
