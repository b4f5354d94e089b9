"""Last stage: read from the reply whether the guardrail intervened, and whether it ran at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.guardrail.intervention import (
    NO_TRACE,
    GuardrailTrace,
    read_intervention,
    with_sent_guardrail,
)
from guardedbedrock.bedrock.guardrail.reply_metadata import (
    NO_METADATA,
    ReplyMetadata,
    metadata_of_body,
    metadata_of_chat,
    metadata_of_converse,
)
from guardedbedrock.bedrock.guardrail.trace import REPLY_TRACES, is_readable, must_show_guardrail, trace_of_body
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.core.events import ContentReceived, GuardrailDetected, GuardrailIntervened, ReplyUnguarded, ResponseReceived
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import GuardedCall, Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailInterventionError, UnguardedReplyError

SENT_MEMBER: Final = "GuardedBedrock"
"""Member of ``ResponseMetadata`` that names the guardrail that was sent; `guardedbedrock.intervention` reads it."""


def settle(reply: Reply, rules: Rules, observers: Observers) -> Any:
    """
    Report an intervention, or a guardrail that did not run; raise it if the rules say so.

    Args:
        reply: The reply, which is not a stream.
        rules: For `on_intervention` and `on_unguarded_reply`.
        observers: The observations of the call.

    Returns:
        The response for the caller. That of a test double is the same object, unchanged.

    Raises:
        GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
        UnguardedReplyError: The reply shows that no guardrail ran, and `on_unguarded_reply` is ``raise``.
    """
    if not isinstance(reply.response, dict):
        return reply.response  # of a test double: None, a mock
    response, body = _with_sent_guardrail(reply) if reply.from_service else reply.response, reply.body
    if observers.wants_content:
        observers.emit(ContentReceived(response if body is None else body))
    if observers.wants_routine:
        observers.emit(response_received(reply, _reply_metadata(reply)))
    if body is None:
        reader = REPLY_TRACES.get(reply.authorized.guarded.call.operation.reply)
        if reader is None:
            return response  # a body or a stream of a test double or of a handler, which cannot show whether the guardrail ran
        shown = reader(response)
    else:
        shown = trace_of_body(body)
        if shown is NO_TRACE and not is_readable(body):
            return response  # a body in another format, which cannot show whether the guardrail ran
    if shown != NO_TRACE or _must_show(reply):
        ReplyCheck(replace(reply, response=response), rules, observers).settle(shown)
    return response


def _with_sent_guardrail(reply: Reply) -> Any:
    """Record the sent guardrail in a copy of the response; a reply without a trace names neither the guardrail nor its source."""
    guarded = reply.authorized.guarded
    identifier, version = guarded.guardrail_ref
    if not (guarded.call.operation.reply and identifier):
        return reply.response
    metadata = reply.response.get("ResponseMetadata", {})
    if not isinstance(metadata, dict):  # an event handler replaced it
        return reply.response
    sent = {"guardrail": identifier, "version": version, **_source_of(guarded)}
    return {**reply.response, "ResponseMetadata": {**metadata, SENT_MEMBER: sent}}


def _source_of(guarded: GuardedCall) -> dict[str, Any]:
    """Return the source of the text of ApplyGuardrail, which its reply does not repeat."""
    return {"source": guarded.params["source"]} if guarded.call.operation.reply == "apply" and "source" in guarded.params else {}


def response_received(reply: Reply, answer: ReplyMetadata) -> ResponseReceived:
    """Make the event of a response."""
    metadata = _response_metadata(reply)
    return ResponseReceived(
        status=_count(metadata.get("HTTPStatusCode")),
        request_id=str(metadata.get("RequestId", "")),
        retry_attempts=_count(metadata.get("RetryAttempts")),
        answer=answer,
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _reply_metadata(reply: Reply) -> ReplyMetadata:
    if reply.body is not None and reply.authorized.guarded.call.operation.reply.startswith("chat"):
        return metadata_of_chat(reply.body)
    if reply.body is not None:
        return metadata_of_body(reply.body, as_mapping(_response_metadata(reply).get("HTTPHeaders")))
    return metadata_of_converse(reply.response) if reply.authorized.guarded.call.operation.reply == "converse" else NO_METADATA


def _response_metadata(reply: Reply) -> Mapping[str, Any]:
    return as_mapping(reply.response.get("ResponseMetadata"))


def _must_show(reply: Reply) -> bool:
    """Return whether a reply must show that its guardrail ran, if it did."""
    guarded = reply.authorized.guarded
    return must_show_guardrail(guarded.call.operation.reply, guarded.params) and None not in guarded.guardrail_ref


class ReplyCheck:
    """
    Reports, and raises if the rules say so, what a reply shows of its guardrail.

    Args:
        reply: The reply.
        rules: For `on_intervention` and `on_unguarded_reply`.
        observers: The observations of the call.

    Attributes:
        intervention: The intervention, once it was reported.
        raises_intervention: Whether an intervention is raised.
        raises_unguarded: Whether a reply without a sign of the guardrail is raised.
    """

    __slots__ = ("_observers", "_reply", "intervention", "raises_intervention", "raises_unguarded")

    def __init__(self, reply: Reply, rules: Rules, observers: Observers) -> None:
        # ApplyGuardrail is called for its result, so an intervention is never an error there.
        is_inference = reply.authorized.guarded.call.operation.reply != "apply"
        self._reply, self._observers = reply, observers
        self.raises_intervention = rules.on_intervention == "raise" and is_inference
        self.raises_unguarded = rules.on_unguarded_reply == "raise" and is_inference
        self.intervention: Intervention | None = None

    def settle(self, shown: GuardrailTrace) -> None:
        """
        Report what a whole reply shows, and raise it if the rules say so.

        Raises:
            GuardrailInterventionError: The guardrail intervened.
            UnguardedReplyError: No guardrail ran.
        """
        error = self.report(shown)
        if error is not None:
            raise error

    def report(self, shown: GuardrailTrace) -> GuardrailInterventionError | UnguardedReplyError | None:
        """Report what a reply shows, and return the error that the rules ask for."""
        if shown == NO_TRACE:
            return self._unguarded() if _must_show(self._reply) else None
        found = self.read_intervention(shown)
        return None if found is None else self._intervened(found)

    def read_intervention(self, shown: GuardrailTrace) -> Intervention | None:
        """Read what the guardrail did, with the guardrail that was sent if the reply names none; None if it did nothing."""
        guarded = self._reply.authorized.guarded
        source = _source_of(guarded)
        if source and shown.trace is not None:
            shown = GuardrailTrace(shown.intervened, {**shown.trace, **source})
        found = read_intervention(guarded.call.name, shown)
        return with_sent_guardrail(found, *guarded.guardrail_ref) if found else None

    def _intervened(self, found: Intervention) -> GuardrailInterventionError | None:
        self.intervention = found
        if found.detected:
            self._observers.emit(GuardrailDetected(found, self._request_id))
        if found.is_detect_only:
            return None
        self._observers.emit(GuardrailIntervened(found, self._request_id))
        return GuardrailInterventionError(**self._about(), intervention=found) if self.raises_intervention else None

    def _unguarded(self) -> UnguardedReplyError | None:
        identifier, version = (str(part) for part in self._reply.authorized.guarded.guardrail_ref)
        self._observers.emit(ReplyUnguarded(identifier, version, self._request_id))
        if not self.raises_unguarded:
            return None
        return UnguardedReplyError(**self._about(), guardrail=(identifier, version))

    @property
    def _request_id(self) -> str:
        return str(_response_metadata(self._reply).get("RequestId", ""))

    def _about(self) -> dict[str, Any]:
        return {"operation_name": self._reply.authorized.guarded.call.name, "response": self._reply.response}
