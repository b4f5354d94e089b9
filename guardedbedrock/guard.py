"""`Guard`, the public class: it turns settings into rules and creates guarded clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from copy import copy
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar, overload

from guardedbedrock.auditing import audit_of
from guardedbedrock.aws.botocore_contract import check_aiobotocore
from guardedbedrock.aws.chosen_guardrail import chosen
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.creation import session as sessions
from guardedbedrock.aws.creation.install import Installation, install, uninstall
from guardedbedrock.aws.creation.wrap import wrap
from guardedbedrock.aws.http.smithy import smithy_plugin
from guardedbedrock.aws.http.transport import HttpFactory, Library
from guardedbedrock.aws.sources.attached_guardrails import AttachedGuardrails
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.aws.sources.live import live_source
from guardedbedrock.bedrock import OPERATIONS, RUNTIME_SERVICE, Guardrail, Vocabulary
from guardedbedrock.bedrock.call_checks import find_problem, unreadable
from guardedbedrock.bedrock.guardrail.backstop import ApiKeys, backstop
from guardedbedrock.bedrock.names import REGION_FIX, is_model, is_region
from guardedbedrock.bedrock.resources.inventory import GuardrailOnProfiles
from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels, sendable_patterns
from guardedbedrock.core.clock import utc_now
from guardedbedrock.core.observers import Listener, Observers
from guardedbedrock.core.records import Call, Verdict, plain_parameters
from guardedbedrock.core.rules import (
    Mode,
    OnIndeterminate,
    OnIndirect,
    OnIntervention,
    OnMantle,
    OnPartial,
    OnUnapproved,
    OnUnavailable,
    OnUnguardedReply,
    Rules,
)
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.settings import Settings, check, load
from guardedbedrock.stages.authorize import judge
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry import default_listeners
from guardedbedrock.telemetry.audit import Audit

if TYPE_CHECKING:
    import httpx
    import httpx2
    from types_aiobotocore_bedrock_runtime import BedrockRuntimeClient as AsyncBedrockRuntimeClient

    from guardedbedrock._boto3_stubs import BedrockRuntimeClient

ClientT = TypeVar("ClientT")
SessionT = TypeVar("SessionT")

_OBJECTS: Final = frozenset({"audit", "retry"})
"""Settings that are tables in a configuration and objects in code."""


class Guard:
    """
    Approved guardrails, policies and a principal that clients are guarded with.

        guard = Guard(guardrails=[Guardrail(arn, version="3", name="hr")], policies="policies/*.json", principal=role_arn)
        client = guard.client("bedrock-runtime", region_name="us-east-1")

    Every keyword up to `retry` is a setting with the same name and default in a configuration file; ``docs/configuration.md``
    describes them in full.

    Args:
        guardrails: The approved guardrails. The first one for the client's Region and the call's model is injected. ``"account"``
            approves the READY guardrails of the account; a mapping of tags approves those with these tags.
        policies: A `PolicySet`, a path, a glob or a list of them (identity-based policies), or a mapping of policy type to such
            sources. ``"account"``, ``"snapshot:FILE"`` and ``"s3://BUCKET/KEY"`` name a source that is read again. None checks
            the list of approved guardrails only.
        principal: ARN of the caller, or ``"caller"``: STS is asked once, at the first call.
        role_arn: ARN of the role of the caller's session, with its path.
        vocabulary: ``aws``, or ``invoke-with-guardrail`` for policies that name ``bedrock:InvokeModelWithGuardrail``.
        mode: ``enforce``, ``report`` (send every call, and report what would be refused) or ``off``.
        on_unapproved: ``refuse`` a call that names another guardrail, or ``replace`` it.
        on_partial: ``warn``, ``allow`` or ``refuse`` a call whose guardrail checks only a part of the prompt, or too late.
        on_indeterminate: ``send`` or ``refuse`` a call for which the policies give no sure answer.
        on_intervention: ``return`` the reply of a guardrail that intervened, or ``raise``.
        on_unguarded_reply: ``return`` a reply which shows that no guardrail ran although one was sent, or ``raise``.
        on_mantle: ``refuse`` or ``allow`` requests to ``bedrock-mantle``, whose endpoint has no guardrails.
        allow_draft: Allow ``DRAFT`` as an approved version.
        allow_unguarded: Operations that cannot carry a guardrail and may be called without one.
        on_indirect: ``warn`` about, ``allow`` or ``refuse`` a call that makes AWS call models where the call cannot name a
            guardrail, such as InvokeAgent; ``verify`` asks AWS whether an approved guardrail is attached there.
        unsupported_models: ``send`` or ``refuse`` calls to embedding and rerank models, which take no guardrail.
        models_without_guardrail: Patterns of further models that take no guardrail and may be called without one.
        guardrail_on_profiles: Whether ``bedrock:GuardrailIdentifier`` is ``present`` or ``absent`` on the authorization of an
            inference profile, as you tested it at AWS; ``unknown`` by default.
        context: Condition keys that have the same value in every call, such as ``{"aws:PrincipalOrgID": "o-..."}``.
        enforced: Guardrails that the account or the organization enforces; an `EnforcedGuardrail` tells the models.
        profiles: Identifier of an application profile, prompt router or prompt to the IDs or ARNs of its models.
        rcp_applies: Treat a denial by a resource control policy as final.
        guardrail_versions: Name, ID or ARN of a guardrail of the account to its pinned version.
        refresh: Seconds between two reads of a source.
        max_stale: Seconds for which the data of a source stays in use after a read fails.
        max_age: Greatest accepted age of a snapshot in seconds; None accepts every age.
        on_unavailable: ``deny`` or ``allow`` a call while a source is unavailable.
        retry: Retries of the guard; see ``docs/configuration.md`` for the order of precedence.
        listeners: Receive the events of each call; spans, metrics and log events unless given.
        audit: Writes records for auditors, in addition to the listeners.
        clock: Returns the current time.

    Raises:
        ConfigurationError: A value is invalid. The message gives the keyword and how to fix it.
    """

    def __init__(  # noqa: PLR0913  # each is a setting, and all are keywords
        self,
        *,
        guardrails: Iterable[Guardrail] | Mapping[str, str] | Literal["account"],
        policies: PolicySet | Mapping[str, Any] | Iterable[Any] | str | Path | None = None,
        principal: str | None = None,
        role_arn: str | None = None,
        vocabulary: Vocabulary = "aws",
        mode: Mode = "enforce",
        on_unapproved: OnUnapproved = "refuse",
        on_partial: OnPartial = "warn",
        on_indeterminate: OnIndeterminate = "send",
        on_intervention: OnIntervention = "return",
        on_unguarded_reply: OnUnguardedReply = "return",
        on_mantle: OnMantle = "refuse",
        allow_draft: bool = False,
        allow_unguarded: Iterable[str] = (),
        on_indirect: OnIndirect = "warn",
        unsupported_models: UnsupportedModels = "send",
        models_without_guardrail: Iterable[str] = (),
        guardrail_on_profiles: GuardrailOnProfiles = "unknown",
        context: Mapping[str, object] | None = None,
        enforced: Iterable[Guardrail] = (),
        profiles: Mapping[str, Iterable[str]] | None = None,
        guardrail_versions: Mapping[str, str] | None = None,
        refresh: float = 3600.0,
        max_stale: float = 86400.0,
        max_age: float | None = None,
        on_unavailable: OnUnavailable = "deny",
        rcp_applies: bool = False,
        retry: RetryPolicy | None = None,
        listeners: Iterable[Listener] | None = None,
        audit: Audit | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        # Every keyword with the name of a setting is checked as that setting; None means that it was not given.
        names = Settings.model_fields.keys() - _OBJECTS
        given = {name: value for name, value in locals().items() if name in names and value is not None}
        self._configure(check(**given), retry, listeners, audit, clock)

    @classmethod
    def from_config(
        cls,
        path: str | Path | None = None,
        *,
        retry: RetryPolicy | None = None,
        listeners: Iterable[Listener] | None = None,
        audit: Audit | None = None,
        clock: Callable[[], datetime] = utc_now,
        **settings: Any,
    ) -> Self:
        """
        Create a guard from the configuration.

        For each setting the first of these sources wins; ``policies`` and ``context`` are merged key by key.

        1. Keyword arguments.
        2. Environment variables ``GUARDEDBEDROCK_*``.
        3. The TOML file.

        Args:
            path: The TOML file. Without it: the file that ``GUARDEDBEDROCK_CONFIG`` names, then ``guardedbedrock.toml`` in the
                working directory, then ``[tool.guardedbedrock]`` of ``pyproject.toml`` there.
            retry: As in `Guard`.
            listeners: As in `Guard`.
            audit: As in `Guard`; without it, the settings under ``audit``.
            clock: As in `Guard`.
            settings: Other keywords of `Guard`.

        Raises:
            ConfigurationError: A key is unknown, a value is invalid, or a file is missing. The message says where, and how to fix
                it.
        """
        return cls._from_settings(load(path, **settings), retry, listeners, audit, clock)

    @classmethod
    def _from_settings(
        cls,
        settings: Settings,
        retry: RetryPolicy | None = None,
        listeners: Iterable[Listener] | None = None,
        audit: Audit | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        guard = cls.__new__(cls)
        guard._configure(settings, retry, listeners, audit, clock)  # noqa: SLF001  # its own class
        return guard

    def _configure(
        self,
        settings: Settings,
        retry: RetryPolicy | None,
        listeners: Iterable[Listener] | None,
        audit: Audit | None,
        clock: Callable[[], datetime],
    ) -> None:
        given_listeners = _check_objects(retry, listeners, audit, clock)
        asks_sts = settings.asks_sts
        named = settings.principal or ""
        records = settings.audit and audit_of(**settings.audit.model_dump()) if audit is None else audit
        every_listener: tuple[Listener, ...] = (
            *(default_listeners() if given_listeners is None else given_listeners),
            *([records.of("" if asks_sts else named)] if records else []),
        )
        source = live_source(settings.source(clock), every_listener)
        # A setting that a stage reads is a field of `Rules` with the same name; only the exceptions are written out.
        same = {field.name: getattr(settings, field.name) for field in fields(Rules) if field.name in Settings.model_fields}
        exceptions: dict[str, Any] = {
            "policies": settings.policy_set(),
            "principal": CallerIdentity() if asks_sts else lambda: named,
            "context": settings.known_context,
            "source": source,
        }
        self._rules = Rules(
            **{**same, **exceptions},
            approved=settings.approved,
            clock=clock,
            resolved_models=settings.profiles,
            known_account="" if asks_sts else identify(named).account,
            attached=AttachedGuardrails(),
            advisory_policy_types=settings.advisory_policy_types,
        )
        if records and settings.mode != "off":
            records.check()
        if source is not None:
            every_listener = (*every_listener, source.listener)
        configured = retry is not None or "retry" in settings.model_fields_set
        self._binding = ClientBinding(
            self._rules, retry if retry is not None else settings.retry.policy, every_listener, asks_sts, configured
        )

    @property
    def rules(self) -> Rules:
        """The settings in the form that the stages use, with what a source has now."""
        return self._rules.current()

    @overload
    def client(self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any) -> BedrockRuntimeClient: ...
    @overload
    def client(self, service_name: str, *args: Any, **options: Any) -> Any: ...
    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """
        Create a client as ``boto3.client`` does.

        A client of a Bedrock service is guarded: operations that take a guardrail get the approved one, and every call is
        checked against the policies before it is sent. Clients of other services are plain boto3 clients.

        Args:
            service_name: Any service.
            args: The positional arguments of ``boto3.client``, from ``region_name`` on.
            options: The keyword arguments of ``boto3.client``.

        Raises:
            ConfigurationError: No guardrail is approved for the region of the client.
        """
        return sessions.make_client(sessions.default_session(), self._binding, service_name, *args, **options)

    @overload
    def async_client(
        self, service_name: Literal["bedrock-runtime"], *args: Any, **options: Any
    ) -> AbstractAsyncContextManager[AsyncBedrockRuntimeClient]: ...
    @overload
    def async_client(self, service_name: str, *args: Any, **options: Any) -> AbstractAsyncContextManager[Any]: ...
    def async_client(self, service_name: str, *args: Any, **options: Any) -> AbstractAsyncContextManager[Any]:
        """
        Create a client as ``create_client`` of an aiobotocore session does. Needs the extra ``aio``.

            async with guard.async_client("bedrock-runtime", region_name="us-east-1") as client:
                reply = await client.converse(modelId=..., messages=[...])

        The client is guarded as a client of `client` is. Its event streams support ``async with``, which closes a stream that
        was not read to its end.

        Args:
            service_name: Any service.
            args: The positional arguments of ``create_client``, from ``region_name`` on.
            options: The keyword arguments of ``create_client``.

        Raises:
            ConfigurationError: aiobotocore is not installed or too old, or (on entering) no guardrail is approved for the
                region of the client.
        """
        check_aiobotocore()
        try:
            from guardedbedrock.aws.creation.async_session import make_async_client  # noqa: PLC0415  # aiobotocore is optional
        except ImportError as error:
            raise ConfigurationError(
                f"async clients need aiobotocore, which could not be imported ({error}): install guardedbedrock[aio]"
            ) from error
        made: AbstractAsyncContextManager[Any] = make_async_client(self._binding, service_name, *args, **options)
        return made

    def httpx_client(self, *, region_name: str | None = None, endpoint_url: str | None = None, **options: Any) -> httpx.Client:
        """
        Create a client of httpx whose requests to Bedrock are guarded. Needs the extra ``http``.

            client = openai.OpenAI(base_url=f"{runtime}/openai/v1", api_key=key, http_client=guard.httpx_client())

        Chat Completions, InvokeModel and Converse get the approved guardrail; requests to other hosts are unchanged. A request
        that is refused gets a 403 response, whose extension ``guardedbedrock_error`` is the error of this library. A request that
        is signed with SigV4 cannot be changed: it must name its guardrail, which `install` with ``strict=True`` adds before
        botocore signs.

        Args:
            region_name: Region of endpoints whose name contains none; that of boto3's default session unless given.
            endpoint_url: URL of a further runtime endpoint, such as a gateway; ``AWS_ENDPOINT_URL_BEDROCK_RUNTIME`` unless given.
            options: The keywords of ``httpx.Client``.

        Raises:
            ConfigurationError: httpx is not installed.
        """
        client: httpx.Client = self._http("httpx", region_name, endpoint_url).client(options, is_async=False)
        return client

    def httpx_async_client(
        self, *, region_name: str | None = None, endpoint_url: str | None = None, **options: Any
    ) -> httpx.AsyncClient:
        """Create an async client of httpx, as `httpx_client` does."""
        client: httpx.AsyncClient = self._http("httpx", region_name, endpoint_url).client(options, is_async=True)
        return client

    def httpx2_client(self, *, region_name: str | None = None, endpoint_url: str | None = None, **options: Any) -> httpx2.Client:
        """Create a client of httpx2, as `httpx_client` does; ``openai`` from 3.0 and ``anthropic`` from 1.0 accept it."""
        client: httpx2.Client = self._http("httpx2", region_name, endpoint_url).client(options, is_async=False)
        return client

    def httpx2_async_client(
        self, *, region_name: str | None = None, endpoint_url: str | None = None, **options: Any
    ) -> httpx2.AsyncClient:
        """Create an async client of httpx2, as `httpx_client` does."""
        client: httpx2.AsyncClient = self._http("httpx2", region_name, endpoint_url).client(options, is_async=True)
        return client

    def httpx_transport(
        self,
        transport: httpx.BaseTransport | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> httpx.BaseTransport:
        """
        Create a guarded transport of httpx, for a client that you create yourself.

        A client sends by other transports to the proxies of ``proxy=`` and to its ``mounts``: guard those too, or use
        `httpx_client`, which guards all of them.

        Args:
            transport: The transport that sends; a new ``httpx.HTTPTransport`` unless given.
            region_name: As in `httpx_client`.
            endpoint_url: As in `httpx_client`.
            options: The keywords of a new transport.

        Raises:
            ConfigurationError: httpx is not installed.
        """
        guarded: httpx.BaseTransport
        guarded = self._http("httpx", region_name, endpoint_url).transport(transport, options, is_async=False)
        return guarded

    def httpx_async_transport(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> httpx.AsyncBaseTransport:
        """Create a guarded async transport of httpx, as `httpx_transport` does."""
        guarded: httpx.AsyncBaseTransport
        guarded = self._http("httpx", region_name, endpoint_url).transport(transport, options, is_async=True)
        return guarded

    def httpx2_transport(
        self,
        transport: httpx2.BaseTransport | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> httpx2.BaseTransport:
        """Create a guarded transport of httpx2, as `httpx_transport` does."""
        guarded: httpx2.BaseTransport
        guarded = self._http("httpx2", region_name, endpoint_url).transport(transport, options, is_async=False)
        return guarded

    def httpx2_async_transport(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        **options: Any,
    ) -> httpx2.AsyncBaseTransport:
        """Create a guarded async transport of httpx2, as `httpx_transport` does."""
        guarded: httpx2.AsyncBaseTransport
        guarded = self._http("httpx2", region_name, endpoint_url).transport(transport, options, is_async=True)
        return guarded

    def _http(self, library: Library, region_name: str | None, endpoint_url: str | None) -> HttpFactory:
        return HttpFactory(self._binding, library, region_name, endpoint_url)

    def smithy_plugin(self) -> Callable[[Any], None]:
        """
        Make a plugin for ``aws_sdk_bedrock_runtime``, the AWS SDK for Python that serves bidirectional streams.

            client = AsyncBedrockRuntimeClient(config, plugins=[guard.smithy_plugin()])

        Pass it as the last plugin. Converse and InvokeModel get the approved guardrail. A bidirectional stream has no guardrail
        location: it is refused unless `allow_unguarded` lists ``InvokeModelWithBidirectionalStream``, and then the policies are
        evaluated. The SDK raises its ``SmithyError``, whose ``__cause__`` is the error of this library; for a bidirectional
        stream it does so in ``await_output()``.

        Returns:
            A function that changes a configuration of the SDK. It raises `ConfigurationError` if the configuration has no
            transport or no authentication schemes.
        """
        return smithy_plugin(self._binding)

    def session(self, session: SessionT) -> SessionT:
        """
        Guard every Bedrock client that a session creates from now on.

        The clients keep botocore's retries: two retry loops would multiply. If several guards are set on a session, the last one
        applies.

        Args:
            session: A session of boto3, botocore or aiobotocore.

        Returns:
            The same session.

        Raises:
            ConfigurationError: The object is not such a session.
        """
        sessions.guard_session(session, self._binding)
        return session

    def wrap(self, client: ClientT) -> ClientT:
        """
        Guard an existing client in place, for all code that holds it.

        The client keeps botocore's retries. A client that another guard created or wrapped uses this guard from now on.

        Args:
            client: A client of boto3 or aiobotocore.

        Returns:
            The same client.

        Raises:
            ConfigurationError: The object is not a client of a Bedrock service, or no guardrail is approved for its region. It is
                unchanged.
        """
        wrap(client, self._binding)
        return client

    def install(self, *, strict: bool = False) -> Installation:
        """
        Guard every Bedrock client that is created in this process from now on, by any code and any session.

        A second call does nothing. Precedence: 1. the guard that created or wrapped the client, 2. the session's guard, 3. the
        installed guard. If several guards are installed, the most recent wins.

        Args:
            strict: Whether to check the requests of other libraries (LiteLLM, the Anthropic SDK) that sign with botocore's
                signers. An inference request without a guardrail gets one if its operation carries it in headers, and is
                refused otherwise. Requests with a bearer token are not signed and not checked.

        Returns:
            A context manager that undoes this call when it exits. Without it, call `uninstall`.

        Warns:
            UnguardedClientWarning: Clients that were created before stay unguarded.
        """
        return install(self._binding, strict=strict)

    def uninstall(self) -> None:
        """Undo `install`. Clients that were created in between stay guarded."""
        uninstall(self._binding)

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """
        Choose an approved guardrail by name for the calls that are made inside the block.

            with guard.using("public"):
                client.converse(...)

        The choice is stored in a `contextvars.ContextVar`: tasks, `asyncio.to_thread` and whatever else copies the context
        inherit it, threads that you start yourself do not. It overrides every other choice, except for a guardrail that the call
        itself names. A guard without a guardrail of that name ignores it.

        Inside a generator, the block also affects the code that runs between the generator's steps in the same context. There,
        use a client of `choosing` instead.

        Raises:
            ConfigurationError: No approved guardrail has that name.
        """
        block = chosen.enter(self._approved_name(name))
        try:
            yield
        finally:
            chosen.leave(block)

    def choosing(self, name: str) -> Self:
        """
        Return a guard like this one whose clients get the guardrail of that name unless `using` chooses another.

            client = guard.choosing("public").client("bedrock-runtime")

        Raises:
            ConfigurationError: No approved guardrail has that name.
        """
        guard = copy(self)
        guard._rules = replace(self._rules, choice=self._approved_name(name))  # noqa: SLF001  # its own class
        guard._binding = replace(self._binding, rules=guard._rules)  # noqa: SLF001
        return guard

    def _approved_name(self, name: str) -> str:
        names = {guardrail.name for guardrail in self.rules.approved}
        if name not in names:
            raise ConfigurationError(f"no approved guardrail is named `{name}`; there are {', '.join(sorted(names))}")
        return name

    def simulate(self, operation: str, params: Mapping[str, Any], *, region_name: str | None = None) -> Verdict:
        """
        Return the verdict on a call, without making it.

        Args:
            operation: Such as ``Converse``.
            params: The parameters of the call.
            region_name: Region of the client; by default that of the first approved guardrail.

        Raises:
            RefusedError: The guard itself would refuse the call. In mode ``report`` it refuses none.
            ConfigurationError: boto3 would reject a parameter, a parameter that IAM needs is missing, or the model or the Region
                has no valid name.
        """
        service = OPERATIONS[operation].service if operation in OPERATIONS else RUNTIME_SERVICE
        if not isinstance(params, Mapping):
            raise ConfigurationError(f"params: is of type `{type(params).__name__}`; pass a dict of the parameters of the call")
        model = params.get("modelId", "any")
        if not isinstance(model, str):
            raise ConfigurationError(
                f"params: `modelId` is of type `{type(model).__name__}`; pass the ID or ARN of a model as a string"
            )
        problem = find_problem(service, operation, params)
        if problem:
            raise ConfigurationError(f"params: {problem}")
        if not is_model(model):
            raise ConfigurationError("params: `modelId` is not the ID or ARN of a model; write one such as amazon.nova-lite-v1:0")
        if region_name is not None and not (isinstance(region_name, str) and is_region(region_name)):
            raise ConfigurationError(f"region: `{region_name}` is not the name of a Region; {REGION_FIX}")
        region = str.__str__(region_name) if region_name else next((guardrail.region for guardrail in self._rules.approved), "")
        if region and self._rules.source is not None:
            self._rules.source.approved(region)  # the source reads the Regions of clients, and this one
        rules = self.rules
        region = region or next((guardrail.region for guardrail in rules.approved), "us-east-1")
        try:
            call = Call.of(operation, plain_parameters(params), region, chosen.get(), service)
            return judge(inject(call, rules, Observers((), call)), rules)
        except KeyError as missing:
            raise ConfigurationError(f"params: `{missing.args[0]}` is missing, which {operation} needs") from None
        except (AttributeError, TypeError) as error:
            raise ConfigurationError(f"params: {unreadable(operation)}") from error
        except RecursionError:
            raise ConfigurationError("params: nested too deeply; use fewer levels") from None

    def backstop_policy(
        self, *, api_keys: ApiKeys = "allow", allow_mantle: bool = False, deny_indirect: bool = False
    ) -> dict[str, Any]:
        """
        Return an IAM policy with which AWS denies model calls that bypass the guard, from any client.

        It denies, and allows nothing; attach it as an identity-based policy or an SCP. It stops every model call without one of
        the approved guardrails in its version, in all regions: jobs and bidirectional streams too, and a knowledge base that
        answers for the caller, which makes some of its calls without a guardrail. Enforced guardrails do not count. The policy
        cannot see which parts of a prompt a caller excludes.

        Args:
            api_keys: Whether Bedrock API keys may call: ``allow``, ``short-term`` ones only, or ``deny``.
            allow_mantle: Leave ``bedrock-mantle`` open, where no guardrail can be named.
            deny_indirect: Deny what calls models on AWS's side by other roles too, such as agents, flows and batch jobs.

        Raises:
            ConfigurationError: No guardrail is approved, or AWS would not accept an ID.
        """
        rules = self.rules
        return backstop(
            rules.approved,
            api_keys=api_keys,
            allow_mantle=allow_mantle,
            deny_indirect=deny_indirect,
            unguarded_models=sendable_patterns(rules.models_without_guardrail, rules.unsupported_models),
        )


def _check_objects(retry: object, listeners: Any, audit: object, clock: object) -> tuple[Listener, ...] | None:
    """
    Check the keywords that accept objects, and return the listeners; None if there are none.

    Raises:
        ConfigurationError: An object has another type. A TOML table is valid in a file only: the message names the class.
    """
    if not isinstance(retry, RetryPolicy | None):
        raise ConfigurationError("retry: must be a RetryPolicy, such as RetryPolicy(attempts=5)")
    if not isinstance(audit, Audit | None):
        raise ConfigurationError('audit: must be an Audit, such as Audit([JsonLines("audit.jsonl")])')
    if not callable(clock):
        raise ConfigurationError("clock: must be a function that returns the current time, with its time zone")
    given = None if listeners is None else tuple(listeners) if isinstance(listeners, Iterable) else (listeners,)
    if given is not None and not all(callable(getattr(listener, "open", None)) for listener in given):
        raise ConfigurationError("listeners: must be a list of objects with a method `open`, such as [MyListener()]")
    return given
