"""The policies of a question, from files, a configuration or a snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.guardrail import identifier_key
from guardedbedrock.bedrock.resources.unsupported_models import sendable_patterns
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.inputs import AccountPolicies, PolicyInput, of_configuration, read_policy_input
from guardedbedrock.governance.proof.policies import PRINCIPAL, ProofPolicies
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.account.account import Account
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.layers import FILE
from guardedbedrock.settings.policy_files import LEVELED, read_policies
from guardedbedrock.settings.settings import load

_APPROVED: Final = re.compile(
    r"(?P<arn>arn:aws[a-z-]*:bedrock:[a-z0-9-]+:[0-9]+:guardrail/[a-z0-9]+)(:(?P<version>[1-9][0-9]*|DRAFT))?"
)


@dataclass(frozen=True, slots=True)
class PolicyArguments:
    """
    The sources of the policies of a question.

    Args:
        config: A configuration with ``[policies]``.
        snapshot: A snapshot of an account, or a dump of its authorization details.
        principal: ARN of the principal; needed with a snapshot, unless `every` is set.
        every: Whether the question is asked for every principal of the snapshot.
        files: Policy type to files; several files of a type are one level.
        approved: Guardrails that count as approved, ``ARN`` or ``ARN:VERSION``; by default those of the configuration.
        exempt: Patterns of IDs of foundation models that take no guardrail, in addition to those of the configuration.
    """

    config: str | None = None
    snapshot: str | None = None
    principal: str | None = None
    every: bool = False
    files: Mapping[str, Sequence[str]] | None = None
    approved: Sequence[str] = ()
    exempt: Sequence[str] = ()

    def read(self) -> Iterator[ProofPolicies]:
        """
        Yield the policies of each principal.

        Raises:
            ConfigurationError: The policies are missing or cannot be read.
        """
        given = [bool(self.snapshot), bool(self.files and any(self.files.values()))]
        if sum([*given, bool(self.config)]) > 1:
            raise ConfigurationError("give policies by one of --config, --snapshot or policy files")
        if self.every and not self.snapshot:
            raise ConfigurationError("--all: asks for every principal of a snapshot; name the snapshot with --snapshot FILE")
        if self.principal is not None and not self.snapshot and identify(self.principal).kind == "other":
            raise ConfigurationError(
                f"--principal: `{self.principal}` is not the ARN of a user, a role, a session or a root user"
            )
        if self.snapshot:
            yield from self._of_snapshot()
        elif given[1]:
            yield ProofPolicies.of(self._of_files(), self.principal or PRINCIPAL)
        else:
            yield self._of_configuration()

    def approved_keys(self) -> tuple[str, ...]:
        """
        Return the approved guardrails as values of the condition key.

        Raises:
            ConfigurationError: No guardrail is given, and the configuration cannot be read.
        """
        if self.approved or not self._reads_configuration:
            return tuple(map(_approved_key, self.approved))
        return tuple(identifier_key(one.arn, one.version) for one in load(self.config).approved)

    def exempt_models(self) -> tuple[str, ...]:
        """
        Return patterns of the models that may be called without a guardrail.

        A guard sends calls to embedding and rerank models without a guardrail, unless the configuration rejects these calls. The
        policies that are generated from the configuration leave out the same models.

        Raises:
            ConfigurationError: A pattern is empty, or the configuration cannot be read.
        """
        if not all(self.exempt):
            raise ConfigurationError("--exempt-model: is empty; write a pattern of model IDs such as amazon.titan-embed-*")
        settings = load(self.config) if self._reads_configuration else None
        if settings is None:
            return tuple(self.exempt)
        sendable = sendable_patterns(settings.models_without_guardrail, settings.unsupported_models)
        return tuple(dict.fromkeys((*sendable, *self.exempt)))

    def guardrails(self) -> tuple[Guardrail, ...]:
        """Return the approved guardrails of the configuration; none if the policies come from elsewhere."""
        return of_configuration(self.config).guardrails if self._reads_configuration else ()

    @property
    def source(self) -> str:
        """The first file that the policies come from."""
        named = (file for files in (self.files or {}).values() for file in files)
        return self.snapshot or next(named, self.config or FILE)

    @property
    def _reads_configuration(self) -> bool:
        return not self.snapshot and not (self.files and any(self.files.values()))

    def _of_snapshot(self) -> Iterator[ProofPolicies]:
        account = Account.from_snapshot(str(self.snapshot))
        if not self.every and not self.principal:
            raise ConfigurationError("--snapshot: name a principal with --principal ARN, or ask for every one with --all")
        if not account.principals:
            raise ConfigurationError(f"{self.snapshot}: has no principal, so nothing would be proved; take another snapshot")
        principals = account.principals if self.every else [account.find(str(self.principal)).arn]
        for arn in principals:
            yield ProofPolicies.of(account.policy_set(arn), arn)

    def _of_files(self) -> PolicySet:
        sources: dict[str, Any] = {}
        for kind, files in (self.files or {}).items():
            if files:
                sources[kind] = [list(files)] if kind in LEVELED else list(files)
        return read_policies(sources, base=Path())

    def _of_configuration(self) -> ProofPolicies:
        return _for_principal(of_configuration(self.config), self.principal)


def _approved_key(text: str) -> str:
    """Return an approved guardrail as a value of the condition key. An ARN without a version means the DRAFT."""
    found = _APPROVED.fullmatch(text)
    if found is None:
        example = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123:3"
        raise ConfigurationError(
            f"--approved: `{text}` is not the ARN or ARN:VERSION of a guardrail; write for example {example}"
        )
    return identifier_key(found["arn"], found["version"])


def read_version(path: str, principal: str | None = None) -> ProofPolicies:
    """
    Read one version of policies: an identity-based policy, an object of policy type to documents, a snapshot, or a configuration.

    Args:
        path: The file.
        principal: The principal; needed with a snapshot.

    Raises:
        ConfigurationError: The file cannot be read, or has another format.
    """
    return _for_principal(read_policy_input(path), principal)


def read_versions(old: str, new: str, principal: str | None = None) -> tuple[ProofPolicies, ProofPolicies]:
    """
    Read two versions of policies for one principal: `principal`, or by default the principal that a version names.

    Raises:
        ConfigurationError: A file cannot be read or has another format, or the versions name different principals.
    """
    versions = read_version(old, principal), read_version(new, principal)
    named = {one.principal for one in versions} - {PRINCIPAL}
    if len(named) > 1:
        listed = " and ".join(sorted(named))
        raise ConfigurationError(f"the versions are policies of {listed}; name one with --principal ARN")
    first, second = (replace(one, principal=next(iter(named), PRINCIPAL)) for one in versions)
    return first, second


def _for_principal(policy_input: PolicyInput, principal: str | None) -> ProofPolicies:
    if isinstance(policy_input.policies, AccountPolicies):
        if not principal:
            raise ConfigurationError("a snapshot has several principals; name one with --principal ARN")
        account = policy_input.policies.account
        return ProofPolicies.of(account.policy_set(principal), account.find(principal).arn)
    (policies,) = policy_input.policies.every_set()
    return ProofPolicies.of(policies, principal or policy_input.principal or PRINCIPAL, rcp_applies=policy_input.rcp_applies)
