"""
Refuse inference requests without an approved guardrail when botocore's signers sign them.

It checks clients that the guard did not create, such as those of LiteLLM and the Anthropic SDK. Requests with a bearer token are
not signed, so they are not checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.aws.chosen_guardrail import chosen
from guardedbedrock.aws.gate.call_context import is_verified
from guardedbedrock.aws.refusals import unbound_url, unknown_operation, unreadable_request
from guardedbedrock.aws.signer.inference_request import Inference, inference_of, put_headers
from guardedbedrock.aws.signer.signers import add_check, remove_check
from guardedbedrock.aws.sources.identity import CallerIdentity, SignerIdentity
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.core.events import CallRefused, Event, SentWithoutGuardrail
from guardedbedrock.core.observers import Listener, Observation, Observers
from guardedbedrock.core.records import AuthorizedCall, Call
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import AccessDeniedError, GuardrailTamperedError, RefusedError
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject

_REMEMBERED: Final = 64


def add_signing_guard(rules: Rules, listeners: Iterable[Listener]) -> SigningGuard:
    """
    Check every request that is signed from now on. If there are several signing guards, the most recent decides.

    Args:
        rules: Rules like those of a guarded client. In mode ``report`` refusals are reported and the request passes.
        listeners: Listeners for refusals.

    Returns:
        The signing guard; ``remove()`` removes it.
    """
    signing_guard = SigningGuard(rules, listeners)
    add_check(signing_guard.check)
    return signing_guard


class SigningGuard:
    """A check of signed requests, until it is removed."""

    def __init__(self, rules: Rules, listeners: Iterable[Listener]) -> None:
        self._rules = {"https": rules, "http": replace(rules, secure=False)}
        # Cache, keyed by the scheme and the access key that signs: each identity asks STS once.
        self._of_signers: dict[tuple[str, str], Rules] = {}
        self._mode = rules.mode
        self._listeners = tuple(listeners)

    def remove(self) -> None:
        """Stop checking. A second call does nothing."""
        remove_check(self.check)

    def check(self, signer: Any, request: Any) -> None:
        """
        Check a request that is about to be signed. Set the guardrail headers if the operation has them.

        Raises:
            AccessDeniedError: The policies deny it, or it would reach a model without an approved guardrail.
        """
        inference = None if self._mode == "off" else inference_of(signer, request)
        if inference is None or is_verified(request):
            return
        call = Call.of(inference.name, inference.params, inference.region, chosen.get())
        refusals = _Refusals()
        try:
            self._judge(inference, call, self._rules_for(signer, inference).current(), Observers((refusals,), call))
        except AccessDeniedError as error:
            self._report(call, refusals, error)
            raise
        self._report(call, refusals, None)

    def _rules_for(self, signer: Any, inference: Inference) -> Rules:
        """Return the rules of a request. STS is called with the credentials that sign this request."""
        scheme = "https" if inference.wire.url.startswith("https:") else "http"
        rules = self._rules[scheme]
        if not isinstance(rules.principal, CallerIdentity):
            return rules
        key = scheme, str(getattr(signer.credentials, "access_key", ""))
        if key not in self._of_signers and len(self._of_signers) >= _REMEMBERED:
            self._of_signers.clear()
        own = self._of_signers.get(key) or replace(rules, principal=SignerIdentity(signer.credentials, inference.region))
        return self._of_signers.setdefault(key, own)

    def _judge(self, inference: Inference, call: Call, rules: Rules, observers: Observers) -> None:
        if inference.is_mantle and rules.on_mantle == "allow":
            observers.emit(SentWithoutGuardrail(_host(inference), "mantle"))
            return
        if not inference.known or not inference.readable:
            name = inference.name
            self._refuse(unreadable_request(name) if inference.known else unknown_operation(name, _host(inference)), observers)
            return
        try:
            authorized = authorize(inject(call, rules, observers), rules, observers)
        except (AttributeError, KeyError, TypeError, ValueError):
            self._refuse(unreadable_request(inference.name), observers)
            return
        problem = _problem(inference, authorized)
        if problem is not None:
            self._refuse(problem, observers)

    def _refuse(self, error: RefusedError, observers: Observers) -> None:
        observers.emit(CallRefused(error, enforced=self._mode == "enforce"))
        if self._mode == "enforce":
            raise error

    def _report(self, call: Call, refusals: _Refusals, error: AccessDeniedError | None) -> None:
        """Report only what `_Refusals` keeps: the outcome of a signed request is not observable here."""
        if refusals.kept:
            with Observers(self._listeners, call) as observers:
                for event in refusals.kept:
                    observers.emit(event)
            observers.close(error)


class _Refusals(Observation):
    """Collects the refusals of one check, and what is sent without a guardrail, until its result is known."""

    wants_routine = False

    def __init__(self) -> None:
        self.kept: list[CallRefused | SentWithoutGuardrail] = []

    def open(self, _: Call) -> _Refusals:
        """Follow the call."""
        return self

    def on_event(self, event: Event) -> None:
        """Keep a refusal, or the note that a request has no guardrail."""
        if isinstance(event, CallRefused | SentWithoutGuardrail):
            self.kept.append(event)


def _problem(inference: Inference, authorized: AuthorizedCall) -> RefusedError | None:
    """Set the guardrail headers if the operation has them; return the error of a request that still has no guardrail."""
    guarded, location = authorized.guarded, authorized.guarded.call.operation.location
    if location is None or guarded.guardrail is None:
        return None
    if location.is_in_presigned_url:
        put_headers(inference.name, guarded.params, inference.wire.headers)
    elif inference.presigned:
        return unbound_url(inference.name, "guardrail")
    return None if location.carries(inference.wire, guarded.guardrail_ref) else _unguarded(inference, guarded.guardrail)


def _unguarded(inference: Inference, guardrail: Guardrail) -> RefusedError:
    return GuardrailTamperedError(
        message=f"the {inference.name} request about to be signed has no guardrail, and its body cannot be changed here",
        operation_name=inference.name,
        hint=f"send guardrailConfig with `{guardrail.arn}` version `{guardrail.version}`, or call "
        "the operation on a guarded client",
    )


def _host(inference: Inference) -> str:
    return urlsplit(inference.wire.url).hostname or "this host"
