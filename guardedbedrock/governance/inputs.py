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
from guardedbedrock.settings.policy_files import read_policies_in
from guardedbedrock.settings.reader import read_text
from guardedbedrock.settings.settings import load


class PoliciesByPrincipal(Protocol):
    """The policies and the tags of each principal."""

    def policy_set(self, principal: str, resource: str) -> PolicySet | None:
        """Return the policies of a principal; None if they are not known."""

    def every_set(self) -> Iterable[PolicySet]:
        """Return all policy sets, to collect the context keys that they read."""

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
class PolicyInput:
    """
    The content of a file of policies.

    Args:
        policies: The policies.
        guardrails: The approved guardrails, if the file is a configuration.
        resolved_models: Models of profiles and prompts, if the file is a configuration or a snapshot.
        principal: The principal that the configuration names; ``""`` if it names none or asks STS.
        rcp_applies: Whether the configuration states that RCPs apply to Bedrock.
    """

    policies: PoliciesByPrincipal
    guardrails: tuple[Guardrail, ...] = ()
    resolved_models: Mapping[str, tuple[str, ...]] | None = None
    principal: str = ""
    rcp_applies: bool = False


_TOML: Final = ".toml"


def read_policy_input(path: str | Path) -> PolicyInput:
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
        return PolicyInput(SamePolicies(PolicySet(identity=parse(data, "identity", name=str(file)))))
    if not data:
        raise ConfigurationError(f"{file}: is empty; write a policy, policies by type, or a snapshot")
    return PolicyInput(SamePolicies(read_policies_in(file, data)))


def read_json(file: Path) -> object:
    """
    Read a JSON file.

    The outermost object must not have a key twice, because JSON parsers ignore the first value, which could be a Deny. Inner
    objects record repeated keys for the policy parser, as in `load_json`.

    Raises:
        ConfigurationError: The file cannot be read, is not UTF-8, is larger than a snapshot, or has a key twice.
        PolicySyntaxError: The file is not JSON. The message gives line and column.
    """
    text = read_text(file, largest=LARGEST)
    data = load_json(text, file=str(file))
    if isinstance(data, Object) and data.repeated is not None:
        raise ConfigurationError(f"{file}: has the key `{data.repeated}` twice; keep one")
    return data


def of_snapshot(path: str | Path) -> PolicyInput:
    """Read a snapshot; see `read_policy_input`."""
    account = Account.from_snapshot(path)
    return PolicyInput(AccountPolicies(account), resolved_models=models_of(account.snapshot))


def models_of(snapshot: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return the models of each inference profile of a snapshot, by ARN and by ID."""
    found: dict[str, tuple[str, ...]] = {}
    for profile in snapshot.get("inference_profiles") or ():
        found[profile["arn"]] = found[profile["id"]] = tuple(profile["models"])
    return found


def of_configuration(file: str | Path | None) -> PolicyInput:
    """
    Read a configuration; see `read_policy_input`.

    Args:
        file: The configuration; None searches the locations of `Guard.from_config`.
    """
    settings = load(file)
    policies = settings.policy_set()
    if policies is None:
        raise ConfigurationError(f"{file or 'the configuration'}: has no [policies]; add the policies")
    return PolicyInput(
        SamePolicies(policies),
        settings.approved,
        settings.profiles,
        principal="" if settings.principal in (None, "caller") else str(settings.principal),
        rcp_applies=settings.rcp_applies,
    )
