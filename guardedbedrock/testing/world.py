"""What a fake is set up to be, and everything that it is while it stays so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from guardedbedrock import bedrock
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.authorization import Authorizer
from guardedbedrock.testing.control import Control
from guardedbedrock.testing.credentials import Authenticator, FakeApiKey, FakeCredentials
from guardedbedrock.testing.endpoint import Endpoint
from guardedbedrock.testing.faults import Schedule
from guardedbedrock.testing.guardrails import FakeGuardrail, Shelf
from guardedbedrock.testing.records import Journal
from guardedbedrock.testing.runtime import Runtime

if TYPE_CHECKING:
    from guardedbedrock import iam
    from guardedbedrock.testing.enforcement import FakeEnforcement
    from guardedbedrock.testing.profiles import FakeInferenceProfile
    from guardedbedrock.testing.wire import Params

_ACCOUNT: Final = "123456789012"
OPEN_SESAME: Final = "testing"
"""Access key and secret access key of the clients that a fake makes."""

_CONTEXT: Final = {"aws:SourceIp": "127.0.0.1"}


class Options(TypedDict, total=False):
    """The keywords of `FakeBedrock` that can change while it serves; each is described there."""

    guardrails: Iterable[FakeGuardrail]
    policies: iam.PolicySet | None
    principal: str | None
    region: str
    account: str | None
    vocabulary: bedrock.Vocabulary
    inference_profiles: Iterable[FakeInferenceProfile]
    enforced: Iterable[FakeEnforcement]
    seed: int
    keep: int | None
    verify_signatures: bool
    credentials: Iterable[FakeCredentials | FakeApiKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """
    The `Options`, all of them.

    Raises:
        ConfigurationError: For a vocabulary there is not.
    """

    guardrails: Iterable[FakeGuardrail] = ()
    policies: iam.PolicySet | None = None
    principal: str | None = None
    region: str = "us-east-1"
    account: str | None = None
    vocabulary: bedrock.Vocabulary = "aws"
    inference_profiles: Iterable[FakeInferenceProfile] = ()
    enforced: Iterable[FakeEnforcement] = ()
    seed: int = 0
    keep: int | None = None
    verify_signatures: bool = False
    credentials: Iterable[FakeCredentials | FakeApiKey] = ()

    def __post_init__(self) -> None:
        if self.vocabulary not in bedrock.VOCABULARIES:
            known = ", ".join(bedrock.VOCABULARIES)
            raise ConfigurationError(f"vocabulary: {self.vocabulary!r} is not one of {known}")

    def caller(self, *, secure: bool) -> bedrock.Caller:
        """Write down who all callers are; nothing about them is unknown to a server."""
        who = self.principal or f"arn:aws:iam::{self.account or _ACCOUNT}:role/FakeBedrockCaller"
        nothing: frozenset[str] = frozenset()
        return bedrock.Caller(who, self.region, self.account or "", "aws", _CONTEXT, nothing, secure)

    @property
    def known(self) -> tuple[FakeCredentials | FakeApiKey, ...] | None:
        """Credentials that are good; None when nobody looks at them."""
        given = tuple(self.credentials)
        return (FakeCredentials(OPEN_SESAME, OPEN_SESAME), *given) if self.verify_signatures else given or None


class World:
    """
    All that a fake knows and remembers; another setup makes another world.

    Args:
        setup: What there is.
        secure: Whether clients speak to it over TLS.
    """

    def __init__(self, setup: Setup, *, secure: bool = False) -> None:
        caller = setup.caller(secure=secure)
        shelf = Shelf(setup.guardrails, setup.region, caller.account)
        self.region, self.account = setup.region, caller.account
        self.journal, self.faults = Journal(setup.keep), Schedule(setup.seed)
        self.runtime = Runtime(shelf, setup.vocabulary, self._enforced)
        self._organization = tuple(setup.enforced)
        self._shelf, patterns = shelf, self.runtime.rules.patterns
        self.control = Control(shelf, setup.inference_profiles, caller.principal, patterns)
        gate = Authenticator(caller, setup.known, setup.region), Authorizer(setup.policies, self._inventory, setup.vocabulary)
        self.endpoint = Endpoint([self.runtime, self.control], gate, self.faults, self.journal)

    def _enforced(self, model: str) -> list[FakeEnforcement]:
        return [entry for entry in (*self.control.enforced, *self._organization) if entry.covers(model)]

    def _inventory(self, params: Params) -> bedrock.Inventory:
        enforced = self._enforced(params.get("modelId", ""))
        guardrails = tuple(bedrock.Guardrail(self._shelf.arn(entry.guardrail), entry.version) for entry in enforced)
        return bedrock.Inventory(tags=self._shelf.tags, resolved_models=self.control.resolved_models, enforced=guardrails)

    @property
    def guardrails(self) -> tuple[FakeGuardrail, ...]:
        """The guardrails of the moment."""
        return tuple(self._shelf)

    def clear(self) -> None:
        """Forget requests, replies, faults and jobs."""
        self.journal.clear()
        self.faults.clear()
        self.runtime.clear()
