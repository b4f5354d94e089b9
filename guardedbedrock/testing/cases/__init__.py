"""
Policy tests as data: a case asks one request or one call, and says what the policies should answer and by which statements.

    for result in map(cases.run, cases.load("policies/cases.json")):
        assert result.passed, result.differences

A file is read whole or refused: a stray field, a repeated id, an operator nobody knows are errors that name file, case and place,
because a case that is not asked would pass for ever.
"""

from guardedbedrock.testing.cases.files import load, read
from guardedbedrock.testing.cases.records import Case, ClientCall, Expectation, Result
from guardedbedrock.testing.cases.running import run

__all__ = ["Case", "ClientCall", "Expectation", "Result", "load", "read", "run"]
