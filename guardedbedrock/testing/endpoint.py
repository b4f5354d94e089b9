"""
The way of a request through the fake: find out who sends it, read it, let it fail if told so, authorize it, perform it, answer.

Its shape is checked before IAM is asked, and IAM is asked before anybody looks whether the guardrail exists.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from guardedbedrock.testing.authorization import Authorizer, enforce
from guardedbedrock.testing.credentials import Authenticator
from guardedbedrock.testing.faults import ClockSkew, Fault, Moment
from guardedbedrock.testing.records import Journal, ReceivedRequest
from guardedbedrock.testing.wire import (
    Answer,
    Incoming,
    Match,
    Output,
    Params,
    Rules,
    ServiceError,
    load,
    parse,
    routes,
    serialize,
)
from guardedbedrock.testing.witnessed import Witnessed, witnessing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guardedbedrock import iam
    from guardedbedrock.testing.faults import Schedule


class Service(Protocol):
    """What performs the operations of one botocore service model."""

    service: str
    rules: Rules

    def guardrail(self, params: Params) -> tuple[str, str] | None:
        """Read which guardrail and version a request names."""

    def perform(self, operation: str, params: Params) -> Output:
        """Do what an operation does."""


@dataclass(slots=True)
class _Exchange:
    incoming: Incoming
    operation: Any = None
    params: Params = field(default_factory=dict)
    guardrail: tuple[str, str] | None = None
    decisions: tuple[iam.Decision, ...] = ()
    error: str | None = None
    faults: tuple[Fault, ...] = ()
    acting: tuple[Fault, ...] = ()
    witnessed: Sequence[Witnessed] = ()


class Endpoint:
    """
    Answers requests to any number of services.

    Args:
        services: Their paths must not overlap; the first that knows a path gets the request.
        gate: Finds out who sends a request, and what they may.
        faults: What is to go wrong.
        journal: Where requests are remembered.
    """

    def __init__(
        self, services: Iterable[Service], gate: tuple[Authenticator, Authorizer], faults: Schedule, journal: Journal
    ) -> None:
        self._routes = [(routes(service.service), service) for service in services]
        (self._authenticator, self._authorizer), self._faults, self._journal = gate, faults, journal

    def answer(self, incoming: Incoming) -> Answer:
        """Answer one request, and remember it before anybody reads the answer."""
        exchange = _Exchange(incoming)
        with witnessing() as exchange.witnessed:
            try:
                answer = self._perform(exchange)
            except ServiceError as error:
                exchange.error = error.code
                answer = error.answer()
        for fault in exchange.acting:
            answer = fault.change(answer)
        request_id = str(uuid.uuid4())
        self._journal.add(_record(exchange, answer.status, request_id))
        ways = tuple(fault.send for fault in exchange.acting)
        return replace(answer, headers={"x-amzn-RequestId": request_id, **answer.headers}, ways=ways)

    def _perform(self, exchange: _Exchange) -> Answer:
        match, service = self._route(exchange.incoming)
        exchange.operation = operation = match.operation
        exchange.faults, exchange.acting = self._faults.take(operation.name, streams=operation.has_event_stream_output)
        skew = sum(fault.seconds for fault in exchange.faults if isinstance(fault, ClockSkew))
        caller = self._authenticator.identify(exchange.incoming, load(service.service).signing_name, skew)
        _read(exchange, match, service)
        asked = partial(self._authorizer.questions, service.service, operation.name, exchange.params, caller)
        for fault in exchange.acting:
            fault.refuse(Moment(operation.name, exchange.params, asked))
        exchange.decisions = self._authorizer.decide(asked)
        enforce(exchange.decisions)
        return serialize(operation, _disturbed(operation, service.perform(operation.name, exchange.params), exchange.acting))

    def _route(self, incoming: Incoming) -> tuple[Match, Service]:
        for paths, service in self._routes:
            if found := paths.match(incoming):
                return found, service
        raise ServiceError(404, "UnknownOperationException", f"no operation at {incoming.method} {incoming.target}")


def _read(exchange: _Exchange, match: Match, service: Service) -> None:
    if exchange.operation.has_event_stream_input:
        raise ServiceError.invalid(f"{exchange.operation.name} needs HTTP/2, which the fake does not speak")
    exchange.params = parse(match, exchange.incoming)
    service.rules.check(exchange.operation.input_shape, exchange.params)
    exchange.guardrail = service.guardrail(exchange.params)


def _disturbed(operation: Any, output: Output, faults: Iterable[Fault]) -> Output:
    if not operation.has_event_stream_output:
        return output
    name = operation.output_shape.event_stream_name
    events = output.members[name]
    for fault in faults:
        events = fault.disturb(events)
    return replace(output, members={**output.members, name: events})


def _record(exchange: _Exchange, status: int, request_id: str) -> ReceivedRequest:
    return ReceivedRequest(
        operation=exchange.operation.name if exchange.operation else None,
        params=exchange.params,
        guardrail=exchange.guardrail,
        status=status,
        error=exchange.error,
        decisions=exchange.decisions,
        request_id=request_id,
        incoming=exchange.incoming,
        faults=exchange.faults,
        witnessed=tuple(exchange.witnessed),
        at=time.time(),
    )
