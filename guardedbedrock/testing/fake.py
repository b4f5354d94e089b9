"""The fake Bedrock: a server on loopback that boto3 cannot distinguish from the service."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final, Self, Unpack

from guardedbedrock.testing.fake_state import TEST_KEY, FakeConfig, FakeOptions, FakeState
from guardedbedrock.testing.faults import TOO_MANY, BreakStream, Deny, Fail, Fault
from guardedbedrock.testing.received_requests import Calls
from guardedbedrock.testing.server.loopback import NO_LIMITS, LoopbackServer, RequestLimits
from guardedbedrock.testing.server.tls import LoopbackCertificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from guardedbedrock.testing.received_requests import ReceivedRequest
    from guardedbedrock.testing.runtime import ScriptedReply
    from guardedbedrock.testing.wire import HttpRequest, HttpResponse


_SERVED: Final = ("BEDROCK_RUNTIME", "BEDROCK", "BEDROCK_AGENT_RUNTIME", "BEDROCK_AGENT")
"""The services in the names of environment variables."""


class FakeBedrock:
    """
    A fake Bedrock. Use it as a context manager.

        with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", denied_words=("salary",))]) as fake:
            client = boto3.client("bedrock-runtime", **fake.client_kwargs())

    One port serves the runtime (``bedrock-runtime``), the control plane (``bedrock``), and agents, flows and knowledge bases
    (``bedrock-agent-runtime``, ``bedrock-agent``). Resources that a client creates are ready immediately.

    Args:
        tls: Serve HTTPS with a generated certificate. Clients with a Bedrock API key need it. Requires the extra ``tls``.
        guardrails: The guardrails that exist. Each has a DRAFT, as at AWS; by default it equals the newest version.
        policies: The IAM policies in force; None allows everything.
        principal: ARN of the principal of all requests; None is a role in the account. A request with a Bedrock API key has the
            same principal and needs ``bedrock:CallWithBearerToken``, too.
        region: Region of the fake. Guardrails of another region do not exist here.
        regions: Further regions of the same server. The region of a request is that of its signature; a request without a
            signature belongs to ``region``. Resources exist in one region; a guardrail with a short ID exists in each.
        account: Account of guardrails with a short ID; None is the account of the principal.
        inference_profiles: The inference profiles that exist.
        knowledge_bases: The knowledge bases that exist, with their documents. Without any, every ID is a knowledge base whose
            only passage is the reply of the model.
        enforced: Guardrails that the organization or the account enforces on model calls.
        seed: Seed of the random numbers that faults use.
        keep: Number of the latest requests to store; None stores all.
        keep_bytes: Size of the latest requests to store, in bytes; None stores all.
        verify_signatures: Verify signatures, and respond to an invalid one as AWS does. The credentials of `client_kwargs` are
            valid.
        credentials: Accepted credentials and API keys, with their principals. If given, signatures are verified.
        invocation_logs: Folder for the model invocation log; None writes none. It contains a folder for each bucket and log
            group of the logging configuration, which clients change with ``bedrock``. At first the bucket is ``invocation-logs``.
        replay: Folder with recorded exchanges: cassettes of vcrpy, or the files of ``record``. The fake answers only from them,
            after it has checked signature, faults and policies. A request that is not recorded gets an error that names the
            nearest one.
        record: Folder to which the exchanges of this fake are written, for ``replay``. Prompts and responses are in the files.
        vocabulary: ``aws``, or ``invoke-with-guardrail``, which also accepts identifiers such as ``G-HR-Compliance``.

    Raises:
        ConfigurationError: An argument is invalid, or the recordings cannot be read.
    """

    _limits: ClassVar[RequestLimits] = NO_LIMITS

    def __init__(self, *, tls: bool = False, **options: Unpack[FakeOptions]) -> None:
        self._state, self._tls = FakeState(FakeConfig(**options), secure=tls), tls
        self._certificate: LoopbackCertificate | None = None
        self._server: LoopbackServer | None = None

    def configure(self, **options: Unpack[FakeOptions]) -> None:
        """
        Replace the configuration and forget all state. Address and certificate stay the same.

        It takes less than a millisecond, so that one fake can serve many tests. A request that is being handled is completed
        with the old configuration.

        Raises:
            ConfigurationError: An argument is invalid, or the recordings cannot be read.
        """
        self._state = FakeState(FakeConfig(**options), secure=self._tls)

    def _respond(self, http_request: HttpRequest) -> HttpResponse:
        return self._state.respond(http_request)

    @property
    def region(self) -> str:
        """Region of the fake."""
        return self._state.region

    @property
    def account(self) -> str:
        """Account of guardrails with a short ID."""
        return self._state.account

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self, port: int = 0) -> None:
        """
        Start to serve. If the fake is running, do nothing.

        Args:
            port: 0 chooses a free port.

        Raises:
            ConfigurationError: TLS is on and the extra ``tls`` is not installed.
            OSError: The port is in use or not allowed.
        """
        if self._server is None:
            self._certificate = LoopbackCertificate() if self._tls else None
            self._serve(port)

    def _serve(self, port: int = 0) -> None:
        context = self._certificate.context if self._certificate else None
        self._server = LoopbackServer(self._respond, context, port, self._limits)

    def close(self) -> None:
        """Stop serving and release the port. The stored requests stay readable."""
        server, self._server = self._server, None
        if server:
            server.close()
        if self._certificate:
            self._certificate.close()

    @property
    def endpoint_url(self) -> str:
        """
        ``http://127.0.0.1:PORT``, or ``https://...`` with TLS.

        Use it as ``endpoint_url=``, or as ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME`` and the other variables of `environment`.

        Raises:
            RuntimeError: The fake is not running.
        """
        return self._running.url

    @property
    def _running(self) -> LoopbackServer:
        if self._server is None:
            raise RuntimeError("the fake Bedrock is not running: use it as a context manager, or call start()")
        return self._server

    @property
    def ca_file(self) -> str | None:
        """Path of the certificate authority while the fake runs, for ``verify=`` or ``AWS_CA_BUNDLE``; None without TLS."""
        return self._certificate.ca_file if self._certificate else None

    def client_kwargs(self, region: str | None = None) -> dict[str, str]:
        """
        Return the keyword arguments of a boto3 client for this fake, with credentials that are valid only here.

        Args:
            region: One of ``regions``; None is the main region.
        """
        credentials = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), TEST_KEY)
        trust = {"verify": self.ca_file} if self.ca_file else {}
        return {"region_name": region or self.region, "endpoint_url": self.endpoint_url, **trust, **credentials}

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that direct an AWS SDK of any language to this fake."""
        urls = dict.fromkeys((f"AWS_ENDPOINT_URL_{name}" for name in _SERVED), self.endpoint_url)
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), TEST_KEY)
        trust = {"AWS_CA_BUNDLE": self.ca_file} if self.ca_file else {}
        return {**urls, **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), self.region), **trust, **keys}

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, in the order of their responses."""
        return self._state.log.read()

    @property
    def calls(self) -> Calls:
        """The requests so far: ``fake.calls("Converse")`` filters them, ``fake.calls.assert_...`` checks them."""
        return Calls(self._state.log.read, self._state.guardrails)

    def reset(self) -> None:
        """
        Remove requests, scripted replies, faults and asynchronous invocations.

        A replay starts again with the first recorded response to each request. Policies stay, and so does everything that clients
        created or changed with ``bedrock``. `configure` removes that, too.
        """
        self._state.clear()

    def reply(
        self, *replies: ScriptedReply, times: int | None = 1, operation: str | None = None, model: str | None = None
    ) -> None:
        """
        Script the next replies of the model. Without a script the model echoes the prompt.

        Args:
            replies: One for each call: a string, a `ToolUse`, a `Reasoning`, a list of them, or a function from the parameters of
                the call to one of these.
            times: How many calls get each reply; None means all further calls.
            operation: Reply only to calls of this operation, such as ``ConverseStream``.
            model: Reply only to calls of this model: ID or ARN as the call has it, with ``*`` as a wildcard.

        Raises:
            ConfigurationError: A reply has another type, or the operation is unknown.
        """
        for reply in replies:
            self._state.runtime.model.script.add(reply, times=times, operation=operation, model=model)

    def fault(
        self,
        *faults: Fault,
        operation: str | None = None,
        times: int | None = 1,
        chance: float = 1,
        model: str | None = None,
    ) -> None:
        """
        Inject faults. `guardedbedrock.testing.faults` lists them.

        Args:
            faults: Faults that happen to the same request, together.
            operation: Inject only into requests to this operation, such as ``Converse``.
            times: Number of requests, including retries by botocore; None means all further requests. If several faults have a
                number, each request gets the first that is left. Faults without a number apply to every request.
            chance: Probability for each request, 0 to 1, from the fake's seed.
            model: Inject only into calls of this model: ID or ARN as the call has it, with ``*`` as a wildcard.

        Raises:
            ConfigurationError: ``chance`` is not a probability, the operation is unknown, or there is no fault.
        """
        self._state.faults.add(faults, operation=operation, times=times, chance=chance, model=model)

    def deny(
        self, operation: str | None = None, *, by: str = "identity", action: str | None = None, times: int | None = 1
    ) -> None:
        """
        Deny the next requests with AWS's response, whatever the policies say.

        Args:
            operation: Deny only requests to this operation, such as ``Converse``.
            by: A name in `DENIALS`, such as ``scp-explicit`` or ``model-access``. A policy type alone is its explicit deny.
            action: The denied authorization, such as ``bedrock:ApplyGuardrail``; None is the first of the operation.
            times: Number of requests; None means all further requests.

        Raises:
            ConfigurationError: The denial or the operation is unknown.
        """
        self.fault(Deny(by, action), operation=operation, times=times)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Stop listening within the block: new connections are refused and open connections end."""
        port = self._running.port
        self._running.close()
        try:
            yield
        finally:
            self._serve(port)

    def fail_next(  # noqa: PLR0913 - one parameter for each part of an error
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
        Respond to the next requests with an error: `fault` with a `Fail`.

        Args:
            status: HTTP status, such as 429.
            code: Error code, such as ``ThrottlingException``.
            message: Error message.
            times: Number of requests, including retries by botocore.
            operation: Fail only requests to this operation.
            retry_after: Seconds that the caller should wait before a retry.
        """
        self.fault(Fail(status, code, message, retry_after), times=times, operation=operation)

    def deny_next(self, message: str, *, times: int = 1, operation: str | None = None) -> None:
        """Deny the next requests with this message, in IAM's format, whatever the policies say."""
        self.fault(Fail(403, "AccessDeniedException", message, by_iam=True), times=times, operation=operation)

    def break_stream(self, code: str = "throttlingException", *, after: int = 2, message: str = TOO_MANY, times: int = 1) -> None:
        """
        End the next streams with an exception: `fault` with a `BreakStream`.

        Args:
            code: A member of the event stream, in lower camel case. Any other code is sent as an error frame.
            after: Number of events before the exception.
            message: Message of the exception.
            times: Number of streams.
        """
        self.fault(BreakStream(code, message, after), times=times)
