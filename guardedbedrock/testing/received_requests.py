"""The requests that the fake received: records, their log, and assertions about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, overload

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.operation_names import check_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock import iam
    from guardedbedrock.testing.assessment.assessment_log import LoggedAssessment
    from guardedbedrock.testing.faults import Fault
    from guardedbedrock.testing.resources.guardrail import FakeGuardrail
    from guardedbedrock.testing.wire import ApiParams, HttpRequest


_SHOWN: Final = 20  # requests that a failed assertion lists


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """
    One request and its response.

    Args:
        operation: For example ``Converse``; None if the path belongs to no operation.
        params: The parameters of the boto3 call; a blob is `bytes`.
        guardrail: Identifier and version in the request; None if it names no guardrail, and for the control plane.
        status: HTTP status of the response.
        error: Error code of the response, or None.
        decisions: The IAM decision for each authorization; empty if the fake has no policies.
        request_id: The header ``x-amzn-RequestId`` of the response.
        http_request: The HTTP request.
        faults: The faults that were injected.
        assessments: The assessments of the texts by guardrails.
        at: Time of the response, in seconds since the epoch.
    """

    operation: str | None
    params: ApiParams
    guardrail: tuple[str, str] | None
    status: int
    error: str | None
    decisions: tuple[iam.Decision, ...]
    request_id: str
    http_request: HttpRequest
    faults: tuple[Fault, ...] = ()
    assessments: tuple[LoggedAssessment, ...] = ()
    at: float = 0.0

    def __repr__(self) -> str:
        # A failed assertion prints it: parameters and headers contain prompts and credentials.
        return f"<ReceivedRequest {self.summary()}>"

    def summary(self, name: str = "") -> str:
        """
        Return operation, model, guardrail and status as one line, without prompts and credentials.

        Args:
            name: Display name of the guardrail.
        """
        operation = self.operation or f"{self.http_request.method} {self.http_request.path}"
        model = f" {self.params['modelId']}" if "modelId" in self.params else ""
        guarded = "no guardrail"
        if self.guardrail is not None:
            guarded = f"guardrail {self.guardrail[0]}{f' ({name})' if name else ''} version {self.guardrail[1]}"
        return f"{operation}{model}, {guarded}, status {self.status}{f' {self.error}' if self.error else ''}"

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers: name in lower case to value."""
        return self.http_request.headers

    @property
    def size(self) -> int:
        """Size of the HTTP request, in bytes."""
        headers = sum(len(name) + len(value) for name, value in self.http_request.headers.items())
        return len(self.http_request.body) + len(self.http_request.target) + headers


class RequestLog:
    """
    Stores the requests in the order of their responses. Safe to use from several threads.

    Args:
        keep: Number of the latest requests to store; None stores all.
        keep_bytes: Size of the latest requests to store, in bytes; None stores all.
    """

    def __init__(self, keep: int | None = None, keep_bytes: int | None = None) -> None:
        self._requests: deque[ReceivedRequest] = deque()
        self._keep, self._keep_bytes, self._bytes = keep, keep_bytes, 0
        self._lock = ForkSafeLock()

    def add(self, request: ReceivedRequest) -> None:
        """Store a request."""
        with self._lock:
            self._requests.append(request)
            self._bytes += request.size
            while self._requests and self._exceeds():
                self._bytes -= self._requests.popleft().size

    def _exceeds(self) -> bool:
        too_many = self._keep is not None and len(self._requests) > self._keep
        return too_many or (self._keep_bytes is not None and self._bytes > self._keep_bytes)

    def read(self, operation: str | None = None) -> list[ReceivedRequest]:
        """Return a copy of the requests so far: all, or those to one operation."""
        with self._lock:
            return [request for request in self._requests if operation in {None, request.operation}]

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._requests.clear()
            self._bytes = 0


