"""
Run the tests that decide whether a mutant survives, fastest first; exit with 1 at the first failure.

This script runs in the copy of the tree that has the mutant. All cases run in one loop, because one pytest test for each case
costs more than the case.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
MEMORY: Final = 2 << 30
SLOWER: Final = (
    "iam/test_condition_operators.py",
    "iam/test_patterns.py",
    "iam/test_arns.py",
    "iam/test_resources.py",
    "iam/test_principals.py",
    "iam/test_policy_set.py",
    "iam/test_decisions.py",
    "iam/test_parser.py",
    "iam/test_partly_known_values.py",
    "iam/test_gaps.py",
)


def main() -> int:
    """Run the tests and return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.path.insert(0, str(TESTS))
    # Both import the mutant, so the memory limit must be set before.
    from harness import casefiles  # noqa: PLC0415
    from iam import test_cases  # noqa: PLC0415

    for case in casefiles.read(test_cases.PUBLISHED, test_cases.PROJECT):
        test_cases.test_engine_decides_as_the_case_expects(case)
    import pytest  # noqa: PLC0415

    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--assert=plain", *(str(TESTS / test) for test in SLOWER)])


if __name__ == "__main__":
    sys.exit(main())
