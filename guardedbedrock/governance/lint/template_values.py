"""Values of templates: placeholders for values that are known only at deployment, and helpers that load policies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from guardedbedrock.governance.lint.policy import UNRESOLVED
from guardedbedrock.iam import PolicySyntaxError, PolicyType
from guardedbedrock.iam.language.documents import load_json

ACCOUNT: Final = "123456789012"
ORGANIZATION_POLICIES: Final[Mapping[str, PolicyType]] = {"SERVICE_CONTROL_POLICY": "scp", "RESOURCE_CONTROL_POLICY": "rcp"}
PLACEHOLDERS: Final[Mapping[str, str]] = {
    "Action": f"{UNRESOLVED}:action",
    "NotAction": f"{UNRESOLVED}:action",
    "Resource": f"arn:aws:{UNRESOLVED}:::value",
    "NotResource": f"arn:aws:{UNRESOLVED}:::value",
    "Effect": "Deny",
    "bedrock:guardrailidentifier": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{UNRESOLVED}:1",
}
"""Maps an element of a statement, or a condition key, to the placeholder for a value that is known only at deployment."""
_WITHOUT_BEDROCK: Final = (
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonECSTaskExecutionRolePolicy",
    "AmazonSSMManagedInstanceCore",
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "CloudWatchAgentServerPolicy",
)
"""Names of common AWS managed policies without an action of Bedrock."""


def grants_no_bedrock(policy: str) -> bool:
    """Return whether an ARN is that of an AWS managed policy without actions of Bedrock."""
    return policy.split(":")[2:5] == ["iam", "", "aws"] and policy.rpartition("/")[2] in _WITHOUT_BEDROCK


def placeholder(element: str, text: str = UNRESOLVED) -> str:
    """Return the placeholder for an unknown value of an element or condition key; `text` if any value is valid there."""
    return PLACEHOLDERS.get(element) or PLACEHOLDERS.get(element.lower(), text)


def sample_guardrail(name: str) -> str:
    """Return an ARN for a guardrail of a template."""
    return f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/{sample_identifier(name)}"


def sample_identifier(name: str) -> str:
    """Return an ID for a guardrail of a template."""
    return f"{re.sub('[^a-z0-9]', '', name.lower())}000000000000"[:12]


def loaded(document: Any) -> Any:
    """Load a policy that is given as JSON text; other values, and strings that are not JSON, are returned unchanged."""
    if not isinstance(document, str):
        return document
    try:
        return load_json(document)
    except PolicySyntaxError:
        return document


def keep_repeated(value: Mapping[str, Any], resolved: dict[str, Any]) -> Mapping[str, Any]:
    """Return the resolved members as an object of the same class, so that the parser still sees a repeated key."""
    if type(value) is dict:
        return resolved
    kept = type(value)()
    kept.update(resolved)  # type: ignore[attr-defined]  # a dict
    kept.repeated = getattr(value, "repeated", None)  # type: ignore[attr-defined]  # see iam.language.documents.Object
    return kept


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty object."""
    return value if isinstance(value, Mapping) else {}


def items_of(value: Any) -> list[tuple[str, Any]]:
    """Return the members of an object; an empty list for any other value."""
    return list(mapping_of(value).items())


def list_of(value: Any) -> list[Any]:
    """Return a list: the value itself, a list with the value, or an empty one for None."""
    return value if isinstance(value, list) else [] if value is None else [value]
