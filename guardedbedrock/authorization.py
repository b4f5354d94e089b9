"""`Authorization`, in a leaf module: errors and verdicts carry it, and errors load nothing but the policy engine."""

from __future__ import annotations

from dataclasses import dataclass

from guardedbedrock.iam import Decision, Request


@dataclass(frozen=True, slots=True)
class Authorization:
    """
    One authorization that the call needs, and the decision of the policies.

    Args:
        request: The IAM request.
        decision: What the policies decided.
        one_of: AWS checks only one of the authorizations of the call that share this string; ``""`` if it always checks this one.
        undocumented: Whether AWS does not document that it checks this authorization.
        missing_policy: A policy that also decides and that is not among the configured ones; ``""`` if none is missing.
    """

    request: Request
    decision: Decision
    one_of: str = ""
    undocumented: bool = False
    missing_policy: str = ""
