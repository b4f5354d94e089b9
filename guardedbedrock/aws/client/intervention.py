"""`guardedbedrock.intervention`: one record for the replies of all operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, Final

from botocore.response import StreamingBody

from guardedbedrock.aws.client.stream import ObservedStream, ReadBody
from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.guardrail.intervention import NO_TRACE, GuardrailTrace, read_intervention, with_sent_guardrail
from guardedbedrock.bedrock.guardrail.trace import (
    trace_of_action,
    trace_of_agent_event,
    trace_of_agentic_event,
    trace_of_apply,
    trace_of_body,
    trace_of_converse,
    trace_of_converse_event,
    trace_of_generate_event,
    trace_of_invoke_event,
)
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.stages.reply import SENT_MEMBER

_STREAMS: Final = ("stream", "body", "completion")


def intervention(response: Any) -> Intervention | None:
    """
    Return what a guardrail did to a call; None if it did nothing, or nothing that the reply shows.

    The body of an InvokeModel reply stays readable. The stream of a guarded client knows what was read so far.

    Args:
        response: The response of Converse, InvokeModel, ApplyGuardrail, Retrieve or RetrieveAndGenerate; the response or the
            stream of a streaming operation on a guarded client; or a list of the events that were read from the stream of any
            client.

    Raises:
        TypeError: The argument is the stream of an unguarded client, which can be read only once, or it is not a response.
        ValueError: The argument is a response of an unguarded client whose body was read already.
    """
    if isinstance(response, ObservedStream):
        return response.intervention
    if not isinstance(response, Mapping):
        return _of_events(response)
    stream = next((response[name] for name in _STREAMS if isinstance(response.get(name), ObservedStream)), None)
    return stream.intervention if stream is not None else _of_reply(response)


def _of_reply(response: Mapping[str, Any]) -> Intervention | None:
    sent = as_mapping(response.get("ResponseMetadata")).get(SENT_MEMBER, {})  # noted by guarded clients
    if "assessments" in response or "action" in response:
        source = {"source": sent["source"]} if "source" in sent else {}
        found = read_intervention("ApplyGuardrail", trace_of_apply({**response, **source}))
    elif "guardrailAction" in response:
        operation = "RetrieveAndGenerate" if "output" in response else "Retrieve"
        found = read_intervention(operation, trace_of_action(response))
    elif "body" in response:
        found = read_intervention("InvokeModel", trace_of_body(_read(response)))
    elif "stream" in response or "completion" in response:
        raise TypeError("the stream of an unguarded client can be read only once: pass a list of the events that you read")
    else:
        found = read_intervention("Converse", trace_of_converse(response))
    return with_sent_guardrail(found, sent.get("guardrail"), sent.get("version")) if found else None


def _read(response: Mapping[str, Any]) -> bytes:
    body = response["body"]
    if isinstance(body, bytes):
        return body
    if hasattr(body, "data"):
        return bytes(body.data)
    if not isinstance(body, StreamingBody) or not isinstance(response, dict):
        raise TypeError("cannot read this body: pass a response whose body is a StreamingBody or bytes")
    if body.tell():
        raise ValueError("the body of this response was read already: call intervention() before you read it, or pass the bytes")
    response["body"] = ReadBody(body.read())
    return _read(response)


_OF_KNOWLEDGE: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], GuardrailTrace]]]] = {
    "guardrail": ("RetrieveAndGenerateStream", trace_of_generate_event),
    "trace": ("InvokeAgent", trace_of_agent_event),
    "traceEvent": ("AgenticRetrieveStream", trace_of_agentic_event),
}
"""The events with which knowledge bases and agents show a guardrail."""


def _of_events(events: Any) -> Intervention | None:
    if not isinstance(events, list | tuple):
        raise TypeError(f"`{type(events).__name__}` is not a response: pass a response, a guarded stream, or a list of events")
    for name, (operation, trace) in _OF_KNOWLEDGE.items():
        if any(name in event for event in events):
            return read_intervention(operation, _together(trace(event) for event in events))
    converse = [trace_of_converse_event(event) for event in events if "chunk" not in event]
    return read_intervention(
        "ConverseStream" if converse else "InvokeModelWithResponseStream",
        _together([*converse, *(trace_of_invoke_event(event) for event in events if "chunk" in event)]),
    )


def _together(shown: Iterable[GuardrailTrace]) -> GuardrailTrace:
    return reduce(lambda before, after: before | after, shown, NO_TRACE)
