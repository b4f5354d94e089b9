"""
The tripwire: a last look at what is signed in this process by clients that are no boto3 clients.

LiteLLM and the Anthropic SDK send with HTTP libraries of their own and sign with ``botocore.auth``. So does every boto3 client
that nobody guarded. An inference request that reaches the signer without an approved guardrail is refused, or is given one where
the operation takes it in headers, which are signed. What carries a bearer token, or is signed by other code, does not come by.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.aws.client.binding import chosen
from guardedbedrock.aws.client.call_context import has_let_pass
from guardedbedrock.aws.signer.inference_request import Inference, inference_of, put_headers
from guardedbedrock.aws.signer.signers import look_first, look_no_longer
from guardedbedrock.aws.sources.identity import CallerIdentity, SignerIdentity
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.core.events import CallRefused, Event
from guardedbedrock.core.observers import Listener, Observers
from guardedbedrock.core.records import AuthorizedCall, Call
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import AccessDeniedError, GuardrailTamperedError, RefusedError, UnguardableOperationError
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject

_REMEMBERED: Final = 64


def stand(rules: Rules, listeners: Iterable[Listener]) -> Tripwire:
    """
    Look at every request that is signed from now on; where several stand, the last one decides.

    Args:
        rules: As a guarded client's: a request is refused, or given a guardrail, as a call would be. Mode ``report`` reports and
            lets pass.
        listeners: Who hears of refusals.

    Returns:
        The tripwire; ``fall()`` takes it away.
    """
    tripwire = Tripwire(rules, listeners)
    look_first(tripwire.look)
    return tripwire


class Tripwire:
    """One that stands until it falls."""

    def __init__(self, rules: Rules, listeners: Iterable[Listener]) -> None:
        self._rules = {"https": rules, "http": replace(rules, secure=False)}
        self._of_signers: dict[tuple[str, str], Rules] = {}
        self._mode = rules.mode
        self._listeners = tuple(listeners)

    def fall(self) -> None:
        """Look no longer; a second time does nothing."""
        look_no_longer(self.look)

    def look(self, signer: Any, request: Any) -> None:
        """
        Look at a request that is about to be signed, and put the guardrail into its headers where they take it.

        Raises:
            AccessDeniedError: The policies deny it, or it would reach a model without an approved guardrail.
        """
        asked = None if self._mode == "off" else inference_of(signer, request)
        if asked is None or has_let_pass(request.url, request.headers, request.data):
            return
        call = Call(asked.name, asked.params, asked.region, chosen.get())
        ear = _Ear()
        try:
            self._judge(asked, call, self._rules_for(signer, asked), Observers((ear,), call))
        except AccessDeniedError as error:
            self._tell(call, ear, error)
            raise
        self._tell(call, ear, None)

    def _rules_for(self, signer: Any, asked: Inference) -> Rules:
        """Give the rules of a request: where STS is asked who calls, it is asked with the credentials that sign this one."""
        scheme = "https" if asked.wire.url.startswith("https:") else "http"
        rules = self._rules[scheme]
        if not isinstance(rules.principal, CallerIdentity):
            return rules
        key = scheme, str(getattr(signer.credentials, "access_key", ""))
        if key not in self._of_signers and len(self._of_signers) >= _REMEMBERED:
            self._of_signers.clear()
        own = self._of_signers.get(key) or replace(rules, principal=SignerIdentity(signer.credentials, asked.region))
        return self._of_signers.setdefault(key, own)

    def _judge(self, asked: Inference, call: Call, rules: Rules, observers: Observers) -> None:
        if not asked.known:
            self._refuse(_unknown(asked), observers)
            return
        try:
            authorized = authorize(inject(call, rules, observers), rules, observers)
        except (AttributeError, KeyError, TypeError, ValueError):
            self._refuse(_unreadable(asked), observers)
            return
        problem = _problem(asked, authorized)
        if problem is not None:
            self._refuse(problem, observers)

    def _refuse(self, error: RefusedError, observers: Observers) -> None:
        observers.emit(CallRefused(error, enforced=self._mode == "enforce"))
        if self._mode == "enforce":
            raise error

    def _tell(self, call: Call, ear: _Ear, error: AccessDeniedError | None) -> None:
        """Tell of refusals alone: what becomes of a request that is signed, nobody here knows."""
        if ear.refused:
            with Observers(self._listeners, call) as observers:
                for refused in ear.refused:
                    observers.emit(refused)
            observers.close(error)


class _Ear:
    """Keeps the refusals of one look until it is known how it ends."""

    wants_routine = False

    def __init__(self) -> None:
        self.refused: list[CallRefused] = []

    def open(self, _: Call) -> _Ear:
        """Listen."""
        return self

    def enter(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""

    def on_event(self, event: Event) -> None:
        """Keep a refusal."""
        if isinstance(event, CallRefused):
            self.refused.append(event)

    def close(self, error: BaseException | None) -> None:
        """Do nothing."""


def _problem(asked: Inference, authorized: AuthorizedCall) -> RefusedError | None:
    """Put the guardrail in where headers take it, and say what is wrong with a request that lacks it all the same."""
    guarded, place = authorized.guarded, authorized.call.operation.location
    if place is None or guarded.guardrail is None:
        return None
    if place.is_in_presigned_url:
        put_headers(asked.name, guarded.params, asked.wire.headers)
    elif asked.presigned:
        return _unbound(asked)
    return None if place.carries(asked.wire, guarded.guardrail_ref) else _unguarded(asked, guarded.guardrail)


def _unknown(asked: Inference) -> RefusedError:
    return UnguardableOperationError(
        message=f"`{asked.name}` is no operation of {_host(asked)} that guardedbedrock knows, so it would go out unguarded",
        operation_name=asked.name,
        hint="call Converse or InvokeModel, which take a guardrail",
    )


def _unreadable(asked: Inference) -> RefusedError:
    return GuardrailTamperedError(
        message=f"the {asked.name} request about to be signed can not be read, so that nobody knows whether it has a guardrail",
        operation_name=asked.name,
        hint="send the parameters that the Bedrock API Reference has for this operation",
    )


def _unbound(asked: Inference) -> RefusedError:
    return UnguardableOperationError(
        message=f"a presigned URL of {asked.name} does not bind the body, so it would not bind the guardrail in it",
        operation_name=asked.name,
        hint="presign InvokeModel, whose guardrail headers are signed, or send the request from here",
    )


def _unguarded(asked: Inference, guardrail: Guardrail) -> RefusedError:
    return GuardrailTamperedError(
        message=f"the {asked.name} request about to be signed has no guardrail, and its body can not be changed here",
        operation_name=asked.name,
        hint=f"let the client that makes it send guardrailConfig with `{guardrail.arn}` version `{guardrail.version}`, or call "
        "the operation on a guarded client",
    )


def _host(asked: Inference) -> str:
    return urlsplit(asked.wire.url).hostname or "this host"
