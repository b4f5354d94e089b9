"""Last stage: read from the reply whether the guardrail stepped in, and whether it ran at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.guardrail.intervention import NOTHING, Shown, conclude
from guardedbedrock.bedrock.guardrail.reply_metadata import SILENCE, Answer, of_body, of_converse
from guardedbedrock.bedrock.guardrail.trace import IN_REPLY, in_body, is_readable, is_silent, must_show
from guardedbedrock.core.events import ContentReceived, GuardrailIntervened, ReplyUnguarded, ResponseReceived
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailInterventionError, UnguardedReplyError


def settle(reply: Reply, rules: Rules, observers: Observers) -> None:
    """
    Tell of an intervention, or of a guardrail that did not run; raise it if the rules ask for that.

    Args:
        reply: What came back.
        rules: For `on_intervention` and `on_unguarded_reply`.
        observers: Who is told.

    Raises:
        GuardrailInterventionError: The guardrail stepped in and `on_intervention` is ``raise``.
        UnguardedReplyError: It was sent, the reply shows that it did not run, and `on_unguarded_reply` is ``raise``.
    """
    guarded, response, body = reply.authorized.guarded, reply.response, reply.body
    params = guarded.params
    if observers.wants_content:
        observers.emit(ContentReceived(response if body is None else body))
    if observers.wants_routine:
        observers.emit(answered(reply, _answer(reply)))
    kind = guarded.call.operation.reply
    if is_silent(kind, response, params):
        return
    if body is not None:
        shown = in_body(body)
        silent = shown is NOTHING and not is_readable(body)
    else:
        reader = IN_REPLY.get(kind)
        shown = reader(response) if reader else NOTHING
        silent = shown is NOTHING and (None in guarded.guardrail_ref or not must_show(kind, params))
    if not silent:
        Outcome(reply, rules, observers).settle(shown)


def _shows(reply: Reply) -> bool:
    """Say whether a reply must show that its guardrail ran, if it did."""
    guarded = reply.authorized.guarded
    return None not in guarded.guardrail_ref and must_show(guarded.call.operation.reply, guarded.params)


def answered(reply: Reply, answer: Answer) -> ResponseReceived:
    """Put together what is told of an answer."""
    metadata = _mapping(reply.response.get("ResponseMetadata"))
    status, request_id = metadata.get("HTTPStatusCode") or 0, str(metadata.get("RequestId", ""))
    return ResponseReceived(status, request_id, metadata.get("RetryAttempts") or 0, answer)


def _answer(reply: Reply) -> Answer:
    if reply.body is not None:
        return of_body(reply.body, _mapping(_mapping(reply.response.get("ResponseMetadata")).get("HTTPHeaders")))
    return of_converse(reply.response) if reply.authorized.call.operation.reply == "converse" else SILENCE


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


class Outcome:
    """
    What becomes of what a reply shows of its guardrail.

    Args:
        reply: What came back.
        rules: What the application asked for.
        observers: Who is told.
    """

    __slots__ = ("_observers", "_reply", "intervention", "raises_intervention", "raises_unguarded")

    def __init__(self, reply: Reply, rules: Rules, observers: Observers) -> None:
        inference = reply.authorized.call.operation.inference
        self._reply, self._observers = reply, observers
        self.raises_intervention = rules.on_intervention == "raise" and inference
        self.raises_unguarded = rules.on_unguarded_reply == "raise" and inference
        self.intervention: Intervention | None = None

    def settle(self, shown: Shown) -> None:
        """
        Tell what a whole reply shows.

        Raises:
            GuardrailInterventionError: The guardrail stepped in, and that is to be an error.
            UnguardedReplyError: It did not run, and that is to be an error.
        """
        error = self.tell(shown)
        if error is not None:
            raise error

    def tell(self, shown: Shown) -> GuardrailInterventionError | UnguardedReplyError | None:
        """Tell what a whole reply shows, and give the error that the application asked for."""
        found = conclude(self._reply.authorized.call.name, shown)
        if found is not None:
            return self._intervened(found)
        return self._unguarded() if shown == NOTHING and _shows(self._reply) else None

    def _intervened(self, found: Intervention) -> GuardrailInterventionError | None:
        """ApplyGuardrail is asked for a verdict, so there it is never an error."""
        sent = self._reply.authorized.guarded.guardrail
        if sent is not None and found.guardrail in (None, sent.id):
            found = replace(found, guardrail=sent.id, version=found.version or sent.version)
        self.intervention = found
        self._observers.emit(GuardrailIntervened(found, self._request_id))
        if not self.raises_intervention:
            return None
        return GuardrailInterventionError(**self._named(), intervention=found)

    def _unguarded(self) -> UnguardedReplyError | None:
        identifier, version = self._reply.authorized.guarded.guardrail_ref
        named = str(identifier), str(version)
        self._observers.emit(ReplyUnguarded(*named, self._request_id))
        return UnguardedReplyError(**self._named(), guardrail=named) if self.raises_unguarded else None

    @property
    def _request_id(self) -> str:
        return str(_mapping(self._reply.response.get("ResponseMetadata")).get("RequestId", ""))

    def _named(self) -> dict[str, Any]:
        return {"operation_name": self._reply.authorized.call.name, "response": self._reply.response}
