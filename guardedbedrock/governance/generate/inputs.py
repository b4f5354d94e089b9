"""The values that the generators read from the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.resources.unsupported_models import sendable_patterns
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.read import configuration_table
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.settings import load

TAG_KEY: Final = "Team"
_TAG_KEY: Final = re.compile(r"[a-zA-Z0-9._:/=+@-]{1,128}")
"""
Bedrock's pattern without white space, which a policy variable such as ``${aws:PrincipalTag/KEY}`` cannot contain.

Source: Amazon Bedrock API Reference, "Tag"; IAM User Guide, "IAM policy validation check reference" (space in variable).
"""


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    The part of a configuration that the generators use.

    Args:
        guardrails: The approved guardrails; at least one.
        unguarded_models: Patterns of IDs of models that may be called without a guardrail; none if the client refuses them.
        configured_unguarded: Those of `unguarded_models` that the configuration lists itself.
        definitions: The tables ``[[guardrail_definitions]]``.
        tag_key: Key of the tag that names the owner of a guardrail.
        resolved_models: Models of inference profiles, by identifier.
        principal_account: Account of the configured principal; ``""`` if it is unknown.
    """

    guardrails: tuple[Guardrail, ...]
    unguarded_models: tuple[str, ...] = ()
    configured_unguarded: tuple[str, ...] = ()
    definitions: tuple[Mapping[str, Any], ...] = ()
    tag_key: str = TAG_KEY
    resolved_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    principal_account: str = ""

    @property
    def partition(self) -> str:
        """The partition of the guardrails."""
        return self.guardrails[0].arn.split(":")[1]

    @property
    def account(self) -> str:
        """The account of the first guardrail."""
        return self.guardrails[0].arn.split(":")[4]

    @property
    def caller_account(self) -> str:
        """The account that calls models and owns the inference profiles. Its guardrails can be those of another account."""
        return self.principal_account or self.account


def read_inputs(config: str | None, tag_key: str = TAG_KEY) -> Inputs:
    """
    Read a configuration.

    Raises:
        ConfigurationError: The configuration is invalid or approves no guardrail, or AWS does not accept the tag key.
    """
    check_tag_key(tag_key, "--tag-key")
    settings = load(config)
    if not settings.approved:
        raise ConfigurationError("no guardrail is approved; add a [[guardrails]] table with arn and version")
    for guardrail in settings.approved:
        guardrail.require_aws_id()
    partitions = {guardrail.arn.split(":")[1] for guardrail in settings.approved}
    if len(partitions) > 1:
        named = ", ".join(sorted(partitions))
        raise ConfigurationError(f"the guardrails are in several partitions ({named}); use one configuration for each")
    return Inputs(
        settings.approved,
        # As for the backstop policy: a model that the client refuses is not exempt.
        sendable_patterns(settings.models_without_guardrail, settings.unsupported_models),
        settings.models_without_guardrail if settings.unsupported_models == "send" else (),
        read_definitions(Path(config)) if config else (),
        tag_key,
        settings.profiles,
        identify(settings.role_arn or settings.principal or "").account,
    )


def read_definitions(file: Path) -> tuple[Mapping[str, Any], ...]:
    """
    Read the tables ``[[guardrail_definitions]]`` of a configuration.

    Raises:
        ConfigurationError: They are not tables.
    """
    definitions = configuration_table(file).get("guardrail_definitions", [])
    if not isinstance(definitions, list) or not all(isinstance(one, Mapping) for one in definitions):
        raise ConfigurationError(f"{file}: guardrail_definitions: must be an array of tables; write [[guardrail_definitions]]")
    return tuple(definitions)


def check_tag_key(key: str, location: str) -> None:
    """
    Check the key of a tag.

    Args:
        key: The key.
        location: Where the key was given, for the message.

    Raises:
        ConfigurationError: AWS does not accept the key.
    """
    if not _TAG_KEY.fullmatch(key):
        allowed = "1 to 128 letters, digits and the characters . _ : / = + @ -"
        raise ConfigurationError(f"{location}: `{key}` is not a tag key; a key has {allowed}")
    check_reserved(key, location)


def check_reserved(key: str, location: str) -> None:
    """
    Check that the key of a tag is not reserved by AWS.

    Raises:
        ConfigurationError: The key begins with ``aws:``.
    """
    if key.lower().startswith("aws:"):
        raise ConfigurationError(f"{location}: `{key}` begins with aws:, which AWS reserves; choose another key")