class Calls(Sequence["ReceivedRequest"]):
    """
    The requests so far, in the order of their responses.

        fake.calls.assert_guarded_by("hr")
        fake.calls("Converse").assert_sent(2)     # the requests to one operation

    A failed assertion lists all requests: operation, model, guardrail and status, but no prompts and completions.

    Args:
        read: Returns the current requests: all, or those to one operation.
        known: The guardrails that exist. Assertions accept their names.
        only: The operation whose requests these are; None for all.
    """

    __slots__ = ("_known", "_only", "_read")

    def __init__(
        self,
        read: Callable[[str | None], list[ReceivedRequest]],
        known: Sequence[FakeGuardrail],
        only: str | None = None,
    ) -> None:
        self._read, self._known, self._only = read, known, only

    def __call__(self, operation: str | None = None) -> Calls:
        """
        Return the current requests to one operation, such as ``Converse``, or all. Later requests are not added.

        Raises:
            ConfigurationError: The operation is unknown.
        """
        check_operation(operation)
        only = operation or self._only
        found = self._read(None) if self._only in {None, only} else []
        return Calls(lambda name: [one for one in found if name in {None, one.operation}], self._known, only)

    def _select(self, operation: str | None = None) -> list[ReceivedRequest]:
        check_operation(operation)
        return [one for one in self._read(operation) if self._only in {None, one.operation}]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, list | tuple | Calls) else NotImplemented

    def __add__(self, other: Iterable[ReceivedRequest]) -> list[ReceivedRequest]:
        return [*self, *other]

    __hash__ = None  # type: ignore[assignment]  # the requests change

    def __len__(self) -> int:
        return len(self._select())

    def __iter__(self) -> Iterator[ReceivedRequest]:
        return iter(self._select())

    @overload
    def __getitem__(self, index: int) -> ReceivedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[ReceivedRequest]: ...
    def __getitem__(self, index: int | slice) -> ReceivedRequest | list[ReceivedRequest]:
        return self._select()[index]

    def __repr__(self) -> str:
        return "\n".join(self._listed(self._select())) or "no requests"

    def assert_nothing_sent(self, operation: str | None = None) -> None:
        """
        Assert that the fake received no request, or none to one operation.

        Raises:
            AssertionError: The fake received at least one.
            ConfigurationError: The operation is unknown.
        """
        __tracebackhide__ = True
        self.assert_sent(0, operation)

    def assert_sent(self, times: int = 1, operation: str | None = None) -> None:
        """
        Assert the number of requests, including retries.

        Raises:
            AssertionError: The number is different, for example "expected 2 requests, got 3".
            ConfigurationError: The operation is unknown, or `times` is not a whole number.
        """
        __tracebackhide__ = True
        if not isinstance(times, int) or isinstance(times, bool):
            raise ConfigurationError(f"times: must be a whole number such as 2, got `{type(times).__name__}`")
        found, only = self._select(operation), operation or self._only
        if len(found) != times:
            wanted = f"{times or 'no'} request{'s' * (times != 1)}{f' to {only}' if only else ''}"
            raise AssertionError(self._described(f"expected {wanted}, got {len(found)}", self._read(None)))

    def assert_guarded_by(self, guardrail: str, *, version: str | None = None, operation: str | None = None) -> None:
        """
        Assert that the fake received at least one model call, and that each names this guardrail.

        Args:
            guardrail: Name, ID or ARN.
            version: The required version; any by default.
            operation: Check only the calls to this operation.

        Raises:
            AssertionError: There is no model call, or one names another guardrail or none.
            ConfigurationError: The operation is unknown.
        """
        __tracebackhide__ = True
        wanted = f"by `{guardrail}`{f' version {version}' if version else ''}"
        names = self._names(guardrail)
        self._check(f"guarded {wanted}", operation, lambda pair: pair[0] in names and version in (None, pair[1]))

    def assert_guarded(self, operation: str | None = None) -> None:
        """
        Assert that the fake received at least one model call, and that each names a guardrail.

        Raises:
            AssertionError: There is no model call, or one names no guardrail.
            ConfigurationError: The operation is unknown.
        """
        __tracebackhide__ = True
        self._check("guarded", operation, lambda _: True)

    def _check(self, what: str, operation: str | None, fits: Callable[[tuple[str, str]], bool]) -> None:
        __tracebackhide__ = True
        found = [one for one in self._select(operation) if one.operation and OPERATIONS[one.operation].needs_guardrail]
        only = operation or self._only
        which = f"call to {only}" if only else "model call"
        if not found:
            raise AssertionError(self._described(f"expected every {which} to be {what}, got no {which}", self._read(None)))
        others = [one for one in found if one.guardrail is None or not fits(one.guardrail)]
        if others:
            counted = f"{len(others)} of {len(found)} {'was' if len(others) == 1 else 'were'} not"
            raise AssertionError(self._described(f"expected every {which} to be {what}, but {counted}", found))

    def _names(self, guardrail: str) -> set[str]:
        """Return every identifier with which a request may name the guardrail."""
        fitting = [one for one in self._known if guardrail in (one.name, one.id, one.identifier)]
        return {guardrail} | {name for one in fitting for name in (one.id, one.identifier)}

    def _described(self, problem: str, requests: Sequence[ReceivedRequest]) -> str:
        return "\n".join([f"{problem}{'; requests:' if requests else ''}", *self._listed(requests)])

    def _listed(self, requests: Sequence[ReceivedRequest]) -> Iterator[str]:
        for number, one in enumerate(requests[:_SHOWN], start=1):
            yield f"  {number}. {one.summary(self._name(one))}"
        if len(requests) > _SHOWN:
            yield f"  ... and {len(requests) - _SHOWN} more"

    def _name(self, one: ReceivedRequest) -> str:
        """Return the display name of the guardrail of a request; empty if it has none."""
        identifier = one.guardrail[0] if one.guardrail else ""
        return next((known.name for known in self._known if identifier in (known.id, known.identifier)), "")
