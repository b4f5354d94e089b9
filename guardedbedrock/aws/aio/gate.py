"""The gate of a client whose signer and HTTP session are awaited."""

from __future__ import annotations

from typing import Any

from guardedbedrock.aws.gate import Gate, GatedAuth


class AsyncGate(Gate):
    """As `Gate`, for a client of aiobotocore."""

    def _stand_in(self, signer: Any, endpoint: Any) -> None:
        session = endpoint.http_session
        get_auth_instance, send = signer.get_auth_instance, session.send

        async def gated_auth_instance(*args: Any, **options: Any) -> GatedAuth:
            return GatedAuth(await get_auth_instance(*args, **options), self)

        async def gated_send(request: Any) -> Any:
            self.check(request.url, request.headers, request.body, "sent")
            return await send(request)

        signer.get_auth_instance = gated_auth_instance
        # The session stays what it is: aiobotocore tells its HTTP libraries apart by the session's class.
        session.send = gated_send
