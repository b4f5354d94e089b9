"""
A second engine that follows the rules of IAM literally and slowly, to compare the first engine with.

It shares only `guardedbedrock.iam.Request` with the first engine: it reads raw JSON policies, matches wildcards by recursion and
evaluates every statement.
"""

from __future__ import annotations

from iam.oracle.policies import Oracle, Verdict
from iam.oracle.wildcards import ONE, ONE_IN_SEGMENT, STAR, STAR_IN_SEGMENT, fits, wild

__all__ = ["ONE", "ONE_IN_SEGMENT", "STAR", "STAR_IN_SEGMENT", "Oracle", "Verdict", "fits", "wild"]
