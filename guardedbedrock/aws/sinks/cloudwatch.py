"""
Audit records in CloudWatch Logs, for metric filters and alarms.

Calls do not wait for AWS: records are queued, and a thread sends them in batches. The queue is bounded. Records that do not
fit or cannot be delivered are counted.
Source: CloudWatch Logs API Reference, "PutLogEvents".
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from opentelemetry import context

from guardedbedrock.core.lost_records import LostRecords
from guardedbedrock.forks import renew_in_children

_MAX_EVENTS: Final = 10_000
_MAX_BYTES: Final = 1_048_576
_OVERHEAD: Final = 26  # bytes that the service adds to each event
_TRIES: Final = 5
_LONGEST_PAUSE: Final = 10.0  # s
_MISSING: Final = "ResourceNotFoundException"


class CloudWatchLogs:
    """
    Sends records to a log group; a sink of `Audit`.

    Needs ``logs:PutLogEvents`` and ``logs:CreateLogStream``, and ``logs:CreateLogGroup`` if the group is missing.

    Args:
        log_group: Name of the group.
        log_stream: Name of the stream; default: host name and process ID.
        client: A client of ``logs``; default: one of boto3's default session.
        region_name: Region of that client.
        capacity: Maximum number of queued records; further records are lost and counted.
        interval: Seconds after which a batch is sent although it is not full.

    """

    def __init__(  # noqa: PLR0913  # each is a setting, and all but the first are keywords
        self,
        log_group: str,
        *,
        log_stream: str = "",
        client: Any = None,
        region_name: str | None = None,
        capacity: int = 10_000,
        interval: float = 2.0,
    ) -> None:
        self._group, self._stream = log_group, log_stream
        self._client = self._given_client = client
        self._region = region_name
        self._capacity, self._interval = capacity, interval
        self._waiting: deque[dict[str, Any]] = deque()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._closing = self._sending = False
        self._lost = LostRecords("audit sink CloudWatchLogs")
        renew_in_children(self)

    @property
    def lost(self) -> int:
        """Number of records that this process lost."""
        return self._lost.count

    def renew(self) -> None:
        """Start over in a forked child: the queued records, the thread and the connections belong to the parent."""
        self._changed = Condition()
        self._waiting = deque()
        self._thread, self._sending = None, False
        self._client = self._given_client

    def write(self, record: Mapping[str, Any]) -> None:
        """Queue a record. If the queue is full, the new record is lost."""
        event = {"timestamp": int(time.time() * 1000), "message": json.dumps(record, separators=(",", ":"))}
        with self._changed:
            if len(self._waiting) >= self._capacity or self._closing:
                self._lost.add("it is closed" if self._closing else f"{self._capacity} records are waiting already")
                return
            self._waiting.append(event)
            if self._thread is None:
                self._start()
            self._changed.notify()

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait at most `timeout` seconds until the queue is empty; return whether it is."""
        with self._changed:
            self._changed.notify()
            return self._changed.wait_for(lambda: not self._waiting and not self._sending, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Send the queued records for at most `timeout` seconds and end the thread. Later records are lost."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="guardedbedrock-audit", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        # These requests are not the application's, so they are not instrumented.
        context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, value=True))  # noqa: SLF001  # no public name
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                if not self._closing:
                    self._changed.wait_for(lambda: self._closing or len(self._waiting) >= _MAX_EVENTS, self._interval)
                batch = self._next_batch()
                self._sending = True
            problem = self._deliver(batch)
            if problem:
                self._lost.add(problem, len(batch))
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _next_batch(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        size = 0
        while self._waiting and len(batch) < _MAX_EVENTS:
            size += len(self._waiting[0]["message"].encode()) + _OVERHEAD
            if batch and size > _MAX_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _deliver(self, batch: list[dict[str, Any]]) -> str:
        """Send a batch; return ``""``, or the problem if no attempt succeeded."""
        problem = ""
        for attempt in range(_TRIES):
            try:
                self._put(batch)
            except (BotoCoreError, ClientError) as error:
                problem = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, min(2.0**attempt / 4, _LONGEST_PAUSE))
            else:
                return ""
        return problem

    def _put(self, batch: list[dict[str, Any]]) -> None:
        if self._client is None:
            self._client = boto3.client("logs", region_name=self._region)
        named = self._destination()
        try:
            self._client.put_log_events(**named, logEvents=batch)
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:
                raise
            self._create()
            self._client.put_log_events(**named, logEvents=batch)

    def _destination(self) -> dict[str, str]:
        return {"logGroupName": self._group, "logStreamName": self._stream or f"{socket.gethostname()}-{os.getpid()}"}

    def _create(self) -> None:
        """Create the stream, and the group if it is missing too; another process may be faster."""
        named = self._destination()
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            try:
                self._client.create_log_stream(**named)
            except self._client.exceptions.ResourceNotFoundException:
                with suppress(self._client.exceptions.ResourceAlreadyExistsException):
                    self._client.create_log_group(logGroupName=self._group)
                self._client.create_log_stream(**named)
