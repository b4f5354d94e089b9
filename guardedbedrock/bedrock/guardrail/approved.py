"""
Guardrails: which one, in which version, how it is written in a call and in a condition key.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"GuardrailConfiguration".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from guardedbedrock._root import ConfigurationError
from guardedbedrock.iam.matching.arns import split

Vocabulary: TypeAlias = Literal["aws", "invoke-with-guardrail"]
VOCABULARIES: Final = get_args(Vocabulary)
DRAFT: Final = "DRAFT"

_ID: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LOOSE_ID: Final = _ID | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
_LONGEST_VERSION: Final = 8


@dataclass(frozen=True, slots=True)
class Guardrail:
    """
    An approved guardrail, pinned to a version.

    Args:
        arn: ``arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID``, without the version.
        version: A number as text (``"3"``) or ``"DRAFT"``.
        name: What to call it in `Guard.using`, in telemetry and in errors; the ID unless given.
        tags: Its resource tags, for policies that ask for ``aws:ResourceTag/...``; None means that they are not known.
        profile: ID or ARN of the guardrail profile that it uses across regions, such as ``us.guardrail.v1:0``.
        models: Patterns of the models that it is the guardrail for unless another is chosen, such as ``("anthropic.*",)``; every
            model unless given. A pattern means a model by its ID, by an ARN of it, and by the inference profiles in front of it.

    Attributes:
        id: The ID alone.

    Raises:
        ConfigurationError: The ARN or the version is not one.
    """

    arn: str
    version: str
    name: str = ""
    tags: Mapping[str, str] | None = field(default=None, hash=False)
    profile: str = ""
    models: tuple[str, ...] = ()
    id: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", _id_in(self.arn))  # once: every call asks for it
        if not self.id:
            problem = "write `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID`, without the version"
            raise ConfigurationError(f"guardrail `{self.arn}` is not the ARN of a guardrail: {problem}")
        if not is_version(self.version):
            problem = 'pin a number such as version="1", or "DRAFT"'
            raise ConfigurationError(f"guardrail `{self.arn}` has no usable version ({self.version!r}): {problem}")
        if not self.name:
            object.__setattr__(self, "name", self.id)

    @property
    def region(self) -> str:
        """The region of the ARN, where alone the guardrail can be used."""
        return self.arn.split(":", 5)[3]

    @property
    def key(self) -> str:
        """The value of ``bedrock:GuardrailIdentifier``: the ARN plus ``:N``, bare for DRAFT."""
        return identifier_key(self.arn, self.version)

    def check(self, vocabulary: Vocabulary) -> None:
        """
        Refuse an ID that the vocabulary does not know.

        Raises:
            ConfigurationError: AWS takes lower-case letters and digits only.
        """
        if vocabulary == "aws" and not _ID.issuperset(self.id):
            raise ConfigurationError(
                f"guardrail ID `{self.id}` would be refused by AWS, which takes lower-case letters and digits only; "
                'copy the ID from the console, or set vocabulary = "invoke-with-guardrail" if these policies are a model'
            )


def _id_in(arn: str) -> str:
    """Give the ID alone; ``""`` when the ARN is none of a guardrail."""
    parts = split(arn)
    is_bedrock = parts is not None and parts[2] == "bedrock" and parts[3] and parts[4]
    kind, _, identifier = parts[5].partition("/") if parts and is_bedrock else ("", "", "")
    return identifier if kind == "guardrail" and identifier and _LOOSE_ID.issuperset(identifier) else ""


def is_version(text: object) -> bool:
    """Say whether a text is a guardrail version."""
    return text == DRAFT or (
        isinstance(text, str) and text.isascii() and text.isdecimal() and text[0] != "0" and len(text) <= _LONGEST_VERSION
    )


def identifier_key(arn: str, version: str | None) -> str:
    """
    Write a guardrail as the condition key has it.

    >>> identifier_key("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc", "3")[-5:]
    'abc:3'
    """
    return arn if version in (None, DRAFT) else f"{arn}:{version}"


def to_arn(identifier: str, *, partition: str, region: str, account: str) -> str:
    """Write out a short guardrail ID as the ARN that the service takes it for."""
    return identifier if identifier.startswith("arn:") else f"arn:{partition}:bedrock:{region}:{account}:guardrail/{identifier}"
