"""
Read the guardrail trace of a reply, where each operation shows it.

- InvokeModel and its stream: two keys in the body, never a header.
- Converse and its stream: the stop reason, and a trace if the call requested one.
- Chat Completions and its stream: the keys of InvokeModel; AWS does not document whether they are always there.
- ApplyGuardrail: the reply itself.
- Retrieve and RetrieveAndGenerate: ``guardrailAction``; the stream of the latter has events named ``guardrail``.
- InvokeInlineAgent and InvokeAgent: ``guardrailTrace`` in trace events, if the call enabled the trace.
- AgenticRetrieveStream: warnings in trace events.

Source: Bedrock User Guide, "Use a guardrail"; Bedrock API Reference, "Converse", "InvokeModel", "ApplyGuardrail".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guardedbedrock.bedrock.guardrail.intervention import NO_TRACE, GuardrailTrace
from guardedbedrock.bedrock.parameters import Params, as_mapping, chunk_of, parse_object

ACTION_KEY: Final = "amazon-bedrock-guardrailAction"
TRACE_KEY: Final = "amazon-bedrock-trace"
_MENTIONS: Final = b"amazon-bedrock-"
_INTERVENED: Final = "guardrail_intervened"
_ACTED: Final = "INTERVENED"
_ASSESSMENTS: Final = ("inputAssessments", "outputAssessments")
_NO_TRACE: Final = (None, "disabled")


def trace_of_converse(reply: Mapping[str, Any]) -> GuardrailTrace:
    """Read the reply of Converse."""
    intervened, trace = reply.get("stopReason") == _INTERVENED, reply.get("trace")
    return GuardrailTrace(True if intervened else None, _guardrail(trace)) if intervened or trace is not None else NO_TRACE


def trace_of_converse_event(event: Mapping[str, Any]) -> GuardrailTrace:
    """Read one event of ConverseStream: one event has the stop reason, the next one has the trace."""
    if "contentBlockDelta" in event:
        return NO_TRACE
    return trace_of_converse({**as_mapping(event.get("messageStop")), **as_mapping(event.get("metadata"))})


def trace_of_body(body: bytes) -> GuardrailTrace:
    """Read the body of InvokeModel, or of one chunk of its stream."""
    if _MENTIONS not in body:
        return NO_TRACE
    read = parse_object(body)
    action = read.get(ACTION_KEY) if read else None
    return GuardrailTrace(None if action is None else action == _ACTED, _guardrail(read.get(TRACE_KEY))) if read else NO_TRACE


def trace_of_invoke_event(event: Mapping[str, Any]) -> GuardrailTrace:
    """Read one event of InvokeModelWithResponseStream."""
    return trace_of_body(chunk_of(event))


def trace_of_apply(reply: Mapping[str, Any]) -> GuardrailTrace:
    """Read the reply of ApplyGuardrail. It does not repeat the source of the text, which a guarded client adds as ``source``."""
    trace = {key: reply[key] for key in ("actionReason", "assessments", "source") if key in reply}
    return GuardrailTrace(reply.get("action") == "GUARDRAIL_INTERVENED", trace)


def trace_of_action(reply: Mapping[str, Any]) -> GuardrailTrace:
    """Read the reply of Retrieve or RetrieveAndGenerate."""
    action = reply.get("guardrailAction")
    return NO_TRACE if action is None else GuardrailTrace(action == _ACTED)


def trace_of_generate_event(event: Mapping[str, Any]) -> GuardrailTrace:
    """Read one event of RetrieveAndGenerateStream."""
    action = as_mapping(event.get("guardrail")).get("action")
    return NO_TRACE if action is None else GuardrailTrace(action == _ACTED)


def trace_of_agent_event(event: Mapping[str, Any]) -> GuardrailTrace:
    """Read one event of InvokeInlineAgent or InvokeAgent."""
    found = as_mapping(as_mapping(event.get("trace")).get("trace")).get("guardrailTrace")
    if not isinstance(found, Mapping):
        return NO_TRACE
    assessments = {name: found[name] for name in _ASSESSMENTS if found.get(name)}
    return GuardrailTrace(found.get("action") == _ACTED, assessments or None)


def trace_of_agentic_event(event: Mapping[str, Any]) -> GuardrailTrace:
    """Read one event of AgenticRetrieveStream: a warning says what the guardrail did."""
    warnings = as_mapping(as_mapping(event.get("traceEvent")).get("attributes")).get("warnings")
    found = [as_mapping(one).get("guardrail") for one in warnings] if isinstance(warnings, list) else []
    actions = [one.get("action") for one in found if isinstance(one, Mapping)]
    return GuardrailTrace(_ACTED in actions) if actions else NO_TRACE


REPLY_TRACES: Final[Mapping[str, Callable[[Mapping[str, Any]], GuardrailTrace]]] = {
    "action": trace_of_action,
    "apply": trace_of_apply,
    "converse": trace_of_converse,
}
EVENT_TRACES: Final[Mapping[str, Callable[[Mapping[str, Any]], GuardrailTrace]]] = {
    "agent-stream": trace_of_agent_event,
    "agentic-stream": trace_of_agentic_event,
    "converse-stream": trace_of_converse_event,
    "generate-stream": trace_of_generate_event,
    "invoke-stream": trace_of_invoke_event,
    "chat-stream": trace_of_invoke_event,
}


def must_show_guardrail(reply_format: str, params: Params) -> bool:
    """
    Return whether a reply always shows that a guardrail ran.

    Replies of InvokeModel and its stream do. Replies of Converse do if the call requested a trace; without a trace they show only
    interventions. AWS does not document it for knowledge bases, agents and Chat Completions.
    """
    if not reply_format.startswith("converse"):
        return reply_format.startswith("invoke")
    return as_mapping(params.get("guardrailConfig")).get("trace") not in _NO_TRACE


def is_readable(body: bytes) -> bool:
    """Return whether a body, or a chunk of one, is a JSON object, which would have the guardrail's key."""
    return bool(parse_object(body))


def can_show_guardrail(last_event: Mapping[str, Any]) -> bool:
    """
    Return whether a stream that ends with this event would show that its guardrail ran.

    It ended early without the event with the metadata of Converse, and a chunk may be in another format.
    """
    return "metadata" in last_event or is_readable(chunk_of(last_event))


def _guardrail(trace: Any) -> Mapping[str, Any] | None:
    found = trace.get("guardrail") if isinstance(trace, Mapping) else None
    return found if isinstance(found, Mapping) else None
