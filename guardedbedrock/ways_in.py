"""The ways from a guard to a client: made by it, by a session of its, wrapped, or made by anybody while it is installed."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from guardedbedrock.aws.client import session as sessions
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.install import Installation, install, uninstall
from guardedbedrock.aws.client.wrapping import wrap
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from types_aiobotocore_bedrock_runtime import BedrockRuntimeClient as AsyncBedrockRuntimeClient
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

ClientT = TypeVar("ClientT")
SessionT = TypeVar("SessionT")


class WaysIn:
    """What a guard does for those who want a client."""

    _watch: ClientBinding

    @overload
    def client(self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
    @overload
    def client(self, service_name: str, *args: Any, **options: Any) -> Any: ...
    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """
        Make a client as ``boto3.client`` does.

        One for ``bedrock-runtime`` is guarded; of one for ``bedrock`` or ``bedrock-agent-runtime`` every call is checked against
        the policies before it is sent, and nothing is put into it.

        Raises:
            ConfigurationError: No guardrail is approved for its region.
        """
        return sessions.make_client(sessions.default_session(), self._watch, service_name, *args, **options)

    @overload
    def async_client(
        self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any
    ) -> AbstractAsyncContextManager[AsyncBedrockRuntimeClient]: ...
    @overload
    def async_client(self, service_name: str, *args: Any, **options: Any) -> AbstractAsyncContextManager[Any]: ...
    def async_client(self, service_name: str, *args: Any, **options: Any) -> AbstractAsyncContextManager[Any]:
        """
        Make a client as ``create_client`` of an aiobotocore session does; needs the extra ``aio``.

            async with guard.async_client("bedrock-runtime", region_name="us-east-1") as client:
                reply = await client.converse(modelId=..., messages=[...])

        It is guarded as one of `client` is. Its event streams have ``async with``, which closes one that is left early.

        Args:
            service_name: Any service.
            args: What ``create_client`` takes by position, from ``region_name`` on.
            options: What ``create_client`` takes by name.

        Raises:
            ConfigurationError: aiobotocore is not installed, or (on entering) no guardrail is approved for the client's region.
        """
        try:
            from guardedbedrock.aws.aio.making import make_async_client  # noqa: PLC0415  # aiobotocore is optional
        except ImportError as error:
            raise ConfigurationError(
                f"async clients need aiobotocore, which could not be imported ({error}): install guardedbedrock[aio]"
            ) from error
        made: AbstractAsyncContextManager[Any] = make_async_client(self._watch, service_name, *args, **options)
        return made

    def session(self, session: SessionT) -> SessionT:
        """
        Guard every Bedrock client that a session of boto3, botocore or aiobotocore makes from now on, and give it back.

        Its clients keep botocore's retries: two loops would multiply. Of several guards the last one rules.

        Raises:
            ConfigurationError: It is no such session.
        """
        sessions.guard_session(session, self._watch)
        return session

    def wrap(self, client: ClientT) -> ClientT:
        """
        Guard a client of boto3 or aiobotocore that exists already, for everybody who holds it, and give it back.

        It keeps botocore's retries. One that was guarded before goes by this guard from now on; one of another service stays as
        it is.

        Raises:
            ConfigurationError: It is no such client, or no guardrail is approved for its region; it is as it was before.
        """
        wrap(client, self._watch)
        return client

    def install(self, *, strict: bool = False) -> Installation:
        """
        Guard every Bedrock client that is made in this process from now on, whoever makes it, by whatever session.

        A second time does nothing. Of several guards the one that was installed last rules; the guard that makes a client, wraps
        it or guards its session goes before any that is installed.

        Args:
            strict: Whether requests that clients of other libraries (LiteLLM, the Anthropic SDK) sign with botocore's signers are
                looked at too: one that would reach a model without the guardrail gets it where its operation takes headers, and
                is refused where not. What carries a bearer token does not come by.

        Returns:
            A context manager that undoes at its end what this call did; without it, `uninstall` does.

        Warns:
            UnguardedClientWarning: Clients that were made before are there, and go on unguarded.
        """
        return install(self._watch, strict=strict)

    def uninstall(self) -> None:
        """Undo `install`; clients that were made in between stay guarded."""
        uninstall(self._watch)
