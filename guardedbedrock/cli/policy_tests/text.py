"""The report for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.cli.screen import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.cli.policy_tests.checked import Checked


def show(checked: Sequence[Checked]) -> None:
    """Print a line for each case that failed, and the count."""
    screen = console()
    failed = [each for each in checked if not each.result.passed]
    for each in failed:
        screen.print(f"FAILED {each.case.id}: {each.sentence}", style="red", soft_wrap=True)
    screen.print(counted(checked), style="red" if failed else "green", soft_wrap=True)


def counted(checked: Sequence[Checked]) -> str:
    """Say how many passed and how many failed."""
    passed = sum(each.result.passed for each in checked)
    return f"{passed} passed, {len(checked) - passed} failed"
