"""
Reduce an event to what its verdict depends on.

A verdict depends on the principal, the operation, some parameters and the context keys that the policies read. Events that agree
in these share one `CallTuple`, which is evaluated once.
Source: AWS CloudTrail User Guide, "CloudTrail userIdentity element"; IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from math import ceil, floor
from typing import Any, Final, NamedTuple

from guardedbedrock.bedrock import SERVICES, Operation, find_operation
from guardedbedrock.governance.replay.reading.events import TrailEvent, canonical
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.values import instant

_BOUNDED: Final = ("date", "numeric", "null")
_FIRST: Final = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())
_LAST: Final = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())
"""A bound outside these is before or after every record."""
_VIA: Final = frozenset({"aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"})
LONGEST_KEY: Final = 4096
"""Parameters that are longer are not cached: a record holds up to 100 KB of them."""
TIME_KEYS: Final = frozenset({"aws:currenttime", "aws:epochtime"})
_PRINCIPAL_TYPES: Final = {"AssumedRole": "AssumedRole", "IAMUser": "User", "FederatedUser": "FederatedUser", "Root": "Account"}


class CallTuple(NamedTuple):  # as a tuple it hashes and compares quickly; a replay counts many of them
    """
    The facts on which the verdict on a call depends.

    Args:
        service: boto3 service of the operation.
        operation: Name of the operation.
        region: Region that was called.
        principal: ARN of the user, of the role behind a session, or of the session if its role is not recorded; ``""`` if the
            record names no principal.
        account: Account of the principal.
        caller: Kind of the principal, as CloudTrail names it.
        params: The parameters that authorizations depend on, as canonical JSON text.
        context: Context keys that the policies read and the record contains, as sorted pairs.
        outcome: ``allowed``, ``denied`` or ``error``, as recorded.
    """

    service: str
    operation: str
    region: str
    principal: str
    account: str
    caller: str
    params: str
    context: tuple[tuple[str, str], ...] = ()
    outcome: str = "allowed"

    def at(self, second: int) -> CallTuple:
        """Return the call with the time of one of its events, which the policies cannot tell from the representative time."""
        times = times_of(second)
        return self._replace(context=tuple((key, times.get(key, value)) for key, value in self.context))

    @property
    def model(self) -> str:
        """The model that the call names; ``""`` if it names none."""
        model = json.loads(self.params).get("modelId", "")
        return model if isinstance(model, str) else ""


def times_of(second: int) -> dict[str, str]:
    """Return the context keys of a time, in seconds since 1970."""
    return {
        "aws:EpochTime": str(second),
        "aws:CurrentTime": datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@dataclass(frozen=True, slots=True)
class Projection:
    """
    Reduces events for a fixed set of context keys.

    Args:
        reads: Context keys in lower case that any of the policies reads.
        bounds: Times in seconds since 1970 that the policies compare with, sorted. Times between two bounds are equivalent.
        is_time_exact: Whether a policy reads the time in another way than with date bounds, so that every second counts.
        roles: Role name to role ARN, for sessions whose record does not show the role; from a snapshot.
    """

    reads: frozenset[str] = frozenset()
    bounds: tuple[int, ...] = ()
    is_time_exact: bool = False
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def reads_record(self) -> bool:
        """Whether a policy reads a key whose value differs between calls of one principal, such as the time or an address."""
        return bool(self.recorded_keys)

    @property
    def recorded_keys(self) -> frozenset[str]:
        """The keys that policies read and that differ between calls of one principal, in lower case."""
        return self.reads & _OF_RECORD

    @property
    def reads_time(self) -> bool:
        """Whether a policy reads the time of a call."""
        return not self.reads.isdisjoint(TIME_KEYS)

    def of(self, event: TrailEvent) -> CallTuple:
        """Reduce an event."""
        reduce = _reduced if len(event.params) <= LONGEST_KEY else _reduced.__wrapped__
        service, params = reduce(event.host, event.name, event.params)
        return CallTuple(
            service=service,
            operation=event.name,
            region=event.region,
            principal=self._principal(event),
            account=event.account,
            caller=event.principal_type,
            params=params,
            context=self._context(event),
            outcome="denied" if event.is_denied else "error" if event.error_code else "allowed",
        )

    def key(self, event: TrailEvent) -> tuple[object, ...]:
        """Return the raw values that `of` depends on, as a cache key."""
        return (
            event.name,
            event.source,
            event.host,
            event.region,
            event.role_arn or event.principal_arn,
            event.account,
            event.principal_type,
            event.params,
            event.error_code,
            event.error_code and event.error_message,
            self._context(event) if self.reads_record else (),
        )

    def _principal(self, event: TrailEvent) -> str:
        if event.role_arn:
            return event.role_arn
        if event.principal_type == "AssumedRole":
            name = event.principal_arn.partition(":assumed-role/")[2].partition("/")[0]
            return self.roles.get(name, event.principal_arn)
        return event.principal_arn

    def _context(self, event: TrailEvent) -> tuple[tuple[str, str], ...]:
        if not self.reads_record:
            return ()
        found = {key: value for key, value in _facts(event).items() if value and key.lower() in self.reads}
        if not _VIA.isdisjoint(self.reads):
            found["aws:ViaAWSService"] = "true" if event.invoked_by else "false"
        if not TIME_KEYS.isdisjoint(self.reads):
            found |= times_of(self._representative(event.time))
        return tuple(sorted(found.items()))

    def _representative(self, second: int) -> int:
        """Return one time for all times that the policies cannot tell apart: a bound itself, or the second after one."""
        if self.is_time_exact:
            return second
        index = bisect_left(self.bounds, second)
        if index < len(self.bounds) and self.bounds[index] == second:
            return second
        before = bisect_right(self.bounds, second)
        return self.bounds[before - 1] + 1 if before else (self.bounds[0] - 1 if self.bounds else second)


@lru_cache(maxsize=4096)  # keyed by host, operation and parameters: many principals call the same models
def _reduced(host: str, name: str, params: str) -> tuple[str, str]:
    """Return the boto3 service of an operation, and the parameters that its authorizations depend on."""
    service, operation = _find_called(host, name)
    return service, _params(operation, params)


def _find_called(host: str, name: str) -> tuple[str, Operation]:
    """Return the boto3 service and the row of an operation; the host decides if two services have an operation of that name."""
    called = {label.removesuffix("-fips") for label in host.split(".")}  # the host of a VPC endpoint begins with its ID
    first = [service for service in SERVICES if service in called]
    for service in (*first, *SERVICES):
        row = find_operation(service, name)
        if row.is_known:
            return service, row
    return "bedrock", find_operation("bedrock", name)


def projection_for(policy_sets: Iterable[PolicySet], roles: Mapping[str, str] | None = None) -> Projection:
    """Build the projection that serves all of these policies."""
    reads: set[str] = set()
    bounds: set[int] = set()
    is_exact = False
    for policies in policy_sets:
        reads |= policies.reads
        if not TIME_KEYS.isdisjoint(policies.reads):
            found = _bounds(policies)
            is_exact |= found is None
            bounds |= found or set()
    return Projection(frozenset(reads), tuple(sorted(bounds)), is_exact, roles or {})


def _bounds(policies: PolicySet) -> set[int] | None:
    """Return the times that policies compare with; None if they also read the time in another way."""
    bounds: set[int] = set()
    for _, document in policies:
        for statement in document.statements:
            values = [*statement.resources, *(value for condition in statement.conditions for value in condition.values)]
            if any(f"${{{key}" in value.lower() for value in values for key in TIME_KEYS):
                return None
            for condition in statement.conditions:
                if condition.key.lower() in TIME_KEYS:
                    if not condition.operator.lower().rpartition(":")[2].startswith(_BOUNDED):
                        return None
                    bounds.update(_seconds(condition.values))
    return bounds


def _seconds(values: Sequence[str]) -> Iterable[int]:
    for value in values:
        second = instant(value)
        if second is not None and _FIRST < second < _LAST:
            yield from {floor(second), ceil(second)}  # a bound may lie within a second


_OF_RECORD: Final = frozenset(
    {
        *TIME_KEYS,
        *_VIA,
        "aws:userid",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:useragent",
        "aws:sourcevpce",
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:principaltype",
        "aws:multifactorauthpresent",
    }
)
"""The keys of `_facts` and of the time, in lower case."""


def _facts(event: TrailEvent) -> dict[str, str]:
    """Return the context keys that a record contains. A key that is missing here is unknown, never absent."""
    facts = {
        "aws:userid": event.principal_id,
        "aws:SourceIdentity": event.source_identity,
        "aws:TokenIssueTime": event.issued,
        "aws:UserAgent": event.agent,
        "aws:SourceVpce": event.endpoint,
        "aws:PrincipalType": _PRINCIPAL_TYPES.get(event.principal_type, ""),
        # "false" does not tell whether the key was absent or false.
        "aws:MultiFactorAuthPresent": "true" if event.mfa == "true" else "",
    }
    if _is_address(event.address) and not event.invoked_by:
        facts["aws:VpcSourceIp" if event.endpoint else "aws:SourceIp"] = event.address
    return facts


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _params(operation: Operation, text: str) -> str:
    """Keep the parameters that authorizations depend on."""
    given = json.loads(text)
    paths = [path for ask in operation.required_actions for path in ask.parameters]
    paths += [path for _, path in operation.keys] + [path for path, _ in operation.tags]
    heads = {path.partition(".")[0].removesuffix("[]") for path in paths} | {"modelId", "tags", "tagKeys", *_GUARDRAIL}
    kept: dict[str, Any] = {name: value for name, value in given.items() if name in heads}
    text_kept = canonical(kept)
    # JSON can escape half of a surrogate pair, which cannot be written to a file or a terminal.
    return text_kept if text_kept.isascii() else text_kept.encode(errors="replace").decode()


_GUARDRAIL: Final = ("guardrailIdentifier", "guardrailVersion", "guardrailConfig")
"""No record seen so far shows the guardrail of an inference call. If one does, it counts."""
