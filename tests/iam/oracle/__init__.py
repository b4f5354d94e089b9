"""
A second engine, plain and slow: what IAM's rules say, written down once more without any thought of speed.

It shares with the first engine nothing but `guardedbedrock.iam.Request`: it reads raw JSON policies, matches wildcards by
recursion and asks every statement.
"""

from __future__ import annotations

from iam.oracle.policies import Oracle, Verdict
from iam.oracle.wildcards import ONE, ONE_IN_SEGMENT, STAR, STAR_IN_SEGMENT, fits, wild

__all__ = ["ONE", "ONE_IN_SEGMENT", "STAR", "STAR_IN_SEGMENT", "Oracle", "Verdict", "fits", "wild"]
