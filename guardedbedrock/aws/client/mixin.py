"""
The mixin that makes a client class a guarded one.

It stands first in the bases of the class that botocore generates, so the client stays a `BaseClient` with its name,
paginators, waiters and exceptions, and whatever calls ``_make_api_call`` goes through the stages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from guardedbedrock.aws.client.attempts import listen
from guardedbedrock.aws.client.bearer import bearer_of
from guardedbedrock.aws.client.binding import ClientBinding, chosen
from guardedbedrock.aws.client.botocore_contract import check_client
from guardedbedrock.aws.client.call_context import CallContext
from guardedbedrock.aws.client.call_steps import MISTAKES, ObservedCall, presignable, presigned_call, refuse_mistaken, settled
from guardedbedrock.aws.client.stream import guarded_stream, read_body
from guardedbedrock.aws.gate import gate
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.bedrock import SERVICES
from guardedbedrock.bedrock.caller import Bearer
from guardedbedrock.core.records import Call
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle
from guardedbedrock.stages.retry.policy import ONE_ATTEMPT
from guardedbedrock.stages.send import STREAMS, send


class Guarded:
    """What guarded client classes share, whether their calls wait in a thread or in a task."""

    _guardedbedrock: ClientBinding
    _guardedbedrock_gate: gate.Gate | None = None
    _presigns_guarded = False
    meta: Any
    exceptions: Any
    _serializer: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        presign = cls.__dict__.get("generate_presigned_url")
        if presign is not None:
            # botocore writes this method into the class itself, where no base can come before it.
            cls.generate_presigned_url = cls._guard_presign(presign)  # type: ignore[attr-defined]
            cls._presigns_guarded = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begin()

    @staticmethod
    def _guard_presign(presign: Callable[..., Any]) -> Callable[..., Any]:
        raise NotImplementedError

    def _begin(self) -> None:
        check_client(self, Guarded)
        rules, region, service = self._guardedbedrock.rules, self.meta.region_name, self.meta.service_model.service_name
        if service == SERVICES[0] and rules.mode == "enforce" and not rules.in_region(region):
            listed = ", ".join(sorted({guardrail.region for guardrail in rules.approved})) or "none"
            raise ConfigurationError(
                f"no guardrail is approved for {region}, and guardrails are regional: approve one of {region}, "
                f"or make the client in a region that has one ({listed})"
            )
        rules = replace(rules, secure=self.meta.endpoint_url.startswith("https:"))
        retry = self._guardedbedrock.retry.for_a_client()
        if retry is ONE_ATTEMPT:
            listen(self)
        self._guardedbedrock = replace(self._guardedbedrock, rules=rules, region=region, service=service, retry=retry)

    def _put_gate(self, kind: type[gate.Gate]) -> None:
        """Put a gate into the client, one for good: it may come to go by other rules, but never loses it."""
        rules = self._guardedbedrock.rules
        if self._guardedbedrock_gate is None:
            self._guardedbedrock_gate = kind(rules, self)
        self._guardedbedrock_gate.follow(rules)

    def _know_signer(self, bearer: Bearer, identity: Callable[[Any], Callable[[], str]]) -> None:
        rules = replace(self._guardedbedrock.rules, bearer=bearer)
        if self._guardedbedrock.asks_sts:
            if bearer and rules.policies is not None and rules.mode != "off":
                raise ConfigurationError(
                    'principal = "caller": the client signs with a Bedrock API key, and STS can not be asked who that belongs '
                    "to; name the ARN of the key's user or role, or sign with credentials "
                    '(Config(signature_version="v4"))'
                )
            rules = replace(rules, principal=identity(self))
        self._guardedbedrock = replace(self._guardedbedrock, rules=rules)


class GuardedClient(Guarded):
    """Comes first in the bases of a generated client class of a Bedrock service."""

    def _begin(self) -> None:
        super()._begin()
        self._know_signer(bearer_of(self), CallerIdentity)
        self._put_gate(gate.Gate)

    def _convert_to_request_dict(
        self,
        api_params: Any,
        operation_model: Any,
        endpoint_url: Any,
        context: Any = None,
        headers: Any = None,
        *args: Any,
        **options: Any,
    ) -> dict[str, Any]:
        """Write a request, and let the gate see it."""
        written = super()._convert_to_request_dict(  # type: ignore[misc]
            api_params, operation_model, endpoint_url, context, headers, *args, **options
        )
        request: dict[str, Any] = written
        if self._guardedbedrock_gate is not None:
            self._guardedbedrock_gate.note(operation_model.name, endpoint_url, request, self._serializer)
        return request

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        transport = super()._make_api_call  # type: ignore[misc]  # a base of the generated class
        watch = self._guardedbedrock
        rules = watch.rules
        if rules.mode == "off":
            return transport(operation_name, api_params)
        call = Call(operation_name, api_params, watch.region, chosen.get(), watch.service)
        # Written out, since every call pays for it: what `ObservedCall`, `CallContext` and `authorized_call` are elsewhere.
        observers, passage = ObservedCall(watch.listeners, call, self), None
        try:
            try:
                authorized = authorize(inject(call, rules, observers), rules, observers)
            except MISTAKES as error:
                refuse_mistaken(self, call, error)
            passage = CallContext(authorized, observers, self._guardedbedrock_gate)
            reply = send(authorized, transport, read_body, watch.retry, observers)
            if call.operation.reply in STREAMS:
                return settled(reply, rules, observers, guarded_stream)
            settle(reply, rules, observers)
            observers.close(None)
        except BaseException as error:
            if passage is not None:
                passage.fail(error)
            observers.fail(error)
            raise
        else:
            return reply.response
        finally:
            if passage is not None:
                passage.close()
            observers.leave()

    @staticmethod
    def _guard_presign(presign: Callable[..., str]) -> Callable[..., str]:
        """Let a presigned URL pass the same first stages, where the URL can bind the guardrail."""

        @functools.wraps(presign)
        def generate_presigned_url(
            self: GuardedClient,
            ClientMethod: str,  # noqa: N803  # the names are boto3's
            Params: dict[str, Any] | None = None,  # noqa: N803
            ExpiresIn: int = 3600,  # noqa: N803
            HttpMethod: str | None = None,  # noqa: N803
        ) -> str:
            call = presigned_call(self, ClientMethod, Params)
            if call is None:
                return presign(self, ClientMethod, Params, ExpiresIn, HttpMethod)
            with ObservedCall(self._guardedbedrock.listeners, call, self) as observers:
                authorized = presignable(self, call, observers)
                with CallContext(authorized, observers, self._guardedbedrock_gate):
                    url = presign(self, ClientMethod, {**authorized.guarded.params}, ExpiresIn, HttpMethod)
                observers.close(None)
                return url

        return generate_presigned_url
