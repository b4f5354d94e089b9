"""
The vocabulary of the article, ``invoke-with-guardrail``, in the fake.

The article uses the action ``bedrock:InvokeModelWithGuardrail`` and identifiers such as ``G-HR-Compliance``. Neither exists at
AWS. This module is the only one in the fake that knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardedbedrock.bedrock import VOCABULARIES
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock.bedrock import Vocabulary

INVOKE_WITH_GUARDRAIL: Final = "bedrock:InvokeModelWithGuardrail"
"""The action of a guarded model call in the article."""

_ANY_GUARDRAIL: Final = r"[A-Za-z0-9-]*|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[A-Za-z0-9-]+"


def check_vocabulary(vocabulary: str) -> None:
    """
    Check the name of a vocabulary.

    Raises:
        ConfigurationError: The vocabulary is unknown.
    """
    if vocabulary not in VOCABULARIES:
        raise ConfigurationError(f"vocabulary: {vocabulary!r} is not one of {', '.join(VOCABULARIES)}")


def identifier_patterns(vocabulary: Vocabulary) -> Mapping[str, str]:
    """Return the patterns that replace those of the service model: shape name to pattern; empty for AWS's vocabulary."""
    return {} if vocabulary == "aws" else {"GuardrailIdentifier": _ANY_GUARDRAIL}
