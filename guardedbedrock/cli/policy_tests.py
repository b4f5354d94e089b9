"""``guardedbedrock test``: run case files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.cli.screen import console, listed, write_json
from guardedbedrock.testing import cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.testing.cases import Result


def command(files: Sequence[str], output: str) -> int:
    """Run the cases of some files; 1 when one fails."""
    results = [cases.run(case) for case in cases.load(*files)]
    if output == "json":
        write_json([_as_json(result) for result in results])
    else:
        _show(results)
    return 0 if all(result.passed for result in results) else 1


def _as_json(result: Result) -> dict[str, object]:
    return {
        "id": result.id,
        "decision": result.decision,
        "expected": result.expected,
        "passed": result.passed,
        "determining": sorted(result.determining),
    }


def _show(results: Sequence[Result]) -> None:
    screen = console()
    failed = [result for result in results if not result.passed]
    for result in failed:
        screen.print(f"FAILED {result.id}: {_sentence(result)}", style="red", soft_wrap=True)
    style = "red" if failed else "green"
    screen.print(f"{len(results) - len(failed)} passed, {len(failed)} failed", style=style, soft_wrap=True)


def _sentence(result: Result) -> str:
    wanted = "" if result.expected_determining is None else f" by {_statements(result.expected_determining)}"
    got = f"{result.decision} by {_statements(result.determining)}"
    others = [(name, pair) for name, pair in result.differences.items() if name in ("policyType", "hangsOn")]
    more = "".join(f"; {name}: expected {_words(pair[0])}, got {_words(pair[1])}" for name, pair in others)
    return f"expected {result.expected}{wanted}, got {got}{more}"


def _statements(sids: frozenset[str]) -> str:
    return listed(sids, "no named statement")


def _words(value: object) -> str:
    return listed(value, "nothing") if isinstance(value, frozenset) else str(value or "nothing")
