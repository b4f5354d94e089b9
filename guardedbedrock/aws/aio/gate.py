"""The gate of a client whose signer and HTTP session are awaited."""

from __future__ import annotations

from typing import Any

from guardedbedrock.aws.gate.gate import Gate
from guardedbedrock.aws.gate.swap_class import GatedAuth


class AsyncGate(Gate):
    """As `Gate`, for a client of aiobotocore."""

    def _fronted_auth(self, get_auth_instance: Any) -> Any:
        async def gated_auth_instance(*args: Any, **options: Any) -> GatedAuth:
            return GatedAuth(await get_auth_instance(*args, **options), self)

        return gated_auth_instance

    def _fronted_session(self, session: Any) -> Any:
        # The session stays what it is: aiobotocore tells its HTTP libraries apart by the session's class.
        session.send = self._fronted_send(session.send)
        return session

    def _fronted_send(self, send: Any) -> Any:
        async def gated_send(request: Any) -> Any:
            self.check(request, request.body, "sent")
            return await send(request)

        return gated_send
