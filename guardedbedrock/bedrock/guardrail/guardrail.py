"""
Approved guardrails, and how calls and condition keys name a guardrail.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"GuardrailConfiguration".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import category

from guardedbedrock._root import ConfigurationError
from guardedbedrock.bedrock.names import REGION_FIX, is_region
from guardedbedrock.iam.matching.arns import split

DRAFT: Final = "DRAFT"

_ID: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LOOSE_ID: Final = _ID | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
_VERSION: Final = re.compile(f"{DRAFT}|[1-9][0-9]{{0,7}}")


@dataclass(frozen=True, slots=True)
class Guardrail:
    """
    An approved guardrail, pinned to a version.

    Args:
        arn: ``arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID``, without the version.
        version: A number as a string (``"3"``) or ``"DRAFT"``.
        name: Name for `Guard.using`, telemetry and errors; the ID by default.
        tags: Its resource tags, for policies with conditions on ``aws:ResourceTag/...``; None means that they are unknown.
        profile: ID or ARN of the guardrail profile that it uses across regions, such as ``us.guardrail.v1:0``.
        models: Patterns of the models that use it unless the caller chooses another, such as ``("anthropic.*",)``; every model by
            default. A pattern matches the ID of a model, its ARNs and the inference profiles that route to it.

    Attributes:
        id: The ID alone.

    Raises:
        ConfigurationError: The ARN or the version is malformed, or the name contains a control character.
    """

    arn: str
    version: str
    name: str = ""
    tags: Mapping[str, str] | None = field(default=None, hash=False)
    profile: str = ""
    models: tuple[str, ...] = ()
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("arn", "version", "name"):
            if isinstance(getattr(self, name), str):  # a member of a string enum is formatted as its name
                object.__setattr__(self, name, str.__str__(getattr(self, name)))
        object.__setattr__(self, "id", _id_in(self.arn))  # computed once; every call reads it
        if not self.id:
            problem = "write `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID`, without the version"
            raise ConfigurationError(f"guardrail `{self.arn}` is not the ARN of a guardrail: {problem}")
        if not is_region(self.region):
            raise ConfigurationError(f"guardrail `{self.arn}`: `{self.region}` is not the name of a Region; {REGION_FIX}")
        if not is_version(self.version):
            problem = 'pin a number such as version="1", or "DRAFT"'
            raise ConfigurationError(f"guardrail `{self.arn}` has no usable version ({self.version!r}): {problem}")
        if any(category(character) == "Cc" for character in str(self.name)):
            raise ConfigurationError(f"guardrail `{self.arn}`: the name {self.name!a} contains a control character; remove it")
        if not self.name:
            object.__setattr__(self, "name", self.id)

    @property
    def region(self) -> str:
        """The region of the ARN, the only region in which the guardrail can be used."""
        return self.arn.split(":", 5)[3]

    @property
    def key(self) -> str:
        """The value of ``bedrock:GuardrailIdentifier``: the ARN and ``:VERSION``; the ARN alone for DRAFT."""
        return identifier_key(self.arn, self.version)

    def require_aws_id(self) -> None:
        """
        Raise if AWS would reject the ID.

        Raises:
            ConfigurationError: The ID has characters other than lower-case letters and digits.
        """
        if not _ID.issuperset(self.id):
            raise ConfigurationError(
                f"guardrail ID `{self.id}`: AWS accepts only lower-case letters and digits; copy the ID from the "
                'console, or set vocabulary = "invoke-with-guardrail" if the policies only model an account'
            )


@dataclass(frozen=True, slots=True)
class EnforcedGuardrail(Guardrail):
    """
    A guardrail that the account or the organization enforces on model calls, with the models that it is enforced on.

    Args:
        included_models: IDs of the models that it is enforced on, or ``ALL``; an empty tuple means that the models are unknown.
        excluded_models: IDs of models that it is not enforced on; they override `included_models`.
    """

    included_models: tuple[str, ...] = ()
    excluded_models: tuple[str, ...] = ()

    @classmethod
    def from_snapshot(cls, entry: Mapping[str, Any]) -> EnforcedGuardrail:
        """Read an entry of the section ``enforced_guardrails`` of a snapshot; an older snapshot has no models."""
        included, excluded = (tuple(entry.get(name) or ()) for name in ("included_models", "excluded_models"))
        return cls(entry["arn"], str(entry["version"]), included_models=included, excluded_models=excluded)


def _id_in(arn: object) -> str:
    """Return the ID; ``""`` if the ARN is not that of a guardrail."""
    parts = split(arn) if isinstance(arn, str) else None
    is_bedrock = parts is not None and parts[2] == "bedrock" and parts[3] and parts[4]
    kind, _, identifier = parts[5].partition("/") if parts and is_bedrock else ("", "", "")
    return identifier if kind == "guardrail" and identifier and _LOOSE_ID.issuperset(identifier) else ""


def is_version(text: object) -> bool:
    """Return whether a value is a guardrail version."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def identifier_key(arn: str, version: str | None) -> str:
    """
    Return the value of ``bedrock:GuardrailIdentifier`` for a guardrail.

    >>> identifier_key("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc", "3")[-5:]
    'abc:3'
    """
    return arn if version in (None, DRAFT) else f"{arn}:{version}"


def to_arn(identifier: str, *, partition: str, region: str, account: str) -> str:
    """Return the ARN that AWS resolves a guardrail ID to; an ARN stays as it is."""
    return identifier if identifier.startswith("arn:") else f"arn:{partition}:bedrock:{region}:{account}:guardrail/{identifier}"
