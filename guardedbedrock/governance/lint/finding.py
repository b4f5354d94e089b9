"""The result of the linter, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.governance.lint.policy import Group, LintedPolicy

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    A finding of a rule.

    Args:
        policy: The policy.
        pointer: JSON pointer in the policy document.
        message: What is wrong, in one sentence.
        fix: How to fix it; the fix of the rule unless given.
        severity: The severity; that of the rule unless given.
    """

    policy: LintedPolicy
    pointer: str
    message: str
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A rule.

    Args:
        code: AWS's issue code where the meaning is the same, else ``GB`` and three digits.
        severity: Its usual severity.
        title: What it finds, in a few words.
        why: Why that matters.
        fix: How to fix it.
        source: Title of the page that documents the behaviour.
        check: Returns what it finds in the policies of one principal.
        per_policy: Whether it looks at each policy alone.
    """

    code: str
    severity: Severity
    title: str
    why: str
    fix: str
    source: str
    check: Callable[[Group], Iterable[Problem]]
    per_policy: bool = True


@dataclass(frozen=True, slots=True)
class LintFinding:
    """
    A problem with its place in a file.

    Args:
        rule: Code of the rule.
        severity: ``error``, ``warning`` or ``note``.
        file: Path as given.
        line: Line, from 1.
        column: Column, from 1.
        pointer: JSON pointer in the file.
        message: What is wrong.
        fix: How to fix it.
        source: Title of the page that documents the behaviour.
        sid: Sid of the statement; ``""`` if it has none.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    pointer: str
    message: str
    fix: str
    source: str
    sid: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the finding as JSON data."""
        names = ("rule", "severity", "file", "line", "column", "pointer", "message", "fix", "source")
        return {name: getattr(self, name) for name in names}
