"""
The span of the request, by the GenAI conventions; made only where no instrumentor of botocore makes one.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for AWS Bedrock operations".
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from botocore.exceptions import ClientError
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from guardedbedrock.bedrock.guardrail.reply_metadata import ReplyMetadata
from guardedbedrock.core.events import ContentReceived, ResponseReceived
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.capture import Spoken, input_attributes
from guardedbedrock.telemetry.model_requests import operation_of, said_by, server_of, settings_of, stops_of

_OF_AN_ANSWER: Final[tuple[tuple[str, str], ...]] = (
    (names.INPUT_TOKENS, "input_tokens"),
    (names.OUTPUT_TOKENS, "output_tokens"),
    (names.CACHE_READ, "cache_read_tokens"),
    (names.CACHE_WRITE, "cache_write_tokens"),
    (names.RESPONSE_MODEL, "model"),
    (names.RESPONSE_ID, "id"),
)


class RequestSpan:
    """
    The CLIENT span of one request, all attempts included.

    Args:
        tracer: Where it goes.
        call: What is asked; of its parameters only settings are written down, and what it says only on request.
        guardrail: The guardrail's attributes.
        with_content: Whether the application asked for what is said.
    """

    def __init__(self, tracer: Tracer, call: Call, guardrail: Mapping[str, Any], *, with_content: bool) -> None:
        operation, asked = operation_of(call), said_by(call)
        attributes = {
            names.OPERATION: operation,
            names.PROVIDER: names.PROVIDER_NAME,
            names.REGION: call.region,
            **guardrail,
            **settings_of(asked),
        }
        if call.model:
            attributes[names.MODEL] = call.model
        if call.operation.streams:
            attributes[names.STREAM] = True
        if with_content:
            attributes |= {**input_attributes(operation, asked), **stops_of(asked)}
        name = f"{operation} {call.model}" if call.model else operation
        self.span: Span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        self._began = perf_counter()
        self._has_server = False
        self._spoken = Spoken(call.operation.reply) if with_content else None

    @staticmethod
    def is_for(call: Call) -> bool:
        """Say whether the conventions have a span for what is asked."""
        return bool(call.operation.reply)

    def leaves(self, url: str) -> None:
        """A request goes to this URL: each attempt to the same server, to be signed and to be sent."""
        if not self._has_server:
            self._has_server = True
            self.span.set_attributes(server_of(url))

    def began(self) -> None:
        """The first event of the stream is there."""
        self.span.set_attribute(names.FIRST_CHUNK, perf_counter() - self._began)

    def said(self, event: ContentReceived) -> None:
        """Keep what was said until it is known why it ended."""
        if self._spoken is not None:
            self._spoken.on_event(event.words)

    def answered(self, event: ResponseReceived) -> None:
        """Write down what the reply says of itself."""
        self.span.set_attributes(
            {names.STATUS: event.status, names.REQUEST_ID: event.request_id, **answer_attributes(event.answer)}
        )
        if self._spoken is not None:
            self.span.set_attributes(self._spoken.attributes(event.answer.finish_reason))

    def close(self, error: BaseException | None) -> None:
        """End it."""
        if error is not None:
            told: dict[str, Any] = {names.ERROR_TYPE: type(error).__name__}
            metadata = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
            given = ((names.STATUS, "HTTPStatusCode"), (names.REQUEST_ID, "RequestId"))
            told |= {name: metadata[key] for name, key in given if metadata.get(key)}
            self.span.set_attributes(told)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


def answer_attributes(answer: ReplyMetadata) -> dict[str, Any]:
    """Give the attributes of an answer."""
    told = {name: value for name, field in _OF_AN_ANSWER if (value := getattr(answer, field)) is not None}
    return {**told, names.FINISH_REASONS: [answer.finish_reason]} if answer.finish_reason else told
