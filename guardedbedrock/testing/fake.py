"""The fake Bedrock: a server on loopback that any boto3 client takes for the service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Self

from guardedbedrock import bedrock
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.authorization import Authorizer, denied
from guardedbedrock.testing.control import Control
from guardedbedrock.testing.endpoint import Endpoint
from guardedbedrock.testing.faults import Break, Faults, retry_headers
from guardedbedrock.testing.guardrails import FakeGuardrail, Shelf
from guardedbedrock.testing.records import Journal, ReceivedRequest
from guardedbedrock.testing.runtime import Reply, Runtime
from guardedbedrock.testing.server import LoopbackServer
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from guardedbedrock import iam
    from guardedbedrock.testing.profiles import FakeInferenceProfile

_ACCOUNT: Final = "123456789012"
_CONTEXT: Final = {"aws:SourceIp": "127.0.0.1", "aws:SecureTransport": "false"}


def _inventory(shelf: Shelf, control: Control) -> bedrock.Inventory:
    return bedrock.Inventory(tags=shelf.tags, behind=control.behind, enforced=control.enforced)


class FakeBedrock:
    """
    A fake Bedrock, to be used as a context manager.

        with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", denied_words=("salary",))]) as fake:
            client = boto3.client("bedrock-runtime", **fake.client_kwargs())

    The same port serves ``bedrock``, the control plane, as far as it is about guardrails and inference profiles: a guardrail made
    there can be used at once.

    Args:
        guardrails: Those that exist. Each has a DRAFT, as at AWS: the one given, or else its newest version.
        policies: What IAM decides by; None lets everybody do everything.
        principal: Who all callers are to IAM; None is a role of the account.
        region: Where the fake stands; a guardrail of another region does not exist here.
        account: Whose guardrails short IDs are; None is the principal's own.
        inference_profiles: Those that exist.
        vocabulary: ``aws``, or ``invoke-with-guardrail``, which also takes identifiers such as ``G-HR-Compliance``.

    Raises:
        ConfigurationError: For a vocabulary there is not.
    """

    def __init__(  # noqa: PLR0913 - all of it optional
        self,
        *,
        guardrails: Iterable[FakeGuardrail] = (),
        policies: iam.PolicySet | None = None,
        principal: str | None = None,
        region: str = "us-east-1",
        account: str | None = None,
        vocabulary: bedrock.Vocabulary = "aws",
        inference_profiles: Iterable[FakeInferenceProfile] = (),
    ) -> None:
        if vocabulary not in bedrock.VOCABULARIES:
            raise ConfigurationError(f"vocabulary: {vocabulary!r} is not one of {', '.join(bedrock.VOCABULARIES)}")
        who = principal or f"arn:aws:iam::{account or _ACCOUNT}:role/FakeBedrockCaller"
        caller = bedrock.Caller(who, region, account or "", "aws", vocabulary, _CONTEXT, unknown=frozenset())
        shelf = Shelf(guardrails, region, caller.account)
        self.region, self.account = region, caller.account
        self._server: LoopbackServer | None = None
        self._journal, self._faults = Journal(), Faults()
        self._runtime = Runtime(shelf, region, self.account, vocabulary)
        self._control = Control(shelf, inference_profiles, who, self._runtime.rules.patterns)
        authorizer = Authorizer(policies, caller, partial(_inventory, shelf, self._control))
        self._endpoint = Endpoint([self._runtime, self._control], authorizer, self._faults, self._journal)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start to serve, at a port nobody uses; once started, this does nothing."""
        self._server = self._server or LoopbackServer(self._endpoint.answer)

    def close(self) -> None:
        """Stop serving, and free the port; what was recorded can still be read."""
        server, self._server = self._server, None
        if server:
            server.close()

    @property
    def endpoint_url(self) -> str:
        """
        ``http://127.0.0.1:PORT``, for ``endpoint_url=``, ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME`` or ``AWS_ENDPOINT_URL_BEDROCK``.

        Raises:
            RuntimeError: While the fake is not running.
        """
        if self._server is None:
            raise RuntimeError("the fake Bedrock is not running: use it as a context manager, or call start()")
        return self._server.url

    @property
    def url(self) -> str:
        """The same as `endpoint_url`."""
        return self.endpoint_url

    def client_kwargs(self) -> dict[str, str]:
        """Make the keyword arguments of a client that talks to this fake: region, endpoint and credentials that open nothing."""
        credentials = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "testing")
        return {"region_name": self.region, "endpoint_url": self.endpoint_url, **credentials}

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, in the order they were answered."""
        return self._journal.read()

    def calls(self, operation: str) -> list[ReceivedRequest]:
        """List the requests to one operation, such as ``Converse``."""
        return self._journal.read(operation)

    def reset(self) -> None:
        """Forget requests, replies, faults and jobs; policies stay, and whatever clients made or changed over ``bedrock``."""
        self._journal.clear()
        self._faults.clear()
        self._runtime.clear()

    def reply(self, *replies: Reply, times: int | None = 1, operation: str | None = None) -> None:
        """
        Script what the model says next, in place of an echo.

        Args:
            replies: One for each turn: a text, or a callable from the parameters of the call to a text.
            times: How often each is said; None means from then on.
            operation: The only operation it is for, such as ``ConverseStream``.
        """
        for reply in replies:
            self._runtime.model.script.add(reply, times=times, operation=operation)

    def fail_next(  # noqa: PLR0913 - an error has that many sides
        self,
        status: int,
        code: str,
        message: str,
        *,
        times: int = 1,
        operation: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        """
        Answer the next requests with an error.

        Args:
            status: HTTP status, such as 429.
            code: Error code, such as ``ThrottlingException``.
            message: The error's message.
            times: How many requests; botocore's own retries count.
            operation: The only operation it happens to.
            retry_after: Pause to ask the caller for, in s.
        """
        error = ServiceError(status, code, message, headers=retry_headers(retry_after))
        self._faults.errors.add(error, times=times, operation=operation)

    def deny_next(self, message: str, *, times: int = 1, operation: str | None = None) -> None:
        """Deny the next requests in IAM's form, whatever the policies say; `message` is the sentence."""
        self._faults.errors.add(denied(message), times=times, operation=operation)

    def break_stream(
        self,
        code: str = "throttlingException",
        *,
        after: int = 2,
        message: str = "Too many requests, please wait before trying again.",
        times: int = 1,
    ) -> None:
        """
        Break the next streams off with an exception frame.

        Args:
            code: A member of the stream, in lower camel case; any other code comes as an error frame.
            after: How many events come first.
            message: What the frame says.
            times: How many streams.
        """
        self._faults.breaks.add(Break(code, message, after), times=times)
