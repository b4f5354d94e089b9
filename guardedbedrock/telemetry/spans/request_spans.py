"""
The span of the request, by the GenAI conventions; made only if no instrumentor of botocore makes one.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for AWS Bedrock operations".
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from botocore.exceptions import ClientError
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from guardedbedrock.bedrock.guardrail.reply_metadata import ReplyMetadata
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.core.events import ContentReceived, ResponseReceived
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.capture import ReplyContent, input_attributes
from guardedbedrock.telemetry.model_requests import model_of, operation_of, request_of, server_of, settings_of, stop_sequences_of
from guardedbedrock.telemetry.sentences import error_sentence

_METADATA: Final[tuple[tuple[str, str], ...]] = (
    (names.INPUT_TOKENS, "input_tokens"),
    (names.OUTPUT_TOKENS, "output_tokens"),
    (names.CACHE_READ, "cache_read_tokens"),
    (names.CACHE_WRITE, "cache_write_tokens"),
    (names.RESPONSE_MODEL, "model"),
    (names.RESPONSE_ID, "id"),
)


class RequestSpan:
    """
    The CLIENT span of one request, around all its attempts.

    Args:
        tracer: Makes the span.
        call: The call. Of its parameters, only settings that are numbers are recorded.
        guardrail: The attributes of the guardrail.
        with_content: Whether the application turned content capture on.
    """

    def __init__(self, tracer: Tracer, call: Call, guardrail: Mapping[str, Any], *, with_content: bool) -> None:
        operation, request, model = operation_of(call), request_of(call), model_of(call)
        attributes = {
            names.OPERATION: operation,
            names.PROVIDER: names.PROVIDER_NAME,
            names.REGION: call.region,
            **guardrail,
            **settings_of(request),
        }
        if model:
            attributes[names.MODEL] = model
        if call.operation.streams:
            attributes[names.STREAM] = True
        if with_content:
            attributes |= {**input_attributes(operation, request), **stop_sequences_of(request)}
        name = f"{operation} {model}" if model else operation
        self.span: Span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        self._call = call
        self._began = perf_counter()
        self._has_server = False
        self._reply_content = ReplyContent(call.operation.reply) if with_content else None

    @staticmethod
    def is_for(call: Call) -> bool:
        """Return whether the conventions have a span for the operation."""
        return bool(call.operation.reply)

    def set_server(self, url: str) -> None:
        """Record the server of a request; every attempt goes to the same one."""
        if not self._has_server:
            self._has_server = True
            self.span.set_attributes(server_of(url))

    def start_stream(self) -> None:
        """Record the time to the first event of the stream."""
        self.span.set_attribute(names.FIRST_CHUNK, perf_counter() - self._began)

    def add_content(self, event: ContentReceived) -> None:
        """Collect content; it is written with the finish reason, which comes last."""
        if self._reply_content is not None:
            self._reply_content.on_event(event.words)

    def receive(self, event: ResponseReceived) -> None:
        """Record the metadata of the reply."""
        self.span.set_attributes(
            {names.STATUS: event.status, names.REQUEST_ID: event.request_id, **metadata_attributes(event.answer)}
        )
        if self._reply_content is not None:
            self.span.set_attributes(self._reply_content.attributes(event.answer.finish_reason))

    def close(self, error: BaseException | None) -> None:
        """End the span."""
        if error is not None:
            self.span.set_attributes(error_attributes(error))
            self.span.set_status(Status(StatusCode.ERROR, error_sentence(self._call, error)))
        self.span.end()


def error_attributes(error: BaseException) -> dict[str, Any]:
    """Return class, status and request ID of an error; never its message, which may quote the prompt."""
    metadata = as_mapping(error.response.get("ResponseMetadata")) if isinstance(error, ClientError) else {}
    given = ((names.STATUS, "HTTPStatusCode"), (names.REQUEST_ID, "RequestId"))
    return {names.ERROR_TYPE: type(error).__name__, **{name: metadata[key] for name, key in given if metadata.get(key)}}


def metadata_attributes(metadata: ReplyMetadata) -> dict[str, Any]:
    """Return the attributes of a reply's metadata."""
    attributes = {name: value for name, field in _METADATA if (value := getattr(metadata, field)) is not None}
    return {**attributes, names.FINISH_REASONS: [metadata.finish_reason]} if metadata.finish_reason else attributes
