"""The configuration of a fake, and the state that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

from guardedbedrock import bedrock, iam
from guardedbedrock.bedrock.names import REGION_FIX, is_region
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.testing.agents import AgentRuntime, Agents
from guardedbedrock.testing.article_vocabulary import check_vocabulary, identifier_patterns
from guardedbedrock.testing.control import ControlPlane
from guardedbedrock.testing.control.logging_configuration import InvocationLogging
from guardedbedrock.testing.faults import FaultSchedule
from guardedbedrock.testing.logs.invocation_log import DEFAULT_CONFIGURATION, InvocationLog
from guardedbedrock.testing.received_requests import RequestLog
from guardedbedrock.testing.recordings import Recorder, Replay
from guardedbedrock.testing.resources import (
    FakeEnforcement,
    FakeGuardrail,
    FakeInferenceProfile,
    FakeKnowledgeBase,
    GuardrailStore,
)
from guardedbedrock.testing.resources.checks import check_count, check_instances, check_unique
from guardedbedrock.testing.runtime import Runtime
from guardedbedrock.testing.server.authorization import ServerAuthorizer
from guardedbedrock.testing.server.credentials import Authenticator, FakeApiKey, FakeCredentials
from guardedbedrock.testing.server.endpoint import FakeEndpoint
from guardedbedrock.testing.server.signatures import signed_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.received_requests import ReceivedRequest
    from guardedbedrock.testing.wire import ApiParams, HttpRequest, HttpResponse

_ACCOUNT: Final = "123456789012"
_PRINCIPAL_FIX: Final = f"write one such as arn:aws:iam::{_ACCOUNT}:role/Application"
TEST_KEY: Final = "testing"
"""Access key ID and secret access key of `FakeBedrock.client_kwargs`."""

_CONTEXT: Final = {"aws:SourceIp": "127.0.0.1"}


_LISTS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "guardrails": FakeGuardrail,
    "inference_profiles": FakeInferenceProfile,
    "knowledge_bases": FakeKnowledgeBase,
    "enforced": FakeEnforcement,
    "credentials": (FakeCredentials, FakeApiKey),
    "regions": str,
}
"""Options that are lists, with the class of their items."""

_SINGLE: Final[Mapping[str, tuple[Any, str]]] = {
    "policies": (iam.PolicySet | None, "a PolicySet or None"),
    "principal": (str | None, "a string or None"),
    "region": (str, "a string"),
    "account": (str | None, "a string or None"),
    "vocabulary": (str, "a string"),
    "seed": (int, "a whole number"),
    "verify_signatures": (bool, "True or False"),
    "invocation_logs": (str | Path | None, "a path or None"),
    "replay": (str | Path | None, "a path or None"),
    "record": (str | Path | None, "a path or None"),
}
"""The other options, with their classes."""


class FakeOptions(TypedDict, total=False):
    """The keywords of `FakeBedrock` that `FakeBedrock.configure` accepts, too. `FakeBedrock` describes them."""

    guardrails: Iterable[FakeGuardrail]
    policies: iam.PolicySet | None
    principal: str | None
    region: str
    account: str | None
    vocabulary: bedrock.Vocabulary
    inference_profiles: Iterable[FakeInferenceProfile]
    knowledge_bases: Iterable[FakeKnowledgeBase]
    enforced: Iterable[FakeEnforcement]
    seed: int
    keep: int | None
    keep_bytes: int | None
    verify_signatures: bool
    credentials: Iterable[FakeCredentials | FakeApiKey]
    invocation_logs: str | Path | None
    regions: Iterable[str]
    replay: str | Path | None
    record: str | Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeConfig:
    """
    `FakeOptions` with defaults.

    Raises:
        ConfigurationError: A value has the wrong type, a region, account, principal or vocabulary is invalid,
            two resources have the same name, or both ``replay`` and ``record`` are set.
    """

    guardrails: Iterable[FakeGuardrail] = ()
    policies: iam.PolicySet | None = None
    principal: str | None = None
    region: str = "us-east-1"
    account: str | None = None
    vocabulary: bedrock.Vocabulary = "aws"
    inference_profiles: Iterable[FakeInferenceProfile] = ()
    knowledge_bases: Iterable[FakeKnowledgeBase] = ()
    enforced: Iterable[FakeEnforcement] = ()
    seed: int = 0
    keep: int | None = None
    keep_bytes: int | None = None
    verify_signatures: bool = False
    credentials: Iterable[FakeCredentials | FakeApiKey] = ()
    invocation_logs: str | Path | None = None
    regions: Iterable[str] = ()
    replay: str | Path | None = None
    record: str | Path | None = None

    def __post_init__(self) -> None:
        self._check_types()
        check_vocabulary(self.vocabulary)
        for name in (self.region, *self.regions):
            if not is_region(name):
                raise ConfigurationError(f"region: {name!r} is not the name of a Region; {REGION_FIX}")
        if self.account is not None and not (self.account.isdecimal() and len(self.account) == len(_ACCOUNT)):
            raise ConfigurationError(f"account: {self.account!r} is not the ID of an account; write its 12 digits")
        if self.principal is not None and identify(self.principal).kind == "other":
            raise ConfigurationError(f"principal: {self.principal!r} is not the ARN of a user, role or session; {_PRINCIPAL_FIX}")
        if self.replay is not None and self.record is not None:
            raise ConfigurationError("replay, record: set only one of them; a fake that replays performs no operations")

    def _check_types(self) -> None:
        for name, kinds in _LISTS.items():
            # A tuple, because each region reads it, and the caller may have given an iterator.
            object.__setattr__(self, name, check_instances(name, getattr(self, name), kinds))
        for name, (kinds, expected) in _SINGLE.items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
                raise ConfigurationError(f"{name}: expected {expected}, got {value!r}")
        for name in ("keep", "keep_bytes"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_unique("knowledge_bases", (f"`{each.identifier}`" for each in self.knowledge_bases))
        check_unique("inference_profiles", (f"`{each.identifier}`" for each in self.inference_profiles))

    def by_region(self) -> list[FakeConfig]:
        """Return the configuration of each region, the main region first."""
        names = list(dict.fromkeys(self.regions))
        main = self.region if self.region in names or not names else names[0]
        return [replace(self, region=name, regions=()) for name in (main, *(name for name in names if name != main))]

    def caller(self, *, secure: bool) -> bedrock.Caller:
        """Return the caller of all requests. A server knows every context key, so that none is unknown."""
        principal = self.principal or f"arn:aws:iam::{self.account or _ACCOUNT}:role/FakeBedrockCaller"
        none_unknown: frozenset[str] = frozenset()
        return bedrock.Caller(principal, self.region, self.account or "", "aws", _CONTEXT, none_unknown, secure)

    @property
    def accepted_credentials(self) -> tuple[FakeCredentials | FakeApiKey, ...] | None:
        """The accepted credentials; None if signatures are not verified."""
        given = tuple(self.credentials)
        return (FakeCredentials(TEST_KEY, TEST_KEY), *given) if self.verify_signatures else given or None


class FakeState:
    """
    The state of a fake in its main region, and of its other regions. `FakeBedrock.configure` replaces it.

    The regions share the requests, the faults and the scripts. Everything else exists in one region, as at AWS.

    Args:
        config: The configuration.
        secure: Whether clients use TLS.
    """

    def __init__(self, config: FakeConfig, *, secure: bool = False) -> None:
        main, *others = config.by_region()
        self.log, self.faults = RequestLog(main.keep, main.keep_bytes), FaultSchedule(main.seed)
        self._replay = Replay(Path(main.replay)) if main.replay is not None else None
        recorder = Recorder(Path(main.record)) if main.record is not None else None
        recordings = self._replay, recorder
        self._main = RegionState(main, self.log, self.faults, recordings, secure=secure)
        self._states = {main.region: self._main}
        for other in others:
            self._states[other.region] = RegionState(
                other, self.log, self.faults, recordings, secure=secure, shared=self._main.runtime
            )
        self.region, self.account = main.region, self._main.account
        self.runtime, self.control = self._main.runtime, self._main.control
        self.agents, self.agent_runtime = self._main.agents, self._main.agent_runtime

    def respond(self, http_request: HttpRequest) -> HttpResponse:
        """Respond in the region that the request is signed for, else in the main region."""
        if len(self._states) == 1:
            return self._main.endpoint.respond(http_request)
        return self._states.get(signed_region(http_request) or "", self._main).endpoint.respond(http_request)

    @property
    def guardrails(self) -> tuple[FakeGuardrail, ...]:
        """The current guardrails of all regions."""
        return tuple(guardrail for state in self._states.values() for guardrail in state.guardrails)

    def clear(self) -> None:
        """Remove requests, scripted replies, faults and asynchronous invocations."""
        self.log.clear()
        self.faults.clear()
        if self._replay is not None:
            self._replay.rewind()
        for state in self._states.values():
            state.runtime.clear()


class RegionState:
    """
    The state of one region.

    Args:
        config: The configuration of the region.
        log: The requests to all regions.
        faults: The faults of all regions.
        recordings: The replay and the recorder of all regions; None for each that is off.
        secure: Whether clients use TLS.
        shared: The runtime of the main region, whose scripts this region uses; None for the main region.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each thing that regions share
        self,
        config: FakeConfig,
        log: RequestLog,
        faults: FaultSchedule,
        recordings: tuple[Replay | None, Recorder | None],
        *,
        secure: bool,
        shared: Runtime | None = None,
    ) -> None:
        caller = config.caller(secure=secure)
        self.account = caller.account
        self._store = GuardrailStore(config.guardrails, config.region, caller.account)
        self._organization = tuple(config.enforced)
        patterns = identifier_patterns(config.vocabulary)
        folder = None if config.invocation_logs is None else Path(config.invocation_logs)
        self._invocation_log = InvocationLog(folder, config.region, caller.account) if folder else None
        self._logging = InvocationLogging(dict(DEFAULT_CONFIGURATION) if folder else None)
        self.runtime = Runtime(self._store, patterns, self._enforced, lambda: self.control.resolved_models)
        if shared is not None:
            self.runtime.share_scripts(shared)
        self.control = ControlPlane(self._store, config.inference_profiles, caller.principal, patterns, self._logging)
        self.agents = Agents(self._store, config.knowledge_bases)
        self.agent_runtime = AgentRuntime(self.runtime, self.agents, self._store)
        self.endpoint = FakeEndpoint(
            [self.runtime, self.control, self.agents, self.agent_runtime],
            authenticator=Authenticator(caller, config.accepted_credentials, config.region),
            authorizer=ServerAuthorizer(config.policies, self._inventory, config.vocabulary),
            faults=faults,
            log=log,
            write_log=self._write_log,
            replay=recordings[0],
            recorder=recordings[1],
        )

    def _enforced(self, model: str) -> list[FakeEnforcement]:
        return [entry for entry in (*self.control.enforced, *self._organization) if entry.covers(model)]

    def _write_log(self, principal: str, request: ReceivedRequest, entry: Callable[[], ApiParams]) -> None:
        configuration = self._logging.configuration
        if self._invocation_log is not None and configuration is not None:
            self._invocation_log.write(configuration, principal, request, entry())

    def _inventory(self, params: ApiParams) -> bedrock.Inventory:
        enforced = self._enforced(params.get("modelId", ""))
        guardrails = tuple(bedrock.Guardrail(self._store.arn(entry.guardrail), entry.version) for entry in enforced)
        return bedrock.Inventory(tags=self._store.tags, resolved_models=self.control.resolved_models, enforced=guardrails)

    @property
    def guardrails(self) -> tuple[FakeGuardrail, ...]:
        """The current guardrails."""
        return tuple(self._store)
