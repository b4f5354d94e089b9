"""Policies from a file in any form: a policy, policies by type, a snapshot, or a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import POLICY_TYPES, PolicySet
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.account.documents import DETAIL_KEYS
from guardedbedrock.iam.account.snapshot import LARGEST
from guardedbedrock.iam.language.documents import Object, load_json
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.settings.reader import read_text
from guardedbedrock.settings.settings import load, read_policies


class PolicyInput(Protocol):
    """Policies by principal."""

    def policy_set(self, principal: str, resource: str) -> PolicySet | None:
        """Return the policies of a principal; None if they are not known."""

    def every_set(self) -> Iterable[PolicySet]:
        """Return all policy sets, to find out which context keys they read."""

    def tags(self, principal: str) -> Mapping[str, str] | None:
        """Return the tags of a principal; None if they are not known."""


@dataclass(frozen=True, slots=True)
class SamePolicies:
    """The same policies for every principal."""

    policies: PolicySet

    def policy_set(self, principal: str, resource: str) -> PolicySet | None:  # noqa: ARG002  # the protocol's
        """Return the policies."""
        return self.policies

    def every_set(self) -> Iterable[PolicySet]:
        """Return the policies."""
        return (self.policies,)

    def tags(self, principal: str) -> Mapping[str, str] | None:  # noqa: ARG002  # the protocol's
        """Return None: no tags are known."""
        return None


@dataclass(frozen=True, slots=True)
class AccountPolicies:
    """The policies of a snapshot, by principal."""

    account: Account

    def policy_set(self, principal: str, resource: str) -> PolicySet | None:
        """Return the policies of a principal of the account; None for another principal."""
        try:
            return self.account.policy_set(principal, resource)
        except ConfigurationError:
            return None

    def every_set(self) -> Iterable[PolicySet]:
        """Return the policy set of every principal."""
        return (self.account.policy_set(arn) for arn in self.account.principals)

    def tags(self, principal: str) -> Mapping[str, str] | None:
        """Return the tags of a principal of the account."""
        try:
            return self.account.find(principal).tags
        except ConfigurationError:
            return None


@dataclass(frozen=True, slots=True)
class Given:
    """
    The content of a file of policies.

    Args:
        policies: The policies.
        guardrails: The approved guardrails, if the file is a configuration.
        resolved_models: Models of profiles and prompts, if the file is a configuration or a snapshot.
        principal: The principal that the configuration names; ``""`` if it names none or asks STS.
        rcp_applies: Whether RCPs reach Bedrock for sure, as the configuration says.
    """

    policies: PolicyInput
    guardrails: tuple[Guardrail, ...] = ()
    resolved_models: Mapping[str, tuple[str, ...]] | None = None
    principal: str = ""
    rcp_applies: bool = False


_TOML: Final = ".toml"


def read_given(path: str | Path) -> Given:
    """
    Read a file of policies.

    Args:
        path: An identity-based policy, a JSON object of policy type to documents, a snapshot, or a configuration in TOML.

    Raises:
        ConfigurationError: The file cannot be read, or has another format.
        PolicySyntaxError: A document is not a policy.
    """
    file = Path(path)
    if file.suffix == _TOML:
        return of_configuration(file)
    data = read_json(file)
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{file}: must be a JSON object: a policy, policies by type, or a snapshot")
    if "schema" in data or any(key in data for key in DETAIL_KEYS):
        return of_snapshot(file)
    if "Statement" not in data and not set(data) <= set(POLICY_TYPES):
        raise ConfigurationError(f"{file}: is not a policy, a mapping of policy types ({', '.join(POLICY_TYPES)}) or a snapshot")
    if "Statement" in data:
        # Reports name the policy by its file.
        return Given(SamePolicies(PolicySet(identity=parse(data, "identity", name=str(file)))))
    return Given(SamePolicies(read_policies(data, base=file.parent)))


def read_json(file: Path) -> object:
    """
    Read a JSON file. As in `load_json`, an inner object remembers a key that it holds twice: its first value could be a Deny.

    Raises:
        ConfigurationError: The file cannot be read, is not UTF-8, is larger than a snapshot, or has a key twice.
        PolicySyntaxError: The file is not JSON. The message gives line and column.
    """
    text = read_text(file, largest=LARGEST)
    data = load_json(text, file=str(file))
    if isinstance(data, Object) and data.repeated is not None:
        raise ConfigurationError(f"{file}: has the key `{data.repeated}` twice; keep one")
    return data


def of_snapshot(path: str | Path) -> Given:
    """Read a snapshot; see `read_given`."""
    account = Account.from_snapshot(path)
    return Given(AccountPolicies(account), resolved_models=models_of(account.snapshot))


def models_of(snapshot: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return the models of each inference profile of a snapshot, by ARN and by ID."""
    found: dict[str, tuple[str, ...]] = {}
    for profile in snapshot.get("inference_profiles") or ():
        found[profile["arn"]] = found[profile["id"]] = tuple(profile["models"])
    return found


def of_configuration(file: str | Path | None) -> Given:
    """
    Read a configuration; see `read_given`.

    Args:
        file: The configuration; None looks where `Guard.from_config` looks.
    """
    settings = load(file)
    policies = settings.policy_set()
    if policies is None:
        raise ConfigurationError(f"{file or 'the configuration'}: has no [policies]; add the policies")
    return Given(
        SamePolicies(policies),
        settings.approved,
        settings.profiles,
        principal="" if settings.principal in (None, "caller") else str(settings.principal),
        rcp_applies=settings.rcp_applies,
    )
