"""The mixin that makes a client class of aiobotocore a guarded one; the counterpart of `guardedbedrock.aws.client.mixin`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

from guardedbedrock.aws.aio.attached_guardrails import AsyncAttachedGuardrails
from guardedbedrock.aws.aio.identity import AsyncCallerIdentity
from guardedbedrock.aws.aio.stream import guarded_stream, read_body
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.call_steps import (
    ObservedCall,
    authorized_call,
    call_of,
    indirect_targets,
    presignable,
    settled,
    with_buffered_body_async,
)
from guardedbedrock.aws.client.mixin import Guarded, check_region
from guardedbedrock.aws.gate.call_context import CallContext
from guardedbedrock.aws.gate.hooks import put_in_front_async
from guardedbedrock.aws.signer.bearer import bearer_of_async
from guardedbedrock.core.records import Call
from guardedbedrock.stages.send import AsyncMakeApiCall, send_async


class AsyncGuardedClient(Guarded):
    """The first base of a client class that aiobotocore generates for a Bedrock service."""

    _region_is_checked = True

    def _start_guarding(self) -> None:
        super()._start_guarding()
        self._caller_is_set = False
        self._put_gate(put_in_front_async)

    def _check_region(self, binding: ClientBinding, region: str, service: str) -> None:
        """Check it now, unless the source must be read, which would block the event loop: then `_prepare` checks it."""
        source = binding.rules.source
        if source is None or source.has_read(region):
            super()._check_region(binding, region, service)
        else:
            self._region_is_checked = False

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Awaitable[Any]:
        make_api_call: AsyncMakeApiCall = super()._make_api_call  # type: ignore[misc]  # a base of the generated class
        binding = self._guardedbedrock
        if not binding.guards(api_params):
            return make_api_call(operation_name, api_params)
        # The record is made here and not when the call is awaited: `using` chooses the guardrail where the call is made.
        return self._make_guarded_call(call_of(binding, operation_name, api_params), make_api_call)

    async def _make_guarded_call(self, call: Call, make_api_call: AsyncMakeApiCall) -> Any:
        await self._prepare()
        binding = self._guardedbedrock
        if "body" in call.params:
            call = await with_buffered_body_async(call)
        with ObservedCall(self, call) as observers:
            await self._ask_aws(call)
            authorized = authorized_call(self, call, observers)
            with CallContext(authorized, observers, self._guardedbedrock_gate) as context:
                reply = await send_async(authorized, make_api_call, read_body, binding.retry, observers, context)
                return settled(reply, binding.rules, observers, guarded_stream)

    async def _convert_to_request_dict(
        self, api_params: Any, operation_model: Any, endpoint_url: Any, *args: Any, **options: Any
    ) -> dict[str, Any]:
        convert = super()._convert_to_request_dict  # type: ignore[misc]
        request: dict[str, Any] = await convert(api_params, operation_model, endpoint_url, *args, **options)
        if self._guardedbedrock_gate is not None:
            self._guardedbedrock_gate.check_serialization(operation_model.name, api_params, endpoint_url, request)
        return request

    async def _presign(self, call: Call, presign: Callable[[dict[str, Any]], Awaitable[str]]) -> str:
        await self._prepare()
        with ObservedCall(self, call) as observers:
            await self._ask_aws(call)
            authorized = presignable(self, call, observers)
            with CallContext(authorized, observers, self._guardedbedrock_gate):
                url = await presign({**authorized.guarded.params})
            observers.close(None)
            return url

    async def __aenter__(self) -> Self:
        await self._prepare()
        entered: Self = await super().__aenter__()  # type: ignore[misc]  # a base of the generated class
        return entered

    async def _prepare(self) -> None:
        """
        Do before a call what the constructor cannot await.

        Raises:
            ConfigurationError: The source was not read before, and no guardrail is approved for the Region.
        """
        if not self._region_is_checked:
            binding = self._guardedbedrock
            await asyncio.to_thread(check_region, binding, binding.region, binding.service)
            self._region_is_checked = True
        await self._find_caller()

    async def _find_caller(self) -> None:
        """Find out how the client signs, once, and then whether its credentials were replaced."""
        if self._caller_is_set:
            await self._follow_rotated_credentials()
            return
        bearer = await bearer_of_async(self)
        if not self._caller_is_set:  # another task may have been faster
            self._set_caller(bearer, AsyncCallerIdentity, AsyncAttachedGuardrails(self))
            self._caller_is_set = True

    async def _follow_rotated_credentials(self) -> None:
        principal = self._guardedbedrock.rules.principal
        if not (self._guardedbedrock.asks_sts and isinstance(principal, AsyncCallerIdentity)):
            return
        is_outdated = await principal.is_outdated_now()
        if is_outdated and self._guardedbedrock.rules.principal is principal:  # another task may have been faster
            self._forget_caller(AsyncCallerIdentity(self))

    async def _ask_aws(self, call: Call) -> None:
        """Look up the principal and the attached guardrails if the stages need them, because the stages cannot await them."""
        rules = self._guardedbedrock.rules
        if isinstance(rules.principal, AsyncCallerIdentity) and rules.needs_principal:
            await rules.principal.learn(with_role=rules.needs_role_arn)
        if isinstance(rules.attached, AsyncAttachedGuardrails) and rules.on_indirect == "verify":
            await rules.attached.learn(indirect_targets(call), call.region)
        if rules.source is not None and not rules.source.is_ready(rules):
            # The first use reads the source, which must not block the event loop.
            await asyncio.to_thread(rules.source.current, rules)
