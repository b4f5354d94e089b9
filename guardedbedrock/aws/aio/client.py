"""The mixin that makes a client class of aiobotocore a guarded one: what `guardedbedrock.aws.client.mixin` does, awaited."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Self

from guardedbedrock.aws.aio.bearer import bearer_of
from guardedbedrock.aws.aio.gate import AsyncGate
from guardedbedrock.aws.aio.identity import AsyncCallerIdentity
from guardedbedrock.aws.aio.stream import guarded_stream, read_body
from guardedbedrock.aws.client.call_context import CallContext
from guardedbedrock.aws.client.call_steps import ObservedCall, authorized_call, call_of, presignable, presigned_call, settled
from guardedbedrock.aws.client.mixin import Guarded
from guardedbedrock.core.records import Call
from guardedbedrock.stages.send import AsyncTransport, send_async


class AsyncGuardedClient(Guarded):
    """Comes first in the bases of a client class that aiobotocore generates for a Bedrock service."""

    def _begin(self) -> None:
        super()._begin()
        self._signer_is_known = False
        self._put_gate(AsyncGate)

    async def _convert_to_request_dict(self, api_params: Any, operation_model: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Write a request, and let the gate see it."""
        request: dict[str, Any] = await super()._convert_to_request_dict(api_params, operation_model, *args, **options)  # type: ignore[misc]
        if self._guardedbedrock_gate is not None:
            self._guardedbedrock_gate.note(operation_model.name, options.get("endpoint_url"), request, self._serializer)
        return request

    async def __aenter__(self) -> Self:
        await self._find_signer()
        entered: Self = await super().__aenter__()  # type: ignore[misc]  # a base of the generated class
        return entered

    async def _find_signer(self) -> None:
        if self._signer_is_known:
            return
        bearer = await bearer_of(self)
        if not self._signer_is_known:  # no other task was faster
            self._know_signer(bearer, AsyncCallerIdentity)
            self._signer_is_known = True

    async def _learn_principal(self) -> None:
        rules = self._guardedbedrock.rules
        if isinstance(rules.principal, AsyncCallerIdentity) and rules.policies is not None:
            await rules.principal.learn()

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Awaitable[Any]:
        transport: AsyncTransport = super()._make_api_call  # type: ignore[misc]
        if self._guardedbedrock.rules.mode == "off":
            return transport(operation_name, api_params)
        # Written down here and not when it is awaited: the guardrail is the one chosen where the call is made.
        return self._go_through(call_of(self, operation_name, api_params), transport)

    async def _go_through(self, call: Call, transport: AsyncTransport) -> dict[str, Any]:
        await self._find_signer()
        watch = self._guardedbedrock
        with ObservedCall(watch.listeners, call, self) as observers:
            await self._learn_principal()
            authorized = authorized_call(self, call, observers)
            with CallContext(authorized, observers, self._guardedbedrock_gate):
                reply = await send_async(authorized, transport, read_body, watch.retry, observers)
                return settled(reply, watch.rules, observers, guarded_stream)

    @staticmethod
    def _guard_presign(presign: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
        """Let a presigned URL pass the same first stages, where the URL can bind the guardrail."""

        @functools.wraps(presign)
        async def generate_presigned_url(
            self: AsyncGuardedClient,
            ClientMethod: str,  # noqa: N803  # the names are boto3's
            Params: dict[str, Any] | None = None,  # noqa: N803
            ExpiresIn: int = 3600,  # noqa: N803
            HttpMethod: str | None = None,  # noqa: N803
        ) -> str:
            call = presigned_call(self, ClientMethod, Params)
            if call is None:
                return await presign(self, ClientMethod, Params, ExpiresIn, HttpMethod)
            await self._find_signer()
            with ObservedCall(self._guardedbedrock.listeners, call, self) as observers:
                await self._learn_principal()
                authorized = presignable(self, call, observers)
                with CallContext(authorized, observers, self._guardedbedrock_gate):
                    url = await presign(self, ClientMethod, {**authorized.guarded.params}, ExpiresIn, HttpMethod)
                observers.close(None)
                return url

        return generate_presigned_url
