"""
The tests that a mutant must pass to survive, quickest first; leaves with 1 at the first failure.

Run in the tree that is tested. All cases are asked in one loop, because a test for each costs more than its question.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
MEMORY: Final = 2 << 30
SLOWER: Final = (
    "mutation/test_condition_survivors.py",
    "iam/test_mutation_survivors.py",
    "iam/test_decisions.py",
    "iam/test_parser.py",
)


def main() -> int:
    """Run them."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.path[:0] = [str(TESTS), str(TESTS / "iam")]
    import test_cases  # noqa: PLC0415
    from harness import casefiles  # noqa: PLC0415  # loads the mutant, which may fail and must not eat all memory

    for case in casefiles.read(test_cases.STOCK, test_cases.OWN):
        test_cases.test_the_engine_decides_as_the_case_says(case)
    import pytest  # noqa: PLC0415

    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--assert=plain", *(str(TESTS / test) for test in SLOWER)])


if __name__ == "__main__":
    sys.exit(main())
