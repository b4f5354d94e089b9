"""
Compare proofs about random policy sets with enumeration, for as long as you like.

``make fuzz-proofs`` goes on where the last run stopped, until the witnesses of 20,000 refuted questions are confirmed in all.
``PROOFS="--refuted 50000 --state FILE"`` sets another number or file. It exits with 1 at the first wrong answer, and prints its
number: ``harness.proof_check.check(make_case(NUMBER))`` repeats it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from itertools import count
from pathlib import Path
from time import process_time
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.proof_check import check
from harness.small_policies import make_case

EVERY: Final = 500
"""Cases after which the counts are printed and kept."""
START: Final = 100_000
"""The first case: `make test` and `make fuzz` have those before."""


def main() -> int:
    """Run until enough questions are refuted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refuted", type=int, default=20_000, help="refuted questions in all, with those of earlier runs")
    parser.add_argument("--state", type=Path, default=Path(".fuzz-proofs.json"), help="where counts are kept between runs")
    arguments = parser.parse_args()
    counts = Counter(json.loads(arguments.state.read_text("utf-8")) if arguments.state.exists() else {"next": START})
    for number in count(counts["next"]):
        if counts["refuted"] >= arguments.refuted:
            break
        started = process_time()
        found = check(make_case(number))
        if found.problem:
            print(f"case {number} is wrong: {found.problem}")
            return 1
        counts.update({found.answer.answer: 1, "requests": found.tried, "alone": found.is_alone})
        counts["milliseconds"] += round((process_time() - started) * 1000)
        counts["next"] = number + 1
        if counts["next"] % EVERY == 0:
            _keep(counts, arguments.state)
    _keep(counts, arguments.state)
    return 0


def _keep(counts: Counter[str], file: Path) -> None:
    file.write_text(json.dumps(counts), "utf-8")
    answers = ", ".join(f"{counts[answer]} {answer}" for answer in ("proved", "refuted", "unknown"))
    alone = f"{counts['alone']} witnesses that enumeration lacks"
    print(f"{answers}, 0 wrong; {alone}; {counts['requests']} requests; {counts['milliseconds'] / 1000:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
