"""The fake Bedrock: a server on loopback that any boto3 client takes for the service."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, Unpack

from guardedbedrock.testing.faults import TOO_MANY, BreakStream, Deny, Fail, Fault
from guardedbedrock.testing.received import Calls
from guardedbedrock.testing.server import LoopbackServer
from guardedbedrock.testing.tls import Certificate
from guardedbedrock.testing.world import OPEN_SESAME, Options, Setup, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from guardedbedrock.testing.records import ReceivedRequest
    from guardedbedrock.testing.runtime import Reply
    from guardedbedrock.testing.wire import Answer, Incoming


class FakeBedrock:
    """
    A fake Bedrock, to be used as a context manager.

        with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", denied_words=("salary",))]) as fake:
            client = boto3.client("bedrock-runtime", **fake.client_kwargs())

    The same port serves ``bedrock``, the control plane, as far as it is about guardrails and inference profiles: a guardrail made
    there can be used at once.

    Args:
        tls: Serve HTTPS, with a certificate made at the start, which clients with a Bedrock API key insist on. Needs the extra
            ``tls``.
        guardrails: Those that exist. Each has a DRAFT, as at AWS: the one given, or else its newest version.
        policies: What IAM decides by; None lets everybody do everything.
        principal: Who all callers are to IAM; None is a role of the account. With a Bedrock API key it is the same one, who then
            has to be allowed ``bedrock:CallWithBearerToken`` too.
        region: Where the fake stands; a guardrail of another region does not exist here.
        account: Whose guardrails short IDs are; None is the principal's own.
        inference_profiles: Those that exist.
        enforced: Guardrails that the organization, or the account, puts on every model call.
        seed: Of the dice that faults throw.
        keep: How many of the latest requests are remembered; None is all.
        verify_signatures: Answer as AWS does to a request whose signature is not good; those of `client_kwargs` are.
        credentials: Those that are good, with the principals they belong to; any of them turns verification on.
        vocabulary: ``aws``, or ``invoke-with-guardrail``, which also takes identifiers such as ``G-HR-Compliance``.

    Raises:
        ConfigurationError: For a vocabulary there is not.
    """

    def __init__(self, *, tls: bool = False, **options: Unpack[Options]) -> None:
        self._world, self._tls = World(Setup(**options), secure=tls), tls
        self._certificate: Certificate | None = None
        self._server: LoopbackServer | None = None

    def configure(self, **options: Unpack[Options]) -> None:
        """
        Become what a new fake with these options is, and forget everything; address and certificate stay.

        It takes well under a millisecond, so that one fake can serve many tests. What is still on its way gets the old answer.

        Raises:
            ConfigurationError: For a vocabulary there is not.
        """
        self._world = World(Setup(**options), secure=self._tls)

    def _answer(self, incoming: Incoming) -> Answer:
        return self._world.endpoint.answer(incoming)

    @property
    def region(self) -> str:
        """Where the fake stands."""
        return self._world.region

    @property
    def account(self) -> str:
        """Whose guardrails short IDs are."""
        return self._world.account

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self, port: int = 0) -> None:
        """
        Start to serve; once started, this does nothing.

        Args:
            port: Where; 0 is a port that nobody uses.

        Raises:
            ConfigurationError: TLS is asked for and the extra ``tls`` is not installed.
            OSError: Nobody can listen at the port.
        """
        if self._server is None:
            self._certificate = Certificate() if self._tls else None
            self._serve(port)

    def _serve(self, port: int = 0) -> None:
        self._server = LoopbackServer(self._answer, self._certificate.context if self._certificate else None, port)

    def close(self) -> None:
        """Stop serving, and free the port; what was recorded can still be read."""
        server, self._server = self._server, None
        if server:
            server.close()
        if self._certificate:
            self._certificate.close()

    @property
    def endpoint_url(self) -> str:
        """
        ``http://127.0.0.1:PORT``, or ``https://...``.

        It goes into ``endpoint_url=``, ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME`` or ``AWS_ENDPOINT_URL_BEDROCK``.

        Raises:
            RuntimeError: While the fake is not running.
        """
        return self._running.url

    @property
    def _running(self) -> LoopbackServer:
        if self._server is None:
            raise RuntimeError("the fake Bedrock is not running: use it as a context manager, or call start()")
        return self._server

    @property
    def url(self) -> str:
        """The same as `endpoint_url`."""
        return self.endpoint_url

    @property
    def ca_file(self) -> str | None:
        """Path of the certificate to trust while the fake runs, for ``verify=`` or ``AWS_CA_BUNDLE``; None without TLS."""
        return self._certificate.ca_file if self._certificate else None

    def client_kwargs(self) -> dict[str, str]:
        """Make the keyword arguments of a client that talks to this fake; the credentials open nothing anywhere else."""
        credentials = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), OPEN_SESAME)
        trust = {"verify": self.ca_file} if self.ca_file else {}
        return {"region_name": self.region, "endpoint_url": self.endpoint_url, **trust, **credentials}

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which an AWS SDK of any language talks to this fake."""
        urls = dict.fromkeys(("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL_BEDROCK"), self.endpoint_url)
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), OPEN_SESAME)
        trust = {"AWS_CA_BUNDLE": self.ca_file} if self.ca_file else {}
        return {**urls, **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), self.region), **trust, **keys}

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, in the order they were answered."""
        return self._world.journal.read()

    @property
    def calls(self) -> Calls:
        """The requests so far: ``fake.calls("Converse")`` lists those to one operation, ``fake.calls.assert_...`` holds them."""
        return Calls(self._world.journal.read, self._world.guardrails)

    def reset(self) -> None:
        """
        Forget requests, replies, faults and jobs; policies stay, and whatever clients made or changed over ``bedrock``.

        To forget that too, `configure` anew.
        """
        self._world.clear()

    def reply(self, *replies: Reply, times: int | None = 1, operation: str | None = None) -> None:
        """
        Script what the model says next, in place of an echo.

        Args:
            replies: One for each turn: a text, or a callable from the parameters of the call to a text.
            times: How often each is said; None means from then on.
            operation: The only operation it is for, such as ``ConverseStream``.
        """
        for reply in replies:
            self._world.runtime.model.script.add(reply, times=times, operation=operation)

    def fault(self, *faults: Fault, operation: str | None = None, times: int | None = 1, chance: float = 1) -> None:
        """
        Let something go wrong; see `guardedbedrock.testing.faults` for what can.

        Args:
            faults: What happens, all of it to the same request.
            operation: The only operation it happens to, such as ``Converse``.
            times: To how many requests, of which botocore's own retries count; None means from then on. Of several faults that
                happen so many times, each request meets the first that is left; those that stay meet every request.
            chance: How likely it happens to a request, 0 to 1, by the dice of the fake's seed.

        Raises:
            ConfigurationError: The chance is no probability.
        """
        self._world.faults.add(faults, operation=operation, times=times, chance=chance)

    def deny(
        self, operation: str | None = None, *, by: str = "identity", action: str | None = None, times: int | None = 1
    ) -> None:
        """
        Deny the next requests as AWS would, whatever the policies say.

        Args:
            operation: The only operation it happens to, such as ``Converse``.
            by: A name of `DENIALS`, such as ``scp-explicit`` or ``model-access``; a policy type alone is its explicit deny.
            action: The authorization that is denied, such as ``bedrock:ApplyGuardrail``; None is the operation's own first.
            times: How many requests; None means from then on.

        Raises:
            ConfigurationError: There is no such denial.
        """
        self.fault(Deny(by, action), operation=operation, times=times)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Listen at the port no more while the block lasts: connections are refused, those that there are end."""
        port = self._running.port
        self._running.close()
        try:
            yield
        finally:
            self._serve(port)

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
        Answer the next requests with an error: `fault` with a `Fail`.

        Args:
            status: HTTP status, such as 429.
            code: Error code, such as ``ThrottlingException``.
            message: The error's message.
            times: How many requests; botocore's own retries count.
            operation: The only operation it happens to.
            retry_after: Pause to ask the caller for, in s.
        """
        self.fault(Fail(status, code, message, retry_after), times=times, operation=operation)

    def deny_next(self, message: str, *, times: int = 1, operation: str | None = None) -> None:
        """Deny the next requests in IAM's form, whatever the policies say; `message` is the sentence."""
        self.fault(Fail(403, "AccessDeniedException", message, by_iam=True), times=times, operation=operation)

    def break_stream(self, code: str = "throttlingException", *, after: int = 2, message: str = TOO_MANY, times: int = 1) -> None:
        """
        Break the next streams off with an exception frame: `fault` with a `BreakStream`.

        Args:
            code: A member of the stream, in lower camel case; any other code comes as an error frame.
            after: How many events come first.
            message: What the frame says.
            times: How many streams.
        """
        self.fault(BreakStream(code, message, after), times=times)
