"""
The IAM policy engine: it evaluates a request against policies and returns a decision.

The engine is pure: it uses the standard library only, and no boto3, I/O, clock or environment. `account.snapshot` reads files.

    >>> from guardedbedrock import iam
    >>> allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:Invoke*", "Resource": "*"}}
    >>> policies = iam.PolicySet(identity=[allow])
    >>> request = iam.Request("arn:aws:iam::111122223333:role/App", "bedrock:InvokeModel", "*")
    >>> policies.evaluate(request).outcome
    'allowed'

Packages, in the order in which a policy passes through them:

1. `language` parses documents and rejects what AWS would reject.
2. `matching` compiles the elements of a statement to tests of a request.
3. `engine` indexes statements by action and evaluates a request.
4. `decision` holds `PolicySet`, `Decision` and the explanation of a decision.
5. `account` reads the policies of every principal of an account from a snapshot.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.policy_set import PolicySet
from guardedbedrock.iam.engine.gaps import Gap
from guardedbedrock.iam.engine.outcomes import Outcome, StatementRef
from guardedbedrock.iam.errors import PolicySyntaxError
from guardedbedrock.iam.language.documents import POLICY_TYPES, PolicyDocument, PolicyType, Statement
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.matching.operators import OPERATORS
from guardedbedrock.iam.matching.requests import Request

if TYPE_CHECKING:
    from guardedbedrock.iam.account.account import Access, Account
    from guardedbedrock.iam.account.principals import AccountPrincipal
    from guardedbedrock.iam.decision.explanation import (
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
    "Access",
    "Account",
    "AccountPrincipal",
    "Decision",
    "ExplainedElement",
    "ExplainedGroup",
    "ExplainedStatement",
    "ExplainedValue",
    "Explanation",
    "Finding",
    "Gap",
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

_LAZY_MODULES = {
    **dict.fromkeys(("Access", "Account"), "account.account"),
    "AccountPrincipal": "account.principals",
    "Finding": "language.limits",
    "findings": "language.limits",
    "write": "language.writer",
}
"""Modules that most processes never need, imported when a name is first used. All other names: `decision.explanation`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'guardedbedrock.iam' has no attribute '{name}'")
    module = import_module(f"guardedbedrock.iam.{_LAZY_MODULES.get(name, 'decision.explanation')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
