"""
Policy tests as data. A case contains one request or one call, the expected decision, and the statements that determine it.
A proof case contains a question about every request, and the expected answer.

    for result in map(cases.run, cases.load("policies/cases.json")):
        assert result.passed, result.differences

A file is loaded completely or rejected. An unknown field, a repeated id or an unknown operator is an error with file, case and
location, because a case that never runs would always pass.
"""

from guardedbedrock.testing.cases.loader import load, read
from guardedbedrock.testing.cases.proof_cases import ProofCase, ProofResult
from guardedbedrock.testing.cases.records import Case, ClientCall, Expectation, Result
from guardedbedrock.testing.cases.runner import run

__all__ = ["Case", "ClientCall", "Expectation", "ProofCase", "ProofResult", "Result", "load", "read", "run"]
