"""
Sample requests, with which the policy engine decides whether an unguarded call is possible.

A policy cannot be evaluated for every model, so each Allow is tried with a sample of every type of model that it reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from guardedbedrock.bedrock.actions import GUARDRAIL_KEY
from guardedbedrock.bedrock.resources.unsupported_models import is_model_of
from guardedbedrock.governance.lint.policy import UNRESOLVED, Group, LintedStatement
from guardedbedrock.iam import Decision, Request
from guardedbedrock.iam.matching.arns import split

ACCOUNT: Final = "123456789012"
REGIONS: Final = ("us-east-1", "eu-central-1")
MODELS: Final = {
    "foundation models": "arn:aws:bedrock:{region}::foundation-model/acme.sample-v1:0",
    "deployments of custom models": "arn:aws:bedrock:{region}:123456789012:custom-model-deployment/sample12abcd",
    "imported models": "arn:aws:bedrock:{region}:123456789012:imported-model/sample12abcd",
    "provisioned models": "arn:aws:bedrock:{region}:123456789012:provisioned-model/sample12abcd",
    "Marketplace endpoints": "arn:aws:bedrock:{region}:123456789012:marketplace/model-endpoint/all-access",
}
"""Types of models with a sample. AWS also authorizes the profiles and routers that lead to them."""
_MODEL_PREFIXES: Final = (
    "foundation-model/",
    "custom-model-deployment/",
    "imported-model/",
    "provisioned-model/",
    "marketplace/model-endpoint/",
)
OTHER_GUARDRAIL: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/zz9unlisted9z:7"


def models_of(statement: LintedStatement, exempt_models: tuple[str, ...]) -> Iterator[str]:
    """
    Yield ARNs of models that take a guardrail and that a statement reaches.

    Args:
        statement: The statement.
        exempt_models: Patterns of IDs of models that take no guardrail.
    """
    for sample in MODELS.values():
        for region in REGIONS:
            arn = sample.format(region=region)
            if statement.reaches(arn):
                yield arn
    if not statement.parsed.not_resource:
        for item in statement.resources:
            arn = _concrete(item.text, exempt_models)
            if arn and statement.reaches(arn):
                yield arn


@lru_cache(maxsize=4096)  # keyed by the pattern and the exempt models: policies repeat few resources
def _concrete(pattern: str, exempt_models: tuple[str, ...]) -> str:
    """Return an ARN of a model that a pattern matches; ``""`` if the pattern is for something else."""
    parts = split(pattern)
    if parts is None or parts[2] != "bedrock" or not parts[5].startswith(_MODEL_PREFIXES) or UNRESOLVED in pattern:
        return ""
    arn = filled(pattern)
    return "" if is_model_of(arn, exempt_models) else arn


def filled(pattern: str) -> str:
    """Return an ARN that a pattern matches; ``""`` if the pattern is not an ARN."""
    parts = split(pattern)
    if parts is None:
        return ""
    fills = ("aws", "bedrock", "us-east-1", "" if parts[5].startswith("foundation-model/") else ACCOUNT, "sample12abcd")
    return ":".join(("arn", *(part.replace("*", fill).replace("?", "a") for part, fill in zip(parts[1:], fills, strict=True))))


def ask(group: Group, action: str, resource: str, guardrail: str | None = None) -> Decision | None:
    """
    Decide a request; keys other than the guardrail are unknown.

    Args:
        group: The policies.
        action: The action.
        resource: The ARN of the resource.
        guardrail: Value of the guardrail key; None if the request carries no guardrail.
    """
    policies = group.policy_set
    if policies is None:
        return None
    context = {} if guardrail is None else {GUARDRAIL_KEY: guardrail}
    unknown = sorted(key for key in policies.reads if key not in (GUARDRAIL_KEY.lower(), "aws:requestedregion"))
    region = resource.split(":")[3] if resource.count(":") > 2 else ""  # noqa: PLR2004  # the region is the fourth part
    if region:
        context["aws:RequestedRegion"] = region
    return policies.evaluate(Request(group.principal, action, resource, context, unknown))


def is_possible(group: Group, action: str, resource: str, guardrail: str | None = None) -> bool:
    """Return whether the policies may allow a request; see `ask`."""
    decision = ask(group, action, resource, guardrail)
    return decision is not None and not decision.is_denied


def named_guardrails(group: Group) -> tuple[str, ...]:
    """Return the values of the guardrail key in the policies, with each wildcard replaced by a character."""
    values = (item.text for _, one in group.statements() for line in one.guardrail_lines for item in line.values)
    return tuple(dict.fromkeys(value.replace("*", "1").replace("?", "1") for value in values if value.startswith("arn:")))
