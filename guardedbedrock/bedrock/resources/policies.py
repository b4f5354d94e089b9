"""
Which resource-based policies AWS would not attach to a guardrail or a guardrail profile.

`resource_patterns` knows the few statements that may stand in one; how many there are, Id and Version are left open.

Source: Amazon Bedrock User Guide, "Using resource-based policies for guardrails"; Amazon Bedrock API Reference,
"PutResourcePolicy".
"""

from __future__ import annotations

from collections.abc import Mapping

from guardedbedrock import iam
from guardedbedrock.bedrock.resources.patterns import first_misfit, is_wild, target
from guardedbedrock.iam.language.documents import Source, load_json


def check_resource_policy(policy: Source, resource: str, *, name: str | None = None) -> None:
    """
    Refuse a resource-based policy that AWS would not attach to a guardrail or a guardrail profile.

    Args:
        policy: JSON text, whose size counts as it stands; a JSON object; or a document that was read already, which has no size.
        resource: ARN that it is attached to; a policy on a resource of another type is read, and not checked.
        name: What to call the policy, such as the name of its file.

    Raises:
        ConfigurationError: With the name, the JSON pointer, the statement, what is not accepted, and what would be.

    Source: Amazon Bedrock User Guide, "Using resource-based policies for guardrails".
    """
    _check(iam.parse(policy, "resource", name=name), policy, resource, name)


def _check(document: iam.PolicyDocument, policy: Source, resource: str, name: str | None) -> None:
    attached = target(resource)
    if attached is None:
        return
    if not isinstance(policy, iam.PolicyDocument):
        _check_size(policy, name)
    for index, statement in enumerate(document.statements):
        misfit = first_misfit(statement, attached)
        if misfit:
            element, what, mend = misfit
            subject = f"statement `{statement.sid}`" if statement.sid else f"statement {index}"
            problem = f"{subject} {what}, which AWS accepts in no policy on a {attached.kind}: {mend}"
            raise iam.PolicySyntaxError(problem, pointer=_pointer(policy, index, element), file=document.name)


def check_attached(policy: Source, *, name: str | None = None) -> iam.PolicyDocument:
    """
    Parse a resource-based policy, and check it as one on the guardrail or guardrail profile that its statements name.

    A policy that names neither is parsed, and not checked: what it is attached to is not known.

    Args:
        policy: As for `check_resource_policy`.
        name: What to call it.

    Raises:
        ConfigurationError: As `check_resource_policy` does.
    """
    document = iam.parse(policy, "resource", name=name)
    named = [text for statement in document.statements for text in statement.resources if target(text)]
    _check(document, policy, min(named, key=is_wild, default=""), name)
    return document


def _check_size(policy: str | Mapping[str, object], name: str | None) -> None:
    for finding in iam.findings(policy, "resource"):
        if finding.code == "policy-size":
            raise iam.PolicySyntaxError(f"{finding.message}: shorten it", file=name)


def _pointer(policy: Source, index: int, element: str) -> str:
    """Point to an element; a statement that stands alone, without an array, has no index."""
    data = load_json(policy) if isinstance(policy, str) else policy
    alone = isinstance(data, Mapping) and isinstance(data.get("Statement"), Mapping)
    return f"/Statement/{element}" if alone else f"/Statement/{index}/{element}"
