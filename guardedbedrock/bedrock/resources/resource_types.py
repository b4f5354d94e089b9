"""
The resource types of Amazon Bedrock and their ARN formats.

Source: Service Authorization Reference, "Resource types defined by Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from guardedbedrock.bedrock.caller import Caller

_ANYWHERE: Final = "arn:{partition}:bedrock:{region}:{account}:"

_OWN_PREFIX: Final = {
    "agent-alias": "agent-alias/",
    "automated-reasoning-policy-version": "automated-reasoning-policy/",
    "bedrock-marketplace-model-endpoint": "marketplace/model-endpoint/",
    "data-automation-invocation-job": "data-automation-invocation/",
    "flow-alias": "flow/",
    "flow-execution": "flow/",
    "prompt-version": "prompt/",
}
_UNTAGGED: Final = frozenset(
    {
        "bedrock-marketplace-model-endpoint",
        "data-automation-profile",
        "default-prompt-router",
        "flow-execution",
        "foundation-model",
        "guardrail-profile",
        "inference-profile",
        "system-tool",
    }
)
_PREFIX_IS_TYPE: Final = (
    "advanced-prompt-optimization-job",
    "agent",
    "application-inference-profile",
    "async-invoke",
    "automated-reasoning-policy",
    "blueprint",
    "blueprint-optimization-invocation",
    "custom-model",
    "custom-model-deployment",
    "data-automation-library",
    "data-automation-library-ingestion-job",
    "data-automation-profile",
    "data-automation-project",
    "default-prompt-router",
    "evaluation-job",
    "flow",
    "guardrail",
    "guardrail-profile",
    "imported-model",
    "inference-profile",
    "knowledge-base",
    "model-copy-job",
    "model-customization-job",
    "model-evaluation-job",
    "model-import-job",
    "model-invocation-job",
    "project",
    "prompt",
    "prompt-router",
    "provisioned-model",
    "session",
)

RESOURCE_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: f"{_ANYWHERE}{name}/" for name in _PREFIX_IS_TYPE},
        **{name: f"{_ANYWHERE}{prefix}" for name, prefix in _OWN_PREFIX.items()},
        "foundation-model": "arn:{partition}:bedrock:{region}::foundation-model/",
        "system-tool": "arn:{partition}:bedrock::{account}:system-tool/",
    }
)
"""Resource type to ARN prefix; ``{partition}``, ``{region}`` and ``{account}`` are those of the caller."""


def is_taggable(resource_type: str) -> bool:
    """Return whether resources of a type can have tags, and so ``aws:ResourceTag/...``."""
    return resource_type not in _UNTAGGED


def arn_of(resource_type: str, name: str, caller: Caller) -> str:
    """
    Return the ARN of a resource; an ARN stays as it is.

    Raises:
        KeyError: The type is unknown.
    """
    if name.startswith("arn:"):
        return name
    head = RESOURCE_TYPES[resource_type].format(partition=caller.partition, region=caller.region, account=caller.account)
    return head + name


def name_in(arn: str) -> str:
    """
    Return the name of a resource from its ARN; any other string is already a name.

    >>> name_in("arn:aws:bedrock:us-east-1:111122223333:flow/ABCDEFGHIJ")
    'ABCDEFGHIJ'
    """
    return arn.rpartition("/")[2] if arn.startswith("arn:") else arn
