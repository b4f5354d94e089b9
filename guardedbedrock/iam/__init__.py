"""
The IAM policy engine: documents in, decisions out; pure, without boto3, input or output, clock or environment.

    >>> from guardedbedrock import iam
    >>> allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:Invoke*", "Resource": "*"}}
    >>> policies = iam.PolicySet(identity=[allow])
    >>> request = iam.Request("arn:aws:iam::111122223333:role/App", "bedrock:InvokeModel", "*")
    >>> policies.evaluate(request).outcome
    'allowed'

A request passes one way through the modules: a `PolicySet` parses documents (`parser`, `documents`), compiles statements
(`statements`, `conditions`, `operators`, `variables`, `arns`, `patterns`), finds those that cover the action (`index`), asks
them (`evaluation`) and answers with a `Decision` (`decisions`, `sentences`, `hangs_on`, `explanations`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from guardedbedrock.iam.engine.decisions import Decision, Outcome, StatementRef
from guardedbedrock.iam.engine.policies import PolicySet
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import POLICY_TYPES, PolicyDocument, PolicyType, Statement
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.matching.operators import OPERATORS

if TYPE_CHECKING:
    from guardedbedrock.iam.explain.model import (
        ExplainedElement,
        ExplainedGroup,
        ExplainedStatement,
        ExplainedValue,
        Explanation,
    )
    from guardedbedrock.iam.language.limits import Finding, findings
    from guardedbedrock.iam.language.writer import write

__all__ = [
    "OPERATORS",
    "POLICY_TYPES",
    "Decision",
    "ExplainedElement",
    "ExplainedGroup",
    "ExplainedStatement",
    "ExplainedValue",
    "Explanation",
    "Finding",
    "Outcome",
    "PolicyDocument",
    "PolicySet",
    "PolicySyntaxError",
    "PolicyType",
    "Request",
    "Statement",
    "StatementRef",
    "findings",
    "parse",
    "write",
]

_HOMES = {"Finding": "language.limits", "findings": "language.limits", "write": "language.writer"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'guardedbedrock.iam' has no attribute '{name}'")
    found = globals()[name] = getattr(import_module(f"guardedbedrock.iam.{_HOMES.get(name, 'explain.model')}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
